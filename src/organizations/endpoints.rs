//! Webhook endpoints: addresses that senders post to, and the secrets they sign with.
//!
//! Which senders and ways of signing there are is the doors' to know; here an endpoint is a key in an
//! address with its live secrets. Scanners post as whoever they are, a PSA speaks for one connection.
#![expect(clippy::disallowed_methods, reason = "scopes every query by organization")]

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use entity::{Timestamp, psa_connection, webhook_endpoint, webhook_endpoint::Registration, webhook_secret};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, DatabaseTransaction, DbErr, EntityTrait as _, ExprTrait as _,
    IntoActiveModel as _, PaginatorTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _, Select,
    Set,
    sea_query::{Expr, LockType},
};
use secrecy::{ExposeSecret as _, SecretString};
use uuid::Uuid;

use super::{
    allowed_addresses,
    form::{Form, last_four, no_such},
    once::Done,
    reach, versions,
    viewer::{Permission, Viewer},
};
use crate::{
    audit::{self, Change, facts},
    error::{Error, Problem, ProblemCode},
    global_id,
    ground::Ground,
    vault::{Place, SealedColumn},
};

pub use crate::ground::{EndpointCache, EndpointKeys, EndpointSecret};

/// How many secrets of an endpoint may be live at a time.
pub const MAX_SECRETS: u64 = 5;
/// How long older secrets stay valid after a rotation where nobody says, in seconds.
pub const DEFAULT_OVERLAP_SECS: i64 = 24 * 3_600;
/// How long they may, in seconds.
pub const MAX_OVERLAP_SECS: i64 = 7 * 24 * 3_600;

/// The length of the last part of an endpoint's address.
const KEY: usize = 32;
/// A secret shorter than this shows nothing of itself.
const HINT_FROM: usize = 16;
/// What the audit log calls the secret that something was done to.
const SECRET_ID: &str = "webhookSecretId";

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
    /// Key of the way it signs.
    pub scheme: String,
    /// The shared secret, or the sender's public key; none where the scheme has none.
    pub secret: Option<SecretString>,
    /// Whether the gateway registers it in the PSA and keeps it there.
    pub is_registered: bool,
    /// Addresses and networks that webhooks are taken from; empty for everywhere.
    pub allowed_addresses: Vec<String>,
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
    super::organization::by_id(viewer, ground, new.organization_id).await?;
    let row = draft(ground, &new).await?;
    let (ground_of, by, once) = (ground.clone(), viewer.clone(), viewer.once());
    let made = ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                once.begin(tx).await?;
                let (made, secret) = insert(tx, &ground_of, row, new.secret.as_ref()).await?;
                once.finish(tx, &ground_of, &Done::row(made.id).showing(new.secret)).await?;
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
    form.finish()?;
    let now = ground.clock.now();
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
        version: Set(1),
        created_at: Set(now),
        updated_at: Set(now),
    })
}

/// Stores a new endpoint with its first secret, where it has one.
pub(super) async fn insert(
    tx: &DatabaseTransaction,
    ground: &Ground,
    row: webhook_endpoint::ActiveModel,
    secret: Option<&SecretString>,
) -> Result<(webhook_endpoint::Model, Option<webhook_secret::Model>), Error> {
    let made = row.insert(tx).await?;
    let Some(secret) = secret else { return Ok((made, None)) };
    let secret = add_secret(tx, ground, &made, None, secret).await?;
    Ok((made, Some(secret)))
}

fn secret_global_id(id: Uuid) -> String {
    global_id::encode("WebhookSecret", id)
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
    /// The version that was seen.
    pub expected_version: Option<i32>,
}

/// Changes an endpoint's name, whether it takes webhooks, and from where, where its version is the expected one,
/// or none is expected.
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
                row.version = Set(old.version + 1);
                row.updated_at = Set(ground_of.clock.now());
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

