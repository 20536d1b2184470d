//! The gateway's own event format: one JSON object an event, or a list of them.
//!
//! For products without an adapter of their own, and for scripts. The format is
//! described by [`event_schema`]; [`EXAMPLES`] shows it. Reading follows two rules:
//!
//! - What decides (kind, identity, order, reason of closing) must be right, or the event
//!   is refused with the place and the next step; guessing could close the wrong ticket.
//! - What only informs is dropped with a remark when it is wrong: no ticket is lost for a
//!   bad link.

mod fields;
mod identity;
mod nearest;
mod parts;
mod read;
mod schema;
mod severity;
#[cfg(test)]
mod tests;
mod text;

use super::{Sender, signature::Scheme};
use crate::{decisions::event::Reading, queue::received::Headers};

pub use schema::event_schema;

/// Events that are shown in the documentation: a name and the body to send.
pub const EXAMPLES: &[(&str, &str)] = &[
    ("a vulnerability on one host", include_str!("examples/finding_opened.json")),
    ("the same vulnerability is gone", include_str!("examples/finding_resolved.json")),
    ("several events in one delivery", include_str!("examples/several.json")),
];

/// The sender that speaks the gateway's own format.
pub struct Events;

impl Sender for Events {
    fn key(&self) -> &'static str {
        "events"
    }

    fn label(&self) -> &'static str {
        "Gateway events"
    }

    fn description(&self) -> &'static str {
        "Any product or script that posts the gateway's own JSON events, signed by Standard Webhooks. \
         `psa-gateway schema --events` prints the format."
    }

    fn schemes(&self) -> &'static [Scheme] {
        Scheme::ALL
    }

    fn read(&self, _headers: &Headers, body: &[u8]) -> Vec<Reading> {
        read::body(body)
    }
}
