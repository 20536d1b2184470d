use entity::Severity;
use serde_json::{Value, json};

use super::DefectDojo;
use crate::{
    decisions::event::{CloseReason, Event},
    scanners::trials::{self, Named, with},
};

const IMPORT: &str = include_str!("examples/scan_added.json");
const OF_IMPORT: Named<'_> = &[("X-DefectDojo-Event", "scan_added")];

fn events(changes: &[(&str, Value)]) -> Vec<Event> {
    trials::events(&DefectDojo, OF_IMPORT, &with(IMPORT, changes))
}

fn short(events: &[Event]) -> Vec<(&str, &str, Severity)> {
    events.iter().map(|event| (event.kind.name, event.finding_key.as_str(), event.severity)).collect()
}

#[test]
fn an_import_opens_reopens_and_closes_what_it_lists() {
    let all = events(&[]);
    assert_eq!(
        short(&all),
        [
            ("finding.opened", "finding/502", Severity::Critical),
            ("finding.reopened", "finding/503", Severity::Low),
            ("finding.resolved", "finding/501", Severity::Medium),
            ("scan.finished", "test/88", Severity::Unknown),
        ]
    );
    assert!(all.iter().all(|event| event.client_ref.as_deref() == Some("Harbour Bakery")));
    assert_eq!(all[2].close_reason, Some(CloseReason::Fixed));
    assert_eq!(all[0].title, "Oven door open");
    assert_eq!(all[0].evidence_url.as_deref(), Some("https://dojo.dockside.example/finding/502"));
    assert_eq!(all[0].asset.as_ref().unwrap().name.as_deref(), Some("Shop"));
    assert_eq!(all[0].labels["engagement"], "Spring");
}

#[test]
fn a_finding_is_the_same_from_import_to_import() {
    let again = events(&[
        ("/test/id", json!(89)),
        ("/findings/mitigated/0/id", json!(502)),
        ("/findings/mitigated/0/title", json!("Renamed")),
        ("/findings/mitigated/0/severity", json!("Info")),
    ]);
    assert_eq!(again[2].finding_key, events(&[])[0].finding_key);
}

#[test]
fn untouched_findings_are_counted_and_not_opened() {
    let readings = trials::post(&DefectDojo, OF_IMPORT, IMPORT.as_bytes());
    let last = readings.last().unwrap();
    assert_eq!(last.event.as_ref().unwrap().counts["untouched"], 1);
    assert!(last.remarks[0].contains("untouched"), "{:?}", last.remarks);
    let empty: Named<'_> = &[("X-DefectDojo-Event", "scan_added_empty")];
    let none = trials::events(&DefectDojo, empty, &with(IMPORT, &[("/findings", json!({}))]));
    assert_eq!(short(&none), [("scan.finished", "test/88", Severity::Unknown)]);
}

#[test]
fn one_bad_finding_hides_no_other_and_too_many_are_said() {
    let bad = with(IMPORT, &[("/findings/new/0", json!("x"))]);
    let readings = trials::post(&DefectDojo, OF_IMPORT, bad.to_string().as_bytes());
    assert_eq!(readings[0].event.as_ref().unwrap_err().pointer, "/findings/new/0/id");
    assert_eq!(readings.iter().filter(|reading| reading.event.is_ok()).count(), 3);
    let many = with(IMPORT, &[("/findings/new", json!(vec![json!({ "id": 1 }); 20_001]))]);
    let readings = trials::post(&DefectDojo, OF_IMPORT, many.to_string().as_bytes());
    assert_eq!(readings.len(), 20_002);
    assert!(readings[20_000].event.as_ref().unwrap_err().problem.starts_with("3 findings"));
}

#[test]
fn other_events_open_nothing() {
    let ping: Named<'_> = &[("X-DefectDojo-Event", "ping")];
    assert!(trials::post(&DefectDojo, ping, b"{}").is_empty());
    for (name, kind) in [
        ("product_type_added", "company.added"),
        ("engagement_added", "scan.started"),
        ("test_added", "scan.started"),
    ] {
        let event = trials::event(&DefectDojo, &[("X-DefectDojo-Event", name)], &with(IMPORT, &[]));
        assert_eq!(event.kind.name, kind);
    }
    let other = trials::refused(&DefectDojo, &[("X-DefectDojo-Event", "product_added")], &with(IMPORT, &[]));
    assert_eq!((other.code, other.kind.as_deref()), ("unknown_kind", Some("product_added")));
    assert!(trials::refused(&DefectDojo, &[], &json!({})).problem.contains("X-DefectDojo-Event"));
}

#[test]
fn nothing_hostile_gets_through() {
    let product: Named<'_> = &[("X-DefectDojo-Event", "product_type_added")];
    trials::survives(&DefectDojo, &[OF_IMPORT, product, &[]], &[IMPORT]);
}

#[test]
fn real_bodies_are_read() {
    if let Some(body) = trials::real("defectdojo-scan_added") {
        let all = trials::events(&DefectDojo, OF_IMPORT, &body);
        assert_eq!(
            short(&all),
            [
                ("finding.opened", "finding/232", Severity::Critical),
                ("finding.reopened", "finding/234", Severity::Low),
                ("finding.resolved", "finding/233", Severity::Medium),
                ("scan.finished", "test/90", Severity::Unknown),
            ]
        );
        assert_eq!(all[0].client_ref.as_deref(), Some("notif prod type"));
    }
    if let Some(body) = trials::real("defectdojo-engagement_added") {
        let headers: Named<'_> = &[("X-DefectDojo-Event", "engagement_added")];
        assert_eq!(trials::event(&DefectDojo, headers, &body).finding_key, "engagement/7");
    }
    if let Some(body) = trials::real("defectdojo-product_added") {
        let headers: Named<'_> = &[("X-DefectDojo-Event", "product_added")];
        assert_eq!(trials::refused(&DefectDojo, headers, &body).code, "unknown_kind");
    }
}
