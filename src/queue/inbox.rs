//! The inbox: webhooks are stored before they are answered, and worked on afterwards.
//!
//! Many requests share one commit. While one batch is being written the next one gathers, so that the
//! batch grows with the load by itself and a lone request waits for nobody.
#![expect(clippy::disallowed_methods, reason = "scopes every query by endpoint or delivery")]

mod working;

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use actix_web::web::Bytes;
use entity::{Timestamp, webhook_delivery, webhook_delivery::DeliveryState};
use sea_orm::{
    ActiveEnum as _, ColumnTrait as _, Condition, ConnectionTrait, DatabaseTransaction, DbBackend, DbErr,
    EntityTrait as _, ExprTrait as _, QueryFilter as _, QuerySelect as _, Statement,
    sea_query::{Expr, InsertStatement, OnConflict, Query},
};
use tokio::sync::{Semaphore, mpsc, oneshot};
use uuid::Uuid;

pub use working::{
    Verdict, claim, due, finish, finish_all, look_again, look_again_soon, oldest_due, put_back, renew,
    try_again,
};

use super::received::Verified;
use crate::{
    db::{
        news::{self, Happened, What},
        portions,
    },
    error::Error,
    ground::{
        Ground,
        dies::{self, Step},
    },
};

/// How many webhooks share one commit at the most.
const BATCH: usize = 256;
/// How many may wait for their commit. Beyond it senders are told to come again.
const WAITING: usize = 4_096;

