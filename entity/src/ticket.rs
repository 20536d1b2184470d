//! Our record of one PSA ticket.

use sea_orm::entity::prelude::*;

use crate::{Severity, Timestamp};

/// Where a ticket stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(24))", rename_all = "snake_case")]
pub enum TicketState {
    /// To be created.
    Planned,
    /// The PSA is being asked.
    Creating,
    /// The PSA was asked and it is not known whether it did it; we look before asking again.
    Unknown,
    /// It is open in the PSA.
    Open,
    /// To be closed.
    Closing,
    /// It is closed in the PSA.
    Closed,
    /// To be opened again.
    Reopening,
    /// The PSA said no; mend the reason and retry the operation.
    Failed,
}

/// A row of `ticket`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "ticket")]
pub struct Model {
    /// Version 7 UUID.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Whose it is.
    pub organization_id: Uuid,
    /// On which connection.
    pub psa_connection_id: Uuid,
    /// For which company of ours.
    pub company_id: Uuid,
    /// For which company of the PSA.
    pub psa_company_id: Uuid,
    /// How it is made and closed.
    pub ticket_profile_id: Uuid,
    /// Why it was opened; none for a test ticket.
    pub policy_id: Option<Uuid>,
    /// Which findings belong on it.
    pub group_key: String,
    /// The group key while the ticket is not closed, none after: unique on its connection, so that a
    /// group has one open ticket at the most.
    pub open_group_key: Option<String>,
    /// Where it stands.
    pub state: TicketState,
    /// Stable name of the reason for that, where it is not plain.
    pub state_reason: Option<String>,
    /// The reason in words, with the next step.
    pub state_message: Option<String>,
    /// Our mark on the PSA's ticket.
    pub marker: String,
    /// The PSA's id.
    pub external_id: Option<String>,
    /// The number people see.
    pub external_number: Option<String>,
    /// Where a person opens it.
    pub external_url: Option<String>,
    /// Its status there, as a value of the pick list `status`.
    pub external_status: Option<String>,
    /// The board it is on, as the PSA's own value: its profile's until the PSA says otherwise; none where the
    /// platform has no boards.
    pub board: Option<String>,
    /// One line for people.
    pub title: String,
    /// The highest severity among its findings.
    pub severity: Severity,
    /// Whether `ticketSendTest` made it.
    pub is_test: bool,
    /// The closed ticket this one follows.
    pub previous_ticket_id: Option<Uuid>,
    /// How many operations it has had: gives the next one its place.
    pub operation_count: i64,
    /// When the last note about repetitions was planned.
    pub noted_at: Option<Timestamp>,
    /// When the PSA's ticket is to be read again.
    pub refresh_at: Option<Timestamp>,
    /// When its first problem was seen, of those that were on it when it was opened. It is given with a new ticket or by
    /// the database, which takes the earliest; a saved row leaves it.
    pub first_seen_at: Option<Timestamp>,
    /// When the PSA's ticket was opened.
    pub opened_at: Option<Timestamp>,
    /// When it was closed.
    pub closed_at: Option<Timestamp>,
    /// Who closed it: a person's name as the PSA gives it, or `PSA Gateway`.
    pub closed_by: Option<String>,
    /// Values that its policy sets beside its profile's, by key; none where it sets none.
    pub overrides: Option<Json>,
    /// Whether somebody has worked on it in the PSA: its status was changed there.
    pub is_touched: bool,
    /// When its findings were listed in its text; none where it lists none, or is not created yet.
    pub listed_at: Option<Timestamp>,
    /// When the next note about its findings is to be planned.
    pub note_due_at: Option<Timestamp>,
    /// When it is to be closed, where nothing on it is open by then.
    pub close_due_at: Option<Timestamp>,
    /// How often its problem came back within a day of the time before.
    pub flap_count: i32,
    /// When it came back last.
    pub flapped_at: Option<Timestamp>,
    /// When it was planned.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// Relations are followed by loaders, in batches; see the domain.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
