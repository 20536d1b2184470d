//! Signed calls to the API, classified.

use std::fmt::Write as _;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{
    Url,
    header::{ACCEPT, HeaderName},
};
use secrecy::SecretString;
use serde_json::Value;

use super::{
    credentials::Login,
    errors::{self, Kind, Reader},
    wire::{self, Rows},
};
use crate::psa::{
    PsaError,
    http::{Answer, Call, Outbound},
};

/// What the vendor's own page and two clients in production use; a key works where a login's second factor
/// would not.
const KEY_HEADER: HeaderName = HeaderName::from_static("x-api-key");

/// What a client that writes every day sends with writes.
const ODATA_JSON: &str = "application/json;odata.metadata=minimal;odata.streaming=true";

/// Everything that is not unreserved (RFC 3986, 2.3). A `+` for a space is not what every reader of OData
/// takes for one.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// One login's way to the API.
pub(super) struct Api {
    pub(super) login: Login,
    pub(super) http: Outbound,
}

/// What a call is to do.
#[derive(Clone, Copy)]
enum Deed<'a> {
    Read,
    Create(&'a Value),
    Overwrite(&'a Value),
}

impl Deed<'_> {
    const fn kind(self) -> Kind {
        if matches!(self, Self::Read) { Kind::Read } else { Kind::Write }
    }
}

impl Api {
    /// Reads a list. An answer that holds none is an error, never an empty list.
    pub(super) async fn list(&self, path: &str, query: &[(&str, String)]) -> Result<Rows, PsaError> {
        self.list_at(path, &encoded(query)).await
    }

    /// Reads the part of a list that a query written before leads to.
    pub(super) async fn list_at(&self, path: &str, query: &str) -> Result<Rows, PsaError> {
        let answer = self.exchange(path, query, Deed::Read).await?;
        self.rows(path, &answer)
    }

    /// Reads a list that not every account may have; none where the address leads nowhere.
    pub(super) async fn list_if_any(
        &self,
        path: &str,
        query: &[(&str, String)],
    ) -> Result<Option<Rows>, PsaError> {
        let answer = self.exchange(path, &encoded(query), Deed::Read).await?;
        if matches!(answer.status, 404 | 405 | 501) {
            return Ok(None);
        }
        self.rows(path, &answer).map(Some)
    }

    fn rows(&self, path: &str, answer: &Answer) -> Result<Rows, PsaError> {
        let body = self.classify(path, Kind::Read, answer)?;
        wire::rows(body)
            .ok_or_else(|| PsaError::Unavailable { detail: format!("the answer to {path} holds no list") })
    }

    /// Reads one record, found at that address or not.
    pub(super) async fn record(&self, path: &str) -> Result<Found, PsaError> {
        let answer = self.exchange(path, "", Deed::Read).await?;
        if matches!(answer.status, 404 | 405) {
            // A server that does not know the form of an address says so with a page or a 405.
            let is_sure = answer.status == 404 && !errors::is_page(&answer);
            return Ok(if is_sure { Found::Missing } else { Found::NoAddress(errors::not_json(&answer)) });
        }
        let body = self.classify(path, Kind::Read, &answer)?;
        wire::record(body)
            .map(Found::Record)
            .ok_or_else(|| PsaError::Unavailable { detail: format!("the answer to {path} holds no record") })
    }

    /// What a read of an address brings, unclassified.
    pub(super) async fn probe(&self, path: &str) -> Result<(Answer, Result<Rows, PsaError>), PsaError> {
        let answer = self.exchange(path, &encoded(&[("$top", String::from("1"))]), Deed::Read).await?;
        let rows = self.rows(path, &answer);
        Ok((answer, rows))
    }

    /// Creates a record.
    pub(super) async fn create(&self, path: &str, item: &Value) -> Result<Value, PsaError> {
        let answer = self.exchange(path, "", Deed::Create(item)).await?;
        self.classify(path, Kind::Write, &answer)
    }

    /// Puts a whole record in the place of another.
    pub(super) async fn overwrite(&self, path: &str, item: &Value) -> Result<Value, PsaError> {
        let answer = self.exchange(path, "", Deed::Overwrite(item)).await?;
        self.classify(path, Kind::Write, &answer)
    }

    fn classify(&self, path: &str, kind: Kind, answer: &Answer) -> Result<Value, PsaError> {
        let retry_after = answer.retry_after_secs(&self.http.clock);
        let result = Reader { kind, path, key: &self.login.key }.read(answer, retry_after);
        let told = if answer.status == 503 { retry_after } else { None };
        let wait = match &result {
            Err(PsaError::RateLimited { retry_after_secs }) => *retry_after_secs,
            _ => told,
        };
        if let Some(wait) = wait {
            // It is the account that is to wait, not the call: nothing else goes out meanwhile.
            self.http.hold(wait.max(1));
        }
        result
    }

    async fn exchange(&self, path: &str, query: &str, deed: Deed<'_>) -> Result<Answer, PsaError> {
        let kind = deed.kind();
        let mut url =
            self.login.base.join(path).map_err(|_| PsaError::Unavailable {
                detail: String::from("the address cannot be extended"),
            })?;
        if !query.is_empty() {
            url.set_query(Some(query));
        }
        let sent = self.http.send(self.call(url, deed)).await;
        sent.map_err(|failed| if kind == Kind::Read { failed.for_read() } else { failed.for_write() })
    }

    fn call(&self, url: Url, deed: Deed<'_>) -> Call {
        let call = match deed {
            Deed::Read => Call::get(url),
            Deed::Create(item) => writing(Call::post_json(url, item)),
            Deed::Overwrite(item) => writing(Call::put_json(url, item)),
        };
        call.header(KEY_HEADER, self.login.key.clone())
    }
}

/// What became of reading one record.
pub(super) enum Found {
    /// Here it is.
    Record(Value),
    /// There is none of that id.
    Missing,
    /// The address itself is not known; what came instead.
    NoAddress(String),
}

fn writing(call: Call) -> Call {
    call.content_type(ODATA_JSON).header(ACCEPT, SecretString::from(ODATA_JSON))
}

/// A query. The dollar signs of OData's options stay as they are.
fn encoded(query: &[(&str, String)]) -> String {
    let mut text = String::new();
    for (key, value) in query {
        let between = if text.is_empty() { "" } else { "&" };
        let _ = write!(text, "{between}{key}={}", utf8_percent_encode(value, ENCODED));
    }
    text
}
