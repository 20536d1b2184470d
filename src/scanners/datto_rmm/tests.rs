use entity::Severity;
use serde_json::{Value, json};

use super::*;
use crate::{
    decisions::event::CloseReason,
    scanners::trials::configured::{event, hostile_bodies, readings, refused},
};

const RAISED: &str = include_str!("examples/raised.json");

fn alert(changes: &Value) -> crate::decisions::event::Event {
    let mut body: Value = serde_json::from_str(RAISED).unwrap();
    for (name, value) in changes.as_object().unwrap() {
        body[name] = value.clone();
    }
    event(&DattoRmm, &Value::Null, &body)
}

#[test]
fn an_alert_is_raised_and_resolved_by_its_uid() {
    let offline = alert(&json!({}));
    assert_eq!(
        (offline.kind.name, offline.severity, offline.client_ref.as_deref()),
        ("asset.offline", Severity::Critical, Some("Acme GmbH"))
    );
    assert_eq!(
        (&*offline.finding_key, &*offline.title),
        ("1f0c7a52-0000-4000-8000-000000000001", "SRV-DC1: Device is offline for 5 minutes")
    );
    assert_eq!(offline.asset.as_ref().unwrap().uid.as_deref(), Some("90210"));
    let online = alert(&json!({ "event": "resolved", "message": "up", "priority": "low" }));
    assert_eq!((online.kind.name, online.close_reason), ("asset.online", Some(CloseReason::Fixed)));
    assert_eq!(online.finding_key, offline.finding_key);
    let disk = alert(&json!({ "problem": "finding", "category": "Disk Usage", "alert_uid": "2" }));
    assert_eq!((disk.kind.name, &*disk.category), ("finding.opened", "system"));
    assert_ne!(disk.finding_key, offline.finding_key);
    let virus = alert(&json!({ "problem": "finding", "category": "Antivirus", "event": "RESOLVED" }));
    assert_eq!((virus.kind.name, &*virus.category), ("finding.resolved", "detection"));
}

#[test]
fn variables_that_were_not_filled_in_are_left_out() {
    assert!(readings(&DattoRmm, &Value::Null, TEMPLATE).is_empty(), "the test button");
    let alert = alert(
        &json!({ "site": "[sitename]", "category": "[alert_category]", "device": "[device_hostname]", "message": "[alert_message]" }),
    );
    assert_eq!((alert.client_ref.as_deref(), &*alert.title), (Some("4711"), "Alert"));
    assert!(!alert.labels.contains_key("category"));
}

#[test]
fn a_message_that_breaks_the_json_loses_no_alert_and_names_no_other() {
    let body = RAISED.replace(
        "Device is offline for 5 minutes",
        "Service \"Spooler\" in C:\\Windows\n\"alert_uid\": \"somebody-elses\",\nstopped",
    );
    let all = readings(&DattoRmm, &Value::Null, &body);
    let event = all[0].event.as_ref().unwrap();
    assert_eq!(
        (event.kind.name, &*event.finding_key),
        ("asset.offline", "1f0c7a52-0000-4000-8000-000000000001")
    );
    assert!(event.title.contains("Service \"Spooler\" in C:\\Windows"), "{}", event.title);
    assert_eq!(all[0].remarks.len(), 1);
    let nonsense = readings(&DattoRmm, &Value::Null, "{ \"event\": oops");
    assert_eq!(nonsense[0].event.as_ref().unwrap_err().code, "invalid_json");
}

#[test]
fn what_decides_must_be_there() {
    assert_eq!(refused(&DattoRmm, &Value::Null, &json!({ "event": "raised" })).pointer, "/alert_uid");
    let other = json!({ "event": "muted", "alert_uid": "1" });
    assert_eq!(refused(&DattoRmm, &Value::Null, &other).code, "unknown_kind");
    assert!(DattoRmm.set_up().contains("\"alert_uid\": \"[alert_uid]\""));
}

#[test]
fn hostile_bodies_do_no_harm() {
    hostile_bodies(&DattoRmm, &Value::Null, &[RAISED, TEMPLATE]);
}
