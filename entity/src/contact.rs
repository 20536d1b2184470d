//! A person at a customer, as the PSA keeps them: a copy.

use sea_orm::entity::prelude::*;

use crate::Timestamp;

/// A row of `contact`. Texts by which lists are ordered are never null: empty where nothing is known.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "contact")]
pub struct Model {
    /// Version 7 UUID.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Whose it is.
    pub organization_id: Uuid,
    /// Read through this connection.
    pub psa_connection_id: Uuid,
    /// The PSA's company whose contact it is.
    pub psa_company_id: Uuid,
    /// The PSA's id.
    pub external_id: String,
    /// Their name there.
    pub name: String,
    /// Their main e-mail address.
    pub email: String,
    /// All their e-mail addresses in lower case, each in angle brackets.
    pub email_keys: String,
    /// Their telephone number.
    pub phone: String,
    /// What they are at the customer, as in `Office Manager`.
    pub job_title: String,
    /// Their types in the PSA's words.
    pub contact_type: Option<String>,
    /// Whether the PSA lists them as active.
    pub is_active: bool,
    /// Where a person opens them.
    pub external_url: Option<String>,
    /// What else was downloaded of them: texts by the PSA's keys.
    pub fields: Json,
    /// Since when the PSA no longer lists them; none where it does.
    pub missing_since: Option<Timestamp>,
    /// When something of them was other than before, last.
    pub changed_at: Option<Timestamp>,
    /// When they were last read as somebody new or changed.
    pub synced_at: Timestamp,
}

/// Relations are followed by loaders, in batches; see the domain.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
