//! How the gateway's own webhooks stand in a PSA: what is to be looked at, and what was seen.
#![expect(clippy::disallowed_methods, reason = "scopes every query by organization and connection")]

use std::collections::HashMap;

use entity::{
    Timestamp, psa_connection, webhook_delivery,
    webhook_endpoint::{self, Registration},
    webhook_secret,
};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, ConnectionTrait, DatabaseTransaction, DbErr, EntityTrait as _,
    FromQueryResult as _, IntoActiveModel as _, PaginatorTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _, QueryTrait as _, Set,
    sea_query::{Expr, LockType},
};
use secrecy::SecretString;
use uuid::Uuid;

use super::{
    connections,
    endpoints::{self, NewEndpoint},
    reach, versions,
    viewer::{Permission, Viewer},
};
use crate::{
    audit::{self, Change, facts},
    error::Error,
    ground::Ground,
    queue::{deliveries, lanes},
};

/// How often a registration that works is looked at, in seconds: vendors switch webhooks off.
const LOOK_EVERY_SECS: i64 = 6 * 3_600;
/// When one that does not work is looked at again, in seconds; doubled up to the usual time.
const LOOK_AGAIN_SECS: i64 = 120;
/// How many keys of a PSA are kept for an endpoint.
const MAX_KEYS: u64 = 5;

/// What was seen of a registration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The PSA's id of it.
    pub registered_id: Option<String>,
    /// What was mended, in words.
    pub mended: Option<String>,
    /// What is wrong, in words.
    pub problem: Option<String>,
}

/// Asks for the gateway's webhook to be registered in the PSA of a connection: makes the endpoint, or goes
/// on with the one there is. The rest is done in the connection's lane.
pub async fn request(
    viewer: &Viewer,
    ground: &Ground,
    new: NewEndpoint,
    psa_connection_id: Uuid,
) -> Result<webhook_endpoint::Model, Error> {
    let connection = connections::by_id(viewer, ground, psa_connection_id).await?;
    viewer.may(Permission::ManageIntegrations, connection.organization_id)?;
    let draft = endpoints::draft(ground, &new).await?;
    let (ground_of, by, now) = (ground.clone(), viewer.clone(), ground.clock.now());
    let made = ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                // Two that ask at once queue here, so that one endpoint is made.
                versions::locked::<psa_connection::Entity>(tx, psa_connection_id, None).await?;
                let row = match registered(tx, psa_connection_id).await?.into_iter().next() {
                    None => endpoints::insert(tx, &ground_of, draft, new.secret.as_ref()).await?.0,
                    Some(old) => {
                        let version = old.version;
                        let mut row = old.into_active_model();
                        row.is_enabled = Set(true);
                        row.registration = Set(Registration::Wanted);
                        row.registration_due_at = Set(Some(now));
                        row.version = Set(version + 1);
                        row.updated_at = Set(now);
                        row.update(tx).await?
                    }
                };
                lanes::wake(tx, psa_connection_id, now).await?;
                let change = Change::of("psaConnectionRegisterWebhook", &connection)
                    .is("webhookEndpointId", facts::reference::<webhook_endpoint::Model>(row.id));
                audit::record(tx, &ground_of, &by, change).await?;
                Ok::<_, Error>(row)
            })
        })
        .await?;
    ground.endpoints.forget();
    ground.wake.outbox();
    tracing::info!(webhook_endpoint.id = %made.id, by = viewer.name, "a webhook is to be registered in the PSA");
    Ok(made)
}

/// No longer registers the endpoints of a connection, and takes nothing more from them. What stands in the PSA is
/// the caller's to take out.
pub async fn give_up(viewer: &Viewer, ground: &Ground, psa_connection_id: Uuid) -> Result<(), Error> {
    let connection = connections::by_id(viewer, ground, psa_connection_id).await?;
    viewer.may(Permission::ManageIntegrations, connection.organization_id)?;
    let (ground_of, by, now) = (ground.clone(), viewer.clone(), ground.clock.now());
    ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                versions::locked::<psa_connection::Entity>(tx, psa_connection_id, None).await?;
                let mut given_up = Vec::new();
                for old in registered(tx, psa_connection_id).await? {
                    given_up.push(facts::reference::<webhook_endpoint::Model>(old.id));
                    let version = old.version;
                    let mut row = old.into_active_model();
                    row.is_enabled = Set(false);
                    row.registration = Set(Registration::ByHand);
                    row.registered_id = Set(None);
                    row.registration_message = Set(None);
                    row.registration_due_at = Set(None);
                    row.wanted_key = Set(None);
                    row.version = Set(version + 1);
                    row.updated_at = Set(now);
                    row.update(tx).await?;
                }
                if !given_up.is_empty() {
                    let change = Change::of("psaConnectionRemoveWebhook", &connection)
                        .was("webhookEndpointIds", given_up);
                    audit::record(tx, &ground_of, &by, change).await?;
                }
                Ok::<_, Error>(())
            })
        })
        .await?;
    ground.endpoints.forget();
    Ok(())
}

