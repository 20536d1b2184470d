//! What the doors share: who calls, from where, and how often they may.
//!
//! Callers are counted by their address, by the token or member they show, and senders by their endpoint.
//! What counts is kept in a fixed amount of memory in this process: each node lets its own share in.
//!
//! Webhooks that are good are not counted by address, because many senders post from few addresses; what
//! fails is counted by address and endpoint together, so that one sender with an old secret shuts out no
//! other that shares its address.

mod authenticate;
mod buckets;

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use actix_web::{
    Error, HttpMessage as _, HttpRequest,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::header::HeaderMap,
    middleware::Next,
    web,
};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

pub use authenticate::{Credentials, NotLetIn};
pub use buckets::Wait;

use self::buckets::{Buckets, Rate};
use crate::{
    addresses::{TrustedProxies, canonical},
    clock::Clock,
};

/// What a failed authentication costs, in requests.
const FAILURE: u32 = 10;

/// How many may come. Where a number is 0, as many as like.
#[derive(Clone, Copy, Debug)]
pub struct EntranceLimits {
    /// Requests of an address in a second; also failures of an address, each for ten requests.
    pub per_address_per_sec: u32,
    /// Requests of a token or member in a second.
    pub per_token_per_sec: u32,
    /// Webhooks of an endpoint in a second.
    pub per_endpoint_per_sec: u32,
    /// How many seconds' worth may come at once, after a rest.
    pub burst_secs: u32,
}

/// Who calls, from where and how often. Cheap to clone; clones count together.
#[derive(Clone)]
pub struct Entrance(Arc<Inside>);

struct Inside {
    clock: Clock,
    proxies: TrustedProxies,
    /// Who asks dashboards' questions.
    addresses: Buckets,
    /// Who posts to endpoints that are not there, or fails at one.
    strangers: Buckets,
    tokens: Buckets,
    endpoints: Buckets,
}

impl Entrance {
    /// Nobody was there yet.
    pub fn new(clock: Clock, proxies: TrustedProxies, limits: EntranceLimits) -> Self {
        let buckets = |per_sec| Buckets::new(Rate { per_sec, burst_secs: limits.burst_secs });
        Self(Arc::new(Inside {
            clock,
            proxies,
            addresses: buckets(limits.per_address_per_sec),
            strangers: buckets(limits.per_address_per_sec),
            tokens: buckets(limits.per_token_per_sec),
            endpoints: buckets(limits.per_endpoint_per_sec),
        }))
    }

    /// A request for the API from an address.
    pub fn dashboard(&self, from: Option<IpAddr>) -> Result<(), Wait> {
        self.0.addresses.take(address_key(from), 1, self.0.clock.now())
    }

    /// Somebody there could not say who they are.
    pub fn dashboard_failed(&self, from: Option<IpAddr>) {
        self.0.addresses.charge(address_key(from), FAILURE, self.0.clock.now());
    }

    /// A request of a token or member.
    pub fn asker(&self, id: Uuid) -> Result<(), Wait> {
        self.0.tokens.take(id.as_u128(), 1, self.0.clock.now())
    }

    /// A webhook for an endpoint that is there: it has room, and this address has not failed there too often.
    pub fn webhook(&self, from: Option<IpAddr>, endpoint: Uuid) -> Result<(), Wait> {
        let now = self.0.clock.now();
        self.0.strangers.has_room(stranger_key(from, endpoint), now)?;
        self.0.endpoints.take(endpoint.as_u128(), 1, now)
    }

    /// A webhook that did not prove where it comes from.
    pub fn webhook_failed(&self, from: Option<IpAddr>, endpoint: Uuid) {
        self.0.strangers.charge(stranger_key(from, endpoint), FAILURE, self.0.clock.now());
    }

    /// A webhook for an endpoint that is not there.
    pub fn stranger(&self, from: Option<IpAddr>) -> Result<(), Wait> {
        self.0.strangers.take(address_key(from), FAILURE, self.0.clock.now())
    }

    /// Who calls: the other end of the connection, or whom trusted proxies name.
    pub fn caller(&self, peer: Option<SocketAddr>, headers: &HeaderMap) -> Option<IpAddr> {
        let values: Vec<_> = headers
            .get_all(self.0.proxies.header.name())
            .map(|value| value.to_str().unwrap_or_default())
            .collect();
        Some(self.0.proxies.caller(peer?.ip(), values.into_iter()))
    }
}

/// Whom an address counts for: one of IPv4 for itself, one of IPv6 for its network of 64 bits, which is the
/// least that one customer of a provider has (RFC 6177). All whose address is not known count as one.
fn address_key(from: Option<IpAddr>) -> u128 {
    match from.map(canonical) {
        Some(IpAddr::V4(four)) => four.to_ipv6_mapped().to_bits(),
        Some(IpAddr::V6(six)) => six.to_bits() & (u128::MAX << 64),
        None => 1,
    }
}

fn stranger_key(from: Option<IpAddr>, endpoint: Uuid) -> u128 {
    let digest =
        Sha256::new().chain_update(address_key(from).to_be_bytes()).chain_update(endpoint).finalize();
    digest.iter().take(16).fold(0, |key, byte| key << 8 | u128::from(*byte))
}

/// The address a request comes from.
#[derive(Clone, Copy, Debug)]
pub struct Caller(Option<IpAddr>);

impl Caller {
    /// The address; none where it is not known, and outside [`middleware`].
    pub fn of(request: &HttpRequest) -> Option<IpAddr> {
        request.extensions().get::<Self>().and_then(|caller| caller.0)
    }
}

/// Finds out where every request comes from, for the doors and the log.
pub async fn middleware(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let caller = request
        .app_data::<web::Data<Entrance>>()
        .and_then(|entrance| entrance.caller(request.peer_addr(), request.headers()));
    if let Some(address) = caller {
        tracing::Span::current().record("client.address", tracing::field::display(address));
    }
    request.extensions_mut().insert(Caller(caller));
    next.call(request).await
}

#[cfg(test)]
mod tests;
