//! A note on a ticket as the PSA keeps it: a copy.

use sea_orm::entity::prelude::*;

use crate::Timestamp;

/// A row of `psa_ticket_note`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "psa_ticket_note")]
pub struct Model {
    /// Version 7 UUID.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Whose it is.
    pub organization_id: Uuid,
    /// Read through this connection.
    pub psa_connection_id: Uuid,
    /// On which ticket.
    pub psa_ticket_id: Uuid,
    /// The PSA's id, unique among the ticket's notes.
    pub external_id: String,
    /// What it says.
    pub text: String,
    /// Who wrote it, in the PSA's words.
    pub author: Option<String>,
    /// Whether customers do not see it; so, too, where the PSA does not say.
    pub is_internal: bool,
    /// When it was written; zero where the PSA does not say.
    pub written_at: Timestamp,
    /// When it was last read as something new or changed.
    pub synced_at: Timestamp,
}

/// Relations are followed by loaders, in batches; see the domain.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
