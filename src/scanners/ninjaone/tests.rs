use entity::{Severity, Timestamp};
use serde_json::{Value, json};

use super::*;
use crate::{
    decisions::event::{CloseReason, Event},
    scanners::trials::configured::{event, hostile_bodies, readings, refused},
};

const TRIGGERED: &str = include_str!("examples/triggered.json");

fn changed(changes: &Value) -> Value {
    let mut body: Value = serde_json::from_str(TRIGGERED).unwrap();
    for (name, value) in changes.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

fn activity(changes: &Value) -> Event {
    event(&NinjaOne, &Value::Null, &changed(changes))
}

#[test]
fn a_condition_is_triggered_and_reset_in_one_series() {
    let open = activity(&json!({}));
    assert_eq!(
        (open.kind.name, open.severity, open.severity_raw.as_deref()),
        ("finding.opened", Severity::High, Some("MAJOR"))
    );
    assert_eq!(
        (&*open.finding_key, open.client_ref.as_deref()),
        ("e6b0b0bd-0000-4000-8000-000000000001", Some("7"))
    );
    assert_eq!(
        (open.sequence.as_deref(), open.occurred_at),
        (Some("177210"), Some(Timestamp::from_secs(1_770_112_800).plus_millis(250)))
    );
    assert_eq!(
        (&*open.category, &*open.title),
        ("system", "SRV-SQL: Memory utilization is at least 80% for 5 minutes")
    );
    let reset =
        activity(&json!({ "id": 177_300, "statusCode": "RESET", "severity": "NONE", "message": "ok" }));
    assert_eq!(
        (reset.kind.name, reset.close_reason, reset.severity),
        ("finding.resolved", Some(CloseReason::Fixed), Severity::Unknown)
    );
    assert_eq!(reset.finding_key, open.finding_key);
    assert_eq!(activity(&json!({ "statusCode": "ACKNOWLEDGED" })).kind.name, "finding.updated");
    assert_ne!(activity(&json!({ "seriesUid": "other" })).finding_key, open.finding_key);
}

#[test]
fn a_device_that_is_down_is_told_as_offline() {
    let down = json!({ "data": { "message": { "code": "cond_device_offline" } } });
    assert_eq!((activity(&down).kind.name, &*activity(&down).category), ("asset.offline", "asset"));
    let named = json!({ "offline_conditions": ["device down"], "client": "organization_name" });
    let up =
        event(&NinjaOne, &named, &changed(&json!({ "sourceName": "Device Down", "statusCode": "RESET" })));
    assert_eq!((up.kind.name, up.client_ref.as_deref()), ("asset.online", Some("Acme GmbH")));
    assert!(NinjaOne.check_settings(&json!({ "client": "site" })).is_err());
    assert_eq!(NinjaOne.check_settings(&named), Ok(()));
}

#[test]
fn other_activities_are_recorded() {
    let other = refused(&NinjaOne, &Value::Null, &changed(&json!({ "activityType": "PATCH_MANAGEMENT" })));
    assert_eq!((other.code, other.kind.as_deref()), ("unknown_kind", Some("PATCH_MANAGEMENT")));
    let status = refused(&NinjaOne, &Value::Null, &changed(&json!({ "statusCode": "DISABLED" })));
    assert_eq!((status.code, &*status.pointer), ("unknown_kind", "/statusCode"));
    let series = refused(&NinjaOne, &Value::Null, &changed(&json!({ "seriesUid": null })));
    assert_eq!((series.code, &*series.pointer), ("missing_field", "/seriesUid"));
    let two = json!([
        changed(&json!({ "seriesUid": null })),
        changed(&json!({ "device": null, "organization": null }))
    ]);
    let all = readings(&NinjaOne, &Value::Null, &two.to_string());
    assert_eq!(all.iter().map(|one| one.event.is_ok()).collect::<Vec<_>>(), [false, true]);
    assert!(all[1].event.as_ref().unwrap().client_ref.is_none() && all[1].remarks.len() == 1);
    let template: Value = serde_json::from_str(TEMPLATE).unwrap();
    assert_eq!(template["activities"]["CONDITION"][1], "RESET");
}

#[test]
fn hostile_bodies_do_no_harm() {
    let settings = json!({ "offline_conditions": ["Memory"] });
    hostile_bodies(&NinjaOne, &settings, &[TRIGGERED]);
    hostile_bodies(&NinjaOne, &Value::Null, &[TRIGGERED]);
}
