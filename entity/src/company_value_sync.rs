//! Whether companies take their type, status or market from a connection's PSA.

use sea_orm::entity::prelude::*;

use crate::{Timestamp, company_value::ValueKind};

/// A row of `company_value_sync`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "company_value_sync")]
pub struct Model {
    /// Version 7 UUID.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Whose it is.
    pub organization_id: Uuid,
    /// From which connection.
    pub psa_connection_id: Uuid,
    /// Which of them.
    pub kind: ValueKind,
    /// Whether they do.
    pub is_enabled: bool,
    /// When that was last changed.
    pub updated_at: Timestamp,
}

/// Relations are followed by loaders, in batches; see the domain.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
