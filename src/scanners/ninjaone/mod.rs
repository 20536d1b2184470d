//! NinjaOne: activities about conditions of devices.
//!
//! An activity is posted as it stands in the public API; those of one triggered condition share a `seriesUid`.
//! Source: NinjaOne public API 2.0, webhooks (`PUT /v2/webhook`) and the schema of an activity.

mod read;
mod settings;
#[cfg(test)]
mod tests;

use serde_json::Value;

use super::{Posted, Sender, reading::settings::parse, signature::Scheme};
use crate::decisions::event::Reading;
use settings::Settings;

const SOURCE: &str = "ninjaone";

/// What to send to NinjaOne's API to have activities posted.
pub const TEMPLATE: &str = include_str!("template.json");

/// NinjaOne.
pub struct NinjaOne;

impl Sender for NinjaOne {
    fn key(&self) -> &'static str {
        SOURCE
    }

    fn label(&self) -> &'static str {
        "NinjaOne"
    }

    fn description(&self) -> &'static str {
        "Conditions of NinjaOne's policies, triggered and reset, through the webhook of its public API or a \
         notification channel."
    }

    fn set_up(&self) -> &'static str {
        concat!(
            include_str!("set_up.md"),
            "\n**Body of the request** `PUT /v2/webhook`:\n\n```json\n",
            include_str!("template.json"),
            "```\n"
        )
    }

    fn kinds(&self) -> Vec<&'static str> {
        vec!["asset.offline", "asset.online", "finding.opened", "finding.resolved", "finding.updated"]
    }

    fn schemes(&self) -> &'static [Scheme] {
        &[Scheme::STATIC_TOKEN, Scheme::SECRET_PATH]
    }

    fn check_settings(&self, settings: &Value) -> Result<(), String> {
        parse::<Settings>(settings)?.check()
    }

    fn read(&self, posted: &Posted<'_>) -> Vec<Reading> {
        read::body(posted).unwrap_or_else(|unreadable| vec![unreadable.into()])
    }
}
