//! What is asked of Amazon: certificates, when a message names one that is not known, and confirmations.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use entity::Timestamp;
use reqwest::Url;
use tokio::sync::Semaphore;

use super::{certificate::Certificate, message::Message};
use crate::{
    clock::Clock,
    outbound::{Call, ClientError, ClientOptions, GuardedClient},
};

/// How long a certificate may take to come: its sender waits.
const PATIENCE: Duration = Duration::from_secs(3);
/// How long one is good for, in seconds. Its address changes with it.
const KEPT_SECS: i64 = 24 * 3_600;
/// How long after a failure the same address is not asked again, in seconds.
const PAUSE_SECS: i64 = 10;
/// How many addresses are remembered: SNS has a few in each region.
const MOST: usize = 256;
/// How many certificates are fetched at the same time.
const FLIGHTS: usize = 4;
/// The longest answer, in bytes.
const MAX_BODY: usize = 64 * 1_024;

/// Calls an address by GET; gives the status and the body, or says what went wrong.
#[async_trait::async_trait]
pub trait Fetch: fmt::Debug + Send + Sync {
    /// One call.
    async fn get(&self, url: Url) -> Result<(u16, Vec<u8>), String>;
}

/// The guarded way out.
struct Out(GuardedClient);

impl fmt::Debug for Out {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Out")
    }
}

#[async_trait::async_trait]
impl Fetch for Out {
    async fn get(&self, url: Url) -> Result<(u16, Vec<u8>), String> {
        let answer = self.0.send(Call::get(url)).await.map_err(|failed| failed.detail().to_owned())?;
        Ok((answer.status, answer.body.to_vec()))
    }
}

/// A certificate cannot be had just now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Away;

/// Why a subscription was not confirmed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotConfirmed {
    /// It may be in a moment.
    Later(String),
    /// It will not be.
    Never(String),
}

/// What is asked of Amazon SNS, and what it has answered. Cheap to clone; clones share it.
#[derive(Clone, Debug)]
pub struct Desk(Arc<Inside>);

#[derive(Debug)]
struct Inside {
    fetch: Arc<dyn Fetch>,
    clock: Clock,
    kept: Mutex<HashMap<Url, Kept>>,
    flying: Mutex<HashMap<Url, Arc<tokio::sync::Mutex<()>>>>,
    flights: Semaphore,
}

/// What came of asking for a certificate, and when.
#[derive(Clone, Debug)]
struct Kept(Timestamp, Option<Arc<Certificate>>);

impl Kept {
    fn is_fresh(&self, now: Timestamp) -> bool {
        now < self.0.plus_secs(if self.1.is_some() { KEPT_SECS } else { PAUSE_SECS })
    }
}

impl Desk {
    /// A desk that calls by a client of its own.
    pub fn new(clock: Clock, options: ClientOptions) -> Result<Self, ClientError> {
        let client = GuardedClient::new(ClientOptions {
            connect_timeout: PATIENCE,
            timeout: 2 * PATIENCE,
            max_body: MAX_BODY,
            ..options
        })?;
        Ok(Self::calling(clock, Arc::new(Out(client))))
    }

    /// A desk that calls by other means.
    pub fn calling(clock: Clock, fetch: Arc<dyn Fetch>) -> Self {
        Self(Arc::new(Inside {
            fetch,
            clock,
            kept: Mutex::default(),
            flying: Mutex::default(),
            flights: Semaphore::new(FLIGHTS),
        }))
    }

    /// The certificate that a message names; none where it is no message that names one of SNS's.
    pub async fn certificate(&self, body: &[u8]) -> Result<Option<Arc<Certificate>>, Away> {
        let Ok(url) = Message::read(body).and_then(|message| message.certificate_url()) else {
            return Ok(None);
        };
        if let Some(Kept(_, found)) = self.fresh(&url) {
            return found.map(Some).ok_or(Away);
        }
        // Who comes while it is fetched waits for the same fetch.
        let flight = {
            let mut flying = lock(&self.0.flying);
            if flying.len() >= MOST {
                flying.clear(); // Left behind by senders that hung up.
            }
            flying.entry(url.clone()).or_default().clone()
        };
        let found = tokio::time::timeout(PATIENCE, async {
            let _alone = flight.lock().await;
            match self.fresh(&url) {
                Some(Kept(_, found)) => found,
                None => self.fetch(&url).await,
            }
        });
        let found = found.await.unwrap_or_else(|_| {
            if self.fresh(&url).is_none() {
                self.keep(&url, None);
            }
            None
        });
        lock(&self.0.flying).remove(&url);
        found.map(Some).ok_or(Away)
    }

    /// Confirms a subscription by calling the address that [`super::handshake`] has read.
    pub async fn confirm(&self, url: Url) -> Result<(), NotConfirmed> {
        match self.0.fetch.get(url).await {
            Ok((200..=299, _)) => Ok(()),
            Ok((status @ (408 | 429 | 500..), _)) => {
                Err(NotConfirmed::Later(format!("Amazon SNS answers {status}")))
            }
            Ok((status, _)) => Err(NotConfirmed::Never(format!(
                "Amazon SNS answers {status}: a request to confirm holds for three days; subscribe anew"
            ))),
            Err(detail) => Err(NotConfirmed::Later(format!("Amazon SNS cannot be reached: {detail}"))),
        }
    }

    async fn fetch(&self, url: &Url) -> Option<Arc<Certificate>> {
        let Ok(_permit) = self.0.flights.try_acquire() else { return None };
        let found = match self.0.fetch.get(url.clone()).await {
            Ok((200, pem)) => Certificate::read(&pem).ok_or_else(|| "it is no certificate".to_owned()),
            Ok((status, _)) => Err(format!("the answer is {status}")),
            Err(detail) => Err(detail),
        };
        match found {
            Ok(certificate) => {
                let certificate = Arc::new(certificate);
                self.keep(url, Some(certificate.clone()));
                Some(certificate)
            }
            Err(problem) => {
                tracing::warn!(
                    host = url.host_str(),
                    problem,
                    "a certificate of Amazon SNS could not be had"
                );
                self.keep(url, None);
                None
            }
        }
    }

    fn fresh(&self, url: &Url) -> Option<Kept> {
        let now = self.0.clock.now();
        lock(&self.0.kept).get(url).filter(|kept| kept.is_fresh(now)).cloned()
    }

    fn keep(&self, url: &Url, found: Option<Arc<Certificate>>) {
        let now = self.0.clock.now();
        let mut kept = lock(&self.0.kept);
        if kept.len() >= MOST {
            kept.retain(|_, one| one.is_fresh(now) && one.1.is_some());
        }
        if kept.len() >= MOST {
            kept.clear();
        }
        kept.insert(url.clone(), Kept(now, found));
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
