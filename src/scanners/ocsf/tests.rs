use entity::{Severity, Timestamp};
use serde_json::{Value, json};

use super::*;
use crate::{
    decisions::event::CloseReason,
    scanners::trials::configured::{event, events, hostile_bodies, kinds, readings, real, refused},
};

const VULNERABILITY: &str = include_str!("examples/vulnerability.json");
const BATCH: &str = include_str!("examples/compliance_batch.json");
const INCIDENT: &str = include_str!("examples/incident.json");

fn changed(text: &str, changes: &Value) -> Value {
    let mut body: Value = serde_json::from_str(text).unwrap();
    for (name, value) in changes.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

/// The kind and the reason of a body with these changes.
fn said(text: &str, changes: &Value) -> (&'static str, Option<CloseReason>) {
    let event = event(&Ocsf, &Value::Null, &changed(text, changes));
    (event.kind.name, event.close_reason)
}

#[test]
fn a_vulnerability_is_read_with_all_that_is_known_of_it() {
    let found = event(&Ocsf, &Value::Null, &changed(VULNERABILITY, &json!({})));
    assert_eq!(
        (found.kind.name, &*found.finding_key, found.client_ref.as_deref()),
        ("finding.opened", "f-1", Some("acme"))
    );
    assert_eq!((found.severity, found.severity_raw.as_deref()), (Severity::Critical, Some("Fatal")));
    assert_eq!(found.occurred_at, Some(Timestamp::from_secs(1_770_112_700)), "when it changed");
    let vuln = &found.vulns[0];
    assert_eq!((vuln.cve.as_deref(), vuln.exploit_known), (Some("CVE-2024-3094"), Some(true)));
    assert_eq!((vuln.cvss[0].score, vuln.epss.as_ref().unwrap().score), (Some(10.0), Some(0.85)));
    assert_eq!(vuln.cwe, ["CWE-506"]);
    let fix = found.remediation.as_ref().unwrap();
    assert_eq!(
        (fix.fixed_version.as_deref(), fix.url.as_deref()),
        (Some("5.6.2"), Some("https://b.example/fix"))
    );
    assert_eq!(found.asset.as_ref().unwrap().uid.as_deref(), Some("i-0a1"));
}

#[test]
fn a_status_closes_dismisses_or_only_tells_more() {
    assert_eq!(said(VULNERABILITY, &json!({ "activity_id": 2, "status_id": 2 })), ("finding.opened", None));
    assert_eq!(
        said(VULNERABILITY, &json!({ "activity_id": 3 })),
        ("finding.resolved", Some(CloseReason::Fixed))
    );
    assert_eq!(
        said(VULNERABILITY, &json!({ "status_id": 4 })),
        ("finding.resolved", Some(CloseReason::Fixed))
    );
    assert_eq!(
        said(VULNERABILITY, &json!({ "status_id": 3 })),
        ("finding.dismissed", Some(CloseReason::Suppressed))
    );
    assert_eq!(
        said(VULNERABILITY, &json!({ "status_id": 5 })),
        ("finding.resolved", Some(CloseReason::Expired))
    );
    assert_eq!(
        said(VULNERABILITY, &json!({ "status_id": 6 })),
        ("finding.updated", None),
        "deleted is not mended"
    );
    assert_eq!(
        said(VULNERABILITY, &json!({ "status_id": null, "status": "Resolved" })).0,
        "finding.resolved"
    );
    let archived = json!({ "unmapped": { "RecordState": "ARCHIVED" } });
    assert_eq!(said(VULNERABILITY, &archived), ("finding.resolved", Some(CloseReason::Expired)));
}

#[test]
fn an_incident_has_its_own_list_of_statuses() {
    assert_eq!(said(INCIDENT, &json!({})), ("incident.opened", None));
    assert_eq!(
        said(INCIDENT, &json!({ "status_id": 3 })),
        ("incident.updated", None),
        "on hold, not suppressed"
    );
    assert_eq!(said(INCIDENT, &json!({ "status_id": 5 })), ("incident.closed", Some(CloseReason::Fixed)));
    assert_eq!(
        said(INCIDENT, &json!({ "status_id": 4, "verdict_id": 1 })),
        ("finding.dismissed", Some(CloseReason::FalsePositive))
    );
    let incident = event(&Ocsf, &Value::Null, &changed(INCIDENT, &json!({})));
    assert_eq!((&*incident.finding_key, &*incident.title), ("inc-9", "Lateral movement"));
}

#[test]
fn a_batch_of_cloud_events_is_unwrapped() {
    let all = events(&Ocsf, &Value::Null, BATCH);
    assert_eq!(kinds(&all), ["compliance.failed", "detection.closed"]);
    assert_eq!(
        (all[0].client_ref.as_deref(), all[0].labels["control"].as_str()),
        (Some("111122223333"), "IAM.5")
    );
    assert_eq!(all[1].asset.as_ref().unwrap().name.as_deref(), Some("pc-4"));
    let one: Value = serde_json::from_str(BATCH).unwrap();
    let mut passed = one[0].clone();
    passed["data"]["compliance"] = json!({ "status_id": 1 });
    let passed = event(&Ocsf, &Value::Null, &passed);
    assert_eq!((passed.kind.name, &passed.finding_key), ("compliance.passed", &all[0].finding_key));
    let mut unknown = one[0].clone();
    unknown["data"]["compliance"] = json!({ "status": "NOT_AVAILABLE" });
    assert_eq!(event(&Ocsf, &Value::Null, &unknown).kind.name, "finding.updated");
    assert!(readings(&Ocsf, &Value::Null, "[]").is_empty());
}

#[test]
fn what_is_no_finding_or_names_no_problem_is_refused_alone() {
    let body = json!([
        changed(VULNERABILITY, &json!({ "class_uid": 3002, "type_uid": null })),
        changed(VULNERABILITY, &json!({ "finding_info": {} })),
        changed(INCIDENT, &json!({}))
    ]);
    let all = readings(&Ocsf, &Value::Null, &body.to_string());
    let first = all[0].event.as_ref().unwrap_err();
    assert_eq!(
        (first.code, first.kind.as_deref(), &*first.pointer),
        ("unknown_kind", Some("3002"), "/0/class_uid")
    );
    assert_eq!(all[1].event.as_ref().unwrap_err().pointer, "/1/finding_info/uid");
    assert!(all[2].event.is_ok());
    assert_eq!(refused(&Ocsf, &Value::Null, &json!({})).code, "missing_field");
    let long =
        changed(VULNERABILITY, &json!({ "finding_info": { "uid": "arn:".repeat(100), "title": "t" } }));
    assert_eq!(event(&Ocsf, &Value::Null, &long).finding_key.len(), 67);
    assert!(Ocsf.check_settings(&json!({ "x": 1 })).is_err());
}

#[test]
fn hostile_bodies_do_no_harm() {
    hostile_bodies(&Ocsf, &Value::Null, &[VULNERABILITY, BATCH, INCIDENT]);
}

#[test]
fn real_bodies_are_read() {
    let Some(body) = real("ocsf-guardduty-detection_finding") else { return };
    let all = events(&Ocsf, &Value::Null, &body);
    assert_eq!(
        (kinds(&all), all[0].severity, all[0].client_ref.as_deref()),
        (vec!["detection.opened"], Severity::Low, Some("111111111111"))
    );
    assert!(all[0].finding_key.ends_with("/finding/a6c556fcbc9bea427a19f8b787099a0b"));
    let all = events(&Ocsf, &Value::Null, &real("ocsf-sechub-compliance_finding").unwrap());
    assert_eq!((kinds(&all), all[0].severity), (vec!["compliance.failed"], Severity::Medium));
}
