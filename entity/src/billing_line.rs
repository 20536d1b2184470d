//! Which line of a recurring invoice bills what a company uses of a product.

use sea_orm::entity::prelude::*;

use crate::Timestamp;

/// A row of `billing_line`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "billing_line")]
pub struct Model {
    /// Version 7 UUID.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Whose it is.
    pub organization_id: Uuid,
    /// Who uses it.
    pub company_id: Uuid,
    /// What, by the name that reports have for it.
    pub product: String,
    /// At which PSA it is billed.
    pub psa_connection_id: Uuid,
    /// Whom that bills.
    pub psa_company_id: Uuid,
    /// The id of the recurring invoice in the PSA.
    pub invoice_external_id: String,
    /// Its name when it was picked.
    pub invoice_name: String,
    /// The id of the line in the PSA.
    pub line_external_id: String,
    /// Its name when it was picked.
    pub line_name: String,
    /// Counts how often another line was picked: what was sent to the line before says nothing of this one.
    pub aim: i32,
    /// Whether quantities are pushed.
    pub is_enabled: bool,
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
