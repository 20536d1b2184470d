//! What deserves a ticket.

use sea_orm::entity::prelude::*;

use crate::{Severity, Timestamp};

/// Whether others are told what becomes of a policy's tickets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(24))", rename_all = "snake_case")]
pub enum Notifies {
    /// Every subscriber that wants to know.
    All,
    /// Nobody: the ticket is all there is.
    Nobody,
}

/// A row of `policy`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "policy")]
pub struct Model {
    /// Version 7 UUID.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Whose it is.
    pub organization_id: Uuid,
    /// Its place among the policies of the organization, from 0: the first that matches decides.
    pub position: i32,
    /// Name for people.
    pub name: String,
    /// What it is for, in a person's words.
    pub description: String,
    /// Whether it is asked at all.
    pub is_enabled: bool,
    /// The events it is for; every event where there is none.
    pub event_set_id: Option<Uuid>,
    /// The companies it is for, a list of ids; every company where there is none.
    pub company_ids: Option<Json>,
    /// What must be true besides: a tree, see `decisions::conditions`.
    pub conditions: Option<Json>,
    /// Findings below this severity open no ticket.
    pub minimum_severity: Severity,
    /// The ticket profile to use; the organization's default where there is none.
    pub ticket_profile_id: Option<Uuid>,
    /// How long after its close a ticket is reopened rather than followed by a new one, in seconds.
    pub reopen_window_secs: i64,
    /// At most one note about repetitions in this time, in seconds.
    pub note_interval_secs: i64,
    /// What becomes of what it wants: see `decisions::handling`; the defaults where there is none.
    pub handling: Option<Json>,
    /// Whether what it wants gets a ticket; where not, subscribers are told of it, and that is all.
    pub opens_tickets: bool,
    /// Who is told what becomes of its tickets, besides the PSA.
    pub notifies: Notifies,
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
