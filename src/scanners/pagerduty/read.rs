//! From a delivery, which holds one event, to what it says of its incident.

use entity::Severity;

use crate::{
    decisions::event::{Asset, Event, Reading, Unreadable},
    scanners::reading::{body::json, key, place::Place, start},
};

pub(super) fn delivery(bytes: &[u8]) -> Vec<Reading> {
    let read = || -> Result<Option<Event>, Unreadable> {
        let value = json(bytes)?;
        one(&Place::root(&value).at("event"))
    };
    match read() {
        Ok(event) => event.map(Reading::from).into_iter().collect(),
        Err(refused) => vec![refused.into()],
    }
}

fn one(event: &Place<'_>) -> Result<Option<Event>, Unreadable> {
    let sent = event.at("event_type");
    let Some(happened) = start::word(&sent) else {
        let problem =
            "this is missing; only webhooks of version 3 are read (not the Events API, not version 2)";
        return Err(Unreadable::missing(sent.pointer(), problem));
    };
    let data = event.at("data");
    let kind = match happened.as_str() {
        "pagey.ping" => return Ok(None),
        "incident.triggered" => "incident.opened",
        "incident.reopened" => "finding.reopened",
        "incident.resolved" => "incident.closed",
        "incident.acknowledged"
        | "incident.annotated"
        | "incident.delegated"
        | "incident.escalated"
        | "incident.priority_updated"
        | "incident.reassigned"
        | "incident.service_updated"
        | "incident.status_update_published"
        | "incident.unacknowledged" => "incident.updated",
        _ => {
            let problem = "this event says nothing of whether an incident is open; untick it in PagerDuty";
            return Err(Unreadable::unknown_kind(sent.pointer(), happened, problem));
        }
    };
    // Notes and status updates hold a reference to their incident, which names no service.
    let inside = data.at("incident");
    let incident = if inside.is_there() { inside } else { data.clone() };
    let service = incident.at("service");
    if kind == "incident.updated" {
        check_tells(&happened, &incident, &service)?;
    }
    incident_event(kind, &happened, event, &data, &incident).map(Some)
}

/// An update must name its customer, and must not make a resolved incident look like a new one.
fn check_tells(happened: &str, incident: &Place<'_>, service: &Place<'_>) -> Result<(), Unreadable> {
    if !service.is_there() {
        let problem = "this names no service, so no customer; it is recorded and changes no ticket";
        return Err(Unreadable::unknown_kind(service.pointer(), happened, problem));
    }
    let status = incident.at("status");
    if status.word().as_deref() == Some("resolved") {
        let problem = "the incident is resolved; this does not open it again";
        return Err(Unreadable::unknown_kind(status.pointer(), happened, problem));
    }
    Ok(())
}

fn incident_event(
    kind: &str,
    happened: &str,
    event: &Place<'_>,
    data: &Place<'_>,
    incident: &Place<'_>,
) -> Result<Event, Unreadable> {
    let id = incident.at("id").key()?;
    let title = incident.at("title").line().or_else(|| incident.at("summary").line());
    let title = title.unwrap_or_else(|| "Incident".to_owned());
    let mut read = start::event(kind, "pagerduty", key::joined(&["incident", &id]), title)?;
    "detection".clone_into(&mut read.category);
    read.occurred_at = event.at("occurred_at").time();
    let service = incident.at("service");
    read.client_ref = service.at("summary").key().or_else(|_| service.at("id").key()).ok();
    let priority = incident.at("priority").at("summary");
    (read.severity, read.severity_raw) = severity(&priority, &incident.at("urgency"));
    read.evidence_url = incident.at("html_url").line();
    if service.is_there() {
        read.asset = Some(Asset {
            uid: service.at("id").key().ok(),
            name: service.at("summary").line(),
            kind: Some("app".to_owned()),
            url: service.at("html_url").line(),
            ..Asset::default()
        });
    }
    let who = event.at("agent").at("summary").line();
    let words = happened.trim_start_matches("incident.").replace(['_', '.'], " ");
    let what =
        who.map_or_else(|| format!("PagerDuty: {words}."), |who| format!("PagerDuty: {words} by {who}."));
    let note = data.at("content").lines().or_else(|| data.at("message").lines());
    let names = |list: &str| {
        let names: Vec<String> =
            incident.at(list).items().iter().take(20).filter_map(|one| one.at("summary").line()).collect();
        Some(names.join(", ")).filter(|names| !names.is_empty())
    };
    let assigned = names("assignees").map(|names| format!("Assigned to: {names}"));
    let reason = incident.at("resolve_reason").at("type").line().map(|why| format!("Reason: {why}"));
    read.body_md = start::paragraphs([Some(what), note, assigned, reason]);
    start::label(&mut read, "event", Some(happened.to_owned()));
    start::label(&mut read, "status", start::word(&incident.at("status")));
    start::label(&mut read, "urgency", start::word(&incident.at("urgency")));
    start::label(&mut read, "priority", priority.line());
    start::label(&mut read, "service", service.at("summary").line());
    start::label(&mut read, "teams", names("teams"));
    start::label(&mut read, "escalation_policy", incident.at("escalation_policy").at("summary").line());
    start::label(&mut read, "incident_key", incident.at("incident_key").line());
    Ok(read)
}

/// Priorities are named by each account; P1 to P5 is what PagerDuty gives to begin with.
fn severity(priority: &Place<'_>, urgency: &Place<'_>) -> (Severity, Option<String>) {
    let by_rank = match priority.word().as_deref() {
        Some("p1" | "sev1" | "sev-1") => Severity::Critical,
        Some("p2" | "sev2" | "sev-2") => Severity::High,
        Some("p3" | "sev3" | "sev-3") => Severity::Medium,
        Some("p4" | "sev4" | "sev-4") => Severity::Low,
        Some("p5" | "sev5" | "sev-5") => Severity::Info,
        _ => Severity::Unknown,
    };
    if by_rank != Severity::Unknown {
        return (by_rank, priority.line());
    }
    let (by_word, sent) = priority.severity();
    if by_word == Severity::Unknown { urgency.severity() } else { (by_word, sent) }
}
