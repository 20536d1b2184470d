//! Agents that come and go: rules 501 to 506.

use super::alert::Alert;
use crate::decisions::event::{Event, Unreadable};

/// What an alert says of an agent, if it does. Rules that build on these (with ids of their own) are known by the
/// manager's message.
pub(super) fn read(alert: &Alert<'_>) -> Option<Result<Event, Unreadable>> {
    let log = alert.log();
    let message = log.strip_prefix("ossec: Agent ").unwrap_or_default();
    let kind = match (alert.rule_id.as_str(), message) {
        ("502", _) => return Some(server(alert)),
        ("501" | "503", _) => "agent.reporting",
        ("504" | "506", _) => "agent.not_reporting",
        ("505", _) => "agent.removed",
        (_, message) if message.starts_with("started:") => "agent.reporting",
        (_, message) if message.starts_with("disconnected:") || message.starts_with("stopped:") => {
            "agent.not_reporting"
        }
        (_, message) if message.starts_with("removed:") => "agent.removed",
        _ => return None,
    };
    // That an agent was removed is another problem than that it is silent.
    let family = if kind == "agent.removed" { "agent removed" } else { "agent" };
    let key = alert.key(&[family, &alert.agent]);
    Some(alert.event(kind, key, format!("{} {}", alert.agent, said(kind))).map(|mut event| {
        event.body_md = log;
        event
    }))
}

fn said(kind: &str) -> &'static str {
    match kind {
        "agent.reporting" => "reports again",
        "agent.removed" => "was removed from Wazuh",
        _ => "has stopped reporting to Wazuh",
    }
}

/// The manager itself started.
fn server(alert: &Alert<'_>) -> Result<Event, Unreadable> {
    alert.event("system.service_up", alert.key(&["server"]), "The Wazuh server started".to_owned())
}
