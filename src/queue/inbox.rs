//! The inbox: webhooks are stored before they are answered, and worked on afterwards.
//!
//! Many requests share one commit. While one batch is being written the next one gathers, so that the
//! batch grows with the load by itself and a lone request waits for nobody.
#![expect(
    clippy::disallowed_methods,
    reason = "scopes every query by endpoint or delivery; claims cross organizations"
)]

use std::collections::HashMap;

use entity::{Timestamp, webhook_delivery, webhook_delivery::DeliveryState};
use sea_orm::{
    ActiveEnum as _, ColumnTrait as _, Condition, ConnectionTrait, DatabaseTransaction, DbErr,
    EntityTrait as _, ExprTrait as _, FromQueryResult as _, QueryFilter as _, QuerySelect as _,
    sea_query::{Expr, LockBehavior, LockType, OnConflict, Order, Query},
};
use serde_json::json;
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

use super::received::Verified;
use crate::{
    db::news::{self, Happened, What},
    error::Error,
    ground::Ground,
};

/// How many webhooks share one commit at the most.
const BATCH: usize = 256;
/// How many may wait for their commit. Beyond it senders are told to come again.
const WAITING: usize = 4_096;
/// How long a claimed delivery is its worker's, in seconds.
const LEASE_SECS: i64 = 60;
/// After how many failures of ours a delivery is dead. Failures of the database are not counted.
const MAX_ATTEMPTS: i32 = 12;

/// A verified webhook and where it came in.
pub struct Incoming {
    /// Whose endpoint it is.
    pub organization_id: Uuid,
    /// The endpoint.
    pub webhook_endpoint_id: Uuid,
    /// The id of the request, for the logs.
    pub request_id: String,
    /// The trace of the request.
    pub trace_context: Option<String>,
    /// The webhook.
    pub webhook: Verified,
}

/// What became of a webhook at the door.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// Our id of the delivery: of the first one where it came before.
    pub delivery_id: Uuid,
    /// Whether it came before.
    pub is_repeated: bool,
}

/// Why a webhook was not stored; the sender should come again.
#[derive(Debug, thiserror::Error)]
pub enum NotAccepted {
    /// Too many are waiting.
    #[error("too many webhooks are waiting to be stored")]
    Busy,
    /// The database is away, or failed.
    #[error(transparent)]
    Failed(#[from] Error),
}

type Answer = oneshot::Sender<Result<Accepted, Error>>;

/// Takes webhooks in. Cheap to clone; the writing ends when the last clone is gone.
#[derive(Clone)]
pub struct Inbox(mpsc::Sender<(Incoming, Answer)>);

impl Inbox {
    /// Starts the writer.
    pub fn start(ground: Ground) -> Self {
        let (sender, mut receiver) = mpsc::channel(WAITING);
        tokio::spawn(async move {
            let mut batch = Vec::with_capacity(BATCH);
            while receiver.recv_many(&mut batch, BATCH).await > 0 {
                commit(&ground, std::mem::take(&mut batch)).await;
            }
        });
        Self(sender)
    }

