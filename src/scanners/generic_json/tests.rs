use entity::{Severity, Timestamp};
use serde_json::{Value, json};

use super::*;
use crate::{
    decisions::event::CloseReason,
    scanners::trials::configured::{event, events, hostile_bodies, kinds, readings, refused},
};

const SETTINGS: &str = include_str!("examples/settings.json");
const BODY: &str = include_str!("examples/body.json");

fn settings() -> Value {
    serde_json::from_str(SETTINGS).unwrap()
}

/// Small settings that hold, changed.
fn with(changes: &Value) -> Value {
    let mut settings = json!({ "key": ["/id"], "kinds": [
        { "when": { "/gone": [true] }, "kind": "finding.resolved" }, { "kind": "finding.opened" }] });
    for (name, value) in changes.as_object().unwrap() {
        settings[name] = value.clone();
    }
    settings
}

#[test]
fn the_preview_is_what_a_delivery_gives() {
    let preview = preview(&settings(), BODY);
    assert_eq!(format!("{preview:?}"), format!("{:?}", readings(&GenericJson, &settings(), BODY)));
    let read: Vec<_> = preview.iter().filter_map(|reading| reading.event.as_ref().ok()).collect();
    let names: Vec<&str> = read.iter().map(|event| event.kind.name).collect();
    assert_eq!(names, ["detection.opened", "detection.closed", "asset.offline", "asset.online"]);
    let opened = read[0];
    // The family stands in front: a detection and an offline machine may share an id.
    assert_eq!((&*opened.source, &*opened.finding_key), ("acme-edr", "detection/17"));
    assert_eq!((opened.client_ref.as_deref(), opened.severity), (Some("acme"), Severity::Critical));
    assert_eq!(opened.occurred_at, Some(Timestamp::from_secs(1_770_112_800)));
    assert_eq!((opened.sequence.as_deref(), &*opened.title), (Some("3"), "Malware on pc-4"));
    assert_eq!((opened.vulns.len(), opened.vulns[0].cvss[0].score), (1, Some(9.8)));
    assert_eq!(opened.asset.as_ref().unwrap().ip.as_deref(), Some("10.0.0.4"));
    assert_eq!(opened.user.as_ref().unwrap().uid.as_deref(), Some("kim"));
    assert_eq!(opened.labels["a/b"], "true");
    let closed = read[1];
    assert_eq!(
        (&closed.finding_key, closed.close_reason),
        (&opened.finding_key, Some(CloseReason::FalsePositive))
    );
    assert_eq!(closed.client_ref.as_deref(), Some("acme-2"), "the entry's own comes first");
    assert_eq!((read[2].severity, read[3].severity), (Severity::High, Severity::Medium));
    assert_eq!(read[2].finding_key, read[3].finding_key);
    let unknown = preview.last().unwrap().event.as_ref().unwrap_err();
    assert_eq!((unknown.code, &*unknown.pointer), ("unknown_kind", "/alerts/5"));
}

#[test]
fn a_contact_is_read_where_the_settings_say_that_it_stands() {
    let settings = with(&json!({ "contact": { "id": "/for/number", "email": "/for/mail" } }));
    let contact = |body: Value| event(&GenericJson, &settings, &body).contact;
    let kim = contact(json!({ "id": "1", "for": { "number": 17, "mail": "kim@a.example" } })).unwrap();
    assert_eq!((kim.id.as_deref(), kim.email.as_deref()), (Some("17"), Some("kim@a.example")));
    assert_eq!(contact(json!({ "id": "1" })), None);
    let wrong = with(&json!({ "contact": { "phone": "/for/phone" } }));
    assert!(GenericJson.check_settings(&wrong).unwrap_err().contains("known are id, email"));
}

