//! The right to call one subscriber: held by one node at a time. Its id is the subscriber's.

use sea_orm::entity::prelude::*;

use crate::Timestamp;

/// A row of `subscriber_lane`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "subscriber_lane")]
pub struct Model {
    /// Version 7 UUID.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Whose it is.
    pub organization_id: Uuid,
    /// When there is something to tell next; none when there is nothing.
    pub next_at: Option<Timestamp>,
    /// Nothing is sent before this.
    pub paused_until: Timestamp,
    /// Why, in words.
    pub pause_reason: Option<String>,
    /// How many tries in a row failed, since the lane rested last because somebody asked for another try.
    pub failures: i32,
    /// How many notifications there were: gives the next one its number.
    pub last_number: i64,
    /// Whose it is until then.
    pub lease_until: Timestamp,
    /// Which node holds it.
    pub holder: Option<String>,
    /// Counts the leases: results under an older one are void.
    pub fence: i64,
}

/// Relations are followed by loaders, in batches; see the domain.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
