//! How configurations of a connection are kept in step.

use sea_orm::entity::prelude::*;

use crate::Timestamp;

/// A row of `configuration_setup`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "configuration_setup")]
pub struct Model {
    /// Version 7 UUID.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Whose it is.
    pub organization_id: Uuid,
    /// Of which connection.
    pub psa_connection_id: Uuid,
    /// Whether they are read from the PSA.
    pub is_enabled: bool,
    /// What is read, of which companies, and what becomes of it.
    pub settings: Json,
    /// What the PSA has: its fields, types and statuses; none before it was asked.
    pub catalogue: Option<Json>,
    /// When it was asked, last.
    pub catalogue_at: Option<Timestamp>,
    /// When all configurations were read, last.
    pub synced_at: Option<Timestamp>,
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
