//! When an organization's months begin, and when its quantities are pushed.

use sea_orm::entity::prelude::*;

use crate::Timestamp;

/// A row of `billing_calendar`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "billing_calendar")]
pub struct Model {
    /// Version 7 UUID.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Whose it is.
    pub organization_id: Uuid,
    /// The day on which a billing month begins, 1 to 31; the last of a month that has fewer.
    pub start_day: i32,
    /// By the clocks of this zone, by its name in the IANA time zone database.
    pub time_zone: String,
    /// At which minute of the day quantities are pushed, 0 to 1439.
    pub push_minute: i32,
    /// Whether they are pushed every day by themselves.
    pub is_push_enabled: bool,
    /// When they are pushed next.
    pub next_push_at: Option<Timestamp>,
    /// When they were looked through last.
    pub last_push_at: Option<Timestamp>,
    /// Counts changes by people, from 1.
    pub version: i32,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// Relations are followed by loaders, in batches; see the domain.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
