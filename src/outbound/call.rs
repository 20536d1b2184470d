//! What is sent, and what comes back.

use std::fmt;

use actix_web::web::Bytes;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use reqwest::{
    Method, Url,
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, RETRY_AFTER},
};
use secrecy::{ExposeSecret as _, SecretString};
use zeroize::Zeroizing;

use crate::clock::Clock;

/// One request.
pub struct Call {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: Vec<(HeaderName, SecretString)>,
    pub(super) body: Option<(&'static str, SecretString)>,
}

const JSON: &str = "application/json; charset=utf-8";

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (method, host) = (&self.method, self.url.host_str());
        f.debug_struct("Call").field("method", method).field("host", &host).finish_non_exhaustive()
    }
}

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

    /// Sends JSON that is written already, letter by letter: so that what is signed is what arrives.
    pub fn post_text(url: Url, json: String) -> Self {
        Self::new(Method::POST, url, Some((JSON, SecretString::from(json))))
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

    /// How it is sent.
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// Where it goes.
    pub fn url(&self) -> &Url {
        &self.url
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
pub enum Failed {
    /// The server never saw the request.
    NotSent {
        /// Why, for people.
        detail: String,
    },
    /// The server may have seen it and acted on it.
    MaybeSent {
        /// What happened, for people.
        detail: String,
        /// The status, where the answer got that far.
        status: Option<u16>,
    },
}

impl Failed {
    /// What happened, for people.
    pub fn detail(&self) -> &str {
        match self {
            Self::NotSent { detail } | Self::MaybeSent { detail, .. } => detail,
        }
    }
}
