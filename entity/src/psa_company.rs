//! A company as the PSA knows it: a copy.

use sea_orm::entity::prelude::*;

use crate::Timestamp;

/// A row of `psa_company`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "psa_company")]
pub struct Model {
    /// Version 7 UUID.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Whose it is.
    pub organization_id: Uuid,
    /// Read through this connection.
    pub psa_connection_id: Uuid,
    /// The PSA's id.
    pub external_id: String,
    /// Its name there.
    pub name: String,
    /// Its type in words.
    pub company_type: Option<String>,
    /// Its status in words.
    pub status: Option<String>,
    /// Whether the PSA still works for it.
    pub is_active: bool,
    /// Where a person opens it.
    pub external_url: Option<String>,
    /// When it was last read as something new or changed.
    pub synced_at: Timestamp,
    /// A short name that people type, where the PSA has one.
    pub code: Option<String>,
    /// Its market in words, where the PSA has markets.
    pub market: Option<String>,
    /// Domains of its addresses, where the PSA gives them: a list of texts.
    pub email_domains: Option<Json>,
    /// Its types, status and market as values of pick lists, by the lists' keys.
    pub value_ids: Option<Json>,
    /// What is left of its name when legal form and spelling do not count.
    pub match_key: Option<String>,
    /// Since when the PSA no longer lists it; none where it does.
    pub missing_since: Option<Timestamp>,
    /// When something of it was other than before, last.
    pub changed_at: Option<Timestamp>,
}

/// Relations are followed by loaders, in batches; see the domain.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
