use entity::{Severity, Timestamp};
use serde_json::{Value, json};

use super::*;
use crate::{
    decisions::event::CloseReason,
    scanners::trials::configured::{event, events, hostile_bodies, kinds, readings, real, refused},
};

const FIRING: &str = include_str!("examples/firing.json");
const GRAFANA: &str = include_str!("examples/grafana.json");

fn settings() -> Value {
    json!({
        "severities": { "page": "critical" },
        "kinds": [{ "label": "alertname", "values": ["InstanceDown"], "kind": "asset.offline" }],
    })
}

fn alert(changes: &Value) -> Value {
    let mut alert = json!({
        "status": "firing", "labels": { "alertname": "A", "instance": "h1:9100" }, "annotations": {},
        "startsAt": "2026-02-03T10:00:00Z", "endsAt": "0001-01-01T00:00:00Z", "fingerprint": "f1",
    });
    for (name, value) in changes.as_object().unwrap() {
        alert[name] = value.clone();
    }
    json!({ "version": "4", "alerts": [alert] })
}

#[test]
fn each_alert_says_for_itself_whether_it_fires() {
    let all = events(&Alertmanager, &settings(), FIRING);
    assert_eq!(kinds(&all), ["asset.offline", "finding.resolved"]);
    let (down, full) = (&all[0], &all[1]);
    assert_eq!((&*down.finding_key, down.client_ref.as_deref()), ("a1b2c3d4e5f60718", Some("acme")));
    assert_eq!(
        (down.severity, &*down.category, &*down.title),
        (Severity::Critical, "asset", "dc1 does not answer")
    );
    assert_eq!(down.occurred_at, Timestamp::parse_rfc3339("2026-02-03T10:00:00.5Z"));
    assert_eq!(
        down.asset.as_ref().unwrap().uid.as_deref(),
        Some("dc1.acme.example"),
        "the port is no part of it"
    );
    assert_eq!(down.remediation.as_ref().unwrap().url.as_deref(), Some("https://wiki.example.net/dc1"));
    assert!(down.evidence_url.is_some() && full.evidence_url.is_none());
    assert_eq!((full.close_reason, full.client_ref.as_deref()), (Some(CloseReason::Fixed), Some("globex")));
    assert_eq!((full.severity, full.severity_raw.as_deref()), (Severity::Critical, Some("page")));
    assert_eq!((&*full.category, &*full.title), ("system", "DiskFull: 2001:db8::7"));
    assert_eq!(full.occurred_at, Timestamp::parse_rfc3339("2026-02-03T09:30:00Z"), "when it ended");
}

#[test]
fn grafana_is_read_as_well() {
    let all = events(&Alertmanager, &json!({ "client": "@orgId" }), GRAFANA);
    assert_eq!(kinds(&all), ["finding.opened"]);
    assert_eq!((&*all[0].finding_key, all[0].client_ref.as_deref()), ("0f1e2d3c4b5a6978", Some("7")));
    assert_eq!(all[0].evidence_url.as_deref(), Some("https://grafana.example.net/d/backup"));
    assert_eq!(
        (all[0].severity, all[0].asset.as_ref().unwrap().name.as_deref()),
        (Severity::Unknown, Some("nas-2"))
    );
}

#[test]
fn the_end_in_year_one_of_a_firing_alert_is_no_end() {
    let opened = event(&Alertmanager, &Value::Null, &alert(&json!({})));
    assert_eq!(opened.kind.name, "finding.opened");
    assert_eq!(opened.occurred_at, Timestamp::parse_rfc3339("2026-02-03T10:00:00Z"));
    let ended = event(&Alertmanager, &Value::Null, &alert(&json!({ "status": "resolved" })));
    assert_eq!((ended.kind.name, ended.occurred_at), ("finding.resolved", None));
}

#[test]
fn a_key_is_the_fingerprint_or_made_of_all_labels() {
    let key = |changes: Value| event(&Alertmanager, &Value::Null, &alert(&changes)).finding_key;
    assert_eq!(key(json!({})), "f1");
    assert_eq!(key(json!({ "status": "resolved", "annotations": { "summary": "other" } })), "f1");
    let labels = json!({ "b": "2", "a": "1" });
    let made = key(json!({ "fingerprint": null, "labels": labels }));
    assert_eq!(
        made,
        key(json!({ "fingerprint": "", "labels": { "a": "1", "b": "2" }, "status": "resolved" }))
    );
    assert_ne!(made, key(json!({ "fingerprint": null, "labels": { "a": "1", "b": "3" } })));
    let nothing = alert(&json!({ "fingerprint": null, "labels": {} }));
    assert_eq!(refused(&Alertmanager, &Value::Null, &nothing).pointer, "/alerts/0/fingerprint");
}

