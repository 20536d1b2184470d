//! How the one HTTP client of the gateway is made.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use secrecy::SecretString;

use super::guard::{Guard, GuardedNames, PrivateAddresses};
use crate::clock::Clock;

/// How calls go out.
#[derive(Clone, Debug)]
pub struct OutboundOptions {
    /// For budgets and token lifetimes.
    pub clock: Clock,
    /// Which addresses that are not public may be called.
    pub allow_private: PrivateAddresses,
    /// How long a connection, TLS included, may take to stand.
    pub connect_timeout: Duration,
    /// How long a call may take from its start to the last byte of its answer.
    pub timeout: Duration,
    /// The longest answer, in bytes after decompression.
    pub max_body: usize,
    /// What we call ourselves.
    pub user_agent: String,
    /// What the operator says to single platforms, such as `connectwise_client_id`: the id that the vendor
    /// gave to the product.
    pub own_ids: BTreeMap<&'static str, SecretString>,
    /// How many calls a platform may be asked for in its own window, by key of the platform, where the usual
    /// number does not suit.
    pub calls_allowed: BTreeMap<String, u32>,
}

impl Default for OutboundOptions {
    fn default() -> Self {
        Self {
            clock: Clock::system(),
            allow_private: PrivateAddresses::None,
            connect_timeout: Duration::from_secs(10),
            timeout: Duration::from_secs(30),
            max_body: 8 * 1024 * 1024,
            user_agent: format!("PSA-Gateway/{}", env!("CARGO_PKG_VERSION")),
            own_ids: BTreeMap::new(),
            calls_allowed: BTreeMap::new(),
        }
    }
}

/// The HTTP client could not be made.
#[derive(Debug, thiserror::Error)]
#[error("no HTTP client can be made (are certificates of authorities installed?): {0}")]
pub struct OutboundError(#[from] reqwest::Error);

/// The one place where a client is made.
#[expect(clippy::disallowed_methods, reason = "the one home of calls to the outside")]
pub(super) fn client(
    guard: &Arc<Guard>,
    connect_timeout: Duration,
    timeout: Duration,
    user_agent: &str,
) -> Result<reqwest::Client, OutboundError> {
    // An error says that a provider stands already, which is all that is wanted.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder()
        .dns_resolver(GuardedNames(Arc::clone(guard)))
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .referer(false)
        .gzip(true)
        // Repeating is the outbox's decision: it knows which calls may be repeated.
        .retry(reqwest::retry::never())
        .connect_timeout(connect_timeout)
        .timeout(timeout)
        // Short, because a write on a connection that the server has just given up is of unknown fate.
        .pool_idle_timeout(Duration::from_secs(15))
        .user_agent(user_agent)
        .build()?;
    Ok(client)
}
