//! Subscribers: who is told what becomes of an organization's tickets, where, and of what.
//!
//! The door has looked at the address and made the secret; what is told stands in
//! [`notifications`](crate::notifications).
#![expect(clippy::disallowed_methods, reason = "scopes every query by organization")]

mod secrets;

use std::collections::HashSet;

use entity::{
    notification::{self, NotificationKind},
    organization, policy, webhook_subscriber,
};
use sea_orm::{
    ActiveEnum as _, ActiveModelTrait as _, ColumnTrait as _, DatabaseTransaction, DbErr, EntityTrait as _,
    IntoActiveModel as _, ModelTrait as _, PaginatorTrait as _, QueryFilter as _, QuerySelect as _, Set,
    prelude::Json, sea_query::LockType,
};
use secrecy::SecretString;
use serde_json::json;
use url::Url;
use uuid::Uuid;

use super::{
    form::{Form, removed, taken},
    once::Done,
    reach, versions,
    viewer::{Permission, Viewer},
};
use crate::{
    audit::{self, Change},
    error::{Error, Problem, ProblemCode},
    ground::Ground,
    notifications::happenings,
    queue::subscriber_lanes,
};

pub use secrets::{
    DEFAULT_OVERLAP_SECS, MAX_OVERLAP_SECS, MAX_SECRETS, rotate_secret, secrets, signing_secrets,
};

/// How many subscribers an organization may have.
pub const MAX_SUBSCRIBERS: u64 = 20;
/// The longest address, in characters.
pub const MAX_URL: usize = 2_000;
/// How many policies a subscriber may name.
pub const MAX_POLICIES: usize = super::policies::MAX_POLICIES;

/// A subscriber to be made.
#[derive(Clone, Debug)]
pub struct NewSubscriber {
    /// Whose it is.
    pub organization_id: Uuid,
    /// Name for people; unique in the organization.
    pub name: String,
    /// Where it is told.
    pub url: String,
    /// The kinds of news it wants; none for all.
    pub kinds: Option<Vec<NotificationKind>>,
    /// The policies of whose tickets and findings it is told; none for all.
    pub policy_ids: Option<Vec<Uuid>>,
    /// What it is told is signed with this.
    pub secret: SecretString,
    /// What the door has found wrong: told together with what is found here.
    pub problems: Vec<Problem>,
}

/// What is to be changed of a subscriber; what is none stays.
#[derive(Clone, Debug, Default)]
pub struct SubscriberChange {
    /// Another name.
    pub name: Option<String>,
    /// Another address.
    pub url: Option<String>,
    /// Whether it is told anything.
    pub is_enabled: Option<bool>,
    /// The kinds of news it wants; `Some(None)` for all.
    pub kinds: Option<Option<Vec<NotificationKind>>>,
    /// The policies of whose tickets and findings it is told; `Some(None)` for all.
    pub policy_ids: Option<Option<Vec<Uuid>>>,
    /// The version that it must have.
    pub expected_version: Option<i32>,
    /// What the door has found wrong.
    pub problems: Vec<Problem>,
}

/// The host of an address: what may be told of it where its path may be a secret.
pub fn host(url: &str) -> String {
    Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default()
}

/// Makes a subscriber with its first secret.
pub async fn create(
    viewer: &Viewer,
    ground: &Ground,
    new: NewSubscriber,
) -> Result<webhook_subscriber::Model, Error> {
    let organization_id = new.organization_id;
    viewer.may(Permission::ManageEndpoints, organization_id)?;
    super::organization::living(viewer, ground, organization_id).await?;
    let mut form = Form::default();
    let name = form.name(&new.name);
    let url = form.line("url", &new.url, MAX_URL);
    let kinds = kinds(&mut form, new.kinds.as_deref());
    let policy_ids = policies(ground, organization_id, &mut form, new.policy_ids.as_deref()).await?;
    form.extend(new.problems);
    form.finish()?;
    let now = ground.clock.now();
    let row = webhook_subscriber::Model {
        id: ground.chance.id(now),
        organization_id,
        name,
        url,
        is_enabled: true,
        kinds,
        policy_ids,
        failures: 0,
        failing_since: None,
        last_success_at: None,
        last_failure_at: None,
        last_failure: None,
        disabled_at: None,
        disabled_because: None,
        version: 1,
        created_at: now,
        updated_at: now,
    };
    let in_use = name_in_use(&row.name);
    let (ground_of, by, once) = (ground.clone(), viewer.clone(), viewer.once());
    let made = ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                once.begin(tx).await?;
                has_room(tx, organization_id).await?;
                let made = row.into_active_model().insert(tx).await.map_err(taken("name", in_use))?;
                subscriber_lanes::create(tx, organization_id, made.id).await?;
                secrets::add(tx, &ground_of, &made, &new.secret).await?;
                once.finish(tx, &ground_of, &Done::row(made.id).showing(Some(new.secret))).await?;
                let change = Change::made("webhookSubscriberCreate", &made);
                audit::record(tx, &ground_of, &by, change).await?;
                Ok::<_, Error>(made)
            })
        })
        .await?;
    tracing::info!(webhook_subscriber.id = %made.id, by = viewer.name, "a subscriber was made");
    Ok(made)
}

