//! When the database was put back from a back-up.

use sea_orm::entity::prelude::*;

use crate::Timestamp;

/// A row of `restoration`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "restoration")]
pub struct Model {
    /// Version 7 UUID.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The last moment that the back-up knows of: what was done after it is not in the database.
    pub state_of: Timestamp,
    /// When it was put back: nothing that the database does not know was done after this.
    pub restored_at: Timestamp,
}

/// No relations are declared; queries name what they join.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