#[test]
fn keys_are_made_of_all_parts_and_of_nothing_else() {
    let key =
        |body: Value| event(&GenericJson, &with(&json!({ "key": ["/host", "/rule"] })), &body).finding_key;
    let opened = key(json!({ "host": "a", "rule": 1, "severity": "low", "title": "x" }));
    assert_eq!(opened, "a/1");
    assert_eq!(opened, key(json!({ "host": "a", "rule": 1, "gone": true, "title": "y" })));
    assert_ne!(opened, key(json!({ "host": "a", "rule": 2 })));
    assert_ne!(key(json!({ "host": "a/b", "rule": "c" })), key(json!({ "host": "a", "rule": "b/c" })));
    let half = refused(&GenericJson, &with(&json!({ "key": ["/host", "/rule"] })), &json!({ "host": "a" }));
    assert_eq!((half.code, &*half.pointer), ("missing_field", "/rule"));
}

#[test]
fn the_body_may_be_one_entry_a_list_or_hold_a_list() {
    let body = json!([{ "id": 1 }, { "id": 2, "gone": true }]);
    let all = events(&GenericJson, &with(&json!({})), &body.to_string());
    assert_eq!(kinds(&all), ["finding.opened", "finding.resolved"]);
    assert_eq!(all[1].close_reason, Some(CloseReason::Fixed));
    assert_eq!(event(&GenericJson, &with(&json!({})), &json!({ "id": 1 })).finding_key, "1");
    let nested = with(&json!({ "list": "/a/0/b" }));
    assert_eq!(event(&GenericJson, &nested, &json!({ "a": [{ "b": [{ "id": 9 }] }] })).finding_key, "9");
    assert_eq!(refused(&GenericJson, &nested, &json!({ "a": [] })).code, "missing_field");
    let reopened = with(&json!({ "kinds": [{ "kind": "finding.reopened" }], "category": "secret" }));
    let reopened = event(&GenericJson, &reopened, &json!({ "id": 1 }));
    assert_eq!((reopened.kind.name, &*reopened.category), ("finding.reopened", "secret"));
    let dismissed = with(&json!({ "kinds": [
        { "when": { "/s": ["d"] }, "kind": "finding.dismissed" }, { "kind": "finding.opened" }] }));
    let dismissed = event(&GenericJson, &dismissed, &json!({ "id": 1, "s": "D" }));
    assert_eq!(dismissed.close_reason, Some(CloseReason::Dismissed));
}

#[test]
fn a_list_that_names_everything_closes_by_absence_but_only_if_it_was_read_whole() {
    let snapshot = with(&json!({
        "list": "/issues", "client_ref": ["root:/org"], "occurred_at": "root:/at",
        "snapshot": { "scope": ["root:/target"], "when": { "root:/state": ["done"] } },
    }));
    let scan = |state: &str, issues: Value| json!({ "org": "acme", "target": "web", "state": state, "at": "2026-02-03T10:00:00Z", "issues": issues });
    let body = scan("done", json!([{ "id": 2 }, { "id": 1 }, { "id": 3, "gone": true }]));
    let all = events(&GenericJson, &snapshot, &body.to_string());
    assert_eq!(kinds(&all)[3], "scan.snapshot");
    assert_eq!(
        (all[3].present.clone(), all[3].client_ref.as_deref()),
        (vec!["1".to_owned(), "2".to_owned()], Some("acme"))
    );
    assert!(all.iter().all(|event| event.scope_key.as_deref() == Some("web")));
    assert!(all[3].occurred_at.is_some());
    let clean = events(&GenericJson, &snapshot, &scan("done", json!([])).to_string());
    assert_eq!((kinds(&clean), clean[0].present.len()), (vec!["scan.snapshot"], 0));
    let failed = events(&GenericJson, &snapshot, &scan("failed", json!([{ "id": 2 }])).to_string());
    assert_eq!(kinds(&failed), ["finding.opened"], "a scan that failed says nothing of what is gone");
    let torn = readings(&GenericJson, &snapshot, &scan("done", json!([{ "id": 2 }, {}])).to_string());
    assert_eq!(torn.iter().map(|one| one.event.is_ok()).collect::<Vec<_>>(), [true, false, false]);
    let mixed = with(
        &json!({ "list": "/issues", "client_ref": ["/org"], "snapshot": { "scope": ["root:/target"] } }),
    );
    let mixed = readings(&GenericJson, &mixed, &scan("done", json!([{ "id": 2, "org": "b" }])).to_string());
    assert!(mixed[1].event.as_ref().unwrap_err().problem.contains("other customers"));
}