/// Whoever adds a subscriber queues at the organization, so that their number holds.
async fn has_room(tx: &DatabaseTransaction, organization_id: Uuid) -> Result<(), Error> {
    organization::Entity::find_by_id(organization_id).lock(LockType::NoKeyUpdate).one(tx).await?;
    let count = webhook_subscriber::Entity::find()
        .filter(webhook_subscriber::Column::OrganizationId.eq(organization_id))
        .count(tx)
        .await?;
    if count < MAX_SUBSCRIBERS {
        return Ok(());
    }
    let message = format!("there are {MAX_SUBSCRIBERS} subscribers; remove one that is not needed");
    Err(Problem::of("organizationId", ProblemCode::WrongState, message).into())
}

/// The subscriber of that id, where it is in reach.
pub async fn by_id(viewer: &Viewer, ground: &Ground, id: Uuid) -> Result<webhook_subscriber::Model, Error> {
    reach::by_id::<webhook_subscriber::Entity>(viewer, ground, id).await
}

/// Changes a subscriber. What is still to be told is tried again at once; one that is switched on, or has another
/// address, begins with a clean slate.
pub async fn update(
    viewer: &Viewer,
    ground: &Ground,
    id: Uuid,
    change: SubscriberChange,
) -> Result<webhook_subscriber::Model, Error> {
    let old = by_id(viewer, ground, id).await?;
    let organization_id = old.organization_id;
    viewer.may(Permission::ManageEndpoints, organization_id)?;
    let mut form = Form::default();
    let name = form.name_change(change.name.as_deref());
    let url = change.url.as_deref().map(|url| form.line("url", url, MAX_URL));
    let kinds = change.kinds.map(|list| kinds(&mut form, list.as_deref()));
    let policy_ids = match &change.policy_ids {
        Some(ids) => Some(policies(ground, organization_id, &mut form, ids.as_deref()).await?),
        None => None,
    };
    form.extend(change.problems);
    form.finish()?;
    let in_use = name_in_use(name.as_deref().unwrap_or_default());
    let (ground_of, by, now) = (ground.clone(), viewer.clone(), ground.clock.now());
    ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                subscriber_lanes::resume(tx, id, now).await?;
                let old =
                    versions::locked::<webhook_subscriber::Entity>(tx, id, change.expected_version).await?;
                let is_elsewhere = url.as_ref().is_some_and(|url| *url != old.url);
                let mut row = old.clone().into_active_model();
                if let Some(name) = name {
                    row.name = Set(name);
                }
                if let Some(url) = url {
                    row.url = Set(url);
                }
                if let Some(is_enabled) = change.is_enabled {
                    row.is_enabled = Set(is_enabled);
                }
                if let Some(kinds) = kinds {
                    row.kinds = Set(kinds);
                }
                if let Some(policy_ids) = policy_ids {
                    row.policy_ids = Set(policy_ids);
                }
                if is_elsewhere || change.is_enabled == Some(true) {
                    row.failures = Set(0);
                    row.failing_since = Set(None);
                    row.disabled_at = Set(None);
                    row.disabled_because = Set(None);
                }
                row.version = Set(old.version + 1);
                row.updated_at = Set(now);
                let changed = row.update(tx).await.map_err(taken("name", in_use))?;
                let mut change = Change::between("webhookSubscriberUpdate", &old, &changed);
                if is_elsewhere {
                    change = change.is("url", "changed");
                }
                audit::record(tx, &ground_of, &by, change).await?;
                Ok::<_, Error>(changed)
            })
        })
        .await
}

