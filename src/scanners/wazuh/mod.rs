//! Wazuh 4: alerts as `integratord` posts them, or as they stand in `alerts.json`.
//!
//! The bundled generic integration (`integrations/shuffle.py`) wraps the alert as `all_fields`; a script of one's
//! own may post the alert itself, or a list of them. Rules are told apart by what they say, not by their level:
//! vulnerabilities (`data.vulnerability`), agents (rules 501 to 506), lockouts (Windows events 4740 and 4767),
//! security configuration assessment (`data.sca`), and everything else as a detection. Sources: wazuh/wazuh
//! v4.14, `ruleset/rules/0015-ossec_rules.xml`, `0520-vulnerability-detector_rules.xml`,
//! `0580-win-security_rules.xml`.

mod agents;
mod alert;
mod read;
mod settings;
#[cfg(test)]
mod tests;
mod users;
mod vulnerabilities;

use serde_json::Value;

use super::{Posted, Sender, reading::settings::parse, signature::Scheme};
use crate::decisions::event::Reading;
use settings::Settings;

const SOURCE: &str = "wazuh";

/// Wazuh 4.
pub struct Wazuh;

impl Sender for Wazuh {
    fn key(&self) -> &'static str {
        SOURCE
    }

    fn label(&self) -> &'static str {
        "Wazuh"
    }

    fn description(&self) -> &'static str {
        "Alerts of a Wazuh 4 manager: vulnerabilities and when they are solved, agents that stop reporting, lockouts, \
         failed checks of the configuration, and detections."
    }

    fn set_up(&self) -> &'static str {
        include_str!("set_up.md")
    }

    fn kinds(&self) -> Vec<&'static str> {
        vec![
            "agent.not_reporting",
            "agent.removed",
            "agent.reporting",
            "compliance.failed",
            "compliance.passed",
            "detection.opened",
            "finding.opened",
            "finding.resolved",
            "identity.user_locked_out",
            "identity.user_unlocked",
            "scan.finished",
            "system.service_up",
        ]
    }

    fn schemes(&self) -> &'static [Scheme] {
        &[Scheme::SECRET_PATH, Scheme::STATIC_TOKEN, Scheme::BASIC, Scheme::STANDARD_WEBHOOKS]
    }

    fn check_settings(&self, settings: &Value) -> Result<(), String> {
        parse::<Settings>(settings)?.check()
    }

    fn read(&self, posted: &Posted<'_>) -> Vec<Reading> {
        read::body(posted).unwrap_or_else(|unreadable| vec![unreadable.into()])
    }
}
