//! The policy every organization has: which findings deserve a ticket.
#![expect(clippy::disallowed_methods, reason = "scopes every query by organization")]

use std::collections::HashMap;

use entity::{Severity, Timestamp, policy, ticket_profile};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, EntityTrait as _, IntoActiveModel as _, QueryFilter as _,
    QueryOrder as _, Set,
};
use uuid::Uuid;

use super::{
    form::{Form, no_such},
    reach, versions,
    viewer::{Permission, Viewer},
};
use crate::{
    audit::{self, Change},
    decisions::held,
    error::Error,
    ground::Ground,
};

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;

/// The longest reopen window, in seconds.
pub const MAX_REOPEN_WINDOW_SECS: i64 = 365 * DAY;
/// The longest interval between notes, in seconds.
pub const MAX_NOTE_INTERVAL_SECS: i64 = 30 * DAY;

/// The policy a new organization begins with: findings of medium severity and above get a ticket; one that
/// comes back within 14 days reopens it; at most one note an hour tells of repetitions. Medium, because a
/// gateway that stays silent about a high finding is worse than one that is turned up later.
pub(super) fn built_in(organization_id: Uuid, id: Uuid, now: Timestamp) -> policy::ActiveModel {
    policy::ActiveModel {
        id: Set(id),
        organization_id: Set(organization_id),
        name: Set("Open findings".to_owned()),
        is_enabled: Set(true),
        minimum_severity: Set(Severity::Medium),
        ticket_profile_id: Set(None),
        reopen_window_secs: Set(14 * DAY),
        note_interval_secs: Set(HOUR),
        version: Set(1),
        created_at: Set(now),
        updated_at: Set(now),
    }
}

/// What is to be changed of a policy; what is none stays.
#[derive(Clone, Copy, Debug, Default)]
pub struct PolicyChange {
    /// Whether it opens tickets at all.
    pub is_enabled: Option<bool>,
    /// Findings below it open no ticket; those of unknown severity always do.
    pub minimum_severity: Option<Severity>,
    /// The profile to use; `Some(None)` for the organization's default.
    pub ticket_profile_id: Option<Option<Uuid>>,
    /// How long after its close a ticket is reopened, in seconds: 0 to 365 days.
    pub reopen_window_secs: Option<i64>,
    /// At most one note about repetitions in this time, in seconds: 0 to 30 days.
    pub note_interval_secs: Option<i64>,
    /// The version that it must have.
    pub expected_version: Option<i32>,
}

/// The policies of several organizations in reach, by organization.
pub async fn of_organizations(
    viewer: &Viewer,
    ground: &Ground,
    organization_ids: &[Uuid],
) -> Result<HashMap<Uuid, policy::Model>, Error> {
    let rows = reach::rows::<policy::Entity>(viewer)
        .filter(policy::Column::OrganizationId.is_in(organization_ids.iter().copied()))
        .order_by_desc(policy::Column::Id)
        .all(ground.db.reader())
        .await?;
    Ok(rows.into_iter().map(|row| (row.organization_id, row)).collect())
}

/// Changes a policy. Naming another profile decides held events again.
pub async fn update(
    viewer: &Viewer,
    ground: &Ground,
    id: Uuid,
    change: PolicyChange,
) -> Result<policy::Model, Error> {
    let found = policy::Entity::find_by_id(id).one(ground.db.reader()).await?;
    let old = found.filter(|row| viewer.reaches(row.organization_id)).ok_or(Error::NotFound)?;
    viewer.may(Permission::ManagePolicies, old.organization_id)?;
    let mut form = Form::default();
    form.within("reopenWindowSeconds", change.reopen_window_secs, 0, MAX_REOPEN_WINDOW_SECS);
    form.within("noteIntervalSeconds", change.note_interval_secs, 0, MAX_NOTE_INTERVAL_SECS);
    if let Some(Some(profile_id)) = change.ticket_profile_id {
        let profile = ticket_profile::Entity::find_by_id(profile_id)
            .filter(ticket_profile::Column::OrganizationId.eq(old.organization_id))
            .one(ground.db.reader())
            .await?;
        if profile.is_none() {
            form.add(no_such("ticketProfileId", "ticket profile"));
        }
    }
    form.finish()?;
    let now = ground.clock.now();
    let organization_id = old.organization_id;
    let (ground_of, by) = (ground.clone(), viewer.clone());
    let changed = ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                let old = versions::locked::<policy::Entity>(tx, id, change.expected_version).await?;
                let mut row = old.clone().into_active_model();
                if let Some(is_enabled) = change.is_enabled {
                    row.is_enabled = Set(is_enabled);
                }
                if let Some(severity) = change.minimum_severity {
                    row.minimum_severity = Set(severity);
                }
                if let Some(profile_id) = change.ticket_profile_id {
                    row.ticket_profile_id = Set(profile_id);
                }
                if let Some(secs) = change.reopen_window_secs {
                    row.reopen_window_secs = Set(secs);
                }
                if let Some(secs) = change.note_interval_secs {
                    row.note_interval_secs = Set(secs);
                }
                row.version = Set(old.version + 1);
                row.updated_at = Set(now);
                let changed = row.update(tx).await?;
                if change.ticket_profile_id.is_some() {
                    held::release(tx, organization_id, now).await?;
                }
                audit::record(tx, &ground_of, &by, Change::between("policyUpdate", &old, &changed)).await?;
                Ok::<_, Error>(changed)
            })
        })
        .await?;
    ground.wake.inbox();
    Ok(changed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[tokio::test]
    async fn a_new_organization_has_a_policy_that_only_its_own_people_change() {
        let ground = testing::ground().await;
        let (acme, admin) = ground.organization("acme").await;
        let (_, neighbour) = ground.organization("globex").await;
        let policy = of_organizations(&admin, &ground, &[acme.id]).await.unwrap().remove(&acme.id).unwrap();
        assert_eq!((policy.name.as_str(), policy.minimum_severity), ("Open findings", Severity::Medium));

        let change = PolicyChange { minimum_severity: Some(Severity::High), ..PolicyChange::default() };
        assert!(matches!(update(&neighbour, &ground, policy.id, change).await, Err(Error::NotFound)));
        let changed = update(&admin, &ground, policy.id, change).await.unwrap();
        assert_eq!(changed.minimum_severity, Severity::High);

        let wrong = PolicyChange {
            ticket_profile_id: Some(Some(Uuid::nil())),
            reopen_window_secs: Some(-1),
            ..PolicyChange::default()
        };
        let Err(Error::Invalid(problems)) = update(&admin, &ground, policy.id, wrong).await else {
            panic!("a window of -1 s and a profile that is not there");
        };
        assert_eq!(problems.len(), 2);
    }
}
