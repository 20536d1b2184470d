use entity::{Severity, Timestamp};
use serde_json::{Value, json};

use super::HostedScan;
use crate::{
    decisions::event::CloseReason,
    scanners::trials::{self, with},
};

const OPENED: &str = include_str!("examples/risk_opened.json");
const CLOSED: &str = include_str!("examples/risks_closed.json");
const SCAN: &str = include_str!("examples/scan_succeeded.json");

fn event(example: &str, changes: &[(&str, Value)]) -> crate::decisions::event::Event {
    trials::event(&HostedScan, &[], &with(example, changes))
}

#[test]
fn a_risk_opens_with_all_that_it_tells_under_each_of_its_names() {
    let opened = event(OPENED, &[]);
    assert_eq!((opened.kind.name, opened.severity), ("finding.opened", Severity::High));
    assert_eq!(opened.finding_key, "risk/64f0c1a2b3");
    assert_eq!(opened.client_ref.as_deref(), Some("shop.harbour-bakery.example"));
    assert_eq!(opened.title, "Weak oven timer service on shop.harbour-bakery.example");
    assert_eq!(opened.occurred_at, Some(Timestamp::from_secs(1_772_000_000)));
    assert_eq!(opened.vulns[0].cve.as_deref(), Some("CVE-2026-20042"));
    assert_eq!(opened.vulns[0].cvss[0].score, Some(8.6));
    assert!(opened.remediation.unwrap().text.unwrap().contains("firewall"));
    let asset = opened.asset.unwrap();
    assert_eq!((asset.uid.as_deref(), asset.kind.as_deref()), (Some("5e0011aa"), Some("domain")));
    for name in ["risk.created", "risks.opened", "RISK.OPENED"] {
        let same = event(OPENED, &[("/type", json!(name))]);
        assert_eq!((same.kind.name, same.finding_key.as_str()), ("finding.opened", "risk/64f0c1a2b3"));
    }
    let other = event(OPENED, &[("/data/id", json!("another"))]);
    assert_ne!(other.finding_key, opened.finding_key);
}

#[test]
fn a_list_of_closed_risks_closes_each_and_one_bad_entry_hides_none() {
    let closed = trials::events(&HostedScan, &[], &with(CLOSED, &[]));
    let read: Vec<_> = closed.iter().map(|event| (event.finding_key.as_str(), event.close_reason)).collect();
    let fixed = Some(CloseReason::Fixed);
    assert_eq!(read, [("risk/64f0c1a2b3", fixed), ("risk/64f0c1a2b4", fixed)]);
    assert_eq!(closed[1].category, "network_port");
    assert_eq!(closed[1].asset.as_ref().unwrap().kind.as_deref(), Some("ip"));

    let bad = with(CLOSED, &[("/data/0/id", json!({}))]);
    let readings = trials::post(&HostedScan, &[], bad.to_string().as_bytes());
    assert_eq!(readings[0].event.as_ref().unwrap_err().pointer, "/data/0/id");
    assert_eq!(readings[1].event.as_ref().unwrap().finding_key, "risk/64f0c1a2b4");
}

#[test]
fn an_update_closes_by_its_status_and_never_without_one() {
    let updated = |status: Value| {
        let body = with(OPENED, &[("/type", json!("risk.updated")), ("/data/status", status)]);
        let (event, remarks) = trials::remarked(&HostedScan, &[], &body);
        (event.kind.name, event.close_reason, remarks.len())
    };
    assert_eq!(updated(json!(null)), ("finding.updated", None, 1));
    assert_eq!(updated(json!("OPEN")), ("finding.updated", None, 0));
    assert_eq!(updated(json!("SOMETHING")), ("finding.updated", None, 0));
    assert_eq!(updated(json!("CLOSED")), ("finding.resolved", Some(CloseReason::Fixed), 0));
    assert_eq!(updated(json!("ACCEPTED")), ("finding.dismissed", Some(CloseReason::AcceptedRisk), 0));
}

#[test]
fn scans_are_recorded_and_say_nothing_of_a_risk() {
    for (name, state, kind) in [
        ("scan.succeeded", json!("SUCCEEDED"), "scan.finished"),
        ("scan.updated", json!("FAILED"), "scan.failed"),
        ("scan.updated", json!("RUNNING"), "scan.started"),
        ("scan.created", json!(null), "scan.started"),
    ] {
        let scan = event(SCAN, &[("/type", json!(name)), ("/data/state", state)]);
        assert_eq!((scan.kind.name, scan.finding_key.as_str()), (kind, "scan/scan-1"));
    }
}

#[test]
fn what_cannot_be_read_is_refused_with_its_place() {
    for (changes, code, pointer) in [
        ([("/type", json!("invoice.paid"))], "unknown_kind", "/type"),
        ([("/type", json!("risk.sneezed"))], "unknown_kind", "/type"),
        ([("/type", json!(null))], "missing_field", "/type"),
        ([("/data/id", json!(""))], "missing_field", "/data/id"),
        ([("/data", json!("x"))], "missing_field", "/data/id"),
    ] {
        let refused = trials::refused(&HostedScan, &[], &with(OPENED, &changes));
        assert_eq!((refused.code, refused.pointer.as_str()), (code, pointer), "{changes:?}");
    }
    let many = with(CLOSED, &[("/data", json!(vec![json!({ "id": "x" }); 20_005]))]);
    let readings = trials::post(&HostedScan, &[], many.to_string().as_bytes());
    assert_eq!(readings.len(), 20_001);
    assert!(readings[20_000].event.as_ref().unwrap_err().problem.starts_with("5 entries"));
}

#[test]
fn nothing_hostile_gets_through() {
    trials::survives(&HostedScan, &[&[]], &[OPENED, CLOSED, SCAN]);
}

#[test]
fn real_bodies_are_read() {
    if let Some(body) = trials::real("hostedscan-risk_created") {
        let event = trials::event(&HostedScan, &[], &body);
        assert_eq!((event.kind.name, event.finding_key.as_str()), ("finding.opened", "risk/a-risk-id"));
        assert_eq!((event.severity, event.client_ref.as_deref()), (Severity::Low, Some("test.com")));
    }
    if let Some(body) = trials::real("hostedscan-scan_created") {
        let event = trials::event(&HostedScan, &[], &body);
        assert_eq!((event.kind.name, event.finding_key.as_str()), ("scan.started", "scan/a-scan-id"));
    }
}
