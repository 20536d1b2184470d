//! The provider's keys: fetched before they grow old, kept while the provider is away, given up after that.

use std::sync::{Arc, Mutex, PoisonError};

use entity::Timestamp;
use reqwest::Url;
use serde::Deserialize;

use super::{NotBelieved, jwk, jwk::PublicKey};
use crate::{
    clock::Clock,
    outbound::{Call, ClientError, ClientOptions, GuardedClient},
};

/// After this the keys are fetched anew, in seconds: so long a key that was taken back is believed.
const REFRESH_SECS: i64 = 600;
/// How long keys are believed that could not be fetched anew, in seconds.
const STALE_SECS: i64 = 24 * 3_600;
/// How long after a fetch the next one begins at the soonest, in seconds: tokens with invented key ids do
/// not make us ask the provider more often.
const PAUSE_SECS: i64 = 30;
/// How many keys are tried on a token that does not say which one it is.
const MAX_TRIED: usize = 8;

/// Fetches keys and remembers them.
pub(super) struct Keys {
    issuer: String,
    url: Option<Url>,
    client: GuardedClient,
    clock: Clock,
    known: Mutex<Known>,
    /// Held by the one who fetches.
    fetching: tokio::sync::Mutex<()>,
}

#[derive(Clone, Default)]
struct Known {
    keys: Arc<Vec<PublicKey>>,
    /// When they were fetched.
    fetched_at: Option<Timestamp>,
    /// When it was last tried.
    tried_at: Option<Timestamp>,
    /// Why it failed then.
    problem: Option<String>,
}

impl Known {
    fn is_younger(at: Option<Timestamp>, secs: i64, now: Timestamp) -> bool {
        at.is_some_and(|at| now < at.plus_secs(secs))
    }

    /// The keys, where they may still be believed.
    fn believed(&self, now: Timestamp) -> Option<&[PublicKey]> {
        Self::is_younger(self.fetched_at, STALE_SECS, now).then_some(&*self.keys)
    }

    fn is_fresh(&self, now: Timestamp) -> bool {
        Self::is_younger(self.fetched_at, REFRESH_SECS, now)
    }

    fn may_try(&self, now: Timestamp) -> bool {
        !Self::is_younger(self.tried_at, PAUSE_SECS, now)
    }
}

impl Keys {
    pub(super) fn new(
        issuer: &str,
        url: Option<Url>,
        client: ClientOptions,
        clock: Clock,
    ) -> Result<Self, ClientError> {
        let client = GuardedClient::new(client)?;
        let (known, fetching) = (Mutex::default(), tokio::sync::Mutex::default());
        Ok(Self { issuer: issuer.to_owned(), url, client, clock, known, fetching })
    }

    /// Whether a key of that id is good; any of the first few where there is no id. An id that is not known
    /// has the keys fetched, now and then; keys that grow old are fetched beside it.
    pub(super) async fn verify(
        self: &Arc<Self>,
        id: Option<&str>,
        is_good: impl Fn(&PublicKey) -> bool,
    ) -> Result<bool, NotBelieved> {
        let now = self.clock.now();
        let mut known = self.known();
        let is_named = |key: &PublicKey| id.is_none() || key.id.as_deref() == id;
        let has_key = known.believed(now).is_some_and(|keys| keys.iter().any(is_named));
        if !has_key && known.may_try(now) {
            self.fetch(false).await;
            known = self.known();
        } else if has_key && !known.is_fresh(now) && known.may_try(now) {
            let keys = Arc::clone(self);
            tokio::spawn(async move { keys.fetch(false).await });
        }
        let Some(keys) = known.believed(now) else {
            let problem = known.problem.unwrap_or_else(|| "its keys were not fetched yet".to_owned());
            return Err(NotBelieved::Away(problem));
        };
        let tried = if id.is_some() { usize::MAX } else { MAX_TRIED };
        Ok(keys.iter().filter(|key| is_named(key)).take(tried).any(is_good))
    }

    /// Fetches the keys. Gives the seconds after which it should be done again.
    pub(super) async fn refresh(&self) -> i64 {
        self.fetch(true).await;
        if self.known().problem.is_some() { PAUSE_SECS } else { REFRESH_SECS }
    }

    /// One at a time; who has waited for another's fetch takes its result.
    async fn fetch(&self, always: bool) {
        let _alone = self.fetching.lock().await;
        let now = self.clock.now();
        if !always && !self.known().may_try(now) {
            return;
        }
        let fetched = self.fetch_keys().await;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.tried_at = Some(now);
        match fetched {
            Ok(keys) => {
                known.keys = Arc::new(keys);
                known.fetched_at = Some(now);
                known.problem = None;
            }
            Err(problem) => {
                tracing::warn!(
                    problem,
                    "the identity provider's keys could not be fetched; the known ones go on"
                );
                known.problem = Some(problem);
            }
        }
    }

    async fn fetch_keys(&self) -> Result<Vec<PublicKey>, String> {
        let url = match &self.url {
            Some(url) => url.clone(),
            None => self.discover().await?,
        };
        let body = self.get(url).await?;
        jwk::read(&body).ok_or_else(|| "what stands at its address for keys is no set of keys".to_owned())
    }

    /// Where the keys are, as the provider says (OpenID Connect Discovery, section 4).
    async fn discover(&self) -> Result<Url, String> {
        #[derive(Deserialize)]
        struct Document {
            issuer: String,
            jwks_uri: Url,
        }
        let at = format!("{}/.well-known/openid-configuration", self.issuer.trim_end_matches('/'));
        let url = Url::parse(&at).map_err(|_| "the issuer is no address; set oidc_jwks_url".to_owned())?;
        let body = self.get(url).await?;
        let document: Document = serde_json::from_slice(&body)
            .map_err(|_| format!("{at} holds no discovery document; set oidc_jwks_url"))?;
        // Section 4.3: else somebody else's document could stand for it.
        if document.issuer != self.issuer {
            return Err(format!(
                "{at} is about the issuer {}; set oidc_issuer to exactly that if it is yours",
                document.issuer.chars().take(200).collect::<String>()
            ));
        }
        Ok(document.jwks_uri)
    }

    async fn get(&self, url: Url) -> Result<Vec<u8>, String> {
        let place = format!("{}{}", url.host_str().unwrap_or_default(), url.path());
        let answer = self
            .client
            .send(Call::get(url))
            .await
            .map_err(|failed| format!("{place}: {}", failed.detail()))?;
        if answer.status == 200 {
            Ok(answer.body.to_vec())
        } else {
            Err(format!("{place} answers {}", answer.status))
        }
    }

    fn known(&self) -> Known {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
