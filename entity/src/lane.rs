//! The right to call one connection: held by one node at a time. Its id is the connection's.

use sea_orm::entity::prelude::*;

use crate::Timestamp;

/// A row of `lane`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "lane")]
pub struct Model {
    /// Version 7 UUID.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Whose it is.
    pub organization_id: Uuid,
    /// When there is work next; none when there is none.
    pub next_at: Option<Timestamp>,
    /// When changes at the PSA are asked for next; none where the connection is off.
    pub poll_at: Option<Timestamp>,
    /// Up to when changes are known.
    pub poll_cursor: Option<Timestamp>,
    /// No call before this.
    pub paused_until: Timestamp,
    /// Why, in words.
    pub pause_reason: Option<String>,
    /// How many calls in a row failed.
    pub failures: i32,
    /// Whose it is until then.
    pub lease_until: Timestamp,
    /// Which node holds it.
    pub holder: Option<String>,
    /// Counts the leases: results under an older one are void.
    pub fence: i64,
    /// When the PSA's pick lists are read again by themselves; none where the connection is off.
    pub lists_at: Option<Timestamp>,
    /// Whose calls it spends: key of a call budget; empty until it was served once.
    pub budget_key: String,
}

/// Relations are followed by loaders, in batches; see the domain.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
