//! What the operator says about calls to PSAs.

use std::collections::BTreeMap;

use secrecy::SecretString;

use crate::{clock::Clock, outbound::ClientOptions};

/// How calls to PSAs go out.
#[derive(Clone, Debug, Default)]
pub struct OutboundOptions {
    /// For budgets and token lifetimes.
    pub clock: Clock,
    /// Addresses, sizes and times.
    pub client: ClientOptions,
    /// What the operator says to single platforms, such as `connectwise_client_id`: the id that the vendor
    /// gave to the product.
    pub own_ids: BTreeMap<&'static str, SecretString>,
    /// How many calls a platform may be asked for in its own window, by key of the platform, where the usual
    /// number does not suit.
    pub calls_allowed: BTreeMap<String, u32>,
}
