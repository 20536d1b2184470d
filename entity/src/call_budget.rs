//! Calls to PSAs that were spent of late, counted for everybody who shares a limit.

use sea_orm::entity::prelude::*;

use crate::Timestamp;

/// A row of `call_budget`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "call_budget")]
pub struct Model {
    /// Who shares it: an organization and one of its logins or PSAs, or a whole platform.
    #[sea_orm(primary_key, auto_increment = false)]
    pub key: String,
    /// What was spent, as the rate budget keeps it.
    pub spent: Json,
    /// When it was last written.
    pub updated_at: Timestamp,
}

/// Relations are followed by loaders, in batches; see the domain.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
