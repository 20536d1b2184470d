//! One MSP: the tenant, the wall.

use sea_orm::entity::prelude::*;

use crate::Timestamp;

/// A row of `organization`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "organization")]
pub struct Model {
    /// Version 7 UUID.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Short name in addresses and commands; unique in the installation.
    pub slug: String,
    /// Name for people.
    pub name: String,
    /// Whether events open tickets at all; what is open is followed and closed all the same.
    pub is_ticketing_enabled: bool,
    /// The company that takes what senders say of companies that nobody here knows; none where that is held.
    pub catch_all_company_id: Option<Uuid>,
    /// The organization that has taken over all it had; none where it goes on by itself. What is left of it then is its
    /// audit log.
    pub merged_into_id: Option<Uuid>,
    /// When that was.
    pub merged_at: Option<Timestamp>,
    /// The shard that it lives in, or is being brought to: none where that is this one. While it is set nobody serves it
    /// from here.
    pub moving_to: Option<String>,
    /// When all that it had was gone from here; none while it is under way.
    pub moved_at: Option<Timestamp>,
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
