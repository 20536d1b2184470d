//! What a sender or a person said of how much a company uses.

use sea_orm::entity::prelude::*;

use crate::{Quantity, Timestamp};

/// What became of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(24))", rename_all = "snake_case")]
pub enum UsageState {
    /// It counts.
    Counted,
    /// Nobody here is known by that name; it counts as soon as somebody is.
    Held,
    /// It could not be read or cannot be right.
    Refused,
}

/// A row of `usage_report`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "usage_report")]
pub struct Model {
    /// Version 7 UUID.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Whose it is.
    pub organization_id: Uuid,
    /// The webhook that brought it.
    pub webhook_delivery_id: Option<Uuid>,
    /// Whose it is, where that is known.
    pub company_id: Option<Uuid>,
    /// Which product said it.
    pub source: String,
    /// The sender's name for the company, where it was named so.
    pub client_ref: Option<String>,
    /// What is used.
    pub product: String,
    /// How much.
    pub quantity: Quantity,
    /// When it was so.
    pub observed_at: Timestamp,
    /// What the same report is recognised by.
    pub fingerprint: String,
    /// How often the same came again.
    pub duplicate_count: i32,
    /// What became of it.
    pub state: UsageState,
    /// Why it does not count, with the next step.
    pub problem: Option<String>,
    /// When it came.
    pub created_at: Timestamp,
}

/// Relations are followed by loaders, in batches; see the domain.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
