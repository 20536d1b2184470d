//! A named choice of event kinds.

use sea_orm::entity::prelude::*;

use crate::Timestamp;

/// How what is to be mended is put together into tickets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(24))", rename_all = "snake_case")]
pub enum RemediationGrain {
    /// By company.
    Company,
    /// By asset.
    Asset,
    /// By product.
    Product,
    /// By asset and product.
    AssetAndProduct,
}

/// A row of `event_set`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "event_set")]
pub struct Model {
    /// Version 7 UUID.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Whose it is.
    pub organization_id: Uuid,
    /// Name for people; unique in the organization.
    pub name: String,
    /// What new policies take where they name none; one an organization at the most.
    pub is_default: bool,
    /// How what is to be mended is put together into tickets.
    pub remediation_grain: RemediationGrain,
    /// What is in it: a list of `{category, kinds}`, where `kinds` is null for every kind of the category.
    pub choices: Json,
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
