//! Mutes: one finding, or one group of findings, of which nobody wants to hear until a date.
//!
//! A mute for good is not possible: whoever accepts a risk for ever dismisses the finding where it comes from.
#![expect(clippy::disallowed_methods, reason = "scopes every query by organization")]

use std::collections::HashMap;

use entity::{Timestamp, finding, mute, organization, ticket};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, DatabaseTransaction, EntityTrait as _, IntoActiveModel as _,
    ModelTrait as _, PaginatorTrait as _, QueryFilter as _, QuerySelect as _, Select, sea_query::LockType,
};
use uuid::Uuid;

use super::{
    form::{Form, no_such, removed},
    reach,
    viewer::{Permission, Viewer},
};
use crate::{
    audit::{self, Change},
    decisions::waiting,
    error::{Error, Problem, ProblemCode},
    ground::Ground,
};

const DAY: i64 = 86_400;
/// How far ahead a mute may end, in seconds.
pub const MAX_AHEAD_SECS: i64 = 400 * DAY;
/// The longest reason, in characters.
pub const MAX_REASON: usize = 500;
/// How many mutes that hold an organization may have: all of them are read with what is decided.
pub const MAX_MUTES: u64 = 5_000;
/// The longest name of who muted, in characters.
const MAX_BY: usize = 200;

/// What is to be muted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Muting {
    /// One finding.
    Finding(Uuid),
    /// Every finding of a ticket's group, those that are found later too.
    GroupOf(Uuid),
}

/// A mute to be made, or made anew.
#[derive(Clone, Debug)]
pub struct NewMute {
    /// What.
    pub of: Muting,
    /// Until when.
    pub until: Timestamp,
    /// Why, in a person's words.
    pub reason: String,
}

/// What a mute is of: one of both.
#[derive(Clone, Debug)]
struct Target {
    organization_id: Uuid,
    finding_id: Option<Uuid>,
    group_key: Option<String>,
    /// For the log.
    name: String,
}

/// Mutes a finding or a group; the mute that there is already is made anew.
pub async fn mute(viewer: &Viewer, ground: &Ground, new: NewMute) -> Result<mute::Model, Error> {
    let target = target(viewer, ground, new.of).await?;
    viewer.may(Permission::Operate, target.organization_id)?;
    let now = ground.clock.now();
    let mut form = Form::default();
    let reason = form.line("reason", &new.reason, MAX_REASON);
    if new.until <= now || new.until > now.plus_secs(MAX_AHEAD_SECS) {
        let message = format!(
            "give a moment that is to come, at most {} days from now; nothing is muted for good",
            MAX_AHEAD_SECS / DAY
        );
        form.add(Problem::of("until", ProblemCode::Invalid, message));
    }
    form.finish()?;
    let row = mute::Model {
        id: ground.chance.id(now),
        organization_id: target.organization_id,
        finding_id: target.finding_id,
        group_key: target.group_key.clone(),
        until: new.until,
        reason,
        muted_by: viewer.name.chars().take(MAX_BY).collect(),
        created_at: now,
        updated_at: now,
    };
    let (ground_of, by) = (ground.clone(), viewer.clone());
    ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                // Two that mute the same at once queue here.
                let organization = organization::Entity::find_by_id(row.organization_id);
                organization.lock(LockType::NoKeyUpdate).one(tx).await?;
                let old = of_target(&target).one(tx).await?;
                let (set, change) = if let Some(old) = old {
                    if old.until <= now {
                        has_room(tx, row.organization_id, now).await?;
                    }
                    let again = mute::Model { id: old.id, created_at: old.created_at, ..row };
                    let set = again.into_active_model().reset_all().update(tx).await?;
                    if set.until < old.until {
                        waiting::mute_changed(tx, &old, now).await?;
                    }
                    let change = Change::between("findingMute", &old, &set);
                    (set, change)
                } else {
                    has_room(tx, row.organization_id, now).await?;
                    let set = row.into_active_model().insert(tx).await?;
                    let change = Change::made("findingMute", &set);
                    (set, change)
                };
                audit::record(tx, &ground_of, &by, change.named(target.name)).await?;
                Ok::<_, Error>(set)
            })
        })
        .await
}

/// Takes a mute away: what it kept quiet and is still there gets its ticket. Gives what is no more.
pub async fn unmute(viewer: &Viewer, ground: &Ground, id: Uuid) -> Result<mute::Model, Error> {
    let found = mute::Entity::find_by_id(id).one(ground.db.reader()).await?;
    let row = found.filter(|row| viewer.reaches(row.organization_id)).ok_or(Error::NotFound)?;
    viewer.may(Permission::Operate, row.organization_id)?;
    let (ground_of, by, gone) = (ground.clone(), viewer.clone(), row.clone());
    let now = ground.clock.now();
    ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                let change = Change::removed("findingUnmute", &gone);
                removed(&gone.clone().delete(tx).await?)?;
                waiting::mute_changed(tx, &gone, now).await?;
                audit::record(tx, &ground_of, &by, change).await
            })
        })
        .await?;
    Ok(row)
}

/// The mutes of several findings themselves that hold now, by finding.
pub async fn of_findings(
    viewer: &Viewer,
    ground: &Ground,
    finding_ids: &[Uuid],
) -> Result<HashMap<Uuid, mute::Model>, Error> {
    let rows = reach::rows::<mute::Entity>(viewer)
        .filter(mute::Column::FindingId.is_in(finding_ids.iter().copied()))
        .filter(mute::Column::Until.gt(ground.clock.now()))
        .all(ground.db.reader())
        .await?;
    Ok(rows.into_iter().filter_map(|row| Some((row.finding_id?, row))).collect())
}

/// What is meant, where it is in reach; of tickets, where it is seen.
async fn target(viewer: &Viewer, ground: &Ground, of: Muting) -> Result<Target, Error> {
    match of {
        Muting::Finding(id) => {
            let row = reach::by_id::<finding::Entity>(viewer, ground, id).await?;
            Ok(Target {
                organization_id: row.organization_id,
                finding_id: Some(row.id),
                group_key: None,
                name: row.title,
            })
        }
        Muting::GroupOf(id) => {
            let row = reach::by_id::<ticket::Entity>(viewer, ground, id).await?;
            if row.is_test {
                let problem = no_such("ticketId", "ticket of findings");
                return Err(Problem { field: vec!["of".to_owned(), "ticketId".to_owned()], ..problem }.into());
            }
            Ok(Target {
                organization_id: row.organization_id,
                finding_id: None,
                group_key: Some(row.group_key),
                name: row.title,
            })
        }
    }
}

fn of_target(target: &Target) -> Select<mute::Entity> {
    let rows = mute::Entity::find().filter(mute::Column::OrganizationId.eq(target.organization_id));
    match (target.finding_id, &target.group_key) {
        (Some(id), _) => rows.filter(mute::Column::FindingId.eq(id)),
        (None, key) => rows.filter(mute::Column::GroupKey.eq(key.clone().unwrap_or_default())),
    }
}

async fn has_room(tx: &DatabaseTransaction, organization_id: Uuid, now: Timestamp) -> Result<(), Error> {
    let count = mute::Entity::find()
        .filter(mute::Column::OrganizationId.eq(organization_id))
        .filter(mute::Column::Until.gt(now))
        .count(tx)
        .await?;
    if count < MAX_MUTES {
        return Ok(());
    }
    let message = format!(
        "{MAX_MUTES} findings and groups are muted; let a policy say what deserves a ticket, or unmute some"
    );
    Err(Problem::of("of", ProblemCode::WrongState, message).into())
}

#[cfg(test)]
mod tests;
