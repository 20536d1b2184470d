//! Which findings are on a ticket.

use sea_orm::entity::prelude::*;

use crate::Timestamp;

/// A row of `ticket_finding`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "ticket_finding")]
pub struct Model {
    /// Version 7 UUID.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Whose it is.
    pub organization_id: Uuid,
    /// The ticket.
    pub ticket_id: Uuid,
    /// The finding.
    pub finding_id: Uuid,
    /// Since when.
    pub added_at: Timestamp,
}

/// Relations are followed by loaders, in batches; see the domain.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
