//! Webhook endpoints: addresses that senders post to, and the secrets they sign with.
//!
//! Which senders and ways of signing there are is the doors' to know; here an endpoint is a key in an
//! address with its live secrets. Scanners post as whoever they are, a PSA speaks for one connection.
#![expect(clippy::disallowed_methods, reason = "scopes every query by organization")]

mod baseline;
mod secrets;
mod settings;

use std::{collections::BTreeMap, sync::Arc};

use entity::{
    Timestamp, psa_connection,
    webhook_endpoint::{self, Mode, Registration},
    webhook_secret,
};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, DatabaseTransaction, DbErr, EntityTrait as _,
    IntoActiveModel as _, QueryFilter as _, QueryOrder as _, Set, prelude::Json as JsonValue,
};
use uuid::Uuid;

use super::{
    allowed_addresses,
    form::{Form, no_such},
    once::Done,
    versions,
    viewer::{Permission, Viewer},
};
use crate::{
    audit::{self, Change},
    error::{Error, Problem, ProblemCode},
    ground::Ground,
};

pub use baseline::{End, Learning, MAX_AHEAD_SECS, TAKEN_UP, end_baseline};
pub use secrets::{
    DEFAULT_OVERLAP_SECS, MAX_OVERLAP_SECS, MAX_SECRETS, NewSecret, digest, expire_secret, rotate_secret,
    secrets,
};
pub(super) use secrets::{add_secret, place};
pub use settings::settle_setting;

use secrets::{SECRET_ID, live, secret_global_id};

pub use crate::ground::{EndpointKeys, EndpointSecret};

/// The length of the last part of an endpoint's address.
const KEY: usize = 32;

/// An endpoint to be made. The door has looked up the sender and the scheme, and read the secret.
#[derive(Clone, Debug)]
pub struct NewEndpoint {
    /// Whose it is.
    pub organization_id: Uuid,
    /// Name for people.
    pub name: String,
    /// Key of the scanner or platform that posts.
    pub sender: String,
    /// Whether that is a platform.
    pub is_platform: bool,
    /// The PSA connection it speaks for, where the sender is a platform.
    pub psa_connection_id: Option<Uuid>,
    /// Key of the way it is authenticated.
    pub scheme: String,
    /// The shared secret, or the sender's public key; none where the scheme has none.
    pub secret: Option<NewSecret>,
    /// Whether the gateway registers it in the PSA and keeps it there.
    pub is_registered: bool,
    /// Addresses and networks that webhooks are taken from; empty for everywhere.
    pub allowed_addresses: Vec<String>,
    /// Settings of the sender and of the scheme, which the door has checked.
    pub settings: Option<JsonValue>,
    /// Whether it only learns at first.
    pub learning: Learning,
    /// What the door has found wrong: told together with what is found here.
    pub problems: Vec<Problem>,
}

/// Makes an endpoint with its first secret.
pub async fn create(
    viewer: &Viewer,
    ground: &Ground,
    new: NewEndpoint,
) -> Result<webhook_endpoint::Model, Error> {
    viewer.may(Permission::ManageEndpoints, new.organization_id)?;
    super::organization::living(viewer, ground, new.organization_id).await?;
    let row = draft(ground, &new).await?;
    let (ground_of, by, once) = (ground.clone(), viewer.clone(), viewer.once());
    let made = ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                once.begin(tx).await?;
                let (made, secret) = insert(tx, &ground_of, row, new.secret.as_ref()).await?;
                let shown = new.secret.map(NewSecret::into_text);
                once.finish(tx, &ground_of, &Done::row(made.id).showing(shown)).await?;
                let mut change = Change::made("webhookEndpointCreate", &made);
                if let Some(secret) = secret {
                    change = change.is(SECRET_ID, secret_global_id(secret.id));
                }
                audit::record(tx, &ground_of, &by, change).await?;
                Ok::<_, Error>(made)
            })
        })
        .await?;
    ground.endpoints.forget();
    tracing::info!(webhook_endpoint.id = %made.id, by = viewer.name, "a webhook endpoint was made");
    Ok(made)
}

