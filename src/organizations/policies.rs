//! Policies: what deserves a ticket. An organization has many, in order; the first that matches decides.
//!
//! What a policy says stands in [`PolicyValues`]; `check` holds it against its bounds and references, `making`
//! adds policies, `changing` changes, orders and removes them.
#![expect(clippy::disallowed_methods, reason = "scopes every query by organization")]

mod changing;
mod check;
mod making;

use std::collections::HashMap;

use entity::{
    Severity, Timestamp,
    policy::{self, Notifies},
};
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _, Set};
use uuid::Uuid;

use super::{reach, viewer::Viewer};
use crate::{
    decisions::{conditions::Condition, handling::Handling},
    error::Error,
    ground::Ground,
};

pub use changing::{delete, forget_company, reorder, update};
pub use making::{copy, create, create_from_preset, prepared};

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;

/// The longest reopen window, in seconds.
pub const MAX_REOPEN_WINDOW_SECS: i64 = 365 * DAY;
/// The longest interval between notes, in seconds.
pub const MAX_NOTE_INTERVAL_SECS: i64 = 30 * DAY;
/// How many policies an organization may have.
pub const MAX_POLICIES: usize = 200;
/// How many companies a policy may name.
pub const MAX_COMPANIES: usize = 1_000;
/// The longest description, in characters.
pub const MAX_DESCRIPTION: usize = 2_000;

/// The policy a new organization begins with: findings of medium severity and above get a ticket; one that
/// comes back within 14 days reopens it; at most one note an hour tells of repetitions. Medium, because a
/// gateway that stays silent about a high finding is worse than one that is turned up later.
pub(super) fn built_in(organization_id: Uuid, id: Uuid, now: Timestamp) -> policy::ActiveModel {
    policy::ActiveModel {
        id: Set(id),
        organization_id: Set(organization_id),
        position: Set(0),
        name: Set("Open findings".to_owned()),
        description: Set(String::new()),
        is_enabled: Set(true),
        event_set_id: Set(None),
        company_ids: Set(None),
        conditions: Set(None),
        minimum_severity: Set(Severity::Medium),
        ticket_profile_id: Set(None),
        reopen_window_secs: Set(14 * DAY),
        note_interval_secs: Set(HOUR),
        handling: Set(None),
        opens_tickets: Set(true),
        notifies: Set(Notifies::All),
        version: Set(1),
        created_at: Set(now),
        updated_at: Set(now),
    }
}

/// What a policy says.
#[derive(Clone, Debug)]
pub struct PolicyValues {
    /// Name for people; unique in the organization.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Whether it is asked at all.
    pub is_enabled: bool,
    /// The events it is for; every event where there is none.
    pub event_set_id: Option<Uuid>,
    /// The companies it is for; every company where there is none.
    pub company_ids: Option<Vec<Uuid>>,
    /// What must be true besides.
    pub conditions: Option<Condition>,
    /// Findings below it open no ticket; those of unknown severity always do. `Unknown` sets no limit.
    pub minimum_severity: Severity,
    /// The profile to use; the organization's default where there is none.
    pub ticket_profile_id: Option<Uuid>,
    /// How long after its close a ticket is reopened, in seconds.
    pub reopen_window_secs: i64,
    /// At most one note about repetitions in this time, in seconds.
    pub note_interval_secs: i64,
    /// What becomes of what it wants.
    pub handling: Handling,
    /// Whether what it wants gets a ticket; where not, subscribers are told of it, and that is all.
    pub opens_tickets: bool,
    /// Who is told what becomes of its tickets, besides the PSA.
    pub notifies: Notifies,
}

impl PolicyValues {
    /// One of this name that wants a ticket for everything.
    pub fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            description: String::new(),
            is_enabled: true,
            event_set_id: None,
            company_ids: None,
            conditions: None,
            minimum_severity: Severity::Unknown,
            ticket_profile_id: None,
            reopen_window_secs: 14 * DAY,
            note_interval_secs: HOUR,
            handling: Handling::default(),
            opens_tickets: true,
            notifies: Notifies::All,
        }
    }
}

/// A policy to be made.
#[derive(Clone, Debug)]
pub struct NewPolicy {
    /// For whom.
    pub organization_id: Uuid,
    /// What it says.
    pub values: PolicyValues,
    /// Whether it takes the organization's default event set, where there is one, instead of what its values say.
    pub takes_default_set: bool,
    /// Its place among the policies, from 1; the last where none is given.
    pub place: Option<i32>,
}

/// What is to be changed of a policy; what is none stays.
#[derive(Clone, Debug, Default)]
pub struct PolicyChange {
    /// Another name.
    pub name: Option<String>,
    /// Another description.
    pub description: Option<String>,
    /// Whether it is asked at all.
    pub is_enabled: Option<bool>,
    /// The events it is for; `Some(None)` for every event.
    pub event_set_id: Option<Option<Uuid>>,
    /// The companies it is for; `Some(None)` for every company.
    pub company_ids: Option<Option<Vec<Uuid>>>,
    /// What must be true besides; `Some(None)` for nothing.
    pub conditions: Option<Option<Condition>>,
    /// Findings below it open no ticket; those of unknown severity always do.
    pub minimum_severity: Option<Severity>,
    /// The profile to use; `Some(None)` for the organization's default.
    pub ticket_profile_id: Option<Option<Uuid>>,
    /// How long after its close a ticket is reopened, in seconds: 0 to 365 days.
    pub reopen_window_secs: Option<i64>,
    /// At most one note about repetitions in this time, in seconds: 0 to 30 days.
    pub note_interval_secs: Option<i64>,
    /// What becomes of what it wants, all anew.
    pub handling: Option<Handling>,
    /// Whether what it wants gets a ticket.
    pub opens_tickets: Option<bool>,
    /// Who is told what becomes of its tickets, besides the PSA.
    pub notifies: Option<Notifies>,
    /// The version that it must have.
    pub expected_version: Option<i32>,
}

/// The first policy of each of several organizations in reach, by organization.
pub async fn of_organizations(
    viewer: &Viewer,
    ground: &Ground,
    organization_ids: &[Uuid],
) -> Result<HashMap<Uuid, policy::Model>, Error> {
    let rows = reach::rows::<policy::Entity>(viewer)
        .filter(policy::Column::OrganizationId.is_in(organization_ids.iter().copied()))
        .order_by_desc(policy::Column::Position)
        .order_by_desc(policy::Column::Id)
        .all(ground.db.reader())
        .await?;
    Ok(rows.into_iter().map(|row| (row.organization_id, row)).collect())
}

/// The policy of that id, where it is in reach.
pub async fn by_id(viewer: &Viewer, ground: &Ground, id: Uuid) -> Result<policy::Model, Error> {
    let found = policy::Entity::find_by_id(id).one(ground.db.reader()).await?;
    found.filter(|row| viewer.reaches(row.organization_id)).ok_or(Error::NotFound)
}

#[cfg(test)]
mod tests;
