//! A webhook address for one sender.

use sea_orm::entity::prelude::*;

use crate::Timestamp;

/// A row of `webhook_endpoint`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "webhook_endpoint")]
pub struct Model {
    /// Version 7 UUID.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Whose it is.
    pub organization_id: Uuid,
    /// The last part of its address: 32 letters and digits.
    pub key: String,
    /// Name for people.
    pub name: String,
    /// The kind of product that posts: key of a scanner, or of a platform.
    pub sender: String,
    /// The PSA connection it speaks for, where the sender is a platform.
    pub psa_connection_id: Option<Uuid>,
    /// How it is authenticated: key of a scheme.
    pub scheme: String,
    /// Whether it takes webhooks.
    pub is_enabled: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// Relations are followed by loaders, in batches; see the domain.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
