//! Reading the lines of a company'\''s recurring invoices from its PSA.

use sea_orm::entity::prelude::*;

use crate::Timestamp;

/// Where a reading stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(24))", rename_all = "snake_case")]
pub enum RefreshState {
    /// It waits for its turn.
    Queued,
    /// It is done.
    Succeeded,
    /// It was given up.
    Failed,
}

/// A row of `billing_refresh`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "billing_refresh")]
pub struct Model {
    /// Version 7 UUID.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Whose it is.
    pub organization_id: Uuid,
    /// Through which connection.
    pub psa_connection_id: Uuid,
    /// Whose lines.
    pub psa_company_id: Uuid,
    /// Where it stands.
    pub state: RefreshState,
    /// When it is to be done; none when it is.
    pub run_at: Option<Timestamp>,
    /// How many lines there were.
    pub line_count: i32,
    /// Why it failed, with the next step.
    pub problem: Option<String>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When the lines were last read.
    pub refreshed_at: Option<Timestamp>,
}

/// Relations are followed by loaders, in batches; see the domain.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
