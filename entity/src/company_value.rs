//! A type, a status or a market that companies have: the organization's own.

use sea_orm::entity::prelude::*;

use crate::Timestamp;

/// What a value says of companies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(24))", rename_all = "snake_case")]
pub enum ValueKind {
    /// What they are to the MSP: a customer, a prospect, a vendor.
    Type,
    /// Whether and how the MSP works for them.
    Status,
    /// What they do.
    Market,
}

impl ValueKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Type, Self::Status, Self::Market];

    /// The PSA's pick list that has such values.
    pub const fn pick_list(self) -> &'static str {
        match self {
            Self::Type => "company_type",
            Self::Status => "company_status",
            Self::Market => "company_market",
        }
    }
}

/// A row of `company_value`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "company_value")]
pub struct Model {
    /// Version 7 UUID.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Whose it is.
    pub organization_id: Uuid,
    /// What it says.
    pub kind: ValueKind,
    /// Name for people; unique among the organization's of that kind.
    pub name: String,
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
