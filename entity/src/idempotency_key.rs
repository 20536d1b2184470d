//! What came of a mutation that was asked for under a key, so that asking again gives the same answer.

use sea_orm::entity::prelude::*;

use crate::Timestamp;

/// A row of `idempotency_key`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "idempotency_key")]
pub struct Model {
    /// Version 7 UUID.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Whose keys these are; none for those of operators of the installation.
    pub organization_id: Option<Uuid>,
    /// Fingerprint of tenant and key, by which it is found: the key itself is not kept.
    pub key_digest: Vec<u8>,
    /// Fingerprint of the mutation and its input.
    pub request_digest: Vec<u8>,
    /// The token or member that asked.
    pub asked_by: String,
    /// What was made or changed: ids and, of many rows, each one's outcome.
    pub result: Json,
    /// The secret that the first answer showed, sealed; none where it showed none.
    pub sealed: Option<Vec<u8>>,
    /// When it was asked for.
    pub created_at: Timestamp,
}

/// Relations are followed by loaders, in batches; see the domain.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