/// The endpoints of a connection that the gateway keeps registered, the oldest first.
pub async fn of_connection(
    ground: &Ground,
    psa_connection_id: Uuid,
) -> Result<Vec<webhook_endpoint::Model>, DbErr> {
    registered(ground.db.reader(), psa_connection_id).await
}

async fn registered(
    db: &impl ConnectionTrait,
    psa_connection_id: Uuid,
) -> Result<Vec<webhook_endpoint::Model>, DbErr> {
    use webhook_endpoint::Column as C;
    webhook_endpoint::Entity::find()
        .filter(C::PsaConnectionId.eq(psa_connection_id))
        .filter(C::Registration.ne(Registration::ByHand))
        .order_by_asc(C::Id)
        .all(db)
        .await
}

/// A connection's endpoints that are to be looked at in its PSA by now.
pub async fn due(ground: &Ground, psa_connection_id: Uuid) -> Result<Vec<webhook_endpoint::Model>, Error> {
    use webhook_endpoint::Column as C;
    Ok(webhook_endpoint::Entity::find()
        .filter(C::PsaConnectionId.eq(psa_connection_id))
        .filter(C::RegistrationDueAt.lte(ground.clock.now()))
        .order_by_asc(C::Id)
        .all(ground.db.reader())
        .await?)
}

/// The PSA says that a registration was changed, or signs with a key that is not known: look at it soon.
pub async fn concern(
    tx: &DatabaseTransaction,
    ground: &Ground,
    delivery: &webhook_delivery::Model,
    wanted_key: Option<&str>,
) -> Result<(), DbErr> {
    let found = webhook_endpoint::Entity::find_by_id(delivery.webhook_endpoint_id)
        .filter(webhook_endpoint::Column::OrganizationId.eq(delivery.organization_id))
        .lock(LockType::Update)
        .one(tx)
        .await?;
    let now = ground.clock.now();
    let Some(row) = found else { return Ok(()) };
    let Some(connection_id) = row.psa_connection_id else { return Ok(()) };
    // Who knows the address can say this as often as he likes: the PSA is asked once a minute at the most.
    let at = row.registration_checked_at.map_or(now, |checked| checked.plus_secs(60).max(now));
    if row.registration_due_at.is_some_and(|due| due <= at)
        && (wanted_key.is_none() || row.wanted_key.is_some())
    {
        return Ok(());
    }
    let mut row = row.into_active_model();
    if let Some(name) = wanted_key {
        row.wanted_key = Set(Some(name.to_owned()));
    }
    row.registration_due_at = Set(Some(at));
    row.update(tx).await?;
    lanes::wake(tx, connection_id, at).await
}

/// Keeps what was seen of a registration, and says when it is looked at next.
pub async fn record(ground: &Ground, endpoint: &webhook_endpoint::Model, kept: Kept) -> Result<(), Error> {
    let now = ground.clock.now();
    let works = kept.problem.is_none();
    let next = if works {
        LOOK_EVERY_SECS
    } else {
        // Twice as long as the last time: as long again as it has been failing.
        let last = match (endpoint.registration, endpoint.registration_checked_at) {
            (Registration::Failing, Some(at)) => now.as_secs() - at.as_secs(),
            _ => 0,
        };
        (last * 2).clamp(LOOK_AGAIN_SECS, LOOK_EVERY_SECS)
    };
    let mut row = webhook_endpoint::ActiveModel { id: Set(endpoint.id), ..Default::default() };
    row.registration = Set(if works { Registration::Working } else { Registration::Failing });
    row.registered_id = Set(kept.registered_id);
    // What was mended stays to be read until something else happens.
    if kept.problem.is_some() || kept.mended.is_some() || endpoint.registration != Registration::Working {
        row.registration_message = Set(kept.problem.or(kept.mended));
    }
    row.registration_checked_at = Set(Some(now));
    row.registration_due_at = Set(Some(now.plus_secs(next)));
    ground
        .db
        .write(move |tx| Box::pin(async move { Ok::<_, Error>(row.update(tx).await.map(|_| ())?) }))
        .await
}

