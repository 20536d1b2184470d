//! The secrets of endpoints: what is kept of them, for how long they count, and how they are changed.

use std::collections::HashMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use entity::{Timestamp, webhook_endpoint, webhook_secret};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, DatabaseTransaction, EntityTrait as _, ExprTrait as _,
    IntoActiveModel as _, PaginatorTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _, Select,
    Set,
    sea_query::{Expr, LockType},
};
use secrecy::{ExposeSecret as _, SecretString};
use uuid::Uuid;

use super::by_id;
use crate::{
    audit::{self, Change, facts},
    error::{Error, Problem, ProblemCode},
    global_id,
    ground::Ground,
    organizations::{
        form::{Form, last_four},
        once::Done,
        reach,
        viewer::{Permission, Viewer},
    },
    vault::{Place, SealedColumn},
};

/// How many secrets of an endpoint may be live at a time.
pub const MAX_SECRETS: u64 = 5;
/// How long older secrets stay valid after a rotation where nobody says, in seconds.
pub const DEFAULT_OVERLAP_SECS: i64 = 24 * 3_600;
/// How long they may, in seconds.
pub const MAX_OVERLAP_SECS: i64 = 7 * 24 * 3_600;

/// A secret shorter than this shows nothing of itself.
const HINT_FROM: usize = 16;
/// What the audit log calls the secret that something was done to.
pub(super) const SECRET_ID: &str = "webhookSecretId";

/// A secret to be stored, and what is to be kept of it.
#[derive(Clone, Debug)]
pub enum NewSecret {
    /// Something is computed with it: the secret itself is kept, sealed.
    Used(SecretString),
    /// It is only compared: its keyed hash is kept, sealed. Nobody can get it out again.
    Compared(SecretString),
}

impl From<SecretString> for NewSecret {
    fn from(text: SecretString) -> Self {
        Self::Used(text)
    }
}

impl NewSecret {
    /// The secret itself.
    pub fn text(&self) -> &SecretString {
        match self {
            Self::Used(text) | Self::Compared(text) => text,
        }
    }

    /// The secret itself.
    pub fn into_text(self) -> SecretString {
        match self {
            Self::Used(text) | Self::Compared(text) => text,
        }
    }

    /// What is kept of it.
    fn kept(&self, ground: &Ground, endpoint: &webhook_endpoint::Model) -> SecretString {
        match self {
            Self::Used(text) => text.clone(),
            Self::Compared(text) => {
                STANDARD.encode(digest(ground, endpoint.id, text.expose_secret().as_bytes())).into()
            }
        }
    }
}

/// What a secret that is only compared is recognised by at its endpoint: HMAC-SHA256 under the installation's own
/// key, so that a weak one cannot be guessed from the database alone, and the same one at two endpoints does not
/// show.
pub fn digest(ground: &Ground, endpoint_id: Uuid, shown: &[u8]) -> [u8; 32] {
    ground.vault.mark(&[b"webhook secret", endpoint_id.as_bytes(), shown])
}

/// Adds a secret; the older ones expire after an overlap of 0 seconds to 7 days, if not sooner. Gives the
/// time at which they do.
pub async fn rotate_secret(
    viewer: &Viewer,
    ground: &Ground,
    id: Uuid,
    secret: NewSecret,
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
                let done = Done { until: Some(until), ..Done::row(row.id) }.showing(Some(secret.into_text()));
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

pub(super) fn live(endpoint: &webhook_endpoint::Model, now: Timestamp) -> Select<webhook_secret::Entity> {
    use webhook_secret::Column as C;
    webhook_secret::Entity::find()
        .filter(C::OrganizationId.eq(endpoint.organization_id))
        .filter(C::WebhookEndpointId.eq(endpoint.id))
        .filter(C::ExpiresAt.is_null().or(C::ExpiresAt.gt(now)))
}

pub(in crate::organizations) async fn add_secret(
    tx: &DatabaseTransaction,
    ground: &Ground,
    endpoint: &webhook_endpoint::Model,
    key_name: Option<String>,
    secret: &NewSecret,
) -> Result<webhook_secret::Model, Error> {
    let now = ground.clock.now();
    let id = ground.chance.id(now);
    let row = webhook_secret::ActiveModel {
        id: Set(id),
        organization_id: Set(endpoint.organization_id),
        webhook_endpoint_id: Set(endpoint.id),
        key_name: Set(key_name),
        sealed: Set(ground.vault.seal(tx, place(endpoint, id), &secret.kept(ground, endpoint)).await?),
        hint: Set(last_four(secret.text().expose_secret(), HINT_FROM)),
        created_at: Set(now),
        expires_at: Set(None),
    };
    Ok(row.insert(tx).await?)
}

pub(in crate::organizations) const fn place(endpoint: &webhook_endpoint::Model, secret_id: Uuid) -> Place {
    Place {
        column: SealedColumn::WebhookSecret,
        organization_id: endpoint.organization_id,
        row_id: secret_id,
    }
}

pub(super) fn secret_global_id(id: Uuid) -> String {
    global_id::encode("WebhookSecret", id)
}
