//! Calls to the outside: guarded addresses, bounded sizes and times, a budget of calls.
//!
//! Nothing else in the gateway opens a connection to an address that a user typed. A call
//! never follows redirects or proxies, and a failure says whether the server can have seen
//! the request, which is the difference between trying again and looking first.

mod guard;
mod options;
mod trace;

use std::{collections::BTreeMap, error::Error as _, sync::Arc, time::Instant};

use actix_web::web::{Bytes, BytesMut};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use reqwest::{
    Method, Url,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER},
};
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

pub use guard::{AddressRefused, PrivateAddresses};
pub use options::{OutboundError, OutboundOptions};
pub use trace::{CallTrace, traced};

use super::error::PsaError;
use crate::{
    clock::Clock,
    queue::{budget::RateBudget, budgets::SharedBudget},
};

/// What a connection's calls go out through. Cheap to clone; clones share the budget.
#[derive(Clone)]
pub struct Outbound {
    /// For budgets and token lifetimes.
    pub clock: Clock,
    client: reqwest::Client,
    guard: Arc<guard::Guard>,
    max_body: usize,
    own_ids: Arc<BTreeMap<&'static str, SecretString>>,
    calls_allowed: Arc<BTreeMap<String, u32>>,
    budget: Budget,
}

/// What calls are counted against.
#[derive(Clone)]
enum Budget {
    /// Nothing: a PSA's request to wait still holds it.
    None(RateBudget),
    /// What lanes, nodes and doors share.
    Shared(SharedBudget),
}

/// One request.
pub struct Call {
    method: Method,
    url: Url,
    headers: Vec<(HeaderName, SecretString)>,
    body: Option<(&'static str, SecretString)>,
}

const JSON: &str = "application/json; charset=utf-8";

impl Call {
    fn new(method: Method, url: Url, body: Option<(&'static str, SecretString)>) -> Self {
        Self { method, url, headers: Vec::new(), body }
    }

    /// Reads something.
    pub fn get(url: Url) -> Self {
        Self::new(Method::GET, url, None)
    }

    /// Takes something away.
    pub fn delete(url: Url) -> Self {
        Self::new(Method::DELETE, url, None)
    }

    /// Sends JSON.
    pub fn post_json(url: Url, json: &serde_json::Value) -> Self {
        Self::json(Method::POST, url, json)
    }

    /// Sends JSON to change parts of something.
    pub fn patch_json(url: Url, json: &serde_json::Value) -> Self {
        Self::json(Method::PATCH, url, json)
    }

    /// Sends JSON to replace something.
    pub fn put_json(url: Url, json: &serde_json::Value) -> Self {
        Self::json(Method::PUT, url, json)
    }

    fn json(method: Method, url: Url, json: &serde_json::Value) -> Self {
        Self::new(method, url, Some((JSON, SecretString::from(json.to_string()))))
    }

    /// Sends a form.
    pub fn post_form(url: Url, fields: &[(&str, &str)]) -> Self {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        Self::new(Method::POST, url, Some(("application/x-www-form-urlencoded", SecretString::from(body))))
    }

    /// With a bearer token.
    #[must_use]
    pub fn bearer(self, token: &SecretString) -> Self {
        self.header(AUTHORIZATION, format!("Bearer {}", token.expose_secret()).into())
    }

    /// With HTTP Basic (RFC 7617).
    #[must_use]
    pub fn basic(self, user: &str, password: &SecretString) -> Self {
        let pair = Zeroizing::new(format!("{user}:{}", password.expose_secret()));
        self.header(AUTHORIZATION, format!("Basic {}", STANDARD.encode(pair.as_bytes())).into())
    }

    /// With a header, which replaces ours of that name (`Accept`, `Content-Type`).
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: SecretString) -> Self {
        self.headers.push((name, value));
        self
    }

    /// With another media type of the body than `application/json; charset=utf-8`.
    #[must_use]
    pub fn content_type(mut self, media: &'static str) -> Self {
        if let Some((known, _)) = &mut self.body {
            *known = media;
        }
        self
    }
}

/// What a server answered, whatever its status.
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, decompressed.
    pub body: Bytes,
}

impl Answer {
    /// Seconds to wait, as `Retry-After` says in seconds or as a date (RFC 9110, 10.2.3).
    pub fn retry_after_secs(&self, clock: &Clock) -> Option<i64> {
        let text = self.headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
        text.parse::<i64>().ok().filter(|secs| *secs >= 0).or_else(|| {
            let at = chrono::DateTime::parse_from_rfc2822(text).ok()?.timestamp();
            Some((at - clock.now().as_secs()).max(0))
        })
    }

    /// The kind of content, in lower case without its parameters; empty where it is not said.
    pub fn content_type(&self) -> String {
        let value = self.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
    }
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallFailed {
    /// Our own budget of calls is used up; nothing was sent.
    OverBudget {
        /// Seconds until there is room for one call.
        retry_after_secs: i64,
    },
    /// The server never saw the request.
    NotSent {
        /// Why, for people.
        detail: String,
    },
    /// The server may have seen it and acted on it.
    MaybeSent {
        /// What happened, for people.
        detail: String,
    },
}

impl CallFailed {
    /// For a call that changes nothing.
    pub fn for_read(self) -> PsaError {
        match self {
            Self::OverBudget { retry_after_secs } => {
                PsaError::RateLimited { retry_after_secs: Some(retry_after_secs) }
            }
            Self::NotSent { detail } | Self::MaybeSent { detail } => PsaError::Unavailable { detail },
        }
    }

