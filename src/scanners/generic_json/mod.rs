//! Any JSON: the user says where things stand, by JSON Pointers (RFC 6901) in the endpoint's settings.
//!
//! - `settings` is what a user says, and what is wrong with it.
//! - `rules` decide the kind of each entry; what no rule knows is recorded, never guessed.
//! - `read` makes the events; with `snapshot`, what a list no longer names is closed.
//! - [`preview`] shows what a pasted sample would give.

mod read;
mod rules;
mod settings;
mod snapshot;
#[cfg(test)]
mod tests;

use serde_json::Value;

use super::{Posted, Sender, reading::settings::refused, signature::Scheme};
use crate::{
    decisions::{
        catalogue::KINDS,
        event::{Reading, Unreadable},
    },
    queue::received::Headers,
};
use settings::Settings;

const SOURCE: &str = "generic_json";

/// The sender whose format the user describes.
pub struct GenericJson;

impl Sender for GenericJson {
    fn key(&self) -> &'static str {
        SOURCE
    }

    fn label(&self) -> &'static str {
        "Any JSON"
    }

    fn description(&self) -> &'static str {
        "Any product that posts JSON: say by JSON Pointers where the list, the kind, the identity and the rest stand. \
         Try the settings on a sample before saving them."
    }

    fn set_up(&self) -> &'static str {
        include_str!("set_up.md")
    }

    fn kinds(&self) -> Vec<&'static str> {
        KINDS.iter().map(|kind| kind.name).collect()
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

    fn check_settings(&self, settings: &Value) -> Result<(), String> {
        Settings::checked(settings).map(|_| ())
    }

    fn read(&self, posted: &Posted<'_>) -> Vec<Reading> {
        try_read(posted).unwrap_or_else(|unreadable| vec![unreadable.into()])
    }
}

fn try_read(posted: &Posted<'_>) -> Result<Vec<Reading>, Unreadable> {
    let settings = Settings::checked(posted.settings).map_err(|problem| refused(&problem))?;
    read::body(&settings, posted.body)
}

/// What a sample gives with these settings: exactly what a delivery with this body would. Has no effects.
pub fn preview(settings: &Value, sample: &str) -> Vec<Reading> {
    let headers = Headers::default();
    super::read(&GenericJson, &Posted { headers: &headers, body: sample.as_bytes(), settings })
}
