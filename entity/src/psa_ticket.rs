//! A ticket as the PSA keeps it, whoever made it: a copy.

use sea_orm::entity::prelude::*;

use crate::Timestamp;

/// A row of `psa_ticket`. Times by which lists are ordered are never null: zero where the PSA does not say.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "psa_ticket")]
pub struct Model {
    /// Version 7 UUID.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Whose it is.
    pub organization_id: Uuid,
    /// Read through this connection.
    pub psa_connection_id: Uuid,
    /// The PSA's company whose it is.
    pub psa_company_id: Uuid,
    /// The PSA's id.
    pub external_id: String,
    /// The number people see there; the id where it has no other.
    pub number: String,
    /// The board it is on, as a value of the platform's profile field for boards.
    pub board: Option<String>,
    /// The board in words.
    pub board_label: Option<String>,
    /// Its status, as a value of the pick list `status`.
    pub status: Option<String>,
    /// Its status in words.
    pub status_label: Option<String>,
    /// Whether that is a closed one.
    pub is_closed: bool,
    /// Its priority, as the PSA's value.
    pub priority: Option<String>,
    /// Its priority in words.
    pub priority_label: Option<String>,
    /// Its type in words.
    pub ticket_type: Option<String>,
    /// One line for people.
    pub summary: String,
    /// The PSA's id of the contact that it is for.
    pub contact_external_id: Option<String>,
    /// The contact's name.
    pub contact_name: Option<String>,
    /// Who asked for it, in the PSA's words: a name or an address.
    pub requester: Option<String>,
    /// Where a person opens it.
    pub external_url: Option<String>,
    /// When it was made there.
    pub opened_at: Timestamp,
    /// When it was last changed there.
    pub updated_at: Timestamp,
    /// When it was closed there.
    pub closed_at: Option<Timestamp>,
    /// Whether its notes are to be read: it changed since they were.
    pub is_notes_due: bool,
    /// When its notes were read, last.
    pub notes_read_at: Option<Timestamp>,
    /// When something of it was other than before, last.
    pub changed_at: Option<Timestamp>,
    /// When it was last read as something new or changed.
    pub synced_at: Timestamp,
}

/// Relations are followed by loaders, in batches; see the domain.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
