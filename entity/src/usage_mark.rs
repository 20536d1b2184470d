//! The most that a company has used of a product in a billing month.

use sea_orm::entity::prelude::*;

use crate::{Quantity, Timestamp};

/// A row of `usage_mark`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "usage_mark")]
pub struct Model {
    /// Version 7 UUID.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Whose it is.
    pub organization_id: Uuid,
    /// Who used it.
    pub company_id: Uuid,
    /// The product, by the name that reports have for it.
    pub product: String,
    /// The first day of the month, as in `2026-11-01`.
    pub period: String,
    /// When the month begins.
    pub period_starts_at: Timestamp,
    /// When it ends.
    pub period_ends_at: Timestamp,
    /// The most that was reported.
    pub high_water: Quantity,
    /// For when that was reported.
    pub high_water_at: Timestamp,
    /// What was reported for the latest moment.
    pub last_quantity: Quantity,
    /// That moment.
    pub last_observed_at: Timestamp,
    /// How many reports say something of it.
    pub report_count: i32,
    /// Whether it rose when the month was over.
    pub is_late: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When a report last counted.
    pub updated_at: Timestamp,
}

/// Relations are followed by loaders, in batches; see the domain.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
