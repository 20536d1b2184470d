use entity::{Severity, Timestamp};
use serde_json::{Value, json};

use super::Huntress;
use crate::{
    decisions::event::{CloseReason, Event},
    scanners::trials::{self, with},
};

const INCIDENT: &str = include_str!("examples/incident_created.json");
const ESCALATION: &str = include_str!("examples/escalation_created.json");

fn incident(changes: &[(&str, Value)]) -> Event {
    trials::event(&Huntress, &[], &with(INCIDENT, changes))
}

#[test]
fn an_incident_report_opens_with_all_that_it_tells() {
    let opened = incident(&[]);
    assert_eq!((opened.kind.name, opened.category.as_str()), ("incident.opened", "detection"));
    assert_eq!((opened.finding_key.as_str(), opened.severity), ("incident_report/4711", Severity::Critical));
    assert_eq!(opened.client_ref.as_deref(), Some("Harbour Bakery"));
    assert_eq!(opened.title, "Incident on OVEN-77 (Harbour Bakery)");
    assert!(opened.body_md.contains("steals recipes"));
    assert_eq!(opened.occurred_at, Timestamp::parse_rfc3339("2026-03-08T01:05:00Z"));
    let asset = opened.asset.unwrap();
    assert_eq!((asset.uid.as_deref(), asset.name.as_deref()), (Some("990"), Some("OVEN-77")));
    assert_eq!(opened.labels["indicators"], "footholds, process_detections");
    assert_eq!(incident(&[("/organization/name", json!(null))]).client_ref.as_deref(), Some("12"));
    assert_ne!(incident(&[("/id", json!(4712))]).finding_key, "incident_report/4711");
}

#[test]
fn an_incident_report_closes_by_its_event_and_its_status() {
    let said = |event: &str, status: &str| {
        let changes = [
            ("/event_type", json!(format!("incident_report.{event}"))),
            ("/status", json!(status)),
            ("/closed_at", json!("2026-03-08T05:00:00Z")),
        ];
        let event = incident(&changes);
        assert_eq!(event.finding_key, "incident_report/4711");
        assert_eq!(event.occurred_at, Timestamp::parse_rfc3339("2026-03-08T05:00:00Z"));
        (event.kind.name, event.close_reason)
    };
    let (fixed, dismissed) = (Some(CloseReason::Fixed), Some(CloseReason::Dismissed));
    assert_eq!(said("closed", "closed"), ("incident.closed", fixed));
    assert_eq!(said("closed", "dismissed"), ("finding.dismissed", dismissed));
    assert_eq!(said("closed", "partner_dismissed"), ("finding.dismissed", dismissed));
    assert_eq!(said("created", "closed"), ("incident.closed", fixed));
    assert_eq!(said("updated", "closed"), ("incident.closed", fixed));
    let bare = incident(&[("/event_type", json!("incident_report.closed"))]);
    assert_eq!((bare.kind.name, bare.close_reason), ("incident.closed", fixed));
    let healing = incident(&[("/status", json!("auto_remediating"))]);
    assert_eq!(healing.kind.name, "incident.opened");
}

#[test]
fn a_comment_is_a_note_on_an_open_report_only() {
    let comment =
        [("/event_type", json!("incident_report.comment_added")), ("/comment", json!("Host isolated."))];
    let noted = incident(&comment);
    assert_eq!((noted.kind.name, noted.body_md.as_str()), ("incident.updated", "Host isolated."));
    let [event_type, comment] = comment;
    let late = with(INCIDENT, &[event_type, comment, ("/status", json!("closed"))]);
    assert_eq!(trials::refused(&Huntress, &[], &late).code, "unknown_kind");
}

#[test]
fn an_escalation_is_a_finding_of_each_organization() {
    let said = |changes: &[(&str, Value)]| {
        let all = trials::events(&Huntress, &[], &with(ESCALATION, changes));
        assert!(
            all.iter().all(|event| event.finding_key == "escalation/88" && event.category == "detection")
        );
        let read: Vec<_> =
            all.into_iter().map(|event| (event.kind.name, event.client_ref.unwrap())).collect();
        read
    };
    let both = |kind: &'static str| [(kind, "Harbour Bakery".to_owned()), (kind, "Pier Cinema".to_owned())];
    assert_eq!(said(&[]), both("detection.opened"));
    assert_eq!(said(&[("/event_type", json!("escalation.overdue"))]), both("finding.updated"));
    assert_eq!(said(&[("/event_type", json!("escalation.closed"))]), both("detection.closed"));
    assert_eq!(said(&[("/resolved_at", json!("2026-03-08T03:00:00Z"))]), both("detection.closed"));
    let account = [("detection.opened", "Dockside MSP".to_owned())];
    assert_eq!(said(&[("/organizations", json!([]))]), account);
}

#[test]
fn platform_actions_and_account_notices_are_read_where_they_name_an_id() {
    let action = incident(&[("/event_type", json!("platform_action.created"))]);
    assert_eq!(
        (action.kind.name, action.finding_key.as_str()),
        ("remediation.wanted", "platform_action/4711")
    );
    let done = incident(&[("/event_type", json!("platform_action.completed"))]);
    assert_eq!((done.kind.name, done.finding_key.as_str()), ("remediation.done", "platform_action/4711"));
    let notice = incident(&[("/event_type", json!("account_notice.notification"))]);
    assert_eq!((notice.kind.name, notice.category.as_str()), ("system.changed", "system"));

    let nameless = json!({ "event_type": "account_notice.notification", "subject": "News" });
    let refused = trials::refused(&Huntress, &[], &nameless);
    assert_eq!((refused.code, refused.pointer.as_str()), ("missing_field", "/id"));
    assert!(refused.problem.contains("Huntress portal"), "{}", refused.problem);
}

#[test]
fn a_record_inside_an_envelope_is_found() {
    let inside: Value = serde_json::from_str(INCIDENT).unwrap();
    for wrapper in ["data", "incident_report"] {
        let wrapped = json!({ "type": "incident_report.created", wrapper: inside });
        assert_eq!(trials::event(&Huntress, &[], &wrapped).finding_key, "incident_report/4711");
    }
}

#[test]
fn tests_say_nothing_and_the_rest_is_refused_with_its_place() {
    assert!(trials::post(&Huntress, &[], b"{\"event_type\":\"test\"}").is_empty());
    for (event_type, code) in [
        (json!("incident_report.sneezed"), "unknown_kind"),
        (json!("party.started"), "unknown_kind"),
        (json!("incident_report"), "unknown_kind"),
        (json!(null), "missing_field"),
    ] {
        let refused = trials::refused(&Huntress, &[], &with(INCIDENT, &[("/event_type", event_type)]));
        assert_eq!((refused.code, refused.pointer.as_str()), (code, "/event_type"));
    }
}

#[test]
fn nothing_hostile_gets_through() {
    trials::survives(&Huntress, &[&[]], &[INCIDENT, ESCALATION]);
}
