//! An asset as the PSA keeps it: a copy.

use sea_orm::entity::prelude::*;

use crate::Timestamp;

/// A row of `configuration`. Texts by which lists are ordered are never null: empty where nothing is known.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "configuration")]
pub struct Model {
    /// Version 7 UUID.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Whose it is.
    pub organization_id: Uuid,
    /// Read through this connection.
    pub psa_connection_id: Uuid,
    /// The PSA's company whose it is.
    pub psa_company_id: Uuid,
    /// The PSA's id.
    pub external_id: String,
    /// Its name there.
    pub name: String,
    /// Its type in words.
    pub configuration_type: Option<String>,
    /// Its status in words.
    pub status: Option<String>,
    /// Whether it is in use.
    pub is_active: bool,
    /// Where a person opens it.
    pub external_url: Option<String>,
    /// Serial number.
    pub serial_number: String,
    /// The day on which it was bought, as in `2026-01-31`.
    pub purchased_on: String,
    /// The day on which its warranty ends, as in `2026-01-31`.
    pub expires_on: String,
    /// Memory, in the PSA's words.
    pub ram: String,
    /// Operating system, in the PSA's words.
    pub os_type: String,
    /// Who made it.
    pub manufacturer: String,
    /// What was downloaded of it: texts by the PSA's keys.
    pub fields: Json,
    /// Since when the PSA no longer lists it; none where it does.
    pub missing_since: Option<Timestamp>,
    /// When something of it was other than before, last.
    pub changed_at: Option<Timestamp>,
    /// When it was last read as something new or changed.
    pub synced_at: Timestamp,
    /// Its name as names are compared.
    pub name_key: String,
    /// Serial number as serial numbers are compared.
    pub serial_key: String,
}

/// Relations are followed by loaders, in batches; see the domain.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
