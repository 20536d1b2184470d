//! A customer of the organization, as scanners know it.

use sea_orm::entity::prelude::*;

use crate::Timestamp;

/// A row of `company`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "company")]
pub struct Model {
    /// Version 7 UUID.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Whose it is.
    pub organization_id: Uuid,
    /// Name for people; unique in the organization.
    pub name: String,
    /// Its type.
    pub company_type_id: Option<Uuid>,
    /// Its status.
    pub company_status_id: Option<Uuid>,
    /// Its market.
    pub company_market_id: Option<Uuid>,
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
