//! What all alerts have: manager, agent, rule, time.

use entity::Severity;

use super::{SOURCE, settings::Settings};
use crate::{
    decisions::event::{Asset, Event, Unreadable},
    scanners::reading::{key::joined, place::Place, start},
};

/// The manager itself, when it speaks of itself or of another agent.
const MANAGER: &str = "000";

/// One alert.
pub(super) struct Alert<'a> {
    pub(super) place: Place<'a>,
    pub(super) rule: Place<'a>,
    pub(super) data: Place<'a>,
    pub(super) rule_id: String,
    pub(super) settings: &'a Settings,
    /// The cluster, or the manager where there is none: several may serve one customer, with the same agents' names.
    deployment: String,
    /// The agent's name, which is unique in a deployment and survives that the agent is enrolled again.
    pub(super) agent: String,
}

impl<'a> Alert<'a> {
    pub(super) fn new(place: Place<'a>, settings: &'a Settings) -> Result<Self, Unreadable> {
        let rule = place.at("rule");
        let rule_id = rule.at("id").key()?;
        let deployment = [place.at("cluster"), place.at("manager")];
        let deployment = deployment.iter().find_map(|place| place.at("name").name());
        let agent = place.at("agent");
        let agent = match agent.at("id").name() {
            Some(id) if id == MANAGER => named_in_log(&place).or_else(|| agent.at("name").name()),
            id => agent.at("name").name().or(id),
        };
        Ok(Self {
            data: place.at("data"),
            agent: agent.or_else(|| place.at("location").name()).unwrap_or_else(|| "-".to_owned()),
            deployment: deployment.unwrap_or_else(|| "-".to_owned()),
            rule,
            rule_id,
            settings,
            place,
        })
    }

    /// The text of the rule.
    pub(super) fn description(&self) -> String {
        self.rule.at("description").line().unwrap_or_else(|| format!("Rule {}", self.rule_id))
    }

    /// The original line of the log.
    pub(super) fn log(&self) -> String {
        self.place.at("full_log").lines().unwrap_or_default()
    }

    /// Whether the rule is in a group.
    pub(super) fn is_in_group(&self, fits: impl Fn(&str) -> bool) -> bool {
        self.rule.at("groups").texts().iter().any(|group| fits(group))
    }

    /// The key of a problem in this deployment.
    pub(super) fn key(&self, parts: &[&str]) -> String {
        joined(&[&[self.deployment.as_str()], parts].concat())
    }

    /// An event of that kind about this agent.
    pub(super) fn event(&self, kind: &str, key: String, title: String) -> Result<Event, Unreadable> {
        let mut event = start::event(kind, SOURCE, key, title)?;
        let agent = self.place.at("agent");
        event.client_ref = self.settings.client_ref(&self.place);
        event.occurred_at = self.place.first(&["timestamp", "@timestamp"]).time();
        (event.severity, event.severity_raw) = self.severity();
        event.asset = Some(Asset {
            uid: Some(self.key(&[&self.agent])),
            name: Some(self.agent.clone()),
            kind: Some("host".to_owned()),
            ip: agent.at("ip").line().filter(|ip| ip.parse::<std::net::IpAddr>().is_ok()),
            ..Asset::default()
        });
        event.labels.insert("rule_id".to_owned(), self.rule_id.clone());
        let said = [
            ("rule_level", self.rule.at("level").scalar()),
            ("agent_id", agent.at("id").line()),
            ("manager", self.place.at("manager").at("name").line()),
            ("location", self.place.at("location").line()),
            ("groups", Some(self.rule.at("groups").texts().join(","))),
            ("mitre", Some(self.rule.at("mitre").at("id").texts().join(","))),
        ];
        for (name, value) in said {
            if let Some(value) = value.filter(|value| !value.is_empty()) {
                event.labels.insert(name.to_owned(), value);
            }
        }
        for (name, value) in agent.at("labels").entries() {
            if let Some(value) = value.scalar() {
                event.labels.insert(format!("agent.{name}"), value);
            }
        }
        Ok(event)
    }

    /// Levels 0 to 16 in the steps that Wazuh's own dashboard counts them in (low to 6, medium to 11, high to 14);
    /// up to 3 are "system notifications" (documentation, "Rules classification").
    fn severity(&self) -> (Severity, Option<String>) {
        let Some(level) = self.rule.at("level").number() else { return (Severity::Unknown, None) };
        let known = match level {
            level if level < 4.0 => Severity::Info,
            level if level < 7.0 => Severity::Low,
            level if level < 12.0 => Severity::Medium,
            level if level < 15.0 => Severity::High,
            _ => Severity::Critical,
        };
        (known, Some(format!("level {level}")))
    }
}

/// Which agent the manager speaks of: `ossec: Agent disconnected: 'NAME-any'.`, also `'002-NAME-10.0.0.7'` and
/// `'NAME->any'`.
fn named_in_log(alert: &Place<'_>) -> Option<String> {
    let log = alert.at("full_log").line()?;
    let quoted = log.strip_prefix("ossec: Agent ")?.split('\'').nth(1)?;
    let named = match quoted.split_once("->").or_else(|| quoted.rsplit_once('-')) {
        Some((name, address)) if address == "any" || address.parse::<std::net::IpAddr>().is_ok() => name,
        _ => quoted,
    };
    let named = match named.split_once('-') {
        Some((id, name)) if id.len() >= 3 && id.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => named,
    };
    Some(named.to_owned()).filter(|name| !name.is_empty() && name.len() <= 255)
}
