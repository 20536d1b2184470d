//! PSA connections: an organization's named logins to its PSAs.
//!
//! What a platform's credential form asks for is the door's to know: it normalises what was typed and says
//! which fields are secret. Here the open ones become the row's settings, and the secret ones are sealed
//! together.
#![expect(clippy::disallowed_methods, reason = "scopes every query by organization")]

mod uses;

use std::collections::BTreeMap;

use entity::{Timestamp, psa_connection, psa_connection::Health};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, DatabaseTransaction, DbErr, EntityTrait as _,
    IntoActiveModel as _, ModelTrait as _, QueryFilter as _, Set, sea_query::Expr,
};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;
use uuid::Uuid;

use super::{
    form::{Form, removed, taken},
    once::Done,
    versions,
    viewer::{Known, Permission, Viewer},
};
use crate::{
    audit::{self, Change, facts},
    db::news::{self, Happened, What},
    error::{Error, Problem, ProblemCode},
    ground::Ground,
    notifications::happenings,
    queue::lanes,
    vault::{Place, SealedColumn},
};

use self::uses::{has_mappings, is_elsewhere, limit_to, users};

/// How often a call that worked is written down, in seconds.
const HEALTH_EVERY_SECS: i64 = 60;
/// A secret shorter than this shows nothing of itself.
const HINT_FROM: usize = 12;

/// A credential form that was checked and normalised, sorted into what may be shown and what not.
#[derive(Clone, Debug, Default)]
pub struct SortedCredentials {
    /// Fields that are no secret, by key.
    pub settings: BTreeMap<String, String>,
    /// Secret fields, the one the login is recognised by first.
    pub secrets: Vec<(String, SecretString)>,
}

/// A connection to be made.
#[derive(Clone, Debug)]
pub struct NewConnection {
    /// Whose it is.
    pub organization_id: Uuid,
    /// Key of the platform, which the door has looked up.
    pub platform: String,
    /// Name for people; unique in the organization.
    pub name: String,
    /// The one company it is for; none where it is for all.
    pub company_id: Option<Uuid>,
    /// The login.
    pub credentials: SortedCredentials,
    /// What the door has found wrong with the login: told together with what is found here.
    pub problems: Vec<Problem>,
}

/// What is to be changed of a connection; what is none stays.
#[derive(Clone, Debug, Default)]
pub struct ConnectionChange {
    /// Another name.
    pub name: Option<String>,
    /// Whether it is used.
    pub is_enabled: Option<bool>,
    /// The one company it is for, or none for all.
    pub company_id: Option<Option<Uuid>>,
    /// The version that it must have.
    pub expected_version: Option<i32>,
    /// Another login, whole, and the version of the one it was made from.
    pub credentials: Option<(i32, SortedCredentials)>,
    /// What the door has found wrong with the login: told together with what is found here.
    pub problems: Vec<Problem>,
}

/// Makes a connection and its lane. Nothing is known of its health until it is verified.
pub async fn create(
    viewer: &Viewer,
    ground: &Ground,
    new: NewConnection,
) -> Result<psa_connection::Model, Error> {
    viewer.may(Permission::ManageIntegrations, new.organization_id)?;
    super::organization::living(viewer, ground, new.organization_id).await?;
    let mut form = Form::default();
    let name = form.name(&new.name);
    form.extend(new.problems);
    form.finish()?;
    let in_use = name_in_use(&name);
    let (ground_of, by, now) = (ground.clone(), viewer.clone(), ground.clock.now());
    let (id, once) = (ground.chance.id(now), viewer.once());
    let made = ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                once.begin(tx).await?;
                limit_to(tx, new.organization_id, id, new.company_id).await?;
                let sealed = seal(tx, &ground_of, new.organization_id, id, &new.credentials.secrets).await?;
                let row = psa_connection::ActiveModel {
                    id: Set(id),
                    organization_id: Set(new.organization_id),
                    platform: Set(new.platform),
                    name: Set(name),
                    is_enabled: Set(true),
                    settings: Set(json!(new.credentials.settings)),
                    sealed_credentials: Set(sealed),
                    credentials_hint: Set(hint(&new.credentials.secrets)),
                    credentials_version: Set(1),
                    credentials_updated_at: Set(now),
                    health: Set(Health::Unverified),
                    health_checked_at: Set(None),
                    health_message: Set(None),
                    verification: Set(json!([])),
                    verification_due_at: Set(None),
                    companies_synced_at: Set(None),
                    company_id: Set(new.company_id),
                    version: Set(1),
                    created_at: Set(now),
                    updated_at: Set(now),
                };
                let made = row.insert(tx).await.map_err(taken("name", in_use))?;
                lanes::create(tx, made.organization_id, made.id, now).await?;
                once.finish(tx, &ground_of, &Done::row(made.id)).await?;
                let change = Change::made("psaConnectionCreate", &made).is("credentials", "given");
                audit::record(tx, &ground_of, &by, change).await?;
                Ok::<_, Error>(made)
            })
        })
        .await?;
    tracing::info!(psa_connection.id = %made.id, by = viewer.name, "a PSA connection was made");
    Ok(made)
}

