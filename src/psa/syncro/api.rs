//! Calls to the API with the token, classified.

use reqwest::Url;
use serde_json::Value;

use super::{
    credentials::Login,
    errors::{self, Asked, Verb},
    wire,
};
use crate::psa::{
    PsaError,
    http::{Answer, Call, Outbound},
};

/// One login's way to the API.
pub(super) struct Api {
    pub(super) login: Login,
    pub(super) http: Outbound,
}

impl Api {
    pub(super) fn new(login: Login, http: Outbound) -> Self {
        Self { login, http }
    }

    /// Reads.
    pub(super) async fn get(&self, path: &str, query: &[(&str, String)]) -> Result<Value, PsaError> {
        let answer = self.send(Verb::Get, path, query, None).await?;
        self.classify(Verb::Get, path, &answer)
    }

    /// Reads one record out of its wrapper; none where there is none.
    pub(super) async fn get_record(&self, path: &str, key: &str) -> Result<Option<Value>, PsaError> {
        let answer = self.send(Verb::Get, path, &[], None).await?;
        if answer.status == 404 && errors::is_own(&answer) {
            return Ok(None);
        }
        let body = self.classify(Verb::Get, path, &answer)?;
        wire::record(body, key).map(Some).ok_or_else(|| PsaError::Unavailable {
            detail: format!("Syncro's answer to {path} holds no {key}"),
        })
    }

    /// Makes something.
    pub(super) async fn post(&self, path: &str, body: &Value) -> Result<Value, PsaError> {
        let answer = self.send(Verb::Post, path, &[], Some(body)).await?;
        self.classify(Verb::Post, path, &answer)
    }

    /// Changes the fields that are given.
    pub(super) async fn put(&self, path: &str, body: &Value) -> Result<Value, PsaError> {
        let answer = self.send(Verb::Put, path, &[], Some(body)).await?;
        self.classify(Verb::Put, path, &answer)
    }

    /// The answer as it came.
    pub(super) async fn send(
        &self,
        verb: Verb,
        path: &str,
        query: &[(&str, String)],
        body: Option<&Value>,
    ) -> Result<Answer, PsaError> {
        let url = self.url(path, query)?;
        let call = match (verb, body) {
            (Verb::Get, _) | (_, None) => Call::get(url),
            (Verb::Post, Some(body)) => Call::post_json(url, body),
            (Verb::Put, Some(body)) => Call::put_json(url, body),
        };
        let sent = self.http.send(call.bearer(&self.login.api_key)).await;
        sent.map_err(|failed| if verb == Verb::Get { failed.for_read() } else { failed.for_write() })
    }

    pub(super) fn classify(&self, verb: Verb, path: &str, answer: &Answer) -> Result<Value, PsaError> {
        let asked = Asked { verb, path, key: &self.login.api_key };
        let result = errors::classify(&asked, answer, answer.retry_after_secs(&self.http.clock));
        if let Err(PsaError::RateLimited { retry_after_secs: Some(wait) }) = result {
            // The limit is the source address's, not the call's: nothing else goes out meanwhile.
            self.http.hold(wait);
        }
        result
    }

    fn url(&self, path: &str, query: &[(&str, String)]) -> Result<Url, PsaError> {
        let mut url =
            self.login.base.join(&format!("api/v1{path}")).map_err(|_| PsaError::Unavailable {
                detail: String::from("the address cannot be extended"),
            })?;
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        Ok(url)
    }

    /// Where a person sees something in the browser.
    pub(super) fn page(&self, path: &str) -> Option<String> {
        self.login.base.join(path).ok().map(String::from)
    }
}