/// Adds a secret; the older ones expire after an overlap of 0 seconds to 7 days, if not sooner. Gives the
/// time at which they do.
pub async fn rotate_secret(
    viewer: &Viewer,
    ground: &Ground,
    id: Uuid,
    secret: SecretString,
    overlap_secs: Option<i64>,
) -> Result<(webhook_endpoint::Model, Timestamp), Error> {
    let endpoint = by_id(viewer, ground, id).await?;
    viewer.may(Permission::ManageEndpoints, endpoint.organization_id)?;
    let mut form = Form::default();
    form.within("overlapSeconds", overlap_secs, 0, MAX_OVERLAP_SECS);
    form.finish()?;
    let (ground_of, by, now) = (ground.clone(), viewer.clone(), ground.clock.now());
    let until = now.plus_secs(overlap_secs.unwrap_or(DEFAULT_OVERLAP_SECS));
    let (row, once) = (endpoint.clone(), viewer.once());
    ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                use webhook_secret::Column as C;
                once.begin(tx).await?;
                // Rotations of one endpoint queue here, so that the number of secrets holds.
                webhook_endpoint::Entity::find_by_id(row.id).lock(LockType::Update).one(tx).await?;
                webhook_secret::Entity::update_many()
                    .col_expr(C::ExpiresAt, Expr::value(until))
                    .filter(C::OrganizationId.eq(row.organization_id))
                    .filter(C::WebhookEndpointId.eq(row.id))
                    .filter(C::ExpiresAt.is_null().or(C::ExpiresAt.gt(until)))
                    .exec(tx)
                    .await?;
                if live(&row, now).count(tx).await? >= MAX_SECRETS {
                    let message = format!(
                        "{MAX_SECRETS} secrets are valid already; expire one that is no longer used, or rotate \
                         with an overlap of 0"
                    );
                    return Err(Problem::of("id", ProblemCode::WrongState, message).into());
                }
                let made = add_secret(tx, &ground_of, &row, None, &secret).await?;
                let done = Done { until: Some(until), ..Done::row(row.id) }.showing(Some(secret));
                once.finish(tx, &ground_of, &done).await?;
                let change = Change::of("webhookEndpointRotateSecret", &row)
                    .is(SECRET_ID, secret_global_id(made.id))
                    .is("previousSecretExpiresAt", facts::moment(Some(until)));
                audit::record(tx, &ground_of, &by, change).await?;
                Ok::<_, Error>(())
            })
        })
        .await?;
    ground.endpoints.forget();
    tracing::info!(webhook_endpoint.id = %endpoint.id, by = viewer.name, "a webhook secret was rotated");
    Ok((endpoint, until))
}

/// Ends a secret at once. The only valid one stays: rotate it with an overlap of 0 instead.
pub async fn expire_secret(
    viewer: &Viewer,
    ground: &Ground,
    secret_id: Uuid,
) -> Result<webhook_endpoint::Model, Error> {
    let found = webhook_secret::Entity::find_by_id(secret_id).one(ground.db.reader()).await?;
    let secret = found.filter(|row| viewer.reaches(row.organization_id)).ok_or(Error::NotFound)?;
    viewer.may(Permission::ManageEndpoints, secret.organization_id)?;
    let endpoint = by_id(viewer, ground, secret.webhook_endpoint_id).await?;
    let (ground_of, by) = (ground.clone(), viewer.clone());
    let (row, now) = (endpoint.clone(), ground.clock.now());
    ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                webhook_endpoint::Entity::find_by_id(row.id).lock(LockType::Update).one(tx).await?;
                let live = live(&row, now).all(tx).await?;
                if !live.iter().any(|other| other.id == secret.id) {
                    return Ok(());
                }
                if live.len() == 1 {
                    let message = "it is the only valid secret; rotate it with an overlap of 0 instead, or switch \
                                   the endpoint off";
                    return Err(Problem::of("id", ProblemCode::WrongState, message).into());
                }
                let change = Change::of("webhookEndpointExpireSecret", &row)
                    .is(SECRET_ID, secret_global_id(secret.id))
                    .was("expiresAt", facts::moment(secret.expires_at))
                    .is("expiresAt", facts::moment(Some(now)));
                let mut row = secret.into_active_model();
                row.expires_at = Set(Some(now));
                row.update(tx).await?;
                audit::record(tx, &ground_of, &by, change).await?;
                Ok::<_, Error>(())
            })
        })
        .await?;
    ground.endpoints.forget();
    Ok(endpoint)
}

