use entity::{Severity, Timestamp};
use serde_json::{Value, json};

use super::GitGuardian;
use crate::{
    decisions::event::{CloseReason, Event},
    scanners::trials::{self, with},
};

const TRIGGERED: &str = include_str!("examples/incident_triggered.json");
const OCCURRENCE: &str = include_str!("examples/new_occurrence.json");

fn event(changes: &[(&str, Value)]) -> Event {
    trials::event(&GitGuardian, &[], &with(TRIGGERED, changes))
}

#[test]
fn an_incident_opens_with_all_that_it_tells() {
    let opened = event(&[]);
    assert_eq!((opened.kind.name, opened.category.as_str()), ("finding.opened", "secret"));
    assert_eq!((opened.finding_key.as_str(), opened.severity), ("incident/9001", Severity::High));
    assert_eq!(opened.client_ref.as_deref(), Some("Harbour Bakery"));
    assert_eq!(opened.title, "Secret found: Cake Cloud Key");
    assert_eq!(opened.occurred_at, Timestamp::parse_rfc3339("2026-03-05T10:11:12.131415Z"));
    assert_eq!((opened.labels["validity"].as_str(), opened.counts["occurrences"]), ("valid", 1));
    assert!(opened.evidence_url.unwrap().ends_with("/incidents/9001"));
    let rated = event(&[("/incident/severity", json!("unknown"))]);
    assert_eq!((rated.severity, rated.finding_key.as_str()), (Severity::Unknown, "incident/9001"));
    assert_ne!(event(&[("/incident/id", json!(9002))]).finding_key, "incident/9001");
}

#[test]
fn an_incident_closes_by_what_was_decided() {
    let resolved = event(&[("/action", json!("incident_resolved")), ("/incident/status", json!("resolved"))]);
    assert_eq!((resolved.kind.name, resolved.close_reason), ("finding.resolved", Some(CloseReason::Fixed)));
    assert!(resolved.body_md.contains("does not say that the secret was revoked"), "{}", resolved.body_md);
    for (reason, expected) in [
        (json!("false_positive"), CloseReason::FalsePositive),
        (json!("low_risk"), CloseReason::AcceptedRisk),
        (json!("test_credential"), CloseReason::Dismissed),
        (json!(null), CloseReason::Dismissed),
    ] {
        let ignored = event(&[("/action", json!("incident_ignored")), ("/incident/ignore_reason", reason)]);
        assert_eq!((ignored.kind.name, ignored.close_reason), ("finding.dismissed", Some(expected)));
        assert_eq!(ignored.finding_key, "incident/9001");
    }
}

#[test]
fn the_action_outranks_the_status_of_before() {
    for (action, status) in [
        ("incident_reopened", "ignored"),
        ("incident_reopened", "resolved"),
        ("incident_regression", "resolved"),
    ] {
        let back = event(&[("/action", json!(action)), ("/incident/status", json!(status))]);
        assert_eq!((back.kind.name, back.close_reason), ("finding.reopened", None));
        assert_eq!((back.finding_key.as_str(), back.labels["status"].as_str()), ("incident/9001", status));
    }
    let still = event(&[("/incident/status", json!("resolved"))]);
    assert_eq!(still.kind.name, "finding.opened");
}

#[test]
fn a_new_occurrence_says_where_and_opens_no_closed_incident() {
    let more = trials::event(&GitGuardian, &[], &with(OCCURRENCE, &[]));
    assert_eq!((more.kind.name, more.finding_key.as_str()), ("finding.updated", "incident/9001"));
    assert_eq!(more.asset.unwrap().name.as_deref(), Some("harbour-bakery/shop"));
    assert!(more.body_md.contains("deploy/oven.env"), "{}", more.body_md);
    let late = with(OCCURRENCE, &[("/incident/status", json!("ignored"))]);
    assert_eq!(trials::refused(&GitGuardian, &[], &late).pointer, "/incident/status");
}

#[test]
fn tests_say_nothing_and_the_rest_is_refused_with_its_place() {
    let test = json!({ "origin": "GitGuardian", "type": "Welcome Message Token", "matches": [] });
    assert!(trials::post(&GitGuardian, &[], test.to_string().as_bytes()).is_empty());
    for (changes, code, pointer) in [
        ([("/action", json!("incident_access_granted"))], "unknown_kind", "/action"),
        ([("/action", json!("incident_sneezed"))], "unknown_kind", "/action"),
        ([("/action", json!(null))], "missing_field", "/action"),
        ([("/incident", json!({}))], "missing_field", "/incident/id"),
    ] {
        let refused = trials::refused(&GitGuardian, &[], &with(TRIGGERED, &changes));
        assert_eq!((refused.code, refused.pointer.as_str()), (code, pointer), "{changes:?}");
    }
}

#[test]
fn nothing_hostile_gets_through() {
    trials::survives(&GitGuardian, &[&[]], &[TRIGGERED, OCCURRENCE]);
}

#[test]
fn real_bodies_are_read() {
    if let Some(body) = trials::real("gitguardian-incident_triggered") {
        let event = trials::event(&GitGuardian, &[], &body);
        assert_eq!((event.kind.name, event.finding_key.as_str()), ("finding.opened", "incident/31542"));
        assert_eq!(event.severity, Severity::Unknown);
        assert_eq!(event.client_ref.as_deref(), Some("My custom webhook name"));
    }
    if let Some(body) = trials::real("gitguardian-incident_ignored") {
        let event = trials::event(&GitGuardian, &[], &body);
        assert_eq!(
            (event.finding_key.as_str(), event.close_reason),
            ("incident/31605", Some(CloseReason::AcceptedRisk))
        );
    }
    if let Some(body) = trials::real("gitguardian-incident_reopened") {
        let event = trials::event(&GitGuardian, &[], &body);
        assert_eq!((event.kind.name, event.finding_key.as_str()), ("finding.reopened", "incident/31605"));
        assert_eq!(event.severity, Severity::High);
    }
}
