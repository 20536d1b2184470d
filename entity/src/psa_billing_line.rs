//! A line of a recurring invoice as the PSA knows it: a copy.

use sea_orm::entity::prelude::*;

use crate::{Quantity, Timestamp};

/// A row of `psa_billing_line`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "psa_billing_line")]
pub struct Model {
    /// Version 7 UUID.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Whose it is.
    pub organization_id: Uuid,
    /// Through which connection it was read.
    pub psa_connection_id: Uuid,
    /// Whom the PSA bills by it.
    pub psa_company_id: Uuid,
    /// The id of the recurring invoice (schedule, agreement, contract) in the PSA.
    pub invoice_external_id: String,
    /// Its name.
    pub invoice_name: String,
    /// How often and when next, in words.
    pub invoice_rhythm: Option<String>,
    /// The id of the line (addition, service) in the PSA.
    pub external_id: String,
    /// Its name.
    pub name: String,
    /// What it bills now.
    pub quantity: Quantity,
    /// Why its quantity cannot be set; none where it can.
    pub fixed_because: Option<String>,
    /// Where a person opens it.
    pub external_url: Option<String>,
    /// When it was last read.
    pub synced_at: Timestamp,
}

/// Relations are followed by loaders, in batches; see the domain.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
