//! One of the PSA's own lists of values: a copy.

use sea_orm::entity::prelude::*;

use crate::Timestamp;

/// A row of `pick_list`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "pick_list")]
pub struct Model {
    /// Version 7 UUID.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Whose it is.
    pub organization_id: Uuid,
    /// Read through this connection.
    pub psa_connection_id: Uuid,
    /// Which list, e.g. `status`.
    pub key: String,
    /// Its values with their dependencies, in the PSA's order.
    pub items: Json,
    /// Why it could not be read, where it could not.
    pub problem: Option<String>,
    /// When it was last read.
    pub synced_at: Timestamp,
}

/// Relations are followed by loaders, in batches; see the domain.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
