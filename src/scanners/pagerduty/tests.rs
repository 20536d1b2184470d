use entity::{Severity, Timestamp};
use serde_json::{Value, json};

use super::PagerDuty;
use crate::{
    decisions::event::{CloseReason, Event},
    scanners::trials::{self, with},
};

const TRIGGERED: &str = include_str!("examples/incident_triggered.json");
const ANNOTATED: &str = include_str!("examples/incident_annotated.json");

fn event(changes: &[(&str, Value)]) -> Event {
    trials::event(&PagerDuty, &[], &with(TRIGGERED, changes))
}

#[test]
fn an_incident_opens_closes_and_comes_back_under_one_key() {
    let opened = event(&[]);
    assert_eq!((opened.kind.name, opened.category.as_str()), ("incident.opened", "detection"));
    assert_eq!(opened.finding_key, "incident/Q1OVEN77");
    assert_eq!(opened.client_ref.as_deref(), Some("Harbour Bakery"));
    assert_eq!((opened.severity, opened.severity_raw.as_deref()), (Severity::High, Some("P2")));
    assert_eq!(opened.title, "Oven 77 does not answer");
    assert_eq!(opened.occurred_at, Timestamp::parse_rfc3339("2026-03-04T05:06:07.089Z"));
    assert_eq!(opened.evidence_url.as_deref(), Some("https://dock.pagerduty.com/incidents/Q1OVEN77"));
    assert_eq!((opened.labels["teams"].as_str(), opened.labels["urgency"].as_str()), ("Bakers", "high"));

    let said = |name: &str, status: &str| {
        let event = event(&[("/event/event_type", json!(name)), ("/event/data/status", json!(status))]);
        assert_eq!(event.finding_key, "incident/Q1OVEN77");
        (event.kind.name, event.close_reason)
    };
    assert_eq!(said("incident.resolved", "resolved"), ("incident.closed", Some(CloseReason::Fixed)));
    assert_eq!(said("incident.reopened", "triggered"), ("finding.reopened", None));
    for update in
        ["acknowledged", "unacknowledged", "priority_updated", "escalated", "reassigned", "delegated"]
    {
        assert_eq!(said(&format!("incident.{update}"), "triggered"), ("incident.updated", None));
    }
    assert_ne!(event(&[("/event/data/id", json!("Q2"))]).finding_key, "incident/Q1OVEN77");
}

#[test]
fn the_severity_is_the_priority_and_without_one_the_urgency() {
    for (priority, urgency, expected) in [
        (json!({ "summary": "P1" }), "low", Severity::Critical),
        (json!({ "summary": "P5" }), "high", Severity::Info),
        (json!({ "summary": "Medium" }), "high", Severity::Medium),
        (json!({ "summary": "Our own word" }), "high", Severity::High),
        (json!(null), "low", Severity::Low),
        (json!(null), "", Severity::Unknown),
    ] {
        let changes = [("/event/data/priority", priority), ("/event/data/urgency", json!(urgency))];
        assert_eq!(event(&changes).severity, expected, "{changes:?}");
    }
}

#[test]
fn what_names_no_customer_or_comes_after_the_end_changes_no_ticket() {
    let note = trials::refused(&PagerDuty, &[], &with(ANNOTATED, &[]));
    assert_eq!((note.code, note.kind.as_deref()), ("unknown_kind", Some("incident.annotated")));
    let named = json!({ "id": "PSRV001", "summary": "Harbour Bakery" });
    let note = trials::event(&PagerDuty, &[], &with(ANNOTATED, &[("/event/data/incident/service", named)]));
    assert_eq!((note.kind.name, note.finding_key.as_str()), ("incident.updated", "incident/Q1OVEN77"));
    assert!(note.body_md.contains("On my way"), "{}", note.body_md);

    let late =
        [("/event/event_type", json!("incident.reassigned")), ("/event/data/status", json!("resolved"))];
    assert_eq!(trials::refused(&PagerDuty, &[], &with(TRIGGERED, &late)).pointer, "/event/data/status");
}

#[test]
fn pings_say_nothing_and_the_rest_is_refused_with_its_place() {
    let ping = with(TRIGGERED, &[("/event/event_type", json!("pagey.ping")), ("/event/data", json!({}))]);
    assert!(trials::post(&PagerDuty, &[], ping.to_string().as_bytes()).is_empty());
    for (changes, code, pointer) in [
        ([("/event/event_type", json!("service.updated"))], "unknown_kind", "/event/event_type"),
        ([("/event/event_type", json!("incident.responder.added"))], "unknown_kind", "/event/event_type"),
        ([("/event", json!(null))], "missing_field", "/event/event_type"),
        ([("/event/data/id", json!(null))], "missing_field", "/event/data/id"),
    ] {
        let refused = trials::refused(&PagerDuty, &[], &with(TRIGGERED, &changes));
        assert_eq!((refused.code, refused.pointer.as_str()), (code, pointer), "{changes:?}");
    }
}

#[test]
fn nothing_hostile_gets_through() {
    trials::survives(&PagerDuty, &[&[]], &[TRIGGERED, ANNOTATED]);
}

#[test]
fn real_bodies_are_read() {
    if let Some(body) = trials::real("pagerduty-v3_incident_priority_updated_signed") {
        let event = trials::event(&PagerDuty, &[], &body);
        assert_eq!((event.kind.name, event.finding_key.as_str()), ("incident.updated", "incident/PGR0VU2"));
        assert_eq!((event.severity, event.client_ref.as_deref()), (Severity::Critical, Some("API Service")));
    }
    for name in ["pagerduty-events_v2_trigger", "pagerduty-events_v2_acknowledge"] {
        if let Some(body) = trials::real(name) {
            assert!(trials::refused(&PagerDuty, &[], &body).problem.contains("version 3"));
        }
    }
}
