//! When to keep quiet, as it stands when events are decided: maintenance windows, mutes, and an endpoint that only
//! learns.
//!
//! Loaded once for all events of a transaction, in three statements, without a lock: an edit that commits meanwhile
//! holds for the deliveries that follow. None of this stops what closes a ticket.
#![expect(clippy::disallowed_methods, reason = "scopes every query by organization")]

mod keeping;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use entity::{
    Timestamp, maintenance_window, mute, webhook_delivery,
    webhook_endpoint::{self, Mode},
};
use sea_orm::{ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _};
use uuid::Uuid;

pub use keeping::{KNOWN, LEARNED};

/// What keeps quiet in an organization, for what came in with one delivery.
#[derive(Clone, Debug, Default)]
pub struct Quiet {
    windows: Vec<maintenance_window::Model>,
    findings: HashMap<Uuid, mute::Model>,
    groups: HashMap<String, mute::Model>,
    learning: Option<webhook_endpoint::Model>,
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

impl Quiet {
    /// What keeps quiet now, or will soon; without a delivery, for what came in before.
    pub async fn load(
        db: &impl ConnectionTrait,
        organization_id: Uuid,
        delivery: Option<&webhook_delivery::Model>,
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
        let mut learning = None;
        if let Some(delivery) = delivery {
            let endpoint = webhook_endpoint::Entity::find_by_id(delivery.webhook_endpoint_id)
                .filter(webhook_endpoint::Column::OrganizationId.eq(organization_id))
                .one(db)
                .await?;
            // What came in while it learned was there then, however late it is decided: it may have been held.
            learning = endpoint.filter(|endpoint| learns(endpoint, delivery.received_at));
        }
        let mut quiet = Self { windows, learning, ..Self::default() };
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
        let is_open = |row: &&maintenance_window::Model| {
            row.starts_at <= now && now < row.ends_at && row.company_id.is_none_or(|id| id == company_id)
        };
        let last = self.windows.iter().filter(is_open).max_by_key(|row| (row.ends_at, row.id))?;
        Some(Window { name: &last.name, until: last.ends_at })
    }

    /// The mute of a finding, or of its group where that is known; of both the one that ends last.
    pub fn mute(&self, finding_id: Uuid, group_key: Option<&str>, now: Timestamp) -> Option<Mute<'_>> {
        let of_group = group_key.and_then(|key| self.groups.get(key));
        let both = self.findings.get(&finding_id).into_iter().chain(of_group);
        let last = both.filter(|row| now < row.until).max_by_key(|row| row.until)?;
        Some(Mute { until: last.until, reason: &last.reason, by: &last.muted_by })
    }

    /// The endpoint that the events came in at, where it only learned then.
    pub fn learning(&self) -> Option<&webhook_endpoint::Model> {
        self.learning.as_ref()
    }
}

/// Whether an endpoint only learns, or learned, what there is at a moment.
pub fn learns(endpoint: &webhook_endpoint::Model, at: Timestamp) -> bool {
    endpoint.baseline_until.map_or(endpoint.mode == Mode::Baseline, |until| at < until)
}
