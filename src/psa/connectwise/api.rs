//! Signed calls to the API, classified.

use reqwest::{
    Url,
    header::{ACCEPT, HeaderName},
};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

use super::{
    conditions,
    credentials::Login,
    discovery::{Discovery, Place},
    errors::{self, Act},
    paging,
};
use crate::psa::{
    PsaError,
    http::{Answer, Call, Outbound},
};

/// The model of the records, pinned so that an upgrade of the tenant does not change them under us. Every
/// released version can be named until twelve months after its deprecation (Developer Guide); a site on a
/// customer's own premises that is older than this has to be tried.
const MEDIA_TYPE: &str = "application/vnd.connectwise.com+json; version=2025.16";
const CLIENT_ID: HeaderName = HeaderName::from_static("clientid");
/// The key of the operator's setting that holds the product's own id at the vendor.
const OWN_ID: &str = "connectwise_client_id";

/// One login's way to the API.
pub(super) struct Api {
    pub(super) login: Login,
    pub(super) http: Outbound,
    pub(super) discovery: Discovery,
    client_id: Option<SecretString>,
    secrets: Vec<SecretString>,
}

/// Rows of a list.
pub(super) struct Rows {
    pub(super) items: Vec<Value>,
    /// ConnectWise says that there is a page after this one.
    pub(super) has_next: bool,
}

impl Api {
    pub(super) fn new(login: Login, http: Outbound) -> Self {
        let own = http.own_id(OWN_ID).map(|id| id.expose_secret().trim()).filter(|id| !id.is_empty());
        let client_id = own.map(SecretString::from);
        let mut secrets = login.secrets();
        secrets.extend(client_id.clone());
        Self { login, http, discovery: Discovery::default(), client_id, secrets }
    }

    /// The id that the vendor gave to the product; nothing works without.
    pub(super) fn client_id(&self) -> Result<&SecretString, PsaError> {
        self.client_id
            .as_ref()
            .ok_or_else(|| PsaError::Unauthorized { detail: errors::NO_CLIENT_ID.to_owned() })
    }

    /// Reads.
    pub(super) async fn get(&self, path: &str, query: &[(&str, String)]) -> Result<Value, PsaError> {
        let answer = self.exchange(Act::Read, path, query, Call::get).await?;
        self.classify(Act::Read, path, &answer)
    }

    /// Reads a list.
    pub(super) async fn rows(&self, path: &str, query: &[(&str, String)]) -> Result<Rows, PsaError> {
        let answer = self.exchange(Act::Read, path, query, Call::get).await?;
        match self.classify(Act::Read, path, &answer)? {
            Value::Array(items) => Ok(Rows { items, has_next: paging::has_next(&answer.headers) }),
            _ => {
                Err(PsaError::Unavailable { detail: format!("ConnectWise's answer to {path} holds no list") })
            }
        }
    }

    /// Reads one record; none where there is none.
    pub(super) async fn record(
        &self,
        path: &str,
        query: &[(&str, String)],
    ) -> Result<Option<Value>, PsaError> {
        let answer = self.exchange(Act::Read, path, query, Call::get).await?;
        if errors::is_missing_record(&answer) {
            return Ok(None);
        }
        let body = self.classify(Act::Read, path, &answer)?;
        if super::wire::id(&body, "id").is_some() {
            Ok(Some(body))
        } else {
            Err(PsaError::Unavailable { detail: format!("ConnectWise's answer to {path} holds no record") })
        }
    }

    /// Makes something new.
    pub(super) async fn post(&self, act: Act, path: &str, body: &Value) -> Result<Value, PsaError> {
        let answer = self.exchange(act, path, &[], |url| Call::post_json(url, body)).await?;
        self.classify(act, path, &answer)
    }

    /// Changes single fields: an array of operations, also where it is one.
    pub(super) async fn patch(
        &self,
        act: Act,
        path: &str,
        changes: &[(&str, Value)],
    ) -> Result<Value, PsaError> {
        let operation = |(field, value): &(&str, Value)| serde_json::json!({ "op": "replace", "path": field, "value": value });
        let body = Value::Array(changes.iter().map(operation).collect());
        let answer = self.exchange(act, path, &[], |url| Call::patch_json(url, &body)).await?;
        self.classify(act, path, &answer)
    }

    /// Removes something; what is gone is no error.
    pub(super) async fn delete(&self, path: &str) -> Result<(), PsaError> {
        let answer = self.exchange(Act::Edit, path, &[], Call::delete).await?;
        if errors::is_missing_record(&answer) {
            return Ok(());
        }
        self.classify(Act::Edit, path, &answer).map(|_| ())
    }

    fn classify(&self, act: Act, path: &str, answer: &Answer) -> Result<Value, PsaError> {
        let result = errors::classify(act, path, answer, answer.retry_after_secs(&self.http.clock));
        if let Err(PsaError::RateLimited { retry_after_secs: Some(wait) }) = result {
            // The limit is the tenant's, not the call's: nothing else goes out meanwhile.
            self.http.hold(wait);
        }
        result
    }

    /// Sends, and once more where the API is now if it has moved: a 401 and a 404 of an address that is left
    /// mean that nothing was done, so a write may be repeated too.
    async fn exchange(
        &self,
        act: Act,
        path: &str,
        query: &[(&str, String)],
        make: impl Fn(Url) -> Call + Send + Sync,
    ) -> Result<Answer, PsaError> {
        self.client_id()?;
        let place = self.discovery.place(&self.login, &self.http).await?;
        let answer = self.send(act, make(url(&place, path, query))).await?;
        if !errors::may_have_moved(&answer) {
            return Ok(answer);
        }
        match self.discovery.moved_from(&place, &self.login, &self.http).await {
            Some(place) => self.send(act, make(url(&place, path, query))).await,
            None => Ok(answer),
        }
    }

    async fn send(&self, act: Act, call: Call) -> Result<Answer, PsaError> {
        let (user, password) = self.login.pair();
        let call = call
            .basic(user.expose_secret(), password)
            .header(CLIENT_ID, self.client_id()?.clone())
            .header(ACCEPT, MEDIA_TYPE.into());
        match self.http.send(call).await {
            // Records are long and no refusals, whatever else a short answer of success may be.
            Ok(answer) if (200..300).contains(&answer.status) && answer.body.len() > 4_096 => Ok(answer),
            Ok(answer) => Ok(errors::without(answer, &self.secrets)),
            Err(failed) if act == Act::Read => Err(failed.for_read()),
            Err(failed) => Err(failed.for_write()),
        }
    }

    /// Sends a call without the login; the product's own id goes with it where it is asked for.
    pub(super) async fn send_plain(&self, url: Url, with_own_id: bool) -> Result<Answer, PsaError> {
        let mut call = Call::get(url);
        if with_own_id {
            call = call.header(CLIENT_ID, self.client_id()?.clone());
        }
        let answer = self.http.send(call).await.map_err(crate::psa::http::CallFailed::for_read)?;
        errors::held_back(&answer, &self.http)?;
        Ok(errors::without(answer, &self.secrets))
    }
}

fn url(place: &Place, path: &str, query: &[(&str, String)]) -> Url {
    let mut url = place.base.clone();
    url.set_path(&format!("{}{path}", place.base.path()));
    if !query.is_empty() {
        url.set_query(Some(&conditions::query(query)));
    }
    url
}
