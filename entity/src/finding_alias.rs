//! A key that a finding had before: its sender names it by another now.

use sea_orm::entity::prelude::*;

use crate::Timestamp;

/// A row of `finding_alias`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "finding_alias")]
pub struct Model {
    /// Our id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Whose it is.
    pub organization_id: Uuid,
    /// The finding's company.
    pub company_id: Uuid,
    /// The finding's source.
    pub source: String,
    /// The former key.
    pub key: String,
    /// The finding.
    pub finding_id: Uuid,
    /// When it got another key.
    pub created_at: Timestamp,
}

/// No relations are declared; queries name what they join.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
