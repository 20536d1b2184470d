//! One of the secrets an endpoint accepts.

use sea_orm::entity::prelude::*;

use crate::Timestamp;

/// A row of `webhook_secret`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "webhook_secret")]
pub struct Model {
    /// Version 7 UUID.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Whose it is.
    pub organization_id: Uuid,
    /// Of which endpoint.
    pub webhook_endpoint_id: Uuid,
    /// Which of the sender's keys it is, where the sender has several and each webhook names its own.
    pub key_name: Option<String>,
    /// The secret, sealed; of a secret that is only compared its keyed hash, sealed.
    pub sealed: Vec<u8>,
    /// Its last characters, to recognise it by.
    pub hint: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it stops being accepted.
    pub expires_at: Option<Timestamp>,
}

/// Relations are followed by loaders, in batches; see the domain.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
