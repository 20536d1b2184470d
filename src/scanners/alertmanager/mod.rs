//! Prometheus Alertmanager (webhook version 4) and Grafana Alerting, which posts a compatible body.
//!
//! One request carries many alerts; each has its own `status`, `firing` or `resolved`. The identity of an alert is
//! its `fingerprint`, a hash of its labels. Sources: Alertmanager documentation, `webhook_config`; Grafana
//! documentation, "Configure webhook notifications".

mod read;
mod settings;
#[cfg(test)]
mod tests;

use serde_json::Value;

use super::{Posted, Sender, reading::settings::parse, signature::Scheme};
use crate::decisions::event::Reading;
use settings::Settings;

const SOURCE: &str = "alertmanager";

/// Prometheus Alertmanager and Grafana Alerting.
pub struct Alertmanager;

impl Sender for Alertmanager {
    fn key(&self) -> &'static str {
        SOURCE
    }

    fn label(&self) -> &'static str {
        "Alertmanager and Grafana"
    }

    fn description(&self) -> &'static str {
        "Alerts of Prometheus Alertmanager (a webhook receiver) and of Grafana Alerting (a webhook contact point). \
         Each alert opens when it fires and closes when it is resolved."
    }

    fn set_up(&self) -> &'static str {
        include_str!("set_up.md")
    }

    fn kinds(&self) -> Vec<&'static str> {
        settings::KINDS.iter().flat_map(|(opens, closes)| [*opens, *closes]).collect()
    }

    fn schemes(&self) -> &'static [Scheme] {
        &[Scheme::STATIC_TOKEN, Scheme::BASIC, Scheme::SECRET_PATH]
    }

    fn check_settings(&self, settings: &Value) -> Result<(), String> {
        parse::<Settings>(settings)?.check()
    }

    fn read(&self, posted: &Posted<'_>) -> Vec<Reading> {
        read::body(posted).unwrap_or_else(|unreadable| vec![unreadable.into()])
    }
}
