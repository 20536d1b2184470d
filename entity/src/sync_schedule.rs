//! When a connection's runs of a kind come by themselves.

use sea_orm::entity::prelude::*;

use crate::{Timestamp, sync_run::SyncKind};

/// A row of `sync_schedule`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "sync_schedule")]
pub struct Model {
    /// Version 7 UUID.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Whose it is.
    pub organization_id: Uuid,
    /// Through which connection.
    pub psa_connection_id: Uuid,
    /// Which runs.
    pub kind: SyncKind,
    /// How often, and on the clocks of which time zone.
    pub cadence: Json,
    /// Whether they come.
    pub is_enabled: bool,
    /// When the next one comes; none where it is off.
    pub next_at: Option<Timestamp>,
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
