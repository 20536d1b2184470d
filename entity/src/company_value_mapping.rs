//! Which of our types, statuses and markets is which of the PSA's, on one connection.

use sea_orm::entity::prelude::*;

use crate::{Timestamp, company_value::ValueKind};

/// A row of `company_value_mapping`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "company_value_mapping")]
pub struct Model {
    /// Version 7 UUID.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Whose it is.
    pub organization_id: Uuid,
    /// On which connection.
    pub psa_connection_id: Uuid,
    /// What it says.
    pub kind: ValueKind,
    /// The PSA's side, as a value of its pick list.
    pub external_value: String,
    /// Our side; none where somebody chose to skip it.
    pub company_value_id: Option<Uuid>,
    /// When that was chosen.
    pub mapped_at: Timestamp,
}

/// Relations are followed by loaders, in batches; see the domain.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
