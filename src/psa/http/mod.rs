//! Calls to the outside: guarded addresses, bounded sizes and times, a budget of calls.
//!
//! Nothing else in the gateway opens a connection to an address that a user typed. A call
//! never follows redirects or proxies, and a failure says whether the server can have seen
//! the request, which is the difference between trying again and looking first.

mod budget;
mod guard;
mod options;
mod trace;

use std::{error::Error as _, sync::Arc, time::Instant};

use actix_web::web::{Bytes, BytesMut};
use reqwest::{
    Method, Url,
    header::{CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER},
};
use secrecy::{ExposeSecret, SecretString};

pub use budget::{RateBudget, RateLimit};
pub use guard::{AddressRefused, PrivateAddresses};
pub use options::{OutboundError, OutboundOptions};
pub use trace::{CallTrace, traced};

use super::error::PsaError;
use crate::clock::Clock;

/// What a connection's calls go out through. Cheap to clone; clones share the budget.
#[derive(Clone)]
pub struct Outbound {
    /// For budgets and token lifetimes.
    pub clock: Clock,
    client: reqwest::Client,
    guard: Arc<guard::Guard>,
    max_body: usize,
    budget: RateBudget,
}

/// One request.
pub struct Call {
    method: Method,
    url: Url,
    bearer: Option<SecretString>,
    body: Option<(&'static str, SecretString)>,
}

impl Call {
    /// Reads something.
    pub fn get(url: Url) -> Self {
        Self { method: Method::GET, url, bearer: None, body: None }
    }

    /// Sends JSON.
    pub fn post_json(url: Url, json: &serde_json::Value) -> Self {
        let body = SecretString::from(json.to_string());
        Self {
            method: Method::POST,
            url,
            bearer: None,
            body: Some(("application/json; charset=utf-8", body)),
        }
    }

    /// Sends a form.
    pub fn post_form(url: Url, fields: &[(&str, &str)]) -> Self {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let body = Some(("application/x-www-form-urlencoded", SecretString::from(body)));
        Self { method: Method::POST, url, bearer: None, body }
    }

    /// With a bearer token.
    #[must_use]
    pub fn bearer(mut self, token: SecretString) -> Self {
        self.bearer = Some(token);
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
            budget: RateBudget::unlimited(),
        })
    }

    /// The same way out with a budget of its own, for one login.
    #[must_use]
    pub fn for_connection(&self, budget: RateBudget) -> Self {
        Self { budget, ..self.clone() }
    }

    /// The budget the calls are counted against.
    pub fn budget(&self) -> &RateBudget {
        &self.budget
    }

    /// Whether calls to this address are allowed, as far as it can be told without a look-up of names.
    pub fn check_url(&self, url: &Url) -> Result<(), AddressRefused> {
        self.guard.check_url(url)
    }

    /// Sends one request.
    pub async fn send(&self, call: Call) -> Result<Answer, CallFailed> {
        self.check_url(&call.url).map_err(|refused| CallFailed::NotSent { detail: refused.to_string() })?;
        self.budget
            .take(self.clock.now())
            .map_err(|retry_after_secs| CallFailed::OverBudget { retry_after_secs })?;
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
        if let Some(token) = call.bearer {
            let value = HeaderValue::try_from(format!("Bearer {}", token.expose_secret()));
            let mut value = value.map_err(|_| {
                let detail = String::from("the token holds characters that no header may hold");
                (CallFailed::NotSent { detail }, None)
            })?;
            value.set_sensitive(true);
            request = request.header(reqwest::header::AUTHORIZATION, value);
        }
        if let Some((content_type, body)) = call.body {
            request = request.header(CONTENT_TYPE, content_type).body(body.expose_secret().to_owned());
        }
        request = request.header(reqwest::header::ACCEPT, "application/json");

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
