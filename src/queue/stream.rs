//! A stream in front of the inbox: NATS JetStream, for gateways that take webhooks in where the database is far, or away.
//!
//! ```text
//! sender → verified → published (Nats-Msg-Id) → the stream's acknowledgement → 202
//!                                  ↓
//!                     taken from the stream → inbox, committed → acknowledged
//! ```
//!
//! A webhook leaves the stream only when it stands in the inbox, so that it may come to the inbox twice, and never not at
//! all; the inbox knows it again. Where the stream does not take a webhook, the inbox does, so that one of both is enough
//! to accept it. Each message is marked under the installation's key: who can publish to the stream cannot have webhooks
//! decided that nobody verified.
//!
//! Sources: NATS documentation, JetStream, "Model Deep Dive" (acknowledgements, deduplication within a window), "Consumers".

use std::{borrow::Cow, sync::Arc, time::Duration};

use actix_web::web::{Bytes, BytesMut};
use anyhow::Context as _;
use async_nats::{
    ConnectOptions, HeaderMap,
    connection::State,
    header::NATS_MESSAGE_ID,
    jetstream::{
        self, AckKind,
        consumer::{AckPolicy, PullConsumer, pull},
        context::ContextBuilder,
        stream::{Config, DiscardPolicy, RawMessageErrorKind, RetentionPolicy, StorageType},
    },
};
use futures_util::{
    StreamExt as _,
    future::{BoxFuture, join_all},
};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::inbox::{Inbox, Row};
use crate::ground::Ground;

/// How long the stream may take to say that it has a webhook; then the inbox is asked. Senders are to be answered
/// within a second or two.
const PATIENCE: Duration = Duration::from_secs(2);
/// How many webhooks may be on their way to the stream.
const PUBLISHING: usize = 4_096;
/// How many are taken from it at once.
const BATCH: usize = 256;
/// How long a request for more stands where there is none.
const STANDS: Duration = Duration::from_secs(5);
/// After which time what was taken and not acknowledged is given out again.
const TAKEN: Duration = Duration::from_secs(20);
/// When what the inbox could not store is given out again.
const AGAIN: Duration = Duration::from_secs(5);
/// For how long the stream itself knows a repeated webhook again; the inbox does for as long as it keeps deliveries.
const KNOWN_AGAIN: Duration = Duration::from_mins(10);
/// What the stream is read by, on all gateways together.
const CONSUMER: &str = "inbox";
/// The header with a message's mark.
const MARK: &str = "Psa-Gateway-Mark";

/// Which stream.
#[derive(Clone, Debug)]
pub struct StreamOptions {
    /// Where NATS is: `nats://` or `tls://`, several separated by commas; may hold a user and a password, or a token.
    pub url: SecretString,
    /// The stream's name, and what its subjects begin with.
    pub name: String,
}

/// The inbox of the other shard that serves an organization, where one does.
pub type Elsewhere = Arc<dyn Fn(Uuid) -> BoxFuture<'static, Option<Inbox>> + Send + Sync>;

/// A stream that webhooks go through. Cheap to clone.
#[derive(Clone)]
pub struct Stream {
    ground: Ground,
    client: async_nats::Client,
    context: jetstream::Context,
    name: String,
    publishing: Arc<Semaphore>,
}

/// What is in the stream beside a webhook's body: in front of it, in a line of its own.
#[derive(Debug, Serialize, Deserialize)]
struct Carried<'a> {
    id: Uuid,
    organization_id: Uuid,
    webhook_endpoint_id: Uuid,
    message_id: Cow<'a, str>,
    request_id: Cow<'a, str>,
    verified_by: Cow<'a, str>,
    webhook_secret_id: Option<Uuid>,
    headers: Cow<'a, str>,
    received_at: i64,
    trace_context: Option<Cow<'a, str>>,
}

/// What became of something out of the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    /// It stands in the inbox.
    Stored,
    /// The inbox did not take it.
    Kept,
    /// Nobody here published it.
    NoneOfOurs,
}

/// How a stream stands, for who looks after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamFacts {
    /// How many webhooks it holds.
    pub waiting: u64,
    /// On how many servers it is.
    pub replicas: usize,
    /// Whether it is kept in files, rather than in memory.
    pub is_in_files: bool,
}

