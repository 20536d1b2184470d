//! The inbox: webhooks are stored before they are answered, and worked on afterwards.
//!
//! Many requests share one commit. While one batch is being written the next one gathers, so that the
//! batch grows with the load by itself and a lone request waits for nobody.

mod embedded;
mod shared;
mod working;

use std::borrow::Cow;

use actix_web::web::Bytes;
use entity::Timestamp;
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

pub use working::{
    Verdict, claim, due, finish, finish_all, is_any_due, look_again, look_again_soon, oldest_due, put_back,
    renew, try_again,
};

use super::received::Verified;
use crate::{
    db::{
        PAGE,
        news::{Happened, What},
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
    /// Our id of the delivery: of the first one where it came before; none where only the stream in front of the inbox
    /// knows that one.
    pub delivery_id: Option<Uuid>,
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

/// A webhook that waits for its commit, and who waits for it.
struct Waiting {
    row: Row,
    answer: Answer,
}

type Receiver = mpsc::Receiver<Waiting>;

/// Takes webhooks in. Cheap to clone; the writing ends when the last clone is gone.
#[derive(Clone)]
pub struct Inbox {
    ground: Ground,
    waiting: mpsc::Sender<Waiting>,
    /// What webhooks go through first.
    #[cfg(feature = "nats")]
    stream: Option<super::stream::Stream>,
}

impl Inbox {
    /// Starts who writes; an error where the machine gives no thread for it.
    pub fn start(ground: Ground) -> std::io::Result<Self> {
        let (waiting, receiver) = mpsc::channel(WAITING);
        if ground.db.is_sqlite() {
            embedded::start(ground.clone(), receiver)?;
        } else {
            shared::start(&ground, receiver);
        }
        Ok(Self {
            ground,
            waiting,
            #[cfg(feature = "nats")]
            stream: None,
        })
    }

    /// The same with a stream in front of it.
    #[cfg(feature = "nats")]
    #[must_use]
    pub fn behind(mut self, stream: super::stream::Stream) -> Self {
        self.stream = Some(stream);
        self
    }

    /// Takes a webhook in; returns once it is on disk, or in the stream in front of the inbox.
    pub async fn accept(&self, incoming: Incoming) -> Result<Accepted, NotAccepted> {
        // Made here, on as many threads as there are requests, and not by the one who writes.
        let row = Row::of(&self.ground, incoming);
        #[cfg(feature = "nats")]
        if let Some(stream) = &self.stream {
            match stream.publish(&row).await {
                Ok(is_repeated) => {
                    let delivery_id = (!is_repeated).then_some(row.id);
                    return Ok(Accepted { delivery_id, is_repeated });
                }
                // Should the stream have it all the same, the inbox knows it again.
                Err(error) => tracing::warn!(%error, "the stream does not take a webhook; the inbox does"),
            }
        }
        self.store(row).await
    }

    /// Stores a webhook; returns once it is on disk.
    pub(super) async fn store(&self, row: Row) -> Result<Accepted, NotAccepted> {
        let (answer, stored) = oneshot::channel();
        self.waiting.try_send(Waiting { row, answer }).map_err(|_| NotAccepted::Busy)?;
        match stored.await {
            Ok(result) => Ok(result?),
            Err(_) => Err(NotAccepted::Busy),
        }
    }
}

/// What is written of one webhook, in the form in which it is written.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) id: Uuid,
    pub(super) organization_id: Uuid,
    pub(super) webhook_endpoint_id: Uuid,
    pub(super) message_id: String,
    pub(super) request_id: String,
    pub(super) verified_by: Cow<'static, str>,
    pub(super) webhook_secret_id: Option<Uuid>,
    /// As JSON.
    pub(super) headers: String,
    pub(super) body: Bytes,
    pub(super) received_at: Timestamp,
    pub(super) trace_context: Option<String>,
}

impl Row {
    fn of(ground: &Ground, incoming: Incoming) -> Self {
        let (webhook, now) = (incoming.webhook, ground.clock.now());
        let headers: Vec<(&str, &str)> =
            webhook.headers().iter().filter(|(name, _)| !carries_secret(name)).collect();
        Self {
            id: ground.chance.id(now),
            organization_id: incoming.organization_id,
            webhook_endpoint_id: incoming.webhook_endpoint_id,
            message_id: webhook.message_id(),
            request_id: incoming.request_id,
            verified_by: webhook.proof().scheme.into(),
            webhook_secret_id: webhook.proof().secret_id,
            headers: serde_json::to_string(&headers).unwrap_or_else(|_| "[]".to_owned()),
            body: webhook.body().clone(),
            received_at: now,
            trace_context: incoming.trace_context,
        }
    }

    /// What a webhook that came before is known by.
    pub(super) fn message(&self) -> (Uuid, &str) {
        (self.webhook_endpoint_id, &self.message_id)
    }
}

/// Headers that authenticate by being known are not kept.
fn carries_secret(name: &str) -> bool {
    matches!(name, "authorization" | "proxy-authorization" | "cookie" | "token" | "x-api-key")
        || name.ends_with("-secret")
        || name.ends_with("-token")
}

/// What became of each webhook of a batch, in its order.
type Stored = Vec<Result<Accepted, Error>>;

/// Answers the senders of a batch that was committed in so many statements, and tells who is to work on it.
fn answer(ground: &Ground, batch: &mut Vec<Waiting>, stored: Stored, statements: u64) {
    dies::at(Step::Stored);
    let news = batch.iter().zip(&stored).filter_map(|(Waiting { row, .. }, stored)| match stored {
        Ok(accepted) if !accepted.is_repeated => Some(Happened {
            what: What::DeliveryReceived,
            organization_id: row.organization_id,
            id: row.id,
            at: row.received_at,
        }),
        _ => None,
    });
    let news = news.collect();
    let pages: usize = batch.iter().map(|Waiting { row, .. }| 1 + row.body.len() / PAGE).sum();
    ground.db.has_happened(statements, u32::try_from(pages).unwrap_or(u32::MAX), news);
    for (Waiting { answer, .. }, stored) in batch.drain(..).zip(stored) {
        let _ = answer.send(stored);
    }
    ground.wake.inbox();
}

/// Answers the senders of a batch of which nothing was stored.
fn refuse(batch: &mut Vec<Waiting>, error: &Error) {
    tracing::error!(%error, cause = ?std::error::Error::source(error), webhooks = batch.len(), "webhooks could not be stored");
    for Waiting { answer, .. } in batch.drain(..) {
        let _ = answer.send(Err(match error {
            Error::Unavailable(cause) => Error::Unavailable(cause.clone()),
            other => Error::Internal(anyhow::anyhow!("{other}")),
        }));
    }
}
