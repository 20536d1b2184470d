//! The secrets that what subscribers are told is signed with: a new one signs at once, beside the older ones until
//! these end.

use std::collections::HashMap;

use entity::{Timestamp, subscriber_secret, webhook_subscriber};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, DatabaseTransaction, EntityTrait as _, ExprTrait as _,
    PaginatorTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _, Select, Set,
    sea_query::{Expr, LockType},
};
use secrecy::{ExposeSecret as _, SecretString};
use uuid::Uuid;

use super::by_id;
use crate::{
    audit::{self, Change, facts},
    error::{Error, Problem, ProblemCode},
    ground::Ground,
    organizations::{
        form::{Form, last_four},
        once::Done,
        reach,
        viewer::{Permission, Viewer},
    },
    vault::{Place, SealedColumn},
};

/// How many secrets of a subscriber sign at a time.
pub const MAX_SECRETS: u64 = 3;
/// How long older secrets sign beside a new one where nobody says, in seconds.
pub const DEFAULT_OVERLAP_SECS: i64 = 24 * 3_600;
/// How long they may, in seconds.
pub const MAX_OVERLAP_SECS: i64 = 7 * 24 * 3_600;

/// A secret shorter than this shows nothing of itself.
const HINT_FROM: usize = 16;

/// Adds a secret; the older ones sign beside it for 0 seconds to 7 days. Gives the time at which they end.
pub async fn rotate_secret(
    viewer: &Viewer,
    ground: &Ground,
    id: Uuid,
    secret: SecretString,
    overlap_secs: Option<i64>,
) -> Result<(webhook_subscriber::Model, Timestamp), Error> {
    let subscriber = by_id(viewer, ground, id).await?;
    viewer.may(Permission::ManageEndpoints, subscriber.organization_id)?;
    let mut form = Form::default();
    form.within("overlapSeconds", overlap_secs, 0, MAX_OVERLAP_SECS);
    form.finish()?;
    let (ground_of, by, now) = (ground.clone(), viewer.clone(), ground.clock.now());
    let until = now.plus_secs(overlap_secs.unwrap_or(DEFAULT_OVERLAP_SECS));
    let (row, once) = (subscriber.clone(), viewer.once());
    ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                use subscriber_secret::Column as C;
                once.begin(tx).await?;
                // Rotations of one subscriber queue here, so that the number of secrets holds.
                webhook_subscriber::Entity::find_by_id(row.id).lock(LockType::NoKeyUpdate).one(tx).await?;
                subscriber_secret::Entity::update_many()
                    .col_expr(C::ExpiresAt, Expr::value(until))
                    .filter(C::OrganizationId.eq(row.organization_id))
                    .filter(C::WebhookSubscriberId.eq(row.id))
                    .filter(C::ExpiresAt.is_null().or(C::ExpiresAt.gt(until)))
                    .exec(tx)
                    .await?;
                if live(&row, now).count(tx).await? >= MAX_SECRETS {
                    let message = format!(
                        "{MAX_SECRETS} secrets sign already; wait until the oldest ends, or rotate with an overlap of 0"
                    );
                    return Err(Problem::of("id", ProblemCode::WrongState, message).into());
                }
                add(tx, &ground_of, &row, &secret).await?;
                let done = Done { until: Some(until), ..Done::row(row.id) }.showing(Some(secret));
                once.finish(tx, &ground_of, &done).await?;
                let change = Change::of("webhookSubscriberRotateSecret", &row)
                    .is("previousSecretExpiresAt", facts::moment(Some(until)));
                audit::record(tx, &ground_of, &by, change).await?;
                Ok::<_, Error>(())
            })
        })
        .await?;
    tracing::info!(webhook_subscriber.id = %id, by = viewer.name, "a subscriber's secret was rotated");
    Ok((subscriber, until))
}

/// The secrets of several subscribers in reach, the newest first, those that have ended too.
pub async fn secrets(
    viewer: &Viewer,
    ground: &Ground,
    subscriber_ids: &[Uuid],
) -> Result<HashMap<Uuid, Vec<subscriber_secret::Model>>, Error> {
    let rows = reach::rows::<subscriber_secret::Entity>(viewer)
        .filter(subscriber_secret::Column::WebhookSubscriberId.is_in(subscriber_ids.iter().copied()))
        .order_by_desc(subscriber_secret::Column::Id)
        .all(ground.db.reader())
        .await?;
    let mut found: HashMap<_, Vec<_>> = HashMap::new();
    for row in rows {
        found.entry(row.webhook_subscriber_id).or_default().push(row);
    }
    Ok(found)
}

/// What a subscriber's notifications are signed with now, opened, the newest first: for the worker that sends them.
pub async fn signing_secrets(
    ground: &Ground,
    subscriber: &webhook_subscriber::Model,
) -> Result<Vec<SecretString>, Error> {
    let db = ground.db.reader();
    let mut opened = Vec::new();
    let rows = live(subscriber, ground.clock.now()).order_by_desc(subscriber_secret::Column::Id);
    for row in rows.all(db).await? {
        let place = place(row.organization_id, row.id);
        opened.push(ground.vault.open_secret(db, place, &row.sealed).await?);
    }
    Ok(opened)
}

fn live(subscriber: &webhook_subscriber::Model, now: Timestamp) -> Select<subscriber_secret::Entity> {
    use subscriber_secret::Column as C;
    subscriber_secret::Entity::find()
        .filter(C::OrganizationId.eq(subscriber.organization_id))
        .filter(C::WebhookSubscriberId.eq(subscriber.id))
        .filter(C::ExpiresAt.is_null().or(C::ExpiresAt.gt(now)))
}

pub(super) async fn add(
    tx: &DatabaseTransaction,
    ground: &Ground,
    subscriber: &webhook_subscriber::Model,
    secret: &SecretString,
) -> Result<(), Error> {
    let now = ground.clock.now();
    let (id, organization_id) = (ground.chance.id(now), subscriber.organization_id);
    let row = subscriber_secret::ActiveModel {
        id: Set(id),
        organization_id: Set(organization_id),
        webhook_subscriber_id: Set(subscriber.id),
        sealed: Set(ground.vault.seal(tx, place(organization_id, id), secret).await?),
        hint: Set(last_four(secret.expose_secret(), HINT_FROM)),
        created_at: Set(now),
        expires_at: Set(None),
    };
    row.insert(tx).await?;
    Ok(())
}

const fn place(organization_id: Uuid, row_id: Uuid) -> Place {
    Place { column: SealedColumn::SubscriberSecret, organization_id, row_id }
}
