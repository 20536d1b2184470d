//! From a delivery to what it says: of one report, or of one escalation for each of its organizations.

use super::report::{Report, Stage};
use crate::{
    decisions::event::{Reading, Unreadable},
    scanners::reading::{body::json, each::MAX_READINGS, place::Place, start},
};

/// Where a record may stand when it is not the body itself.
const WRAPPERS: &[&str] = &["data", "incident_report", "escalation", "platform_action", "account_notice"];

pub(super) fn delivery(bytes: &[u8]) -> Vec<Reading> {
    let value = match json(bytes) {
        Ok(value) => value,
        Err(refused) => return vec![refused.into()],
    };
    let body = Place::root(&value);
    match happened(&body) {
        None => {
            let problem = "this is missing; it says what happened, e.g. incident_report.created";
            vec![Unreadable::missing("/event_type", problem).into()]
        }
        Some(test) if matches!(test.as_str(), "test" | "ping" | "webhook.test") => Vec::new(),
        Some(happened) => record(&happened, &body),
    }
}

/// Huntress names the event `event_type`. `type` is also a field of records, so that it counts as an event's name
/// only where it looks like one.
fn happened(body: &Place<'_>) -> Option<String> {
    let other = |name: &&str| start::word(&body.at(name)).filter(|word| word.contains('.'));
    start::word(&body.at("event_type")).or_else(|| ["type", "event"].iter().find_map(other))
}

fn record(happened: &str, body: &Place<'_>) -> Vec<Reading> {
    let wrapped = || WRAPPERS.iter().map(|name| body.at(name)).find(|inside| inside.at("id").is_there());
    let record =
        if body.at("id").is_there() { body.clone() } else { wrapped().unwrap_or_else(|| body.clone()) };
    let (sort, what) = happened.split_once('.').unwrap_or((happened, ""));
    let stage = stage(what, &record);
    let read = |kind: &'static str, category: &'static str| Report {
        happened,
        sort,
        kind,
        category,
        stage,
        record: &record,
    };
    let report = match (sort, stage) {
        ("incident_report" | "escalation" | "platform_action", None) => {
            return vec![unknown(happened).into()];
        }
        ("incident_report" | "escalation" | "platform_action", Some(Stage::Late)) => {
            let problem = "the record is closed in Huntress; this does not open it again";
            return vec![Unreadable::unknown_kind("/status", happened, problem).into()];
        }
        ("incident_report", Some(Stage::Open)) => read("incident.opened", "detection"),
        ("incident_report", Some(Stage::Update)) => read("incident.updated", "detection"),
        ("incident_report", Some(Stage::Fixed)) => read("incident.closed", "detection"),
        ("escalation", Some(Stage::Open)) => read("detection.opened", "detection"),
        ("escalation", Some(Stage::Fixed)) => read("detection.closed", "detection"),
        ("platform_action", Some(Stage::Open)) => read("remediation.wanted", "remediation"),
        ("platform_action", Some(Stage::Fixed)) => read("remediation.done", "remediation"),
        ("account_notice", _) => read("system.changed", "system"),
        ("incident_report" | "escalation" | "platform_action", Some(stage)) => {
            let category = if sort == "platform_action" { "remediation" } else { "detection" };
            let kind = match stage {
                Stage::Reopened => "finding.reopened",
                Stage::Dismissed => "finding.dismissed",
                _ => "finding.updated",
            };
            read(kind, category)
        }
        _ => return vec![unknown(happened).into()],
    };
    organizations(&report)
}

fn unknown(happened: &str) -> Unreadable {
    let problem = "this event is not known here, so nothing is opened or closed on it";
    Unreadable::unknown_kind("/event_type", happened, problem)
}

/// What an event does to its record, given the record's own status. None where the event is not known.
fn stage(what: &str, record: &Place<'_>) -> Option<Stage> {
    let status = start::word(&record.at("status"));
    let is_over = record.at("closed_at").is_there() || record.at("resolved_at").is_there();
    let end = match status.as_deref() {
        Some("dismissed" | "partner_dismissed" | "deleting") => Some(Stage::Dismissed),
        Some("closed" | "resolved" | "completed") => Some(Stage::Fixed),
        _ if is_over => Some(Stage::Fixed),
        _ => None,
    };
    match what {
        "created" | "sent" => Some(end.unwrap_or(Stage::Open)),
        "updated" | "status_changed" => Some(end.unwrap_or(Stage::Update)),
        "comment_added" | "overdue" => Some(if end.is_some() { Stage::Late } else { Stage::Update }),
        "closed" | "resolved" | "completed" => Some(end.unwrap_or(Stage::Fixed)),
        "dismissed" => Some(Stage::Dismissed),
        "reopened" => Some(Stage::Reopened),
        _ => None,
    }
}

/// A reading for each organization that the record names; one where it names none or one.
fn organizations(report: &Report<'_>) -> Vec<Reading> {
    let named = report.record.at("organizations").items();
    if named.is_empty() {
        return vec![report.of(&report.record.at("organization"))];
    }
    let left = named.len().saturating_sub(MAX_READINGS);
    let mut readings: Vec<Reading> =
        named.iter().take(MAX_READINGS).map(|organization| report.of(organization)).collect();
    if left > 0 {
        let problem = format!("{left} organizations from here on were not read");
        readings.push(Unreadable::invalid(report.record.at("organizations").pointer(), problem).into());
    }
    readings
}
