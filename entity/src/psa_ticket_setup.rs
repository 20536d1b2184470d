//! How the copy of a connection's own tickets is kept in step.

use sea_orm::entity::prelude::*;

use crate::Timestamp;

/// A row of `psa_ticket_setup`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "psa_ticket_setup")]
pub struct Model {
    /// Version 7 UUID.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Whose it is.
    pub organization_id: Uuid,
    /// Of which connection.
    pub psa_connection_id: Uuid,
    /// Whether they are read.
    pub is_enabled: bool,
    /// How far back, and whether with notes.
    pub settings: Json,
    /// Up to when all changes were read; none where all of them are to be read.
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
