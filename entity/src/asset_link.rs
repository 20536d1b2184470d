//! Which configuration of a PSA an asset is, on one connection.

use sea_orm::entity::prelude::*;

use crate::Timestamp;

/// A row of `asset_link`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "asset_link")]
pub struct Model {
    /// Version 7 UUID.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Whose it is.
    pub organization_id: Uuid,
    /// Our side.
    pub asset_id: Uuid,
    /// On which connection.
    pub psa_connection_id: Uuid,
    /// The PSA's id of the configuration; none where nothing is known to be there.
    pub external_id: Option<String>,
    /// Where a person opens it.
    pub external_url: Option<String>,
    /// Whether it is the gateway that says what it is; else it was only found there.
    pub is_written: bool,
    /// What the PSA was told last; none where it was told nothing.
    pub sent: Option<Json>,
    /// Why the PSA could not be told, and how to mend that; none where it was.
    pub problem: Option<String>,
    /// When that was.
    pub updated_at: Timestamp,
}

/// Relations are followed by loaders, in batches; see the domain.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