impl Stream {
    /// Goes to NATS and changes nothing there; it need not be there yet. An error where the address is none.
    pub async fn at(ground: Ground, options: &StreamOptions) -> anyhow::Result<Self> {
        let addresses: Vec<&str> = options.url.expose_secret().split(',').map(str::trim).collect();
        let client = ConnectOptions::new()
            .name("psa-gateway")
            .connection_timeout(PATIENCE)
            .retry_on_initial_connect()
            .connect(addresses)
            .await
            // Not what the error says, which may be the address with its password.
            .map_err(|error| anyhow::anyhow!("nats_url is no address of NATS ({:?})", error.kind()))?;
        let context = ContextBuilder::new().timeout(PATIENCE).build(client.clone());
        let publishing = Arc::new(Semaphore::new(PUBLISHING));
        Ok(Self { ground, client, context, name: options.name.clone(), publishing })
    }

    /// The same with the stream made where it is missing. While NATS is away, the inbox takes what comes.
    pub async fn open(ground: Ground, options: &StreamOptions) -> anyhow::Result<Self> {
        let stream = Self::at(ground, options).await?;
        match tokio::time::timeout(PATIENCE, stream.ensure()).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => {
                tracing::warn!(%error, "the stream cannot be opened yet; webhooks go into the database");
            }
            Err(_) => tracing::warn!("NATS does not answer yet; webhooks go into the database"),
        }
        Ok(stream)
    }

    /// The stream, made where it is not there: in files, on one server.
    async fn ensure(&self) -> anyhow::Result<jetstream::stream::Stream> {
        let wanted = Config {
            name: self.name.clone(),
            subjects: vec![format!("{}.*", self.name)],
            retention: RetentionPolicy::WorkQueue,
            // What is full says so, and the inbox takes it: nothing that was acknowledged makes room.
            discard: DiscardPolicy::New,
            storage: StorageType::File,
            duplicate_window: KNOWN_AGAIN,
            ..Config::default()
        };
        self.context.get_or_create_stream(wanted).await.with_context(|| {
            let name = &self.name;
            format!("the stream {name} is not there; does NATS run with JetStream (-js), and may this login make it?")
        })
    }

    /// Publishes a webhook; returns once the stream has it, and whether it had it before. An error where that is not
    /// known: it may be there all the same.
    pub(super) async fn publish(&self, row: &Row) -> anyhow::Result<bool> {
        // What is sent while nobody is there would be kept in memory, and sent in the end.
        anyhow::ensure!(self.client.connection_state() == State::Connected, "NATS is away");
        let _turn = self.publishing.try_acquire().context("too many webhooks wait for the stream")?;
        let payload = written(row)?;
        let mut headers = HeaderMap::new();
        headers.insert(NATS_MESSAGE_ID, known_by(row).as_str());
        headers.insert(MARK, hex(&self.mark(&payload)).as_str());
        let subject = format!("{}.{}", self.name, row.webhook_endpoint_id.simple());
        let published = async {
            let taken = self.context.publish_with_headers(subject, headers, payload).await?;
            Ok::<_, anyhow::Error>(taken.await?.duplicate)
        };
        tokio::time::timeout(PATIENCE, published).await.context("the stream did not answer in time")?
    }

    fn mark(&self, payload: &[u8]) -> [u8; 32] {
        self.ground.vault.mark(&[b"webhook in a stream", payload])
    }

    /// Brings what is in the stream into the inbox, until told to stop; what belongs to an organization that lives
    /// elsewhere by now, into the inbox there.
    pub async fn empty_into(self, inbox: Inbox, elsewhere: Elsewhere, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let worked = tokio::select! {
                worked = self.work((&inbox, &elsewhere), &stop) => worked,
                () = stop.cancelled() => return,
            };
            if let Err(error) = worked {
                tracing::warn!(%error, "the stream cannot be read; trying again");
            }
            tokio::select! {
                () = tokio::time::sleep(Duration::from_secs(1)) => {}
                () = stop.cancelled() => return,
            }
        }
    }

    async fn work(&self, to: (&Inbox, &Elsewhere), stop: &CancellationToken) -> anyhow::Result<()> {
        let (stream, consumer) = self.consumer().await?;
        while !stop.is_cancelled() {
            let mut messages = consumer.fetch().max_messages(BATCH).expires(STANDS).messages().await?;
            let mut taken = Vec::new();
            // One is there: what else is there comes at once.
            while let Some(message) = messages.next().await {
                taken.push(message.map_err(|error| anyhow::anyhow!(error))?);
            }
            if taken.is_empty() {
                self.gather(&stream, &consumer, to).await?;
            }
            join_all(taken.iter().map(|message| self.store(message, to))).await;
        }
        Ok(())
    }

    /// Stores what is in the stream and given out to nobody, and removes it there. NATS keeps what it holds and what it has
    /// given out in files of their own, so that a server that was killed may hold again what it had let go of; seen with
    /// 2.9.10. To the inbox it makes no difference.
    async fn gather(
        &self,
        stream: &jetstream::stream::Stream,
        consumer: &PullConsumer,
        to: (&Inbox, &Elsewhere),
    ) -> anyhow::Result<()> {
        // In this order what is let go of meanwhile has us look, and what comes meanwhile has us look the next time.
        let held = stream.get_info().await?.state;
        let given = consumer.get_info().await?;
        if held.messages <= given.num_pending.saturating_add(given.num_ack_pending.try_into()?) {
            return Ok(());
        }
        let (mut next, mut gathered) = (held.first_sequence, 0_u32);
        while next <= held.last_sequence {
            // Not by the subjects: what 2.9.10 knows of these is not put right behind a crash.
            let message = match stream.get_first_raw_message_by_subject(">", next).await {
                Ok(message) => message,
                Err(error) if error.kind() == RawMessageErrorKind::NoMessageFound => break,
                Err(error) => return Err(error.into()),
            };
            if self.take_in((Some(&message.headers), &message.subject, &message.payload), to).await
                == Ended::Kept
            {
                break;
            }
            stream.delete_message(message.sequence).await?;
            next = message.sequence.saturating_add(1);
            gathered += 1;
        }
        if gathered > 0 {
            tracing::info!(webhooks = gathered, "the stream held what it gave to nobody; it is in the inbox");
        }
        Ok(())
    }

    async fn consumer(&self) -> anyhow::Result<(jetstream::stream::Stream, PullConsumer)> {
        let stream = self.ensure().await?;
        let wanted = pull::Config {
            durable_name: Some(CONSUMER.to_owned()),
            ack_policy: AckPolicy::Explicit,
            ack_wait: TAKEN,
            max_ack_pending: 4_096,
            ..pull::Config::default()
        };
        let consumer = stream.get_or_create_consumer(CONSUMER, wanted).await?;
        Ok((stream, consumer))
    }

    /// Stores a webhook and lets go of it in the stream.
    async fn store(&self, message: &jetstream::Message, to: (&Inbox, &Elsewhere)) {
        let ended =
            match self.take_in((message.headers.as_ref(), &message.subject, &message.payload), to).await {
                Ended::Stored => message.ack().await,
                Ended::Kept => message.ack_with(AckKind::Nak(Some(AGAIN))).await,
                Ended::NoneOfOurs => message.ack_with(AckKind::Term).await,
            };
        // Then it is given out again, and known again.
        if let Err(error) = ended {
            tracing::warn!(%error, "the stream was not told what became of a webhook");
        }
    }

    async fn take_in(
        &self,
        (headers, subject, payload): (Option<&HeaderMap>, &str, &Bytes),
        (inbox, elsewhere): (&Inbox, &Elsewhere),
    ) -> Ended {
        let is_marked = headers.and_then(|headers| headers.get(MARK)).is_some_and(|mark| {
            bool::from(mark.as_str().as_bytes().ct_eq(hex(&self.mark(payload)).as_bytes()))
        });
        let row = if is_marked {
            read(payload)
        } else {
            Err(anyhow::anyhow!("it has no mark of this installation"))
        };
        match row {
            Ok(row) => match stored(row, payload, inbox, elsewhere).await {
                Ok(()) => Ended::Stored,
                Err(error) => {
                    tracing::warn!(%error, "a webhook stays in the stream, as the inbox does not take it");
                    Ended::Kept
                }
            },
            Err(error) => {
                tracing::error!(%error, %subject, "what is in the stream is none of our webhooks, and is not decided");
                Ended::NoneOfOurs
            }
        }
    }

    /// How the stream stands; an error where NATS or the stream is not there.
    pub async fn facts(&self) -> anyhow::Result<StreamFacts> {
        let asked = self.context.get_stream(&self.name);
        let stream = tokio::time::timeout(PATIENCE, asked).await.context("NATS does not answer")??;
        let info = stream.cached_info();
        Ok(StreamFacts {
            waiting: info.state.messages,
            replicas: info.config.num_replicas,
            is_in_files: info.config.storage == StorageType::File,
        })
    }
}

