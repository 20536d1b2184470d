//! The inbox: webhooks are stored before they are answered, and worked on afterwards.
//!
//! Many requests share one commit. While one batch is being written the next one gathers, so that the
//! batch grows with the load by itself and a lone request waits for nobody.
#![expect(clippy::disallowed_methods, reason = "scopes every query by endpoint or delivery")]

mod working;

use std::collections::HashMap;

use entity::{Timestamp, webhook_delivery, webhook_delivery::DeliveryState};
use sea_orm::{
    ActiveEnum as _, ColumnTrait as _, Condition, ConnectionTrait, DatabaseTransaction, DbErr,
    EntityTrait as _, ExprTrait as _, QueryFilter as _, QuerySelect as _,
    sea_query::{Expr, OnConflict, Query},
};
use serde_json::json;
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

pub use working::{
    Verdict, claim, due, finish, finish_all, look_again, look_again_soon, oldest_due, put_back, renew,
    try_again,
};

use super::received::Verified;
use crate::{
    db::news::{self, Happened, What},
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
            dies::at(Step::Stored);
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
        body_removed_at: None,
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
