//! What a sender of events calls an asset: its own stable name for it.

use sea_orm::entity::prelude::*;

use crate::Timestamp;

/// A row of `asset_alias`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "asset_alias")]
pub struct Model {
    /// Version 7 UUID.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Whose it is.
    pub organization_id: Uuid,
    /// The asset's company.
    pub company_id: Uuid,
    /// Which product calls it so.
    pub source: String,
    /// Its name for it.
    pub value: String,
    /// The asset.
    pub asset_id: Uuid,
    /// When it was called so first.
    pub created_at: Timestamp,
}

/// No relations are declared; queries name what they join.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
