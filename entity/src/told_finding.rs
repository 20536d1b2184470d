//! A finding of which subscribers were told by a policy that wants no ticket, and not yet that it is over.

use sea_orm::entity::prelude::*;

use crate::Timestamp;

/// A row of `told_finding`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "told_finding")]
pub struct Model {
    /// Version 7 UUID.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Whose it is.
    pub organization_id: Uuid,
    /// What was told of; once by a policy.
    pub finding_id: Uuid,
    /// The policy that wanted it told; it may be gone by now.
    pub policy_id: Uuid,
    /// When it was told.
    pub created_at: Timestamp,
}

/// Relations are followed by loaders, in batches; see the domain.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
