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
#[cfg(test)]
mod tests;

use super::{Posted, Sender, signature::Scheme};
use crate::decisions::{catalogue::KINDS, event::Reading};

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
        "Any product or script that posts the gateway's own JSON events, signed by Standard Webhooks or \
         authenticated in another way. `psa-gateway schema --events` prints the format."
    }

    fn schemes(&self) -> &'static [Scheme] {
        &[
            Scheme::STANDARD_WEBHOOKS,
            Scheme::STANDARD_WEBHOOKS_ED25519,
            Scheme::CUSTOM_HMAC,
            Scheme::STATIC_TOKEN,
            Scheme::BASIC,
            Scheme::SECRET_PATH,
        ]
    }

    fn set_up(&self) -> &'static str {
        "1. Make an endpoint here with this sender and keep its secret.\n\
         2. Post a JSON event, or a list of up to 1,000, to the endpoint's address, signed by Standard Webhooks \
         (`psa-gateway sign` shows how).\n\
         3. Give each problem a stable `finding_key`, and send `finding.resolved` with the same key when it is gone."
    }

    fn kinds(&self) -> Vec<&'static str> {
        KINDS.iter().map(|kind| kind.name).collect()
    }

    fn read(&self, posted: &Posted<'_>) -> Vec<Reading> {
        read::body(posted.body)
    }
}
