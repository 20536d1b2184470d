//! What is looked up of whoever comes to a door, and kept for a moment.

use std::collections::BTreeMap;

use entity::{Timestamp, access_token, ticket_permission, webhook_endpoint};
use secrecy::SecretString;
use uuid::Uuid;

/// How long a lookup of an endpoint is good for, in seconds.
pub(super) const ENDPOINT_SECS: i64 = 5;
/// The same of an access token: where the news of its withdrawal did not come through, another node takes it for that
/// long.
pub(super) const TOKEN_SECS: i64 = 1;

/// An endpoint and what its webhooks are authenticated with.
#[derive(Debug)]
pub struct EndpointKeys {
    /// The endpoint, switched on or off.
    pub endpoint: webhook_endpoint::Model,
    /// Its secrets, newest first. Some may have expired since they were read: compare with the clock.
    pub secrets: Vec<EndpointSecret>,
    /// Its connection's credential fields that are no secret, by key.
    pub settings: BTreeMap<String, String>,
}

/// One secret of an endpoint, opened.
#[derive(Debug)]
pub struct EndpointSecret {
    /// Which.
    pub id: Uuid,
    /// Which of the sender's keys it is, where the sender has several.
    pub key_name: Option<String>,
    /// Its text: a shared secret, or the sender's public key.
    pub secret: SecretString,
    /// From when on it counts no more.
    pub expires_at: Option<Timestamp>,
}

/// An access token as it is stored, and the rules about what it sees of tickets.
#[derive(Debug)]
pub struct KnownToken {
    /// The token. It may have expired or been rotated since it was read: compare with the clock.
    pub token: access_token::Model,
    /// The rules that name its role.
    pub rules: Vec<ticket_permission::Model>,
}