/// The connection of that id, where it is in reach.
pub async fn by_id(viewer: &Viewer, ground: &Ground, id: Uuid) -> Result<psa_connection::Model, Error> {
    let found = psa_connection::Entity::find_by_id(id).one(ground.db.reader()).await?;
    found.filter(|row| viewer.reaches(row.organization_id)).ok_or(Error::NotFound)
}

/// Changes a connection. Another login makes its health unknown until a worker has verified it, and ends a
/// pause; work that waited for a
/// connection that was switched off goes on when it is switched on.
pub async fn update(
    viewer: &Viewer,
    ground: &Ground,
    id: Uuid,
    change: ConnectionChange,
) -> Result<psa_connection::Model, Error> {
    let old = by_id(viewer, ground, id).await?;
    viewer.may(Permission::ManageIntegrations, old.organization_id)?;
    let mut form = Form::default();
    let name = form.name_change(change.name.as_deref());
    form.extend(change.problems);
    form.finish()?;
    let in_use = name_in_use(name.as_deref().unwrap_or_default());
    let (ground_of, by, now) = (ground.clone(), viewer.clone(), ground.clock.now());
    let changed = ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                let organization_id = old.organization_id;
                let old = versions::locked::<psa_connection::Entity>(tx, id, change.expected_version).await?;
                let mut row = old.clone().into_active_model();
                if let Some(name) = name {
                    row.name = Set(name);
                }
                if let Some(is_enabled) = change.is_enabled {
                    row.is_enabled = Set(is_enabled);
                }
                if let Some(company_id) = change.company_id {
                    limit_to(tx, organization_id, id, company_id).await?;
                    row.company_id = Set(company_id);
                }
                let mut is_resumed = change.is_enabled == Some(true);
                let is_told = change.is_enabled.is_some() || change.credentials.is_some();
                let is_login_changed = change.credentials.is_some();
                if let Some((version, credentials)) = change.credentials {
                    if !raise_version(tx, organization_id, id, version).await? {
                        let message =
                            "somebody else has changed the credentials meanwhile; look again, then repeat";
                        return Err(Problem::of("credentials", ProblemCode::WrongState, message).into());
                    }
                    is_resumed = true;
                    if is_elsewhere(&old.settings, &credentials.settings) && has_mappings(tx, organization_id, id).await? {
                        let message = "this is another PSA: ids there mean other customers. Companies are mapped \
                                       here; make a new connection for the new address, or remove its mappings first";
                        return Err(Problem::at(&["credentials", "domain"], ProblemCode::InUse, message).into());
                    }
                    row.sealed_credentials =
                        Set(seal(tx, &ground_of, organization_id, id, &credentials.secrets).await?);
                    row.settings = Set(json!(credentials.settings));
                    row.credentials_hint = Set(hint(&credentials.secrets));
                    row.credentials_updated_at = Set(now);
                    row.health = Set(Health::Unverified);
                    row.health_checked_at = Set(None);
                    row.health_message = Set(None);
                    row.verification = Set(json!([]));
                    row.verification_due_at = Set(Some(now));
                }
                row.version = Set(old.version + 1);
                row.updated_at = Set(now);
                let changed = row.update(tx).await.map_err(taken("name", in_use))?;
                if is_told {
                    health_changed(organization_id, id, now);
                }
                if is_resumed {
                    lanes::resume(tx, id, now).await?;
                }
                let mut change = Change::between("psaConnectionUpdate", &old, &changed);
                if is_login_changed {
                    change = change.is("credentials", "changed");
                }
                audit::record(tx, &ground_of, &by, change).await?;
                Ok::<_, Error>(changed)
            })
        })
        .await?;
    ground.wake.outbox();
    Ok(changed)
}