/// Removes a subscriber with everything it was told.
pub async fn delete(viewer: &Viewer, ground: &Ground, id: Uuid) -> Result<(), Error> {
    let row = by_id(viewer, ground, id).await?;
    viewer.may(Permission::ManageEndpoints, row.organization_id)?;
    let (ground_of, by, now) = (ground.clone(), viewer.clone(), ground.clock.now());
    ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                subscriber_lanes::resume(tx, id, now).await?;
                let change = Change::removed("webhookSubscriberDelete", &row);
                removed(&row.delete(tx).await?)?;
                audit::record(tx, &ground_of, &by, change).await?;
                Ok::<_, Error>(())
            })
        })
        .await
}

/// Tells a subscriber something of which nothing follows, whatever kinds of news it wants.
pub async fn send_test(viewer: &Viewer, ground: &Ground, id: Uuid) -> Result<notification::Model, Error> {
    let row = by_id(viewer, ground, id).await?;
    viewer.may(Permission::ManageEndpoints, row.organization_id)?;
    if !row.is_enabled {
        let message = "the subscriber is switched off; switch it on, then repeat";
        return Err(Problem::of("id", ProblemCode::WrongState, message).into());
    }
    let (ground_of, by, once) = (ground.clone(), viewer.clone(), viewer.once());
    ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                once.begin(tx).await?;
                let told = happenings::test(tx, &ground_of, &row).await?.ok_or(Error::NotFound)?;
                subscriber_lanes::resume(tx, row.id, ground_of.clock.now()).await?;
                once.finish(tx, &ground_of, &Done::row(told.id)).await?;
                let change = Change::of("webhookSubscriberSendTest", &row);
                audit::record(tx, &ground_of, &by, change).await?;
                Ok::<_, Error>(told)
            })
        })
        .await
}

fn kinds(form: &mut Form, chosen: Option<&[NotificationKind]>) -> Option<Json> {
    let chosen = chosen?;
    if chosen.is_empty() {
        let message = "give at least one kind, or null for all; to tell it nothing, switch it off";
        form.add(Problem::of("kinds", ProblemCode::Required, message));
    }
    if let Some(index) = chosen.iter().position(|kind| *kind == NotificationKind::WebhookTest) {
        let message = "a test is sent to who asks for it, whatever kinds are chosen; leave it out";
        form.add(Problem::at(&["kinds", &index.to_string()], ProblemCode::Invalid, message));
    }
    let mut names: Vec<String> = Vec::new();
    for name in chosen.iter().map(NotificationKind::to_value) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    Some(json!(names))
}

async fn policies(
    ground: &Ground,
    organization_id: Uuid,
    form: &mut Form,
    chosen: Option<&[Uuid]>,
) -> Result<Option<Json>, DbErr> {
    const FIELD: &str = "policyIds";
    let Some(chosen) = chosen else { return Ok(None) };
    if chosen.is_empty() || chosen.len() > MAX_POLICIES {
        let message = format!("give 1 to {MAX_POLICIES} policies, or null for every ticket");
        form.add(Problem::of(FIELD, ProblemCode::Invalid, message));
        return Ok(None);
    }
    let found: Vec<Uuid> = policy::Entity::find()
        .select_only()
        .column(policy::Column::Id)
        .filter(policy::Column::OrganizationId.eq(organization_id))
        .filter(policy::Column::Id.is_in(chosen.iter().copied()))
        .into_tuple()
        .all(ground.db.reader())
        .await?;
    let found: HashSet<Uuid> = found.into_iter().collect();
    for (index, _) in chosen.iter().enumerate().filter(|(_, id)| !found.contains(id)) {
        let message = "there is no such policy in this organization; take the id from a list of them";
        form.add(Problem::at(&[FIELD, &index.to_string()], ProblemCode::NotFound, message));
    }
    Ok(Some(json!(chosen)))
}

fn name_in_use(name: &str) -> String {
    format!("another subscriber of this organization is named {name}; choose a different name")
}
