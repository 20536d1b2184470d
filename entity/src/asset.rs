//! A device of a company, as scanners know it.

use sea_orm::entity::prelude::*;

use crate::Timestamp;

/// A row of `asset`. Texts are empty where nothing is known.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "asset")]
pub struct Model {
    /// Version 7 UUID.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Whose it is.
    pub organization_id: Uuid,
    /// The customer that has it.
    pub company_id: Uuid,
    /// The sender's own stable name for it; none where it has none.
    pub key: Option<String>,
    /// Its name.
    pub name: String,
    /// Its name as names are compared.
    pub name_key: String,
    /// What it is, e.g. `Workstation`.
    pub kind: String,
    /// Serial number.
    pub serial_number: String,
    /// Serial number as serial numbers are compared.
    pub serial_key: String,
    /// The day on which it was bought, as in `2026-01-31`.
    pub purchased_on: String,
    /// The day on which its warranty ends, as in `2026-01-31`.
    pub expires_on: String,
    /// Memory, in words.
    pub ram: String,
    /// Operating system, in words.
    pub os_type: String,
    /// Who made it.
    pub manufacturer: String,
    /// When it was last said to be there, to the hour.
    pub seen_at: Timestamp,
    /// When something of it was other than before, last.
    pub changed_at: Timestamp,
    /// When it was first seen.
    pub created_at: Timestamp,
    /// Whether nothing but events has spoken of it.
    pub is_from_events: bool,
}

/// Relations are followed by loaders, in batches; see the domain.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
