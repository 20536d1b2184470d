//! Calls to the outside: guarded addresses, bounded sizes and times.
//!
//! Nothing else in the gateway opens a connection to an address that a user typed. A call
//! never follows redirects, and a failure says whether the server can have seen
//! the request, which is the difference between trying again and looking first.

mod addresses;
mod call;
mod guard;
mod options;

use std::{error::Error as _, sync::Arc, time::Duration};

use actix_web::web::BytesMut;
use reqwest::{
    Url,
    header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue},
};
use secrecy::ExposeSecret as _;

pub use call::{Answer, Call, Failed};
pub use guard::{AddressRefused, Found, Names, PrivateAddresses, SystemNames};
pub use options::{ClientError, ClientOptions, Proxy};

/// An HTTP client that calls public addresses, and others only where the operator allows them. Cheap to
/// clone; clones share connections.
#[derive(Clone)]
pub struct GuardedClient {
    client: reqwest::Client,
    guard: Arc<guard::Guard>,
    max_body: usize,
    idle_timeout: Duration,
}

impl GuardedClient {
    /// A client with connections of its own.
    #[expect(clippy::needless_pass_by_value, reason = "options are made for one client")]
    pub fn new(options: ClientOptions) -> Result<Self, ClientError> {
        let proxy = options.proxy.as_ref().map(Proxy::host);
        let guard = Arc::new(guard::Guard::new(options.allow_private.clone(), proxy));
        let client = options::client(&guard, &options)?;
        Ok(Self { client, guard, max_body: options.max_body, idle_timeout: options.idle_timeout })
    }

    /// Whether calls to this address are allowed, as far as it can be told without a look-up of names.
    pub fn check_url(&self, url: &Url) -> Result<(), AddressRefused> {
        self.guard.check_url(url)
    }

    /// Sends one request.
    pub async fn send(&self, call: Call) -> Result<Answer, Failed> {
        self.check_url(&call.url).map_err(|refused| Failed::NotSent { detail: refused.to_string() })?;
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
                Failed::NotSent { detail }
            })?;
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        let response = request.headers(headers).send().await.map_err(failure)?;
        self.read(response).await
    }

    async fn read(&self, mut response: reqwest::Response) -> Result<Answer, Failed> {
        let status = response.status().as_u16();
        let broken = |detail| Failed::MaybeSent { detail, status: Some(status) };
        let too_long = || broken(format!("the answer is longer than {} bytes", self.max_body));
        if response.content_length().is_some_and(|length| length > self.max_body as u64) {
            return Err(too_long());
        }
        let headers = response.headers().clone();
        let mut body = BytesMut::new();
        // Counted after decompression, so that a small answer cannot unpack into a large one.
        loop {
            let next = tokio::time::timeout(self.idle_timeout, response.chunk());
            match next.await {
                Ok(Ok(None)) => break,
                Ok(Ok(Some(chunk))) if body.len() + chunk.len() <= self.max_body => {
                    body.extend_from_slice(&chunk);
                }
                Ok(Ok(Some(_))) => return Err(too_long()),
                Ok(Err(error)) => {
                    return Err(broken(format!("the answer broke off: {}", causes(&error.without_url()))));
                }
                Err(_) => {
                    let secs = self.idle_timeout.as_secs();
                    return Err(broken(format!("the answer stood still for {secs} seconds")));
                }
            }
        }
        Ok(Answer { status, headers, body: body.freeze() })
    }
}

/// Before a connection stands (name, address, TCP, TLS) nothing was sent; after that anything may have been.
fn failure(error: reqwest::Error) -> Failed {
    let error = error.without_url();
    let detail = causes(&error);
    if error.is_connect() || error.is_builder() {
        Failed::NotSent { detail }
    } else {
        Failed::MaybeSent { detail, status: None }
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