/// How many batches are on their way at the same time. PostgreSQL writes one while another waits for the disk; for an
/// embedded database, which writes one after the other, the next one is made ready meanwhile.
const HANDS: usize = 2;
/// So few are written together, however many wait.
const FEW: usize = 16;

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
        let hands = Arc::new(Semaphore::new(HANDS));
        tokio::spawn(async move {
            let mut batch = Vec::with_capacity(BATCH);
            // A hand is taken before the batch is, so that the batch grows while all hands are full.
            while let Ok(hand) = Arc::clone(&hands).acquire_owned().await
                && receiver.recv_many(&mut batch, share(receiver.len())).await > 0
            {
                let (ground, batch) = (ground.clone(), std::mem::take(&mut batch));
                tokio::spawn(async move {
                    commit(&ground, batch).await;
                    drop(hand);
                });
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

/// How many of those that wait are written together: half of them. Where senders wait for their answers before they send
/// more, one half is on its way to the disk while the other is answered and comes again; all together, they and the disk
/// would wait for each other in turn.
fn share(waiting: usize) -> usize {
    (waiting / 2).clamp(FEW, BATCH)
}

/// What is written of one webhook. Made once, before its transaction, and in the form in which it is written.
struct Row {
    id: Uuid,
    organization_id: Uuid,
    webhook_endpoint_id: Uuid,
    message_id: String,
    request_id: String,
    verified_by: &'static str,
    webhook_secret_id: Option<Uuid>,
    /// As JSON.
    headers: String,
    body: Bytes,
    received_at: Timestamp,
    trace_context: Option<String>,
}

impl Row {
    /// What a webhook that came before is known by.
    fn message(&self) -> (Uuid, &str) {
        (self.webhook_endpoint_id, &self.message_id)
    }
}

async fn commit(ground: &Ground, batch: Vec<(Incoming, Answer)>) {
    let now = ground.clock.now();
    let (rows, answers): (Vec<Arc<Row>>, Vec<Answer>) =
        batch.into_iter().map(|(incoming, answer)| (Arc::new(row(ground, incoming, now)), answer)).unzip();
    match store(ground, rows.clone()).await {
        Ok(accepted) => {
            dies::at(Step::Stored);
            for (answer, accepted) in answers.into_iter().zip(accepted) {
                let _ = answer.send(Ok(accepted));
            }
        }
        // One row that the database refuses (its endpoint was removed a moment ago) must not take the
        // others with it.
        Err(Error::Internal(error)) if rows.len() > 1 => {
            tracing::warn!(error = %error, "a batch of webhooks was refused; storing them one by one");
            for (row, answer) in rows.iter().zip(answers) {
                let result = store(ground, vec![Arc::clone(row)]).await;
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
    let webhook = incoming.webhook;
    let headers: Vec<(&str, &str)> =
        webhook.headers().iter().filter(|(name, _)| !carries_secret(name)).collect();
    Row {
        id: ground.chance.id(now),
        organization_id: incoming.organization_id,
        webhook_endpoint_id: incoming.webhook_endpoint_id,
        message_id: webhook.message_id(),
        request_id: incoming.request_id,
        verified_by: webhook.proof().scheme,
        webhook_secret_id: webhook.proof().secret_id,
        headers: serde_json::to_string(&headers).unwrap_or_else(|_| "[]".to_owned()),
        body: webhook.body().clone(),
        received_at: now,
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
async fn store(ground: &Ground, rows: Vec<Arc<Row>>) -> Result<Vec<Accepted>, Error> {
    // In one order everywhere, so that two batches with the same messages never wait for each other; and once each.
    let mut insert = rows.clone();
    insert.sort_by(|a, b| a.message().cmp(&b.message()).then(a.id.cmp(&b.id)));
    insert.dedup_by(|later, first| later.message() == first.message());
    // Before the transaction: nobody waits for the only writer of an embedded database meanwhile.
    let backend = ground.db.reader().get_database_backend();
    let inserts = portions::of(&insert, BATCH)
        .map(|portion| {
            let ids = portion.iter().map(|row| row.id).collect();
            Ok((backend.build(&insert_of(portion, backend)?), ids))
        })
        .collect::<Result<Vec<_>, DbErr>>()?;
    ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                let stored = insert_new(tx, inserts).await?;
                let mut first_of: HashMap<(Uuid, &str), Uuid> =
                    insert.iter().map(|row| (row.message(), row.id)).collect();
                for row in insert.iter().filter(|row| stored.contains(&row.id)) {
                    news::tell(Happened {
                        what: What::DeliveryReceived,
                        organization_id: row.organization_id,
                        id: row.id,
                        at: row.received_at,
                    });
                }
                let known: Vec<&Row> =
                    insert.iter().map(AsRef::as_ref).filter(|row| !stored.contains(&row.id)).collect();
                for (endpoint_id, message_id, id) in find_known(tx, &known).await? {
                    if let Some(row) = known
                        .iter()
                        .find(|row| row.webhook_endpoint_id == endpoint_id && row.message_id == message_id)
                    {
                        first_of.insert((endpoint_id, &row.message_id), id);
                    }
                }
                let mut accepted = Vec::with_capacity(rows.len());
                let mut again: BTreeMap<Uuid, i32> = BTreeMap::new();
                for row in &rows {
                    let delivery_id = *first_of.get(&row.message()).unwrap_or(&row.id);
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

/// Inserts rows whose messages are new; gives the ids of those.
async fn insert_new(
    tx: &DatabaseTransaction,
    inserts: Vec<(Statement, Vec<Uuid>)>,
) -> Result<HashSet<Uuid>, DbErr> {
    use webhook_delivery::Column as C;
    let mut stored = HashSet::new();
    for (insert, ids) in inserts {
        let inserted = tx.execute_raw(insert).await?.rows_affected();
        if usize::try_from(inserted) == Ok(ids.len()) {
            stored.extend(ids);
            continue;
        }
        let new: Vec<Uuid> = webhook_delivery::Entity::find()
            .select_only()
            .column(C::Id)
            .filter(C::Id.is_in(ids))
            .into_tuple()
            .all(tx)
            .await?;
        stored.extend(new);
    }
    Ok(stored)
}

fn insert_of(rows: &[Arc<Row>], backend: DbBackend) -> Result<InsertStatement, DbErr> {
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
        .on_conflict(OnConflict::columns([C::WebhookEndpointId, C::MessageId]).do_nothing().to_owned());
    for row in rows {
        let headers = Expr::val(row.headers.as_str());
        insert
            .values([
                row.id.into(),
                row.organization_id.into(),
                row.webhook_endpoint_id.into(),
                row.message_id.as_str().into(),
                row.request_id.as_str().into(),
                row.verified_by.into(),
                row.webhook_secret_id.into(),
                if backend == DbBackend::Postgres { headers.cast_as("jsonb") } else { headers },
                row.body.to_vec().into(),
                row.received_at.into(),
                0.into(),
                DeliveryState::Received.to_value().into(),
                row.received_at.into(),
                0.into(),
                Timestamp(0).into(),
                0_i64.into(),
                row.trace_context.as_deref().into(),
            ])
            .map_err(|error| DbErr::Custom(error.to_string()))?;
    }
    Ok(insert)
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
