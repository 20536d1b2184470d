//! By what a company of ours is found among many: its name's words and their likes, its senders' domains and ids.

use sea_orm::entity::prelude::*;

/// A row of `company_lookup`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "company_lookup")]
pub struct Model {
    /// Version 7 UUID.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Whose it is.
    pub organization_id: Uuid,
    /// Which company.
    pub company_id: Uuid,
    /// By what it is found.
    pub lookup: String,
}

/// Relations are followed by loaders, in batches; see the domain.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
