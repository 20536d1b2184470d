//! One try to tell a subscriber something.

use sea_orm::entity::prelude::*;

use crate::Timestamp;

/// A row of `notification_attempt`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "notification_attempt")]
pub struct Model {
    /// Version 7 UUID.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Whose it is.
    pub organization_id: Uuid,
    /// Of which notification.
    pub notification_id: Uuid,
    /// From 1.
    pub number: i32,
    /// When it began; written before the subscriber is called.
    pub started_at: Timestamp,
    /// When it ended; none while it runs, or where the process died in it.
    pub finished_at: Option<Timestamp>,
    /// `done`, `interrupted` or the code of what went wrong.
    pub outcome: Option<String>,
    /// HTTP status of the answer.
    pub response_status: Option<i32>,
    /// How long the subscriber took, in milliseconds.
    pub latency_ms: Option<i64>,
    /// What was seen, in words.
    pub message: Option<String>,
    /// Which node tried.
    pub node: String,
}

/// Relations are followed by loaders, in batches; see the domain.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
