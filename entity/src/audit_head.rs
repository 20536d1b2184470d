//! Where an organization's audit log ends.

use sea_orm::entity::prelude::*;

/// A row of `audit_head`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "audit_head")]
pub struct Model {
    /// The organization's id; the nil id for the installation's own log.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The organization; none for the installation's own log.
    pub organization_id: Option<Uuid>,
    /// Number of the last entry; 0 before the first.
    pub last_number: i64,
    /// Hash of the last entry; empty before the first.
    pub last_hash: Vec<u8>,
    /// HMAC of number and hash under a key that the database does not hold; empty where the chain was broken.
    pub seal: Vec<u8>,
}

/// Relations are followed by loaders, in batches; see the domain.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
