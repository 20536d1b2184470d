//! Somebody who is told what becomes of an organization's tickets, by signed webhooks.

use sea_orm::entity::prelude::*;

use crate::Timestamp;

/// Why the gateway has switched a subscriber off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(24))", rename_all = "snake_case")]
pub enum DisabledBecause {
    /// It answered that it is gone for good (HTTP 410).
    Gone,
    /// Nothing arrived there for days.
    Failing,
}

/// A row of `webhook_subscriber`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "webhook_subscriber")]
pub struct Model {
    /// Version 7 UUID.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Whose it is.
    pub organization_id: Uuid,
    /// Name for people; unique in the organization.
    pub name: String,
    /// Where it is told.
    pub url: String,
    /// Whether it is told anything.
    pub is_enabled: bool,
    /// The kinds of news it wants, a list of their names; all where there is none.
    pub kinds: Option<Json>,
    /// The policies of whose tickets it is told, a list of ids; every ticket where there is none.
    pub policy_ids: Option<Json>,
    /// How many tries in a row failed.
    pub failures: i32,
    /// Since when nothing arrived; none where the last try worked.
    pub failing_since: Option<Timestamp>,
    /// When something arrived last.
    pub last_success_at: Option<Timestamp>,
    /// When a try failed last.
    pub last_failure_at: Option<Timestamp>,
    /// What went wrong then, in words.
    pub last_failure: Option<String>,
    /// When the gateway switched it off.
    pub disabled_at: Option<Timestamp>,
    /// Why it did.
    pub disabled_because: Option<DisabledBecause>,
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