/// Keeps a key that the PSA signs with. The oldest goes where there are many.
pub async fn keep_key(
    ground: &Ground,
    endpoint: &webhook_endpoint::Model,
    name: &str,
    key: &SecretString,
) -> Result<(), Error> {
    use webhook_secret::Column as C;
    let (ground_of, endpoint_of, name, key) =
        (ground.clone(), endpoint.clone(), name.to_owned(), key.clone());
    ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                let ours = webhook_secret::Entity::find()
                    .filter(C::OrganizationId.eq(endpoint_of.organization_id))
                    .filter(C::WebhookEndpointId.eq(endpoint_of.id))
                    .filter(C::KeyName.is_not_null());
                if ours.clone().count(tx).await? >= MAX_KEYS
                    && let Some(oldest) = ours.clone().order_by_asc(C::Id).one(tx).await?
                {
                    webhook_secret::Entity::delete_by_id(oldest.id).exec(tx).await?;
                }
                webhook_secret::Entity::delete_many()
                    .filter(C::OrganizationId.eq(endpoint_of.organization_id))
                    .filter(C::WebhookEndpointId.eq(endpoint_of.id))
                    .filter(C::KeyName.eq(name.as_str()))
                    .exec(tx)
                    .await?;
                endpoints::add_secret(tx, &ground_of, &endpoint_of, Some(name), &key.into()).await?;
                settle_key(tx, &ground_of, &endpoint_of).await
            })
        })
        .await?;
    ground.endpoints.forget();
    Ok(())
}

/// The PSA did not give the key: the next webhook may ask for it again.
pub async fn forget_key(ground: &Ground, endpoint: &webhook_endpoint::Model) -> Result<(), Error> {
    let (ground_of, endpoint) = (ground.clone(), endpoint.clone());
    ground.db.write(move |tx| Box::pin(async move { settle_key(tx, &ground_of, &endpoint).await })).await
}

async fn settle_key(
    tx: &DatabaseTransaction,
    ground: &Ground,
    endpoint: &webhook_endpoint::Model,
) -> Result<(), Error> {
    use webhook_endpoint::Column as C;
    let now = ground.clock.now();
    let mut update = webhook_endpoint::Entity::update_many()
        .col_expr(C::WantedKey, Expr::value(None::<String>))
        .col_expr(C::RegistrationCheckedAt, Expr::value(Some(now)));
    if endpoint.registration == Registration::ByHand {
        update = update.col_expr(C::RegistrationDueAt, Expr::value(None::<Timestamp>));
    }
    update.filter(C::Id.eq(endpoint.id)).exec(tx).await?;
    Ok(())
}

/// The endpoint that the webhooks of each connection come in by (the one that the gateway keeps registered, else
/// the newest), and when the last one came in.
pub async fn health(
    viewer: &Viewer,
    ground: &Ground,
    psa_connection_ids: &[Uuid],
) -> Result<HashMap<Uuid, (webhook_endpoint::Model, Option<Timestamp>)>, Error> {
    let rows = reach::rows::<webhook_endpoint::Entity>(viewer)
        .filter(webhook_endpoint::Column::PsaConnectionId.is_in(psa_connection_ids.iter().copied()))
        .expr_as(deliveries::last_received(), "last_received_at")
        .order_by_asc(webhook_endpoint::Column::Id)
        .into_query();
    let mut found = Vec::new();
    for row in ground.db.reader().query_all(&rows).await? {
        let last = row.try_get::<Option<i64>>("", "last_received_at")?.map(Timestamp);
        found.push((webhook_endpoint::Model::from_query_result(&row, "")?, last));
    }
    found.sort_by_key(|(row, _)| (row.is_enabled, row.registration != Registration::ByHand));
    // Of several the last in order stands.
    Ok(found.into_iter().filter_map(|(row, last)| Some((row.psa_connection_id?, (row, last)))).collect())
}

/// The newest secret of ours that an endpoint's webhooks are signed with; none where its scheme has none.
pub async fn newest_secret(
    ground: &Ground,
    endpoint: &webhook_endpoint::Model,
) -> Result<Option<SecretString>, Error> {
    use webhook_secret::Column as C;
    let db = ground.db.reader();
    let newest = webhook_secret::Entity::find()
        .filter(C::OrganizationId.eq(endpoint.organization_id))
        .filter(C::WebhookEndpointId.eq(endpoint.id))
        .filter(C::KeyName.is_null())
        .filter(C::ExpiresAt.is_null())
        .order_by_desc(C::Id)
        .one(db)
        .await?;
    let Some(row) = newest else { return Ok(None) };
    Ok(Some(ground.vault.open_secret(db, endpoints::place(endpoint, row.id), &row.sealed).await?))
}
