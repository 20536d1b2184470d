//! Where others reach us, for resolvers that tell it.

use crate::graphql::scalars::Url;

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
