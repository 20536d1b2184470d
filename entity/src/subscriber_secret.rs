//! One of the secrets that what a subscriber is told is signed with.

use sea_orm::entity::prelude::*;

use crate::Timestamp;

/// A row of `subscriber_secret`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "subscriber_secret")]
pub struct Model {
    /// Version 7 UUID.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Whose it is.
    pub organization_id: Uuid,
    /// Of which subscriber.
    pub webhook_subscriber_id: Uuid,
    /// The secret, sealed.
    pub sealed: Vec<u8>,
    /// Its last characters, to recognise it by.
    pub hint: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it stops being signed with; none for the one in use.
    pub expires_at: Option<Timestamp>,
}

/// Relations are followed by loaders, in batches; see the domain.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
