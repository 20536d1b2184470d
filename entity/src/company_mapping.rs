//! Which company of the PSA is which of ours, on one connection.

use sea_orm::entity::prelude::*;

use crate::Timestamp;

/// A row of `company_mapping`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "company_mapping")]
pub struct Model {
    /// Version 7 UUID.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Whose it is.
    pub organization_id: Uuid,
    /// Our side.
    pub company_id: Uuid,
    /// On which connection.
    pub psa_connection_id: Uuid,
    /// The PSA's side.
    pub psa_company_id: Uuid,
    /// Whether tickets are opened for it.
    pub is_ticketing_enabled: bool,
    /// A ticket profile of its own.
    pub ticket_profile_id: Option<Uuid>,
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
