use entity::{Severity, Timestamp};
use serde_json::{Value, json};

use super::*;
use crate::{
    decisions::event::CloseReason,
    scanners::trials::configured::{event, events, hostile_bodies, kinds, readings, real, refused},
};

const COMPLETED: &str = include_str!("examples/completed_default.json");
const CLEAN: &str = include_str!("examples/completed_cloudevents.json");
const FAILED: &str = include_str!("examples/failed_default.json");
const REPORT: &str = "application/vnd.security.vulnerability.report; version=1.1";

fn value(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn one_finding_counts_what_a_tag_has_and_a_clean_scan_resolves_it() {
    let found = event(&Harbor, &Value::Null, &value(COMPLETED));
    assert_eq!(
        (found.kind.name, found.severity, found.client_ref.as_deref()),
        ("finding.opened", Severity::Critical, Some("acme"))
    );
    assert_eq!(
        (&*found.title, found.counts["total"], found.counts["high"]),
        ("7 vulnerabilities in acme/shop/web:2.1", 7, 4)
    );
    assert_eq!(found.occurred_at, Timestamp::parse_rfc3339("2026-02-03T09:59:04Z"));
    assert!(found.body_md.contains("can be mended by an update: 5"));
    // Another image under the same tag, in the other format.
    let clean = event(&Harbor, &Value::Null, &value(CLEAN));
    assert_eq!((clean.kind.name, clean.close_reason), ("finding.resolved", Some(CloseReason::Fixed)));
    assert_eq!((&clean.finding_key, &clean.client_ref), (&found.finding_key, &found.client_ref));
    let mut other = value(COMPLETED);
    other["event_data"]["resources"][0]["tag"] = json!("2.2");
    assert_ne!(event(&Harbor, &Value::Null, &other).finding_key, found.finding_key);
    // Numbers may change without making it another finding.
    other["event_data"]["resources"][0]["tag"] = json!("2.1");
    other["event_data"]["resources"][0]["scan_overview"][REPORT]["severity"] = json!("Low");
    other["event_data"]["resources"][0]["scan_overview"][REPORT]["summary"]["total"] = json!(1);
    other["event_data"]["repository"] = Value::Null;
    let again = event(&Harbor, &Value::Null, &other);
    assert_eq!(
        (again.finding_key, again.client_ref),
        (found.finding_key, found.client_ref),
        "also without a repository"
    );
}

#[test]
fn a_scan_that_failed_or_was_stopped_resolves_nothing() {
    let failed = event(&Harbor, &Value::Null, &value(FAILED));
    assert_eq!((failed.kind.name, failed.close_reason), ("scan.failed", None));
    let mut stopped = value(FAILED);
    stopped["type"] = json!("harbor.scan.stopped");
    assert!(event(&Harbor, &Value::Null, &stopped).title.ends_with("was stopped"));
    let mut odd = value(CLEAN);
    odd["data"]["resources"][0]["scan_overview"][REPORT]["scan_status"] = json!("Error");
    let all = readings(&Harbor, &Value::Null, &odd.to_string());
    assert_eq!((all[0].event.as_ref().unwrap().kind.name, all[0].remarks.len()), ("scan.failed", 1));
    let mut empty = value(CLEAN);
    empty["data"]["resources"][0]["scan_overview"][REPORT]["summary"] = Value::Null;
    assert_eq!(
        refused(&Harbor, &Value::Null, &empty).code,
        "missing_field",
        "no numbers are not no vulnerabilities"
    );
    empty["data"]["resources"][0]["scan_overview"] =
        json!({ "application/vnd.goharbor.harbor.sbom.v1": { "scan_status": "Success" } });
    assert_eq!(
        refused(&Harbor, &Value::Null, &empty).code,
        "missing_field",
        "a bill of materials is no scan"
    );
}

#[test]
fn other_events_are_recorded_and_artifacts_hide_no_neighbour() {
    let push = json!({ "type": "PUSH_ARTIFACT", "event_data": { "resources": [{}] } });
    assert_eq!(refused(&Harbor, &Value::Null, &push).kind.as_deref(), Some("PUSH_ARTIFACT"));
    let mut two = value(COMPLETED);
    let good = two["event_data"]["resources"][0].clone();
    two["event_data"]["resources"] = json!([{ "resource_url": "x" }, good]);
    let all = readings(&Harbor, &Value::Null, &two.to_string());
    assert_eq!(all.iter().map(|one| one.event.is_ok()).collect::<Vec<_>>(), [false, true]);
    two["event_data"]["resources"] = json!([]);
    assert_eq!(refused(&Harbor, &Value::Null, &two).pointer, "/event_data/resources");
}

#[test]
fn hostile_bodies_do_no_harm() {
    hostile_bodies(&Harbor, &Value::Null, &[COMPLETED, CLEAN, FAILED]);
}

#[test]
fn real_bodies_are_read() {
    let Some(body) = real("harbor-scan_completed_with_findings_default") else { return };
    let all = events(&Harbor, &Value::Null, &body);
    assert_eq!(
        (kinds(&all), all[0].severity, all[0].counts["total"]),
        (vec!["finding.opened"], Severity::High, 5)
    );
    assert_eq!(
        (&*all[0].title, all[0].client_ref.as_deref()),
        ("5 vulnerabilities in test/alpine/helm:3.8.1", Some("test"))
    );
    let of = |file| kinds(&events(&Harbor, &Value::Null, &real(file).unwrap()));
    assert_eq!(of("harbor-scan_completed_cloudevents"), ["finding.resolved"]);
    assert_eq!(of("harbor-scan_failed_default"), ["scan.failed"]);
    assert_eq!(of("harbor-scan_stopped_default"), ["scan.failed"]);
}