    /// Stores a webhook; returns once it is on disk.
    pub async fn accept(&self, incoming: Incoming) -> Result<Accepted, NotAccepted> {
        let (answer, stored) = oneshot::channel();
        self.0.try_send((incoming, answer)).map_err(|_| NotAccepted::Busy)?;
        match stored.await {
            Ok(result) => Ok(result?),
            Err(_) => Err(NotAccepted::Busy),
        }
    }
}

/// What is written of one webhook, apart from who waits for it.
type Row = webhook_delivery::Model;

async fn commit(ground: &Ground, batch: Vec<(Incoming, Answer)>) {
    let now = ground.clock.now();
    let (rows, answers): (Vec<Row>, Vec<Answer>) =
        batch.into_iter().map(|(incoming, answer)| (row(ground, incoming, now), answer)).unzip();
    match store(ground, rows.clone()).await {
        Ok(accepted) => {
            for (answer, accepted) in answers.into_iter().zip(accepted) {
                let _ = answer.send(Ok(accepted));
            }
        }
        // One row that the database refuses (its endpoint was removed a moment ago) must not take the
        // others with it.
        Err(Error::Internal(error)) if rows.len() > 1 => {
            tracing::warn!(error = %error, "a batch of webhooks was refused; storing them one by one");
            for (row, answer) in rows.into_iter().zip(answers) {
                let result = store(ground, vec![row]).await;
                let _ = answer.send(result.and_then(|stored| stored.first().copied().ok_or(Error::NotFound)));
            }
        }
        Err(error) => {
            tracing::error!(error = %error, webhooks = rows.len(), "webhooks could not be stored");
            for answer in answers {
                let _ = answer.send(Err(match &error {
                    Error::Unavailable(cause) => Error::Unavailable(cause.clone()),
                    other => Error::Internal(anyhow::anyhow!("{other}")),
                }));
            }
        }
    }
    ground.wake.inbox();
}

fn row(ground: &Ground, incoming: Incoming, now: Timestamp) -> Row {
    let headers: Vec<_> = incoming
        .webhook
        .headers()
        .iter()
        .filter(|(name, _)| !carries_secret(name))
        .map(|(name, value)| json!([name, value]))
        .collect();
    Row {
        id: ground.chance.id(now),
        organization_id: incoming.organization_id,
        webhook_endpoint_id: incoming.webhook_endpoint_id,
        message_id: incoming.webhook.message_id(),
        request_id: incoming.request_id,
        verified_by: incoming.webhook.proof().scheme.to_owned(),
        webhook_secret_id: incoming.webhook.proof().secret_id,
        headers: headers.into(),
        body: incoming.webhook.body().to_vec(),
        received_at: now,
        duplicate_count: 0,
        state: DeliveryState::Received,
        problem: None,
        run_at: Some(now),
        attempts: 0,
        lease_until: Timestamp(0),
        fence: 0,
        decided_at: None,
        trace_context: incoming.trace_context,
    }
}

/// Headers that authenticate by being known are not kept.
fn carries_secret(name: &str) -> bool {
    matches!(name, "authorization" | "proxy-authorization" | "cookie" | "token" | "x-api-key")
        || name.ends_with("-secret")
        || name.ends_with("-token")
}

/// Stores rows in one commit; a row whose message came before is counted on the first one.
async fn store(ground: &Ground, rows: Vec<Row>) -> Result<Vec<Accepted>, Error> {
    ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                let mut first_of: HashMap<(Uuid, &str), Uuid> = HashMap::with_capacity(rows.len());
                let mut insert: Vec<&Row> = Vec::with_capacity(rows.len());
                for row in &rows {
                    first_of.entry((row.webhook_endpoint_id, &row.message_id)).or_insert_with(|| {
                        insert.push(row);
                        row.id
                    });
                }
                let stored = insert_new(tx, &insert).await?;
                for row in insert.iter().filter(|row| stored.contains(&row.id)) {
                    news::tell(Happened {
                        what: What::DeliveryReceived,
                        organization_id: row.organization_id,
                        id: row.id,
                        at: row.received_at,
                    });
                }
                let known: Vec<&Row> = insert.into_iter().filter(|row| !stored.contains(&row.id)).collect();
                for (endpoint_id, message_id, id) in find_known(tx, &known).await? {
                    if let Some(row) = known
                        .iter()
                        .find(|row| row.webhook_endpoint_id == endpoint_id && row.message_id == message_id)
                    {
                        first_of.insert((endpoint_id, &row.message_id), id);
                    }
                }
                let mut accepted = Vec::with_capacity(rows.len());
                let mut again: HashMap<Uuid, i32> = HashMap::new();
                for row in &rows {
                    let delivery_id =
                        *first_of.get(&(row.webhook_endpoint_id, row.message_id.as_str())).unwrap_or(&row.id);
                    let is_repeated = delivery_id != row.id;
                    if is_repeated {
                        *again.entry(delivery_id).or_default() += 1;
                    }
                    accepted.push(Accepted { delivery_id, is_repeated });
                }
                for (id, times) in again {
                    webhook_delivery::Entity::update_many()
                        .col_expr(
                            webhook_delivery::Column::DuplicateCount,
                            Expr::col(webhook_delivery::Column::DuplicateCount).add(times),
                        )
                        .filter(webhook_delivery::Column::Id.eq(id))
                        .exec(tx)
                        .await?;
                }
                Ok(accepted)
            })
        })
        .await
}