/// Stores a webhook, once, where its organization lives.
async fn stored(row: Row, payload: &Bytes, inbox: &Inbox, elsewhere: &Elsewhere) -> anyhow::Result<()> {
    let organization_id = row.organization_id;
    let Err(error) = inbox.store(row).await else { return Ok(()) };
    match elsewhere(organization_id).await {
        Some(inbox) => Ok(inbox.store(read(payload)?).await.map(|_| ())?),
        None => Err(error.into()),
    }
}

/// What the stream knows a repeated webhook by. A sender's own id may hold anything.
fn known_by(row: &Row) -> String {
    let (endpoint, message) = row.message();
    hex(&Sha256::new().chain_update(endpoint.as_bytes()).chain_update(message).finalize())
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn written(row: &Row) -> anyhow::Result<Bytes> {
    let carried = Carried {
        id: row.id,
        organization_id: row.organization_id,
        webhook_endpoint_id: row.webhook_endpoint_id,
        message_id: row.message_id.as_str().into(),
        request_id: row.request_id.as_str().into(),
        verified_by: row.verified_by.as_ref().into(),
        webhook_secret_id: row.webhook_secret_id,
        headers: row.headers.as_str().into(),
        received_at: row.received_at.0,
        trace_context: row.trace_context.as_deref().map(Into::into),
    };
    let line = serde_json::to_vec(&carried)?;
    let mut payload = BytesMut::with_capacity(line.len() + 1 + row.body.len());
    payload.extend_from_slice(&line);
    payload.extend_from_slice(b"\n");
    payload.extend_from_slice(&row.body);
    Ok(payload.freeze())
}

fn read(payload: &Bytes) -> anyhow::Result<Row> {
    let end = payload.iter().position(|byte| *byte == b'\n').context("it has no first line")?;
    let (line, body) = (payload.slice(..end), payload.slice(end + 1..));
    let carried: Carried<'_> = serde_json::from_slice(&line).context("its first line cannot be read")?;
    Ok(Row {
        id: carried.id,
        organization_id: carried.organization_id,
        webhook_endpoint_id: carried.webhook_endpoint_id,
        message_id: carried.message_id.into_owned(),
        request_id: carried.request_id.into_owned(),
        verified_by: carried.verified_by.into_owned().into(),
        webhook_secret_id: carried.webhook_secret_id,
        headers: carried.headers.into_owned(),
        body,
        received_at: entity::Timestamp(carried.received_at),
        trace_context: carried.trace_context.map(Cow::into_owned),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_webhook_comes_out_as_it_went_in(
            body in prop::collection::vec(any::<u8>(), 0..300), message_id in ".{0,40}", headers in ".{0,40}", secret in any::<bool>(),
        ) {
            let row = Row {
                id: Uuid::from_u128(1),
                organization_id: Uuid::from_u128(2),
                webhook_endpoint_id: Uuid::from_u128(3),
                message_id,
                request_id: "r".to_owned(),
                verified_by: "standard_webhooks.v1".into(),
                webhook_secret_id: secret.then(|| Uuid::from_u128(4)),
                headers,
                body: body.into(),
                received_at: entity::Timestamp(5),
                trace_context: None,
            };
            prop_assert_eq!(read(&written(&row).unwrap()).unwrap(), row);
        }

        #[test]
        fn whatever_is_in_the_stream_is_read_or_refused(payload in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = read(&payload.into());
        }
    }
}
