//! Calls to PSAs, over the guarded way out: each counted against a budget and written down.

mod options;
mod trace;

use std::{collections::BTreeMap, sync::Arc, time::Instant};

use reqwest::Url;
use secrecy::SecretString;
use tracing::Instrument as _;

pub use crate::outbound::{AddressRefused, Answer, Call, ClientError, ClientOptions, PrivateAddresses};
pub use options::OutboundOptions;
pub use trace::{CallTrace, traced};

use super::error::PsaError;
use crate::{
    clock::Clock,
    outbound::{Failed, GuardedClient},
    queue::{budget::RateBudget, budgets::SharedBudget},
    telemetry::traces::span_of_kind,
};

/// What a connection's calls go out through. Cheap to clone; clones share the budget.
#[derive(Clone)]
pub struct Outbound {
    /// For budgets and token lifetimes.
    pub clock: Clock,
    client: GuardedClient,
    own_ids: Arc<BTreeMap<&'static str, SecretString>>,
    calls_allowed: Arc<BTreeMap<String, u32>>,
    budget: Budget,
}

/// What calls are counted against.
#[derive(Clone)]
#[expect(clippy::large_enum_variant, reason = "there is one to a call")]
enum Budget {
    /// Nothing: a PSA's request to wait still holds it.
    None(RateBudget),
    /// What lanes, nodes and doors share.
    Shared(SharedBudget),
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

impl From<Failed> for CallFailed {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::NotSent { detail } => Self::NotSent { detail },
            Failed::MaybeSent { detail, .. } => Self::MaybeSent { detail },
        }
    }
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
    pub fn new(options: OutboundOptions) -> Result<Self, ClientError> {
        Ok(Self {
            clock: options.clock,
            client: GuardedClient::new(options.client)?,
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
        self.client.check_url(url)
    }

    /// Sends one request.
    pub async fn send(&self, call: Call) -> Result<Answer, CallFailed> {
        self.check_url(call.url()).map_err(|refused| CallFailed::NotSent { detail: refused.to_string() })?;
        let taken = match &self.budget {
            Budget::None(budget) => budget.take(self.clock.now()),
            Budget::Shared(budget) => budget.take().await.map_err(|error| {
                let detail = format!("the budget of calls could not be written down: {error}");
                CallFailed::NotSent { detail }
            })?,
        };
        taken.map_err(|retry_after_secs| CallFailed::OverBudget { retry_after_secs })?;
        let (method, path) = (call.method().to_string(), call.url().path().to_owned());
        let started = Instant::now();
        let span = span_of_kind!(
            "client",
            "psa.call",
            http.request.method = method,
            server.address = call.url().host_str(),
            http.response.status_code = tracing::field::Empty
        );
        let result = self.client.send(call).instrument(span.clone()).await;
        let latency_ms = i64::try_from(started.elapsed().as_millis()).unwrap_or(i64::MAX);
        let status = match &result {
            Ok(answer) => Some(answer.status),
            Err(Failed::MaybeSent { status, .. }) => *status,
            Err(Failed::NotSent { .. }) => None,
        };
        if let Some(status) = status {
            span.record("http.response.status_code", status);
        }
        trace::record(CallTrace { method, path, status, latency_ms });
        Ok(result?)
    }
}

#[cfg(test)]
mod tests;