async fn insert_new(tx: &DatabaseTransaction, rows: &[&Row]) -> Result<Vec<Uuid>, DbErr> {
    use webhook_delivery::Column as C;
    let mut insert = Query::insert();
    insert
        .into_table(webhook_delivery::Entity)
        .columns([
            C::Id,
            C::OrganizationId,
            C::WebhookEndpointId,
            C::MessageId,
            C::RequestId,
            C::VerifiedBy,
            C::WebhookSecretId,
            C::Headers,
            C::Body,
            C::ReceivedAt,
            C::DuplicateCount,
            C::State,
            C::RunAt,
            C::Attempts,
            C::LeaseUntil,
            C::Fence,
            C::TraceContext,
        ])
        .on_conflict(OnConflict::columns([C::WebhookEndpointId, C::MessageId]).do_nothing().to_owned())
        .returning_col(C::Id);
    for row in rows {
        insert
            .values([
                row.id.into(),
                row.organization_id.into(),
                row.webhook_endpoint_id.into(),
                row.message_id.as_str().into(),
                row.request_id.as_str().into(),
                row.verified_by.as_str().into(),
                row.webhook_secret_id.into(),
                row.headers.clone().into(),
                row.body.clone().into(),
                row.received_at.into(),
                row.duplicate_count.into(),
                row.state.to_value().into(),
                row.run_at.into(),
                row.attempts.into(),
                row.lease_until.into(),
                row.fence.into(),
                row.trace_context.as_deref().into(),
            ])
            .map_err(|error| DbErr::Custom(error.to_string()))?;
    }
    tx.query_all(&insert).await?.iter().map(|row| row.try_get("", "id")).collect()
}

async fn find_known(tx: &DatabaseTransaction, rows: &[&Row]) -> Result<Vec<(Uuid, String, Uuid)>, DbErr> {
    use webhook_delivery::Column as C;
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let any = rows.iter().fold(Condition::any(), |any, row| {
        any.add(
            C::WebhookEndpointId.eq(row.webhook_endpoint_id).and(C::MessageId.eq(row.message_id.as_str())),
        )
    });
    webhook_delivery::Entity::find()
        .select_only()
        .columns([C::WebhookEndpointId, C::MessageId, C::Id])
        .filter(any)
        .into_tuple()
        .all(tx)
        .await
}

/// Claims up to `limit` deliveries that are due, oldest first. What has an expired lease was left behind
/// by a worker that died, and is due again.
pub async fn claim(ground: &Ground, limit: u64) -> Result<Vec<webhook_delivery::Model>, Error> {
    let now = ground.clock.now();
    ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                use webhook_delivery::Column as C;
                let due = Query::select()
                    .column(C::Id)
                    .from(webhook_delivery::Entity)
                    .and_where(C::RunAt.lte(now))
                    .and_where(C::LeaseUntil.lte(now))
                    .order_by(C::RunAt, Order::Asc)
                    .order_by(C::Id, Order::Asc)
                    .limit(limit)
                    .lock_with_behavior(LockType::Update, LockBehavior::SkipLocked)
                    .take();
                let update = Query::update()
                    .table(webhook_delivery::Entity)
                    .value(C::LeaseUntil, now.plus_secs(LEASE_SECS))
                    .value(C::Fence, Expr::col(C::Fence).add(1))
                    .value(C::Attempts, Expr::col(C::Attempts).add(1))
                    .and_where(C::Id.in_subquery(due))
                    .returning_all()
                    .take();
                let mut claimed: Vec<_> = tx
                    .query_all(&update)
                    .await?
                    .iter()
                    .map(|row| webhook_delivery::Model::from_query_result(row, ""))
                    .collect::<Result<_, _>>()?;
                claimed.sort_by_key(|row| (row.received_at, row.id));
                Ok(claimed)
            })
        })
        .await
}

/// What a worker found a delivery to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Its events are decided.
    Understood,
    /// It cannot be read; `redrive` it after mending.
    Dead(String),
}

/// Ends the work on a delivery, in the transaction that holds its consequences. False where the lease is
/// another's by now: roll back.
pub async fn finish(
    tx: &DatabaseTransaction,
    delivery: &webhook_delivery::Model,
    verdict: Verdict,
    now: Timestamp,
) -> Result<bool, DbErr> {
    use webhook_delivery::Column as C;
    let (state, problem) = match verdict {
        Verdict::Understood => (DeliveryState::Understood, None),
        Verdict::Dead(problem) => (DeliveryState::Dead, Some(problem)),
    };
    let result = webhook_delivery::Entity::update_many()
        .col_expr(C::State, Expr::value(state.to_value()))
        .col_expr(C::Problem, Expr::value(problem))
        .col_expr(C::RunAt, Expr::value(None::<Timestamp>))
        .col_expr(C::LeaseUntil, Expr::value(Timestamp(0)))
        .col_expr(C::DecidedAt, Expr::value(Some(now)))
        .filter(C::Id.eq(delivery.id))
        .filter(C::Fence.eq(delivery.fence))
        .exec(tx)
        .await?;
    Ok(result.rows_affected == 1)
}

