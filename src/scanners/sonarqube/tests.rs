use entity::{Severity, Timestamp};
use serde_json::{Value, json};

use super::SonarQube;
use crate::{
    decisions::event::{CloseReason, Event},
    scanners::trials::{self, with},
};

const FAILED: &str = include_str!("examples/gate_error.json");

fn event(changes: &[(&str, Value)]) -> Event {
    trials::event(&SonarQube, &[], &with(FAILED, changes))
}

#[test]
fn a_gate_that_fails_opens_and_one_that_passes_closes_the_same() {
    let failed = event(&[]);
    assert_eq!((failed.kind.name, failed.category.as_str()), ("compliance.failed", "compliance"));
    assert_eq!(
        (failed.finding_key.as_str(), failed.client_ref.as_deref()),
        ("harbour:shop", Some("harbour:shop"))
    );
    assert_eq!((failed.severity, failed.severity_raw.as_deref()), (Severity::Unknown, Some("error")));
    assert_eq!(failed.title, "Bakery way failed: Harbour shop, main");
    assert_eq!(failed.body_md, "- new security rating: 4 (must not be greater than 1)");
    assert_eq!(failed.occurred_at, Timestamp::parse_rfc3339("2026-03-07T07:09:10Z"));
    let passed = event(&[("/qualityGate/status", json!("OK"))]);
    assert_eq!((passed.kind.name, passed.close_reason), ("compliance.passed", Some(CloseReason::Fixed)));
    assert_eq!(passed.finding_key, failed.finding_key);
    assert_eq!(event(&[("/qualityGate/status", json!("WARN"))]).kind.name, "compliance.failed");
}

#[test]
fn each_branch_is_a_finding_and_the_main_one_survives_being_renamed() {
    let main = event(&[]).finding_key;
    assert_eq!(event(&[("/branch/name", json!("trunk"))]).finding_key, main);
    assert_eq!(event(&[("/branch", json!(null))]).finding_key, main);
    let branch = |name: &str| event(&[("/branch/name", json!(name)), ("/branch/isMain", json!(false))]);
    assert_eq!(branch("release-1").finding_key, "harbour:shop/branch/release-1");
    assert_ne!(branch("release/1").finding_key, branch("release-1").finding_key);
    assert_ne!(event(&[("/project/key", json!("harbour:site"))]).finding_key, main);
}

#[test]
fn pull_requests_and_failed_analyses_open_and_close_nothing() {
    for status in ["ERROR", "OK"] {
        let body = with(
            FAILED,
            &[
                ("/branch", json!({ "name": "12", "type": "PULL_REQUEST", "isMain": false })),
                ("/qualityGate/status", json!(status)),
            ],
        );
        let (event, remarks) = trials::remarked(&SonarQube, &[], &body);
        assert_eq!((event.kind.name, remarks.len()), ("scan.finished", 1));
    }
    let failed = event(&[("/status", json!("FAILED")), ("/qualityGate", json!(null))]);
    assert_eq!(failed.kind.name, "scan.failed");
    for gate in [json!(null), json!({ "name": "x", "status": "NONE" })] {
        assert_eq!(event(&[("/qualityGate", gate)]).kind.name, "scan.finished");
    }
}

#[test]
fn the_scanner_may_name_the_customer() {
    let named = event(&[("/properties", json!({ "sonar.analysis.customer": "Harbour Bakery" }))]);
    assert_eq!(named.client_ref.as_deref(), Some("Harbour Bakery"));
    assert_eq!(named.finding_key, "harbour:shop");
}

#[test]
fn an_analysis_of_no_project_is_refused() {
    let refused = trials::refused(&SonarQube, &[], &with(FAILED, &[("/project/key", json!(null))]));
    assert_eq!((refused.code, refused.pointer.as_str()), ("missing_field", "/project/key"));
}

#[test]
fn nothing_hostile_gets_through() {
    trials::survives(&SonarQube, &[&[]], &[FAILED]);
}

#[test]
fn real_bodies_are_read() {
    if let Some(body) = trials::real("sonarqube-quality_gate_error") {
        let (event, remarks) = trials::remarked(&SonarQube, &[], &body);
        assert_eq!(
            (event.kind.name, event.finding_key.as_str()),
            ("compliance.failed", "Solar-System-Project")
        );
        assert_eq!((event.severity, event.evidence_url), (Severity::Unknown, None));
        assert_eq!(remarks.len(), 1, "a link without https is not kept: {remarks:?}");
    }
}
