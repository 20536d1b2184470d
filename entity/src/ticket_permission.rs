//! What a role or a member sees of a connection's tickets.

use sea_orm::entity::prelude::*;

use crate::{Role, Timestamp};

/// A row of `ticket_permission`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "ticket_permission")]
pub struct Model {
    /// Version 7 UUID.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Whose it is.
    pub organization_id: Uuid,
    /// For tickets of this connection.
    pub psa_connection_id: Uuid,
    /// `role:technician` or `member:<id>`: one rule for each on a connection.
    pub subject: String,
    /// The role, where it is for a role.
    pub role: Option<Role>,
    /// The member, where it is for one.
    pub member_id: Option<Uuid>,
    /// The boards whose tickets are seen, a list of the PSA's values; none for all.
    pub boards: Option<Json>,
    /// Names of the ticket's fields that are not seen.
    pub hidden_fields: Json,
    /// Whether notes are seen.
    pub shows_notes: bool,
    /// Whether notes that customers do not see are among them.
    pub shows_internal_notes: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// Relations are followed by loaders, in batches; see the domain.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
