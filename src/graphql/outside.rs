//! What resolvers know of the world outside: where others reach us, and how PSAs are reached.

use crate::{graphql::scalars::Url, metrics::Metrics, psa::http::Outbound};

/// The world outside, as resolvers meet it.
#[derive(Clone)]
pub struct Outside {
    /// How PSAs are called, for checking a login.
    pub outbound: Outbound,
    /// Where others reach the gateway: scheme, host and port.
    pub public_url: String,
    /// Where it is counted what clients use.
    pub metrics: Metrics,
}

/// Where others reach the gateway: scheme, host and port, without a slash at the end.
#[derive(Clone, Debug)]
pub struct PublicUrl(String);

impl PublicUrl {
    /// From an address with or without a slash at the end.
    pub fn new(url: &str) -> Self {
        Self(url.trim_end_matches('/').to_owned())
    }

    /// The address of an endpoint.
    pub fn webhook(&self, key: &str) -> Url {
        Url(format!("{}/webhooks/{key}", self.0))
    }
}
