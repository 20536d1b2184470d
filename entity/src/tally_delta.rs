//! A change of the kept counts that is not folded into them yet. Written by triggers alone.

use sea_orm::entity::prelude::*;

use crate::tally::About;

/// A row of `tally_delta`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "tally_delta")]
pub struct Model {
    /// Counts up.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// Whose it is.
    pub organization_id: Uuid,
    /// What is counted.
    pub about: About,
    /// For which company; the nil UUID where it has none.
    pub company_id: Uuid,
    /// Days since 1970-01-01 in UTC.
    pub day: i32,
    /// The connection of the ticket, the endpoint of the delivery.
    pub place_id: Uuid,
    /// The severity of the ticket; 0 of a delivery.
    pub severity: i16,
    /// The state; empty where it is not counted by state.
    pub state: String,
    /// How many more; negative for fewer.
    pub count: i64,
    /// How many more of these have a duration.
    pub timed: i64,
    /// How much longer the durations are in sum, in seconds.
    pub seconds: i64,
}

/// Relations are followed by loaders, in batches; see the domain.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
