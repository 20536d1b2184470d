//! Datto RMM: alerts of monitors, in a body that the user pastes into the monitor's webhook.
//!
//! Datto RMM sends what is typed there with its variables filled in, once when an alert is raised and once when it
//! is resolved. [`TEMPLATE`] is that body. Source: Datto RMM online help, "Webhooks".

mod read;
#[cfg(test)]
mod tests;

use super::{Posted, Sender, signature::Scheme};
use crate::decisions::event::Reading;

const SOURCE: &str = "datto_rmm";

/// The body for a raised alert, to paste into Datto RMM; for a resolved one, `event` says `resolved`.
pub const TEMPLATE: &str = include_str!("template.json");

/// Datto RMM.
pub struct DattoRmm;

impl Sender for DattoRmm {
    fn key(&self) -> &'static str {
        SOURCE
    }

    fn label(&self) -> &'static str {
        "Datto RMM"
    }

    fn description(&self) -> &'static str {
        "Alerts of Datto RMM's monitors, raised and resolved, through the webhook in a monitor's response or the \
         global webhook."
    }

    fn set_up(&self) -> &'static str {
        concat!(
            include_str!("set_up.md"),
            "\n**Body for a raised alert** (for a resolved one the same with `\"event\": \"resolved\"`):\n\n```json\n",
            include_str!("template.json"),
            "```\n"
        )
    }

    fn kinds(&self) -> Vec<&'static str> {
        vec!["asset.offline", "asset.online", "finding.opened", "finding.resolved"]
    }

    fn schemes(&self) -> &'static [Scheme] {
        &[Scheme::STATIC_TOKEN, Scheme::SECRET_PATH]
    }

    fn read(&self, posted: &Posted<'_>) -> Vec<Reading> {
        read::body(posted.body).unwrap_or_else(|unreadable| vec![unreadable.into()])
    }
}
