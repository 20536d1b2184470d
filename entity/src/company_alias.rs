//! A sender's own name or id for a company.

use sea_orm::entity::prelude::*;

use crate::Timestamp;

/// A row of `company_alias`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "company_alias")]
pub struct Model {
    /// Version 7 UUID.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Whose it is.
    pub organization_id: Uuid,
    /// The company meant.
    pub company_id: Uuid,
    /// Which product uses it; `*` for any.
    pub source: String,
    /// The name or id, exactly as sent.
    pub value: String,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Relations are followed by loaders, in batches; see the domain.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
