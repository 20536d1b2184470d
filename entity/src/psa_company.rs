//! A company as the PSA knows it: a copy.

use sea_orm::entity::prelude::*;

use crate::Timestamp;

/// A row of `psa_company`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "psa_company")]
pub struct Model {
    /// Version 7 UUID.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Whose it is.
    pub organization_id: Uuid,
    /// Read through this connection.
    pub psa_connection_id: Uuid,
    /// The PSA's id.
    pub external_id: String,
    /// Its name there.
    pub name: String,
    /// Its type in words.
    pub company_type: Option<String>,
    /// Its status in words.
    pub status: Option<String>,
    /// Whether the PSA still works for it.
    pub is_active: bool,
    /// Where a person opens it.
    pub external_url: Option<String>,
    /// When it was last read.
    pub synced_at: Timestamp,
}

/// Relations are followed by loaders, in batches; see the domain.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