/// Removes a connection with its copies of the PSA's companies and lists. One that something is built on
/// stays.
pub async fn delete(viewer: &Viewer, ground: &Ground, id: Uuid) -> Result<(), Error> {
    let row = by_id(viewer, ground, id).await?;
    viewer.may(Permission::ManageIntegrations, row.organization_id)?;
    let (ground_of, by) = (ground.clone(), viewer.clone());
    ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                let users = users(tx, id).await?;
                if !users.is_empty() {
                    let message = format!(
                        "the connection has {}; remove what can be removed first, or switch the connection off",
                        users.join(", ")
                    );
                    return Err(Problem::of("id", ProblemCode::InUse, message).into());
                }
                let change = Change::removed("psaConnectionDelete", &row);
                removed(&row.delete(tx).await?)?;
                audit::record(tx, &ground_of, &by, change).await?;
                Ok::<_, Error>(())
            })
        })
        .await
}

/// Its credential fields that are no secret, by key.
pub fn settings(row: &psa_connection::Model) -> BTreeMap<String, String> {
    serde_json::from_value(row.settings.clone()).unwrap_or_default()
}

/// The whole login, opened: for clients of the PSA, and for changing one field of it. By key of the field.
pub async fn credentials(
    ground: &Ground,
    row: &psa_connection::Model,
) -> Result<BTreeMap<String, SecretString>, Error> {
    let settings = settings(row);
    if row.sealed_credentials.is_empty() {
        return Ok(settings.into_iter().map(|(key, text)| (key, text.into())).collect());
    }
    let place = place(row.organization_id, row.id);
    let sealed = ground.vault.open_secret(ground.db.reader(), place, &row.sealed_credentials).await?;
    let secrets: BTreeMap<String, String> = serde_json::from_str(sealed.expose_secret())?;
    Ok(settings.into_iter().chain(secrets).map(|(key, text)| (key, text.into())).collect())
}

/// Keeps the result of *Save & Verify*: `steps` as the dashboard shows them, and one sentence. A login
/// that works ends a pause. If the credentials were changed since (`version` is the one that was checked),
/// nothing is kept.
pub async fn record_verification(
    viewer: &Viewer,
    ground: &Ground,
    id: Uuid,
    version: i32,
    steps: serde_json::Value,
    is_ok: bool,
    message: &str,
) -> Result<psa_connection::Model, Error> {
    let old = by_id(viewer, ground, id).await?;
    viewer.may(Permission::CheckIntegrations, old.organization_id)?;
    let (now, message, told) = (ground.clock.now(), message.to_owned(), message.to_owned());
    let (ground_of, by) = (ground.clone(), viewer.clone());
    ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                use psa_connection::Column as C;
                let result = psa_connection::Entity::update_many()
                    .col_expr(C::Verification, Expr::value(steps))
                    .col_expr(C::Health, Expr::value(health(is_ok)))
                    .col_expr(C::HealthCheckedAt, Expr::value(now))
                    .col_expr(C::HealthMessage, Expr::value(message))
                    .col_expr(C::VerificationDueAt, Expr::value(None::<Timestamp>))
                    .filter(C::OrganizationId.eq(old.organization_id))
                    .filter(C::Id.eq(id))
                    .filter(C::CredentialsVersion.eq(version))
                    .exec(tx)
                    .await?;
                if result.rows_affected == 1 {
                    if old.health != health(is_ok) {
                        happenings::to_connection(tx, &ground_of, &old, is_ok, &told).await?;
                    }
                    health_changed(old.organization_id, id, now);
                    if is_ok {
                        lanes::resume(tx, id, now).await?;
                    }
                }
                // What the gateway checks by itself is nobody's doing.
                if by.known() != Known::Gateway {
                    let change = Change::of("psaConnectionVerify", &old);
                    let change = change.was("health", facts::word(&old.health));
                    let change = change.is("health", facts::word(&health(is_ok)));
                    audit::record(tx, &ground_of, &by, change).await?;
                }
                Ok::<_, Error>(())
            })
        })
        .await?;
    ground.wake.outbox();
    by_id(viewer, ground, id).await
}

