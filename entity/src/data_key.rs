//! A key that encrypts one organization's secrets, itself encrypted by a master key.

use sea_orm::entity::prelude::*;

use crate::Timestamp;

/// A row of `data_key`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "data_key")]
pub struct Model {
    /// Version 7 UUID.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Whose secrets it encrypts; none for the installation's own.
    pub organization_id: Option<Uuid>,
    /// Which master key wraps it.
    pub master_key_id: String,
    /// Nonce and ciphertext.
    pub wrapped: Vec<u8>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Relations are followed by loaders, in batches; see the domain.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