    /// For a call that changes something.
    pub fn for_write(self) -> PsaError {
        match self {
            Self::MaybeSent { detail } => PsaError::Unknown { detail },
            other => other.for_read(),
        }
    }
}

impl Outbound {
    /// The way out of this process, without a budget.
    pub fn new(options: OutboundOptions) -> Result<Self, OutboundError> {
        let guard = Arc::new(guard::Guard::new(options.allow_private));
        let client = options::client(&guard, options.connect_timeout, options.timeout, &options.user_agent)?;
        Ok(Self {
            clock: options.clock,
            client,
            guard,
            max_body: options.max_body,
            own_ids: Arc::new(options.own_ids),
            calls_allowed: Arc::new(options.calls_allowed),
            budget: Budget::None(RateBudget::unlimited()),
        })
    }

    /// The same way out for one login, its calls counted against what it shares with others.
    #[must_use]
    pub fn counted(&self, budget: SharedBudget) -> Self {
        Self { budget: Budget::Shared(budget), ..self.clone() }
    }

    /// How many calls the operator allows a platform in its window, where that was said.
    pub fn calls_allowed(&self, platform: &str) -> Option<u32> {
        self.calls_allowed.get(platform).copied()
    }

    /// Sends nothing more for so many seconds, because the PSA said so. The limit is the instance's, not the
    /// call's.
    pub fn hold(&self, secs: i64) {
        match &self.budget {
            Budget::None(budget) => budget.hold(self.clock.now(), secs),
            Budget::Shared(budget) => budget.hold(secs),
        }
    }

    /// What the operator's configuration says to one platform, such as our own id at a vendor.
    pub fn own_id(&self, key: &str) -> Option<&SecretString> {
        self.own_ids.get(key)
    }

    /// Whether calls to this address are allowed, as far as it can be told without a look-up of names.
    pub fn check_url(&self, url: &Url) -> Result<(), AddressRefused> {
        self.guard.check_url(url)
    }

    /// Sends one request.
    pub async fn send(&self, call: Call) -> Result<Answer, CallFailed> {
        self.check_url(&call.url).map_err(|refused| CallFailed::NotSent { detail: refused.to_string() })?;
        let taken = match &self.budget {
            Budget::None(budget) => budget.take(self.clock.now()),
            Budget::Shared(budget) => budget.take().await.map_err(|error| {
                let detail = format!("the budget of calls could not be written down: {error}");
                CallFailed::NotSent { detail }
            })?,
        };
        taken.map_err(|retry_after_secs| CallFailed::OverBudget { retry_after_secs })?;
        let (method, path) = (call.method.clone(), call.url.path().to_owned());
        let started = Instant::now();
        let result = self.exchange(call).await;
        let latency_ms = i64::try_from(started.elapsed().as_millis()).unwrap_or(i64::MAX);
        let status = match &result {
            Ok(answer) => Some(answer.status),
            Err((_, status)) => *status,
        };
        trace::record(CallTrace { method: method.to_string(), path, status, latency_ms });
        result.map_err(|(failed, _)| failed)
    }

    /// The failure comes with the status where one was seen before it failed.
    async fn exchange(&self, call: Call) -> Result<Answer, (CallFailed, Option<u16>)> {
        let mut request = self.client.request(call.method, call.url);
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        if let Some((content_type, body)) = call.body {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
            request = request.body(body.expose_secret().to_owned());
        }
        for (name, value) in call.headers {
            let mut value = HeaderValue::try_from(value.expose_secret()).map_err(|_| {
                let detail = format!("what {name} is to say holds characters that no header may hold");
                (CallFailed::NotSent { detail }, None)
            })?;
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        request = request.headers(headers);

        let mut response = request.send().await.map_err(|error| (failure(error), None))?;
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let mut body = BytesMut::new();
        // Counted after decompression, so that a small answer cannot unpack into a large one.
        loop {
            match response.chunk().await {
                Ok(None) => break,
                Ok(Some(chunk)) if body.len() + chunk.len() <= self.max_body => {
                    body.extend_from_slice(&chunk);
                }
                Ok(Some(_)) => {
                    let detail = format!("the answer is longer than {} bytes", self.max_body);
                    return Err((CallFailed::MaybeSent { detail }, Some(status)));
                }
                Err(error) => {
                    let detail = format!("the answer broke off: {}", causes(&error.without_url()));
                    return Err((CallFailed::MaybeSent { detail }, Some(status)));
                }
            }
        }
        Ok(Answer { status, headers, body: body.freeze() })
    }
}

/// Before a connection stands (name, address, TCP, TLS) nothing was sent; after that anything may have been.
fn failure(error: reqwest::Error) -> CallFailed {
    let error = error.without_url();
    let detail = causes(&error);
    if error.is_connect() || error.is_builder() {
        CallFailed::NotSent { detail }
    } else {
        CallFailed::MaybeSent { detail }
    }
}

/// What went wrong in one line: the innermost causes say it best and never hold an address with secrets.
fn causes(error: &reqwest::Error) -> String {
    let mut texts = Vec::new();
    let mut source = error.source();
    while let Some(cause) = source {
        if let Some(refused) = cause.downcast_ref::<AddressRefused>() {
            return refused.to_string();
        }
        texts.push(cause.to_string());
        source = cause.source();
    }
    let cause = texts.pop().unwrap_or_else(|| error.to_string());
    let what = if error.is_timeout() {
        "no answer in time"
    } else if error.is_connect() {
        "no connection"
    } else {
        "the exchange failed"
    };
    format!("{what}: {}", cause.chars().take(200).collect::<String>())
}

#[cfg(test)]
mod tests;
