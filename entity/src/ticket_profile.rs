//! How tickets are made and closed on one connection.

use sea_orm::entity::prelude::*;

use crate::Timestamp;

/// A row of `ticket_profile`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "ticket_profile")]
pub struct Model {
    /// Version 7 UUID.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Whose it is.
    pub organization_id: Uuid,
    /// On which connection.
    pub psa_connection_id: Uuid,
    /// Name for people; unique in the organization.
    pub name: String,
    /// Used where neither mapping nor policy names one; one an organization at the most.
    pub is_default: bool,
    /// Values for the platform's profile fields, by key.
    pub fields: Json,
    /// The one of these values that is the board, where the platform has boards.
    pub board: Option<String>,
    /// The status a ticket is created in; the PSA's choice where there is none.
    pub status_on_create: Option<String>,
    /// The status that closes a ticket.
    pub status_on_close: String,
    /// Template of a new ticket's title; ours where there is none.
    pub title_template: Option<String>,
    /// Template of its body; ours where there is none.
    pub body_template: Option<String>,
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
