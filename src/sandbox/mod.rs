//! The outside world in miniature: PSAs as HTTP servers, with their quotas,
//! their faults and their webhooks.
//!
//! For tests, the demo and the developers of dashboards. A sandbox knows nothing
//! of the gateway: it is written from the vendor's behaviour and would rather be
//! stricter than the vendor than more lenient.

pub mod connectwise;
pub mod frame;
pub mod halo;

use frame::Kind;

/// Every vendor's sandbox there is.
pub fn kinds() -> &'static [Kind] {
    const { &[Kind::of::<connectwise::ConnectWiseWorld>()] }
}
