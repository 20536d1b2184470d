//! The ledger: a value that a line was to have in a month, and what became of it.

use sea_orm::entity::prelude::*;

use crate::{Quantity, Timestamp};

/// Where an entry stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(24))", rename_all = "snake_case")]
pub enum EntryState {
    /// To be sent.
    Planned,
    /// The PSA is being asked: written down before it is.
    Sending,
    /// The PSA took it; it is not read back yet.
    Sent,
    /// The PSA was asked and it is not known whether it did it: looked for before anything else.
    Unknown,
    /// It is not known, and cannot be found out: a person decides.
    Held,
    /// Read back, and the line has the value.
    Settled,
    /// Read back, and the line has another value.
    Differs,
    /// The PSA said no.
    Failed,
    /// Not sent: another value took its place.
    Superseded,
}

/// A row of `billing_entry`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "billing_entry")]
pub struct Model {
    /// Version 7 UUID.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Whose it is.
    pub organization_id: Uuid,
    /// Of which line.
    pub billing_line_id: Uuid,
    /// The line's [`aim`](super::billing_line::Model::aim) then.
    pub aim: i32,
    /// At which PSA.
    pub psa_connection_id: Uuid,
    /// The first day of the month, as in `2026-11-01`.
    pub period: String,
    /// When the month begins.
    pub period_starts_at: Timestamp,
    /// When it ends.
    pub period_ends_at: Timestamp,
    /// 0 for what follows from usage; corrections by people count from 1 in their month.
    pub correction: i32,
    /// Why it was corrected.
    pub reason: Option<String>,
    /// Who corrected or decided it.
    pub decided_by: Option<String>,
    /// The most that was used when it was planned; none where nothing was reported.
    pub mark: Option<Quantity>,
    /// What the line is to have.
    pub proposed: Quantity,
    /// What it had before it was sent.
    pub before: Option<Quantity>,
    /// What was sent: the value, or the difference where the PSA takes only these.
    pub sent: Option<Quantity>,
    /// When it was sent last.
    pub sent_at: Option<Timestamp>,
    /// The day from which it is to count in the PSA, as in `2026-11-01`.
    pub effective_on: Option<String>,
    /// What the line had when it was read back.
    pub read_back: Option<Quantity>,
    /// When that was.
    pub read_back_at: Option<Timestamp>,
    /// Where it stands.
    pub state: EntryState,
    /// Stable name of what went wrong last.
    pub problem_code: Option<String>,
    /// The same in words, with the next step.
    pub problem: Option<String>,
    /// Since when it is not known whether it was done.
    pub uncertain_since: Option<Timestamp>,
    /// When it is worked on next; none where nothing is to be done.
    pub run_at: Option<Timestamp>,
    /// How often the PSA was asked to set it.
    pub attempts: i32,
    /// When it was planned.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// Relations are followed by loaders, in batches; see the domain.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