/// Has a login verified again at a later time, unless it was changed since.
pub async fn verify_again(ground: &Ground, row: &psa_connection::Model, at: Timestamp) -> Result<(), Error> {
    use psa_connection::Column as C;
    let (organization_id, id, version) = (row.organization_id, row.id, row.credentials_version);
    ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                psa_connection::Entity::update_many()
                    .col_expr(C::VerificationDueAt, Expr::value(at))
                    .filter(C::OrganizationId.eq(organization_id))
                    .filter(C::Id.eq(id))
                    .filter(C::CredentialsVersion.eq(version))
                    .exec(tx)
                    .await?;
                Ok(())
            })
        })
        .await
}

/// Keeps what a worker's call has shown of a connection's health. A call that worked is written down once
/// a minute at the most.
pub async fn record_health(
    ground: &Ground,
    organization_id: Uuid,
    id: Uuid,
    is_ok: bool,
    message: &str,
) -> Result<(), Error> {
    use psa_connection::Column as C;
    let now = ground.clock.now();
    let known = psa_connection::Entity::find_by_id(id)
        .filter(C::OrganizationId.eq(organization_id))
        .one(ground.db.reader())
        .await?;
    let Some(known) = known else { return Ok(()) };
    let is_fresh = known.health_checked_at.is_some_and(|at| now < at.plus_secs(HEALTH_EVERY_SECS));
    if is_ok && known.health == Health::Healthy && is_fresh {
        return Ok(());
    }
    let is_changed = known.health != health(is_ok);
    let is_news = is_changed || known.health_message.as_deref() != Some(message);
    let (message, told, ground_of) = (message.to_owned(), message.to_owned(), ground.clone());
    ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                psa_connection::Entity::update_many()
                    .col_expr(C::Health, Expr::value(health(is_ok)))
                    .col_expr(C::HealthCheckedAt, Expr::value(now))
                    .col_expr(C::HealthMessage, Expr::value(message))
                    .filter(C::OrganizationId.eq(organization_id))
                    .filter(C::Id.eq(id))
                    .exec(tx)
                    .await?;
                if is_changed {
                    happenings::to_connection(tx, &ground_of, &known, is_ok, &told).await?;
                }
                if is_news {
                    health_changed(organization_id, id, now);
                }
                Ok(())
            })
        })
        .await
}

/// Tells those who watch.
fn health_changed(organization_id: Uuid, id: Uuid, at: Timestamp) {
    news::tell(Happened { what: What::ConnectionHealthChanged, organization_id, id, at });
}

const fn health(is_ok: bool) -> Health {
    if is_ok { Health::Healthy } else { Health::Failing }
}

/// Takes the next version, where `version` is still the current one.
async fn raise_version(
    tx: &DatabaseTransaction,
    organization_id: Uuid,
    id: Uuid,
    version: i32,
) -> Result<bool, DbErr> {
    use psa_connection::Column as C;
    let result = psa_connection::Entity::update_many()
        .col_expr(C::CredentialsVersion, Expr::value(version + 1))
        .filter(C::OrganizationId.eq(organization_id))
        .filter(C::Id.eq(id))
        .filter(C::CredentialsVersion.eq(version))
        .exec(tx)
        .await?;
    Ok(result.rows_affected == 1)
}

async fn seal(
    tx: &DatabaseTransaction,
    ground: &Ground,
    organization_id: Uuid,
    id: Uuid,
    secrets: &[(String, SecretString)],
) -> Result<Vec<u8>, Error> {
    let open: BTreeMap<&str, &str> =
        secrets.iter().map(|(key, secret)| (key.as_str(), secret.expose_secret())).collect();
    let text = SecretString::from(serde_json::to_string(&open)?);
    ground.vault.seal(tx, place(organization_id, id), &text).await
}

const fn place(organization_id: Uuid, row_id: Uuid) -> Place {
    Place { column: SealedColumn::Credentials, organization_id, row_id }
}

/// The last four characters of the first secret.
fn hint(secrets: &[(String, SecretString)]) -> String {
    let Some((_, secret)) = secrets.first() else { return String::new() };
    super::form::last_four(secret.expose_secret(), HINT_FROM)
}

fn name_in_use(name: &str) -> String {
    format!("another connection of this organization is named {name}; choose a different name")
}

#[cfg(test)]
mod tests;
