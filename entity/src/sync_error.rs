//! A record that a run could not take over.

use sea_orm::entity::prelude::*;

use crate::Timestamp;

/// A row of `sync_error`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "sync_error")]
pub struct Model {
    /// Version 7 UUID.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Whose it is.
    pub organization_id: Uuid,
    /// Of which run.
    pub sync_run_id: Uuid,
    /// The PSA's id of the record, where it has one.
    pub external_id: Option<String>,
    /// The record's name, where it has one.
    pub name: Option<String>,
    /// What is wrong with it and how to mend it.
    pub message: String,
    /// When it was met.
    pub created_at: Timestamp,
}

/// Relations are followed by loaders, in batches; see the domain.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
