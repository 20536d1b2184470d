//! A finding that waits for its ticket until a time.

use sea_orm::entity::prelude::*;

use crate::Timestamp;

/// What a finding waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(24))", rename_all = "snake_case")]
pub enum WaitsFor {
    /// That it stays: what is over before gets no ticket.
    Settle,
    /// The next digest of its policy.
    Digest,
    /// The end of a maintenance window.
    Maintenance,
    /// The end of a mute.
    Mute,
}

/// A row of `waiting_finding`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "waiting_finding")]
pub struct Model {
    /// Version 7 UUID.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Whose it is.
    pub organization_id: Uuid,
    /// What waits; it waits once.
    pub finding_id: Uuid,
    /// The event that asks for the ticket.
    pub event_id: Uuid,
    /// The policy that makes it wait.
    pub policy_id: Option<Uuid>,
    /// What it waits for.
    pub waits_for: WaitsFor,
    /// Until when.
    pub due_at: Timestamp,
    /// Since when.
    pub created_at: Timestamp,
}

/// Relations are followed by loaders, in batches; see the domain.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