/// A new endpoint's row, where nothing is wrong with it.
pub(super) async fn draft(
    ground: &Ground,
    new: &NewEndpoint,
) -> Result<webhook_endpoint::ActiveModel, Error> {
    let mut form = Form::default();
    let name = form.name(&new.name);
    form.extend(new.problems.iter().cloned());
    form.extend(check_connection(ground, new).await?);
    let allowed_addresses = allowed_addresses::read(&mut form, &new.allowed_addresses);
    let now = ground.clock.now();
    new.learning.check(&mut form, Mode::Live, new.is_platform, now);
    form.finish()?;
    let (mode, baseline_until) = new.learning.of((Mode::Live, None), now);
    Ok(webhook_endpoint::ActiveModel {
        id: Set(ground.chance.id(now)),
        organization_id: Set(new.organization_id),
        key: Set(ground.chance.alphanumeric(KEY)),
        name: Set(name),
        sender: Set(new.sender.clone()),
        psa_connection_id: Set(new.psa_connection_id),
        scheme: Set(new.scheme.clone()),
        is_enabled: Set(true),
        registration: Set(if new.is_registered { Registration::Wanted } else { Registration::ByHand }),
        registered_id: Set(None),
        registration_message: Set(None),
        registration_checked_at: Set(None),
        registration_due_at: Set(new.is_registered.then_some(now)),
        wanted_key: Set(None),
        allowed_addresses: Set(allowed_addresses),
        settings: Set(new.settings.clone()),
        mode: Set(mode),
        baseline_until: Set(baseline_until),
        version: Set(1),
        created_at: Set(now),
        updated_at: Set(now),
    })
}

/// An endpoint of another organization that is used like this one: without a secret, and with an address of its own.
pub(super) fn like(
    ground: &Ground,
    old: &webhook_endpoint::Model,
    organization_id: Uuid,
) -> webhook_endpoint::Model {
    let now = ground.clock.now();
    webhook_endpoint::Model {
        id: ground.chance.id(now),
        organization_id,
        key: ground.chance.alphanumeric(KEY),
        registration: Registration::ByHand,
        registered_id: None,
        registration_message: None,
        registration_checked_at: None,
        registration_due_at: None,
        wanted_key: None,
        version: 1,
        created_at: now,
        updated_at: now,
        ..old.clone()
    }
}

/// Stores a new endpoint with its first secret, where it has one.
pub(super) async fn insert(
    tx: &DatabaseTransaction,
    ground: &Ground,
    row: webhook_endpoint::ActiveModel,
    secret: Option<&NewSecret>,
) -> Result<(webhook_endpoint::Model, Option<webhook_secret::Model>), Error> {
    let made = row.insert(tx).await?;
    let Some(secret) = secret else { return Ok((made, None)) };
    let secret = add_secret(tx, ground, &made, None, secret).await?;
    Ok((made, Some(secret)))
}

/// The endpoint of that id, where it is in reach.
pub async fn by_id(viewer: &Viewer, ground: &Ground, id: Uuid) -> Result<webhook_endpoint::Model, Error> {
    let found = webhook_endpoint::Entity::find_by_id(id).one(ground.db.reader()).await?;
    found.filter(|row| viewer.reaches(row.organization_id)).ok_or(Error::NotFound)
}

/// What to change of an endpoint; what is absent stays.
#[derive(Clone, Debug, Default)]
pub struct EndpointChange {
    /// Name for people.
    pub name: Option<String>,
    /// Whether it takes webhooks.
    pub is_enabled: Option<bool>,
    /// Addresses and networks that webhooks are taken from; empty for everywhere.
    pub allowed_addresses: Option<Vec<String>>,
    /// Settings of the sender and of the scheme, which the door has checked; `Some(None)` for none.
    pub settings: Option<Option<JsonValue>>,
    /// What it is to do with what it learns.
    pub learning: Learning,
    /// The version that was seen.
    pub expected_version: Option<i32>,
}

/// Changes an endpoint's name, whether it takes webhooks and from where, its settings, and whether it only learns, where
/// its version is the expected one, or none is expected.
pub async fn update(
    viewer: &Viewer,
    ground: &Ground,
    id: Uuid,
    change: EndpointChange,
) -> Result<webhook_endpoint::Model, Error> {
    let old = by_id(viewer, ground, id).await?;
    viewer.may(Permission::ManageEndpoints, old.organization_id)?;
    let mut form = Form::default();
    let name = form.name_change(change.name.as_deref());
    let allowed = change.allowed_addresses.map(|typed| allowed_addresses::read(&mut form, &typed));
    let now = ground.clock.now();
    change.learning.check(&mut form, old.mode, old.psa_connection_id.is_some(), now);
    form.finish()?;
    let (ground_of, by) = (ground.clone(), viewer.clone());
    let changed = ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                let old =
                    versions::locked::<webhook_endpoint::Entity>(tx, id, change.expected_version).await?;
                let mut row = old.clone().into_active_model();
                if let Some(name) = name {
                    row.name = Set(name);
                }
                if let Some(is_enabled) = change.is_enabled {
                    row.is_enabled = Set(is_enabled);
                }
                if let Some(allowed) = allowed {
                    row.allowed_addresses = Set(allowed);
                }
                if let Some(settings) = change.settings {
                    row.settings = Set(settings);
                }
                let (mode, until) = change.learning.of((old.mode, old.baseline_until), now);
                row.mode = Set(mode);
                row.baseline_until = Set(until);
                row.version = Set(old.version + 1);
                row.updated_at = Set(now);
                let changed = row.update(tx).await?;
                let change = Change::between("webhookEndpointUpdate", &old, &changed);
                audit::record(tx, &ground_of, &by, change).await?;
                Ok::<_, Error>(changed)
            })
        })
        .await?;
    ground.endpoints.forget();
    Ok(changed)
}

