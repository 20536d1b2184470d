//! What deserves a ticket.

use sea_orm::entity::prelude::*;

use crate::{Severity, Timestamp};

/// A row of `policy`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "policy")]
pub struct Model {
    /// Version 7 UUID.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Whose it is.
    pub organization_id: Uuid,
    /// Name for people.
    pub name: String,
    /// Whether it opens tickets at all.
    pub is_enabled: bool,
    /// Findings below this severity open no ticket.
    pub minimum_severity: Severity,
    /// The ticket profile to use; the organization's default where there is none.
    pub ticket_profile_id: Option<Uuid>,
    /// How long after its close a ticket is reopened rather than followed by a new one, in seconds.
    pub reopen_window_secs: i64,
    /// At most one note about repetitions in this time, in seconds.
    pub note_interval_secs: i64,
    /// Counts changes by people, from 1.
    pub version: i32,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// Relations are followed by loaders, in batches; see the domain.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