/// The secrets of several endpoints in reach, the newest first, those that have expired too.
pub async fn secrets(
    viewer: &Viewer,
    ground: &Ground,
    endpoint_ids: &[Uuid],
) -> Result<HashMap<Uuid, Vec<webhook_secret::Model>>, Error> {
    let rows = reach::rows::<webhook_secret::Entity>(viewer)
        .filter(webhook_secret::Column::WebhookEndpointId.is_in(endpoint_ids.iter().copied()))
        .order_by_desc(webhook_secret::Column::Id)
        .all(ground.db.reader())
        .await?;
    let mut found: HashMap<_, Vec<_>> = HashMap::new();
    for row in rows {
        found.entry(row.webhook_endpoint_id).or_default().push(row);
    }
    Ok(found)
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

async fn look_up(ground: &Ground, key: &str, now: Timestamp) -> Result<Option<EndpointKeys>, Error> {
    let db = ground.db.reader();
    let found =
        webhook_endpoint::Entity::find().filter(webhook_endpoint::Column::Key.eq(key)).one(db).await?;
    let Some(endpoint) = found else { return Ok(None) };
    let mut secrets = Vec::new();
    for row in live(&endpoint, now).order_by_desc(webhook_secret::Column::Id).all(db).await? {
        let secret = ground.vault.open_secret(db, place(&endpoint, row.id), &row.sealed).await?;
        secrets.push(EndpointSecret {
            id: row.id,
            key_name: row.key_name,
            secret,
            expires_at: row.expires_at,
        });
    }
    let mut settings = BTreeMap::new();
    if let Some(id) = endpoint.psa_connection_id {
        let connection = psa_connection::Entity::find_by_id(id)
            .filter(psa_connection::Column::OrganizationId.eq(endpoint.organization_id))
            .one(db)
            .await?;
        settings = connection.map(|row| super::connections::settings(&row)).unwrap_or_default();
    }
    Ok(Some(EndpointKeys { endpoint, secrets, settings }))
}

fn live(endpoint: &webhook_endpoint::Model, now: Timestamp) -> Select<webhook_secret::Entity> {
    use webhook_secret::Column as C;
    webhook_secret::Entity::find()
        .filter(C::OrganizationId.eq(endpoint.organization_id))
        .filter(C::WebhookEndpointId.eq(endpoint.id))
        .filter(C::ExpiresAt.is_null().or(C::ExpiresAt.gt(now)))
}

pub(super) async fn add_secret(
    tx: &DatabaseTransaction,
    ground: &Ground,
    endpoint: &webhook_endpoint::Model,
    key_name: Option<String>,
    secret: &SecretString,
) -> Result<webhook_secret::Model, Error> {
    let now = ground.clock.now();
    let id = ground.chance.id(now);
    let row = webhook_secret::ActiveModel {
        id: Set(id),
        organization_id: Set(endpoint.organization_id),
        webhook_endpoint_id: Set(endpoint.id),
        key_name: Set(key_name),
        sealed: Set(ground.vault.seal(tx, place(endpoint, id), secret).await?),
        hint: Set(last_four(secret.expose_secret(), HINT_FROM)),
        created_at: Set(now),
        expires_at: Set(None),
    };
    Ok(row.insert(tx).await?)
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

pub(super) const fn place(endpoint: &webhook_endpoint::Model, secret_id: Uuid) -> Place {
    Place {
        column: SealedColumn::WebhookSecret,
        organization_id: endpoint.organization_id,
        row_id: secret_id,
    }
}

#[cfg(test)]
mod tests;
