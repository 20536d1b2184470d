//! What an organization's policies asked for at a time: events that were held against many of them refer to it.

use sea_orm::entity::prelude::*;

use crate::Timestamp;

/// A row of `policy_snapshot`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "policy_snapshot")]
pub struct Model {
    /// Made from what it holds: the same policies have one row.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Whose it is.
    pub organization_id: Uuid,
    /// What each policy asks for, in their order.
    pub filters: Json,
    /// When the first event was held against them.
    pub created_at: Timestamp,
    /// When an event was last held against them, to the day; none where that is not known.
    pub used_at: Option<Timestamp>,
}

/// No relations are declared; queries name what they join.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
