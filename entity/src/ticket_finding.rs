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
    /// Since when; since it came back, where it was over in between.
    pub added_at: Timestamp,
    /// When it was over; none while it is there.
    pub ended_at: Option<Timestamp>,
    /// Whether the ticket tells of it as it stands: that it is there, or that it is over.
    pub is_told: bool,
}

/// Relations are followed by loaders, in batches; see the domain.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