/// The endpoint of an address with its opened secrets, for checking who posts. The organization is not
/// known before: the key, of 190 random bits, is what is asked with. Kept for five seconds; a change in
/// this process counts at once.
pub async fn resolve(ground: &Ground, key: &str) -> Result<Option<Arc<EndpointKeys>>, Error> {
    if key.len() != KEY || !key.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Ok(None);
    }
    let now = ground.clock.now();
    let begun = match ground.endpoints.get(key, now) {
        Ok(found) => return Ok(found),
        Err(begun) => begun,
    };
    let found = look_up(ground, key, now).await?.map(Arc::new);
    ground.endpoints.keep(key, found.clone(), now, begun);
    Ok(found)
}

/// Whether an endpoint of that address was known here a moment ago. Asks nobody.
pub fn is_remembered(ground: &Ground, key: &str) -> bool {
    matches!(ground.endpoints.get(key, ground.clock.now()), Ok(Some(_)))
}

async fn look_up(ground: &Ground, key: &str, now: Timestamp) -> Result<Option<EndpointKeys>, Error> {
    let Some(mut endpoint) = by_key(ground, key).await? else { return Ok(None) };
    if !super::organization::is_here(ground, endpoint.organization_id).await? {
        return Ok(None);
    }
    loop {
        let opened = open(ground, &endpoint, now).await;
        if opened.as_ref().is_ok_and(|keys| !keys.secrets.is_empty()) {
            return opened.map(Some);
        }
        // Between two statements its organization may have been merged into another one, and its secrets with it.
        match by_key(ground, key).await? {
            Some(row) if row.organization_id != endpoint.organization_id => endpoint = row,
            _ => return opened.map(Some),
        }
    }
}

async fn by_key(ground: &Ground, key: &str) -> Result<Option<webhook_endpoint::Model>, DbErr> {
    webhook_endpoint::Entity::find()
        .filter(webhook_endpoint::Column::Key.eq(key))
        .one(ground.db.reader())
        .await
}

/// An endpoint with its secrets, and its connection's settings.
async fn open(
    ground: &Ground,
    endpoint: &webhook_endpoint::Model,
    now: Timestamp,
) -> Result<EndpointKeys, Error> {
    let db = ground.db.reader();
    // Settings first: where they are another's by now, so are the secrets.
    let mut settings = BTreeMap::new();
    if let Some(id) = endpoint.psa_connection_id {
        let connection = psa_connection::Entity::find_by_id(id)
            .filter(psa_connection::Column::OrganizationId.eq(endpoint.organization_id))
            .one(db)
            .await?;
        settings = connection.map(|row| super::connections::settings(&row)).unwrap_or_default();
    }
    let mut secrets = Vec::new();
    for row in live(endpoint, now).order_by_desc(webhook_secret::Column::Id).all(db).await? {
        let secret = ground.vault.open_secret(db, place(endpoint, row.id), &row.sealed).await?;
        secrets.push(EndpointSecret {
            id: row.id,
            key_name: row.key_name,
            secret,
            expires_at: row.expires_at,
        });
    }
    Ok(EndpointKeys { endpoint: endpoint.clone(), secrets, settings })
}

async fn check_connection(ground: &Ground, new: &NewEndpoint) -> Result<Option<Problem>, DbErr> {
    const FIELD: &str = "psaConnectionId";
    let id = match (new.is_platform, new.psa_connection_id) {
        (false, None) => return Ok(None),
        (false, Some(_)) => {
            let message = "only an endpoint that a PSA posts to speaks for a connection; leave it out";
            return Ok(Some(Problem::of(FIELD, ProblemCode::Invalid, message)));
        }
        (true, None) => {
            let message = "a PSA posts for one connection; say which";
            return Ok(Some(Problem::of(FIELD, ProblemCode::Required, message)));
        }
        (true, Some(id)) => id,
    };
    let connection = psa_connection::Entity::find_by_id(id)
        .filter(psa_connection::Column::OrganizationId.eq(new.organization_id))
        .one(ground.db.reader())
        .await?;
    Ok(match connection {
        None => Some(no_such(FIELD, "PSA connection")),
        Some(row) if row.platform != new.sender => Some(Problem::of(
            FIELD,
            ProblemCode::Invalid,
            "the connection is to another kind of PSA than the one that posts; choose one of the same kind",
        )),
        Some(_) => None,
    })
}

#[cfg(test)]
mod tests;
