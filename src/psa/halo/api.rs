//! Signed calls to the API, classified.

use reqwest::Url;
use serde_json::Value;

use super::{
    auth::{SignIn, Token},
    credentials::Login,
    errors::{self, Kind},
};
use crate::psa::{
    PsaError,
    http::{Answer, Call, Outbound},
};

/// What a call does. Halo knows no other methods.
enum Act {
    Get,
    Post(Value),
    Delete,
}

impl Act {
    fn kind(&self) -> Kind {
        if matches!(self, Self::Get) { Kind::Read } else { Kind::Write }
    }
}

/// One login's way to the API.
pub(super) struct Api {
    pub(super) login: Login,
    pub(super) http: Outbound,
    pub(super) sign_in: SignIn,
}

impl Api {
    pub(super) fn new(login: Login, http: Outbound) -> Self {
        Self { login, http, sign_in: SignIn::new() }
    }

    /// Reads.
    pub(super) async fn get(&self, path: &str, query: &[(&str, String)]) -> Result<Value, PsaError> {
        self.call(&Act::Get, path, query).await
    }

    /// Reads one record; none where there is none. Some records answer 200 with an object of nulls.
    pub(super) async fn get_record(
        &self,
        path: &str,
        query: &[(&str, String)],
    ) -> Result<Option<Value>, PsaError> {
        let found = self.get_some(path, query).await?.and_then(super::wire::record);
        Ok(found.filter(|record| super::wire::id(record, "id").is_some()))
    }

    /// Reads what may not be there.
    pub(super) async fn get_some(
        &self,
        path: &str,
        query: &[(&str, String)],
    ) -> Result<Option<Value>, PsaError> {
        let (answer, token) = self.exchange(&Act::Get, path, query).await?;
        if answer.status == 404 {
            // A 404 in HTML comes from a gateway or a wrong address, not from Halo.
            return if answer.content_type() == "text/html" {
                Err(PsaError::Unavailable { detail: errors::not_json(&answer) })
            } else {
                Ok(None)
            };
        }
        self.classify(Kind::Read, path, &token, &answer).map(Some)
    }

    /// Changes something: Halo takes arrays only, and knows no other method than POST for it.
    pub(super) async fn post(&self, path: &str, item: Value) -> Result<Value, PsaError> {
        let answer = self.call(&Act::Post(Value::Array(vec![item])), path, &[]).await?;
        if let Some(warning) = answer.get("_warning").and_then(Value::as_str).filter(|text| !text.is_empty())
        {
            tracing::warn!(path, warning = errors::short(warning), "Halo carried this out with a warning");
        }
        Ok(answer)
    }

    /// Takes something away; what is gone is no error.
    pub(super) async fn delete(&self, path: &str) -> Result<(), PsaError> {
        let (answer, token) = self.exchange(&Act::Delete, path, &[]).await?;
        if answer.status == 404 && answer.content_type() != "text/html" {
            return Ok(());
        }
        self.classify(Kind::Write, path, &token, &answer).map(drop)
    }

    async fn call(&self, act: &Act, path: &str, query: &[(&str, String)]) -> Result<Value, PsaError> {
        let (answer, token) = self.exchange(act, path, query).await?;
        self.classify(act.kind(), path, &token, &answer)
    }

    fn classify(&self, kind: Kind, path: &str, token: &Token, answer: &Answer) -> Result<Value, PsaError> {
        let result =
            errors::classify(kind, path, &token.scope, answer, answer.retry_after_secs(&self.http.clock));
        if let Err(PsaError::RateLimited { retry_after_secs: Some(wait) }) = result {
            // The limit is the instance's, not the call's: nothing else goes out meanwhile.
            self.http.hold(wait);
        }
        result
    }

    /// Sends with a token, and once more with a new one where the token was refused. Both 401 and 400 mean
    /// that nothing was done, so a write may be repeated.
    async fn exchange(
        &self,
        act: &Act,
        path: &str,
        query: &[(&str, String)],
    ) -> Result<(Answer, Token), PsaError> {
        let url = self.url(path, query)?;
        let token = self.sign_in.token(&self.login, &self.http, None).await?;
        let answer = self.send(act, &url, &token).await?;
        let is_stale = match answer.status {
            401 => true,
            400 => self.http.clock.now() >= token.renew_at || errors::may_be_stale_token(&answer),
            _ => false,
        };
        if !is_stale {
            return Ok((answer, token));
        }
        let token = self.sign_in.token(&self.login, &self.http, Some(&token)).await?;
        let answer = self.send(act, &url, &token).await?;
        Ok((answer, token))
    }

    async fn send(&self, act: &Act, url: &Url, token: &Token) -> Result<Answer, PsaError> {
        let call = match act {
            Act::Get => Call::get(url.clone()),
            Act::Post(body) => Call::post_json(url.clone(), body),
            Act::Delete => Call::delete(url.clone()),
        };
        let sent = self.http.send(call.bearer(&token.text)).await;
        sent.map_err(|failed| if act.kind() == Kind::Read { failed.for_read() } else { failed.for_write() })
    }

    fn url(&self, path: &str, query: &[(&str, String)]) -> Result<Url, PsaError> {
        let mut url =
            self.login.base.join(&format!("api{path}")).map_err(|_| PsaError::Unavailable {
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
