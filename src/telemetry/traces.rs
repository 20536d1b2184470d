//! Traces: one from the webhook through the decision to the PSA call, sent to an OpenTelemetry collector.
//!
//! A webhook is worked on later than it comes in, and its operation later than that, by other tasks and
//! perhaps other nodes. Each of them is written down with the context it was made in, in the form of a
//! `traceparent` header (W3C Trace Context, version 00), and whoever takes it up goes on from there. PSAs are
//! not told: no header about traces leaves the gateway.
//!
//! All of it is there only with the cargo feature `otel` (on by default); without it the functions here do nothing.

use secrecy::SecretString;

/// Where traces go, and how many.
#[derive(Clone, Debug)]
pub struct Export {
    /// The collector: `/v1/traces` is added to its address.
    pub endpoint: url::Url,
    /// What this program is called there.
    pub service_name: String,
    /// Headers that the collector asks for.
    pub headers: Vec<(String, SecretString)>,
    /// How many in a hundred traces that begin here are sent. One that began elsewhere is sent where it is
    /// sent there.
    pub sample_percent: u8,
}

/// A span of one of OpenTelemetry's kinds (`server`, `client`, `consumer`); logs show the kind only where
/// traces can be sent.
macro_rules! span_of_kind {
    ($kind:literal, $name:literal, $($fields:tt)*) => {{
        #[cfg(feature = "otel")]
        { tracing::info_span!($name, otel.kind = $kind, $($fields)*) }
        #[cfg(not(feature = "otel"))]
        { tracing::info_span!($name, $($fields)*) }
    }};
}
pub(crate) use span_of_kind;

#[cfg(feature = "otel")]
mod exporting;
#[cfg(feature = "otel")]
pub use exporting::{continue_from, current, exported, flush, layer};

#[cfg(not(feature = "otel"))]
mod silent;
#[cfg(not(feature = "otel"))]
pub use silent::{continue_from, current, flush};