/// Holds a delivery for longer, where it takes several transactions. False where the lease is another's by
/// now.
pub async fn renew(
    tx: &DatabaseTransaction,
    delivery: &webhook_delivery::Model,
    now: Timestamp,
) -> Result<bool, DbErr> {
    use webhook_delivery::Column as C;
    let result = webhook_delivery::Entity::update_many()
        .col_expr(C::LeaseUntil, Expr::value(now.plus_secs(LEASE_SECS)))
        .filter(C::Id.eq(delivery.id))
        .filter(C::Fence.eq(delivery.fence))
        .exec(tx)
        .await?;
    Ok(result.rows_affected == 1)
}

/// Decides a delivery with held events again after a while, more and more seldom, up to once a day. What
/// they wait for releases them as a rule; this finds what was mended in the moment they were held.
pub async fn look_again(
    tx: &DatabaseTransaction,
    delivery: &webhook_delivery::Model,
    now: Timestamp,
) -> Result<(), DbErr> {
    use webhook_delivery::Column as C;
    let after = match delivery.attempts {
        ..=1 => 60,
        2 => 600,
        3 => 7_200,
        _ => 86_400,
    };
    webhook_delivery::Entity::update_many()
        .col_expr(C::RunAt, Expr::value(Some(now.plus_secs(after))))
        .col_expr(C::Attempts, Expr::value(Ord::min(delivery.attempts, 4)))
        .filter(C::Id.eq(delivery.id))
        .exec(tx)
        .await
        .map(|_| ())
}

/// The same for a delivery that was decided before, and of which something is held only now.
pub async fn look_again_soon(
    tx: &DatabaseTransaction,
    organization_id: Uuid,
    delivery_id: Uuid,
    now: Timestamp,
) -> Result<(), DbErr> {
    use webhook_delivery::Column as C;
    webhook_delivery::Entity::update_many()
        .col_expr(C::RunAt, Expr::value(Some(now.plus_secs(60))))
        .col_expr(C::Attempts, Expr::value(1))
        .filter(C::OrganizationId.eq(organization_id))
        .filter(C::Id.eq(delivery_id))
        .exec(tx)
        .await
        .map(|_| ())
}

/// Gives a delivery back after a failure of ours, to be tried again later; after many it is dead.
pub async fn put_back(ground: &Ground, delivery: &webhook_delivery::Model, why: &Error) -> Result<(), Error> {
    let is_away = matches!(why, Error::Unavailable(_));
    try_again(ground, delivery, format!("deciding it failed: {why}"), is_away).await
}

/// Gives a delivery back, to be tried again later; after many attempts it is dead, unless what is missing is `away`
/// for a while and not this delivery's fault.
pub async fn try_again(
    ground: &Ground,
    delivery: &webhook_delivery::Model,
    problem: String,
    is_away: bool,
) -> Result<(), Error> {
    use webhook_delivery::Column as C;
    let now = ground.clock.now();
    let (id, fence, attempts) = (delivery.id, delivery.fence, delivery.attempts);
    let after =
        super::backoff::delay_secs(u32::try_from(attempts).unwrap_or(1), 1, 300, ground.chance.fraction());
    ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                let is_dead = attempts >= MAX_ATTEMPTS && !is_away;
                let state = if is_dead { DeliveryState::Dead } else { DeliveryState::Received };
                webhook_delivery::Entity::update_many()
                    .col_expr(C::State, Expr::value(state.to_value()))
                    .col_expr(C::Problem, Expr::value(Some(problem)))
                    .col_expr(C::RunAt, Expr::value((!is_dead).then(|| now.plus_secs(after))))
                    .col_expr(C::LeaseUntil, Expr::value(Timestamp(0)))
                    .filter(C::Id.eq(id))
                    .filter(C::Fence.eq(fence))
                    .exec(tx)
                    .await
                    .map(|_| ())
                    .map_err(Error::from)
            })
        })
        .await
}

/// When the oldest delivery that is due came in; for health and metrics.
pub async fn oldest_due(ground: &Ground) -> Result<Option<Timestamp>, Error> {
    use webhook_delivery::Column as C;
    let oldest: Option<Option<i64>> = webhook_delivery::Entity::find()
        .select_only()
        .column_as(C::RunAt.min(), "oldest")
        .filter(C::RunAt.is_not_null())
        .into_tuple()
        .one(ground.db.reader())
        .await?;
    Ok(oldest.flatten().map(Timestamp))
}
