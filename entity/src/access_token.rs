//! Who may use the API. The token itself is not kept.

use sea_orm::entity::prelude::*;

use crate::{Role, Timestamp};

/// A row of `access_token`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "access_token")]
pub struct Model {
    /// Version 7 UUID.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Whose data it opens; none for the whole installation.
    pub organization_id: Option<Uuid>,
    /// What it is for.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// The part of the token it is looked up by.
    pub key_id: String,
    /// HMAC-SHA256 of the token under a key that only the vault can open.
    pub digest: Vec<u8>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it stops working.
    pub expires_at: Option<Timestamp>,
    /// When it was withdrawn.
    pub revoked_at: Option<Timestamp>,
    /// Names of the permissions that it holds of its role's; none for all of them.
    pub scopes: Option<Json>,
    /// Addresses and networks that it is taken from; none for everywhere.
    pub allowed_addresses: Option<Json>,
    /// The part that its text before the last rotation is looked up by.
    pub previous_key_id: Option<String>,
    /// That text's digest.
    pub previous_digest: Option<Vec<u8>>,
    /// Until when that text is taken.
    pub previous_expires_at: Option<Timestamp>,
    /// When it was last shown, to the minute.
    pub last_used_at: Option<Timestamp>,
    /// From which address.
    pub last_used_from: Option<String>,
}

/// Relations are followed by loaders, in batches; see the domain.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
