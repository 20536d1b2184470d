//! When to keep quiet, as it stands when events are decided: maintenance windows, mutes, and an endpoint that only
//! learns.
//!
//! Loaded once for all events of a transaction, in three statements at most, without a lock: an edit that commits meanwhile
//! holds for the deliveries that follow. None of this stops what closes a ticket.
#![expect(clippy::disallowed_methods, reason = "scopes every query by organization")]

mod keeping;
#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashMap};

use entity::{
    Timestamp, maintenance_window, mute, webhook_delivery,
    webhook_endpoint::{self, Mode},
};
use sea_orm::{ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, ExprTrait as _, QueryFilter as _};
use uuid::Uuid;

use super::weekly::{self, Occurrence};

pub use keeping::{KNOWN, KNOWN_WORDS, LEARNED};

/// What keeps quiet in an organization.
#[derive(Clone, Debug, Default)]
pub struct Quiet {
    windows: Vec<Planned>,
    findings: HashMap<Uuid, mute::Model>,
    groups: HashMap<String, mute::Model>,
    /// Those that learn, or have learned.
    endpoints: HashMap<Uuid, webhook_endpoint::Model>,
}

/// A maintenance window, and when it is open, or next, as it was found when it was read.
#[derive(Clone, Debug)]
struct Planned {
    window: maintenance_window::Model,
    read_at: Timestamp,
    occurrence: Option<Occurrence>,
}

impl Planned {
    fn new(window: maintenance_window::Model, read_at: Timestamp) -> Self {
        Self { occurrence: weekly::occurrence(&window, read_at), window, read_at }
    }

    /// When it is open, where that is at this moment.
    fn open(&self, at: Timestamp) -> Option<Occurrence> {
        let is_of_then =
            self.read_at <= at && self.occurrence.is_none_or(|occurrence| at < occurrence.ends_at);
        let occurrence = if is_of_then { self.occurrence } else { weekly::occurrence(&self.window, at) };
        occurrence.filter(|occurrence| occurrence.holds(at))
    }
}

/// A maintenance window that is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window<'a> {
    /// Its name.
    pub name: &'a str,
    /// Until when.
    pub until: Timestamp,
}

/// A mute that holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mute<'a> {
    /// Until when.
    pub until: Timestamp,
    /// Why, in a person's words.
    pub reason: &'a str,
    /// Who muted it.
    pub by: &'a str,
}

impl Window<'_> {
    /// That it is open, in words.
    pub fn words(&self) -> String {
        let Self { name, until } = self;
        format!(
            "the maintenance window \"{name}\" is open until {until}: what is still there then gets its ticket"
        )
    }
}

impl Mute<'_> {
    /// That it holds, in words.
    pub fn words(&self) -> String {
        let Self { until, reason, by } = self;
        format!(
            "muted until {until} by {by}: {reason}; what is still there then, or after `findingUnmute`, gets its ticket"
        )
    }
}

impl Quiet {
    /// What keeps quiet now, or will soon, for what came in at these endpoints.
    pub async fn load(
        db: &impl ConnectionTrait,
        organization_id: Uuid,
        endpoint_ids: &BTreeSet<Uuid>,
        now: Timestamp,
    ) -> Result<Self, DbErr> {
        let windows = maintenance_window::Entity::find()
            .filter(maintenance_window::Column::OrganizationId.eq(organization_id))
            .filter(maintenance_window::Column::EndsAt.gt(now))
            .all(db)
            .await?;
        let mutes = mute::Entity::find()
            .filter(mute::Column::OrganizationId.eq(organization_id))
            .filter(mute::Column::Until.gt(now))
            .all(db)
            .await?;
        let mut endpoints = HashMap::new();
        if !endpoint_ids.is_empty() {
            use webhook_endpoint::Column as C;
            let learning = C::Mode.eq(Mode::Baseline).or(C::BaselineUntil.is_not_null());
            let found = webhook_endpoint::Entity::find()
                .filter(C::OrganizationId.eq(organization_id))
                .filter(C::Id.is_in(endpoint_ids.iter().copied()))
                .filter(learning)
                .all(db)
                .await?;
            endpoints = found.into_iter().map(|endpoint| (endpoint.id, endpoint)).collect();
        }
        let windows = windows.into_iter().map(|window| Planned::new(window, now)).collect();
        let mut quiet = Self { windows, endpoints, ..Self::default() };
        for row in mutes {
            match (row.finding_id, row.group_key.clone()) {
                (Some(id), _) => drop(quiet.findings.insert(id, row)),
                (None, Some(key)) => drop(quiet.groups.insert(key, row)),
                (None, None) => {}
            }
        }
        Ok(quiet)
    }

    /// The window that a company is in now; of several the one that ends last.
    pub fn window(&self, company_id: Uuid, now: Timestamp) -> Option<Window<'_>> {
        let of_company = |planned: &&Planned| planned.window.company_id.is_none_or(|id| id == company_id);
        let open = self.windows.iter().filter(of_company);
        let open = open.filter_map(|planned| Some((planned.open(now)?.ends_at, &planned.window)));
        let (until, last) = open.max_by_key(|(until, window)| (*until, window.id))?;
        Some(Window { name: &last.name, until })
    }

    /// The mute of a finding, or of its group where that is known; of both the one that ends last.
    pub fn mute(&self, finding_id: Uuid, group_key: Option<&str>, now: Timestamp) -> Option<Mute<'_>> {
        let of_group = group_key.and_then(|key| self.groups.get(key));
        let both = self.findings.get(&finding_id).into_iter().chain(of_group);
        let last = both.filter(|row| now < row.until).max_by_key(|row| row.until)?;
        Some(Mute { until: last.until, reason: &last.reason, by: &last.muted_by })
    }

    /// The endpoint that a delivery came in at, where it only learned then: what came in while it learned was there
    /// then, however late it is decided, for it may have been held.
    pub fn learning(&self, delivery: &webhook_delivery::Model) -> Option<&webhook_endpoint::Model> {
        let endpoint = self.endpoints.get(&delivery.webhook_endpoint_id)?;
        learns(endpoint, delivery.received_at).then_some(endpoint)
    }
}

/// Whether an endpoint only learns, or learned, what there is at a moment.
pub fn learns(endpoint: &webhook_endpoint::Model, at: Timestamp) -> bool {
    endpoint.baseline_until.map_or(endpoint.mode == Mode::Baseline, |until| at < until)
}