#[test]
fn settings_are_checked_with_the_place_and_the_next_step() {
    assert_eq!(GenericJson.check_settings(&settings()), Ok(()));
    for (wrong, part) in [
        (Value::Null, "\"key\""),
        (json!("x"), "JSON object"),
        (with(&json!({ "keys": ["/id"] })), "keys"),
        (with(&json!({ "key": [] })), "key: "),
        (with(&json!({ "key": ["id"] })), "\"/id\""),
        (with(&json!({ "key": ["/a~b"] })), "~0"),
        (with(&json!({ "key": "/id" })), "settings"),
        (with(&json!({ "list": "root:/x" })), "root:"),
        (with(&json!({ "title": ["name"] })), "title: "),
        (with(&json!({ "source": "" })), "source"),
        (with(&json!({ "category": "virus" })), "category: virus"),
        (with(&json!({ "asset": { "host": "/h" } })), "asset/host"),
        (with(&json!({ "labels": { "l": "x" } })), "labels/l"),
        (with(&json!({ "kinds": [] })), "kinds: "),
        (with(&json!({ "kinds": [{ "kind": "finding.resolved" }] })), "opens anything"),
        (with(&json!({ "kinds": [{ "kind": "finding.open" }] })), "kinds/0/kind"),
        (with(&json!({ "kinds": [{ "kind": "scan.snapshot" }] })), "the field snapshot"),
        (with(&json!({ "kinds": [{ "kind": "finding.opened", "close_reason": "fixed" }] })), "close_reason"),
        (with(&json!({ "kinds": [{ "kind": "finding.opened", "close_reason": "tired" }] })), "tired"),
        (with(&json!({ "kinds": [{ "when": { "/s": [] }, "kind": "finding.opened" }] })), "kinds/0/when"),
        (with(&json!({ "kinds": [{ "when": { "s": ["x"] }, "kind": "finding.opened" }] })), "kinds/0/when"),
        (with(&json!({ "severity": { "at": "/s", "words": { "P1": "urgent" } } })), "severity/P1"),
        (with(&json!({ "severity": { "at": "/s", "steps": [[9, "bad"]] } })), "severity/9"),
        (with(&json!({ "snapshot": { "scope": [] } })), "snapshot/scope"),
        (with(&json!({ "snapshot": { "scope": ["/t"] } })), "root:/t"),
        (
            with(
                &json!({ "labels": (0..200).map(|n| (format!("l{n}"), json!("/x"))).collect::<serde_json::Map<_, _>>() }),
            ),
            "at most 100",
        ),
    ] {
        let problem = GenericJson.check_settings(&wrong).unwrap_err();
        assert!(problem.contains(part), "{wrong}: {problem}");
        let refused = preview(&wrong, "{}").remove(0).event.unwrap_err();
        assert!(refused.problem.contains(part), "the preview says it as well: {}", refused.problem);
    }
}

#[test]
fn no_more_is_read_than_fits() {
    let body = Value::Array(vec![json!({ "id": 1 }); 20_100]).to_string();
    let all = readings(&GenericJson, &with(&json!({})), &body);
    assert_eq!(all.len(), 20_000);
    assert!(all[19_999].event.as_ref().unwrap_err().problem.starts_with("101 entries"));
}

#[test]
fn hostile_bodies_do_no_harm() {
    hostile_bodies(&GenericJson, &settings(), &[BODY]);
    let snapshot = with(&json!({ "list": "/alerts", "snapshot": { "scope": ["root:/account"] } }));
    hostile_bodies(&GenericJson, &snapshot, &[BODY]);
}

#[test]
fn the_example_in_the_set_up_holds() {
    let text = GenericJson.set_up();
    let json = text.split("```json").nth(1).unwrap().split("```").next().unwrap();
    assert_eq!(GenericJson.check_settings(&serde_json::from_str(json).unwrap()), Ok(()));
}
