//! A webhook address for one sender.

use sea_orm::entity::prelude::*;

use crate::Timestamp;

/// How an endpoint stands in the PSA's own list of webhooks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(24))", rename_all = "snake_case")]
pub enum Registration {
    /// A person enters its address in the sender's own pages.
    ByHand,
    /// The gateway is to register it.
    Wanted,
    /// It is registered and works as far as the PSA says.
    Working,
    /// It cannot be registered, or the PSA does not use it; see the message.
    Failing,
}

/// What an endpoint does with what it learns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(24))", rename_all = "snake_case")]
pub enum Mode {
    /// Policies decide about tickets.
    Live,
    /// Findings are written down and get no tickets: so a new sender's old stock is learned.
    Baseline,
}

/// A row of `webhook_endpoint`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "webhook_endpoint")]
pub struct Model {
    /// Version 7 UUID.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Whose it is.
    pub organization_id: Uuid,
    /// The last part of its address: 32 letters and digits.
    pub key: String,
    /// Name for people.
    pub name: String,
    /// The kind of product that posts: key of a scanner, or of a platform.
    pub sender: String,
    /// The PSA connection it speaks for, where the sender is a platform.
    pub psa_connection_id: Option<Uuid>,
    /// How it is authenticated: key of a scheme.
    pub scheme: String,
    /// Whether it takes webhooks.
    pub is_enabled: bool,
    /// Whether the gateway keeps it registered in the PSA, and how that stands.
    pub registration: Registration,
    /// The PSA's id of the registration.
    pub registered_id: Option<String>,
    /// What was mended last, or what is wrong and the next step.
    pub registration_message: Option<String>,
    /// When the registration was looked at last.
    pub registration_checked_at: Option<Timestamp>,
    /// When it is to be looked at next; never where the gateway does not keep it.
    pub registration_due_at: Option<Timestamp>,
    /// Name of a signing key of the PSA that is to be fetched.
    pub wanted_key: Option<String>,
    /// Addresses and networks that webhooks are taken from; none for everywhere.
    pub allowed_addresses: Option<Json>,
    /// Settings of its sender and of its way of authentication, an object; none where there are none.
    pub settings: Option<Json>,
    /// What it does with what it learns.
    pub mode: Mode,
    /// Until when it learns in baseline mode, none until somebody ends it; until when it learned last, in live mode.
    pub baseline_until: Option<Timestamp>,
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