#[test]
fn kinds_come_from_rules_or_from_a_label() {
    let labelled = |kind: &str, status: &str| {
        let labels = json!({ "event_kind": kind, "alertname": "A" });
        event(&Alertmanager, &Value::Null, &alert(&json!({ "labels": labels, "status": status }))).kind.name
    };
    assert_eq!(labelled("agent.not_reporting", "firing"), "agent.not_reporting");
    assert_eq!(labelled("agent.not_reporting", "resolved"), "agent.reporting");
    assert_eq!(labelled("system.service_down", "resolved"), "system.service_up");
    assert_eq!(labelled("scan.snapshot", "firing"), "finding.opened");
    let any = json!({ "kinds": [{ "label": "job", "kind": "agent.not_reporting" }] });
    let body = alert(&json!({ "labels": { "job": "agents", "instance": "h" }, "status": "resolved" }));
    assert_eq!(event(&Alertmanager, &any, &body).kind.name, "agent.reporting");
}

#[test]
fn what_is_cut_off_or_unknown_is_said_and_hides_no_neighbour() {
    let mut body: Value = serde_json::from_str(FIRING).unwrap();
    body["truncatedAlerts"] = json!(4);
    body["alerts"][0]["status"] = json!("pending");
    let all = readings(&Alertmanager, &Value::Null, &body.to_string());
    let first = all[0].event.as_ref().unwrap_err();
    assert_eq!(
        (first.code, &*first.pointer, first.kind.as_deref()),
        ("unknown_kind", "/alerts/0/status", Some("pending"))
    );
    assert!(all[0].remarks[0].starts_with("4 more alerts"), "{:?}", all[0].remarks);
    assert_eq!(all[1].event.as_ref().unwrap().kind.name, "finding.resolved");
    body["alerts"] = json!([]);
    assert_eq!(refused(&Alertmanager, &Value::Null, &body).pointer, "/truncatedAlerts");
    assert_eq!(refused(&Alertmanager, &Value::Null, &json!({ "custom": 1 })).pointer, "/alerts");
    let many = json!({ "alerts": vec![json!({}); 20_005] });
    let read = readings(&Alertmanager, &Value::Null, &many.to_string());
    assert_eq!(read.len(), 20_001);
    assert!(read[20_000].event.as_ref().unwrap_err().problem.starts_with("5 entries"));
}

#[test]
fn settings_are_checked() {
    for (wrong, part) in [
        (json!({ "cliente": "x" }), "cliente"),
        (json!({ "client": "@team" }), "@orgId"),
        (json!({ "client": "" }), "client"),
        (json!({ "kinds": [{ "label": "a", "kind": "asset.online" }] }), "kinds/0/kind"),
        (json!({ "severities": { "P1": "urgent" } }), "severities/P1"),
        (json!([]), "settings"),
    ] {
        let problem = Alertmanager.check_settings(&wrong).unwrap_err();
        assert!(problem.contains(part), "{wrong}: {problem}");
        assert_eq!(refused(&Alertmanager, &wrong, &alert(&json!({}))).code, "invalid_field");
    }
    assert_eq!(Alertmanager.check_settings(&settings()), Ok(()));
    assert_eq!(Alertmanager.check_settings(&Value::Null), Ok(()));
}

#[test]
fn hostile_bodies_do_no_harm() {
    hostile_bodies(&Alertmanager, &settings(), &[FIRING, GRAFANA]);
}

#[test]
fn a_real_body_is_read() {
    let Some(body) = real("alertmanager-v4_firing_template") else { return };
    let all = events(&Alertmanager, &Value::Null, &body);
    assert_eq!(kinds(&all), ["finding.opened"]);
    assert_eq!((&*all[0].finding_key, all[0].severity), ("0123456789abcdef", Severity::Critical));
    assert_eq!(all[0].asset.as_ref().unwrap().name.as_deref(), Some("host1"));
}
