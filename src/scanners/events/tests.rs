use entity::{Severity, Timestamp};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::{
    decisions::{
        catalogue::{Action, KINDS, category},
        event::{CloseReason, Event, Unreadable},
    },
    queue::received::Headers,
};

fn posted(body: &[u8]) -> Vec<Reading> {
    Events.read(&Posted { headers: &Headers::default(), body, settings: &Value::Null })
}

fn readings(body: &Value) -> Vec<Reading> {
    posted(body.to_string().as_bytes())
}

fn reading(body: &Value) -> Reading {
    let mut all = readings(body);
    assert_eq!(all.len(), 1);
    all.remove(0)
}

/// An event that must be read without any remark.
fn clean(body: &Value) -> Event {
    let reading = reading(body);
    assert_eq!(reading.remarks, Vec::<String>::new(), "{body}");
    reading.event.unwrap()
}

fn refused(body: &Value) -> Unreadable {
    reading(body).event.unwrap_err()
}

/// A small event that is read without a remark, changed.
fn with(changes: Value) -> Value {
    let Value::Object(changes) = changes else { panic!("not an object: {changes}") };
    let mut body = json!({ "kind": "finding.opened", "finding_key": "k", "title": "t" });
    for (name, value) in changes {
        body[name] = value;
    }
    body
}

#[test]
fn the_examples_are_read_without_a_remark() {
    for (name, body) in EXAMPLES {
        for reading in posted(body.as_bytes()) {
            assert!(reading.event.is_ok() && reading.remarks.is_empty(), "{name}: {reading:?}");
        }
    }
    let opened = clean(&serde_json::from_str(EXAMPLES[0].1).unwrap());
    assert_eq!(opened.severity, Severity::Critical);
    assert_eq!(opened.occurred_at, Timestamp::parse_rfc3339("2026-01-15T09:30:00Z"));
    assert_eq!(opened.vulns[0].cvss[0].score, Some(10.0));
    assert_eq!(opened.category, "vulnerability");
    let resolved = clean(&serde_json::from_str(EXAMPLES[1].1).unwrap());
    assert_eq!(resolved.finding_key, opened.finding_key);
    assert_eq!(resolved.close_reason, Some(CloseReason::Fixed));
}

#[test]
fn one_bad_event_does_not_hide_its_neighbours() {
    let all = readings(&json!([with(json!({})), 7, { "kind": "finding.oppened" }, with(json!({}))]));
    assert_eq!(all.iter().map(|one| one.event.is_ok()).collect::<Vec<_>>(), [true, false, false, true]);
    assert_eq!(all[1].event.as_ref().unwrap_err().pointer, "/1");
    let unknown = all[2].event.as_ref().unwrap_err();
    assert_eq!((unknown.code, &*unknown.pointer), ("unknown_kind", "/2/kind"));
    assert_eq!(unknown.kind.as_deref(), Some("finding.oppened"));
    assert!(unknown.problem.contains("finding.opened"), "{}", unknown.problem);
    assert!(readings(&json!([])).is_empty());

    let many = readings(&Value::Array(vec![with(json!({})); 1_002]));
    assert_eq!(many.len(), 1_001);
    assert_eq!(many[1_000].event.as_ref().unwrap_err().pointer, "/1000");
}

#[test]
fn a_body_that_is_no_json_says_where() {
    let deep = [b"[".repeat(10_000), b"]".repeat(10_000)].concat();
    for (body, part) in [
        (&b""[..], "empty"),
        (b" \n ", "empty"),
        (b"{\"kind\":\n oops}", "line 2 column 2"),
        (b"{}x", "line 1 column 3"),
        (b"{\n\"a\": \"\xC3\x28\"}", "line 2, byte 7"),
        (b"\xFF\xFE{\0}\0", "UTF-16"),
        (&deep, "recursion limit"),
    ] {
        let all = posted(body);
        assert_eq!(all.len(), 1);
        let error = all[0].event.as_ref().unwrap_err();
        assert_eq!((error.code, &*error.pointer), ("invalid_json", ""));
        assert!(error.problem.contains(part), "{}", error.problem);
    }
    let body = format!("\u{FEFF}{}", with(json!({})));
    assert!(posted(body.as_bytes())[0].event.is_ok(), "a byte order mark is no error");
}

#[test]
fn what_decides_must_be_right() {
    for (changes, code, pointer) in [
        (json!({ "kind": null }), "missing_field", "/kind"),
        (json!({ "kind": 3 }), "invalid_field", "/kind"),
        (json!({ "occurred_at": "yesterday" }), "invalid_field", "/occurred_at"),
        (json!({ "occurred_at": 1_767_225_600 }), "invalid_field", "/occurred_at"),
        (json!({ "finding_key": "x".repeat(256) }), "invalid_field", "/finding_key"),
        (json!({ "finding_key": "a\u{0}" }), "invalid_field", "/finding_key"),
        (json!({ "finding_key": ["a"] }), "invalid_field", "/finding_key"),
        (json!({ "client_ref": 1.5 }), "invalid_field", "/client_ref"),
        (json!({ "asset": { "uid": {} } }), "invalid_field", "/asset/uid"),
        (json!({ "action": "close" }), "invalid_field", "/action"),
        (json!({ "kind": "finding.resolved", "close_reason": "tired" }), "invalid_field", "/close_reason"),
        (json!({ "finding_key": "" }), "missing_field", "/finding_key"),
    ] {
        let error = refused(&with(changes.clone()));
        assert_eq!((error.code, &*error.pointer), (code, pointer), "{changes}");
        assert!(!error.problem.is_empty());
    }
    let standard = json!({ "type": "finding.opened", "timestamp": "2026-01-15T09:30:00Z", "data": {} });
    assert!(refused(&standard).problem.contains("instead of type"));
}

#[test]
fn what_informs_is_dropped_with_a_remark() {
    for (changes, pointer) in [
        (json!({ "severity": "spicy" }), "/severity"),
        (json!({ "severity": 9.8 }), "/severity"),
        (json!({ "category": "vulnerabilty" }), "/category"),
        (json!({ "title": 5 }), "/title"),
        (json!({ "title": "x".repeat(201) }), "/title"),
        (json!({ "body_md": "ä".repeat(40_000) }), "/body_md"),
        (json!({ "evidence_url": "http://a.example/" }), "/evidence_url"),
        (json!({ "evidence_url": "https://user:secret@a.example/" }), "/evidence_url"),
        (json!({ "asset": { "url": "javascript:alert(1)" } }), "/asset/url"),
        (json!({ "asset": "web-1" }), "/asset"),
        (json!({ "vulns": [{ "cvss": [{ "score": 11 }] }] }), "/vulns/0/cvss/0/score"),
        (json!({ "vulns": [{ "cve": "GHSA-x" }] }), "/vulns/0/cve"),
        (json!({ "counts": { "high": -1 } }), "/counts"),
        (json!({ "labels": { "a": {} } }), "/labels"),
        (json!({ "close_reason": "fixed" }), "/close_reason"),
        (json!({ "group_key": "g" }), "/group_key"),
        (json!({ "a/b~c": 1 }), "/a~1b~0c"),
    ] {
        let reading = reading(&with(changes.clone()));
        assert!(reading.event.is_ok(), "{changes}: {reading:?}");
        assert_eq!(reading.remarks.len(), 1, "{changes}: {:?}", reading.remarks);
        assert!(reading.remarks[0].starts_with(&format!("{pointer}: ")), "{:?}", reading.remarks);
    }
    let typo = reading(&with(json!({ "severty": "high" })));
    assert!(typo.remarks[0].contains("severity"), "{:?}", typo.remarks);
    let many: serde_json::Map<String, Value> = (0..500).map(|n| (format!("x{n}"), json!(n))).collect();
    assert_eq!(reading(&with(Value::Object(many))).remarks.len(), 51);
}

#[test]
fn severities_are_translated_and_never_guessed() {
    for (word, severity, raw) in [
        ("HIGH", Severity::High, None),
        ("moderate", Severity::Medium, Some("moderate")),
        ("Informational", Severity::Info, Some("Informational")),
        ("fatal", Severity::Critical, Some("fatal")),
        ("none", Severity::Info, Some("none")),
    ] {
        let event = clean(&with(json!({ "severity": word })));
        assert_eq!((event.severity, event.severity_raw.as_deref()), (severity, raw));
    }
    let odd = reading(&with(json!({ "severity": "spicy" }))).event.unwrap();
    assert_eq!((odd.severity, odd.severity_raw.as_deref()), (Severity::Unknown, Some("spicy")));
    assert_eq!(clean(&with(json!({}))).severity, Severity::Unknown);
}

#[test]
fn texts_are_cleaned_and_long_titles_begin_the_body() {
    let long = "word ".repeat(100);
    let event = reading(&with(json!({ "title": long, "body_md": "more" }))).event.unwrap();
    assert_eq!(event.title.chars().count(), 200);
    assert!(event.body_md.starts_with(long.trim()) && event.body_md.ends_with("\n\nmore"));
    let event = clean(&with(json!({ "title": "a\nb\u{7}\u{202e}c", "body_md": "x\u{0}\r\ny" })));
    assert_eq!((&*event.title, &*event.body_md), ("a b c", "x\ny"));
    let body = json!({ "kind": "asset.offline", "asset": { "uid": "1", "name": "DC1" } });
    assert_eq!(reading(&body).event.unwrap().title, "An asset is offline: DC1");
}

#[test]
fn closing_kinds_have_a_reason() {
    for kind in KINDS {
        let body = with(json!({ "kind": kind.name }));
        let body = match kind.action {
            Action::Sweep => with(json!({ "kind": kind.name, "scope_key": "s", "present": ["k"] })),
            _ => body,
        };
        let expected = match (kind.action, kind.name) {
            (Action::Close, "finding.dismissed") => Some(CloseReason::Dismissed),
            (Action::Close, _) => Some(CloseReason::Fixed),
            _ => None,
        };
        assert_eq!(clean(&body).close_reason, expected, "{}", kind.name);
        assert!(category(kind.category).is_some());
    }
    let accepted = with(json!({ "kind": "finding.dismissed", "close_reason": "accepted_risk" }));
    assert_eq!(clean(&accepted).close_reason, Some(CloseReason::AcceptedRisk));
}

fn key(body: &Value) -> String {
    reading(body).event.unwrap_or_else(|error| panic!("{body}: {error:?}")).finding_key
}

#[test]
fn a_key_is_made_from_declared_identity_only() {
    let opened = json!({ "kind": "finding.opened", "source": "s", "client_ref": "c", "asset": { "uid": "a" },
        "vulns": [{ "cve": "CVE-2024-3094" }] });
    let made = key(&opened);
    assert_eq!(made.len(), 67);
    // Pinned: another key for the same problem would open a second ticket after an upgrade.
    assert_eq!(made, "v1:1d080b7c7f60c065356abf38cc1e5ab49a075ebb14334b67014f4ba370e5906b");
    // Everything that may change while the problem stays the same.
    let mut later = json!({ "kind": "finding.resolved", "source": "s", "client_ref": "c",
        "asset": { "uid": "a", "name": "renamed", "ip": "10.0.0.1" }, "severity": "low", "title": "other",
        "body_md": "other", "occurred_at": "2030-01-01T00:00:00Z", "sequence": 9, "id": "scan-9",
        "scope_key": "scan-9", "product": { "name": "p", "version": "2" }, "labels": { "x": "y" },
        "vulns": [{ "cve": "cve-2024-3094", "cvss": [{ "score": 1 }] }] });
    assert_eq!(key(&later), made);
    // Everything that makes it another problem.
    for (pointer, value) in
        [("/source", "t"), ("/client_ref", "d"), ("/asset/uid", "b"), ("/vulns/0/cve", "CVE-2024-3095")]
    {
        let mut other = opened.clone();
        *other.pointer_mut(pointer).unwrap() = json!(value);
        assert_ne!(key(&other), made, "{pointer}");
    }
    later["labels"]["rule_id"] = json!("r");
    assert_ne!(key(&later), made);

    // One problem across the kinds of a family, whoever it is about.
    let asset = |kind: &str| key(&json!({ "kind": kind, "asset": { "uid": "a" } }));
    assert_eq!(asset("asset.offline"), asset("asset.online"));
    assert_ne!(asset("asset.offline"), asset("agent.not_reporting"));
    let user = |kind: &str| key(&json!({ "kind": kind, "user": { "uid": "u" }, "asset": { "uid": kind } }));
    assert_eq!(user("identity.user_locked_out"), user("identity.user_unlocked"));
}

#[test]
fn a_key_is_never_guessed() {
    for body in [
        json!({ "kind": "asset.offline", "asset": { "name": "DC1" } }),
        json!({ "kind": "identity.user_locked_out", "asset": { "uid": "a" } }),
        json!({ "kind": "finding.opened", "asset": { "uid": "a" }, "title": "t" }),
        json!({ "kind": "finding.opened", "vulns": [{ "cve": "CVE-2024-3094" }] }),
        json!({ "kind": "finding.opened", "asset": { "uid": "a" },
            "vulns": [{ "cve": "CVE-2024-3094" }, { "cve": "CVE-2024-3095" }] }),
    ] {
        let error = refused(&body);
        assert_eq!((error.code, &*error.pointer), ("missing_field", "/finding_key"), "{body}");
        assert!(error.problem.contains("finding_key"));
        assert!(error.kind.is_some());
    }
    assert!(reading(&json!({ "kind": "scan.finished" })).event.is_ok(), "a scan is no problem");
}

/// Follows `$ref`s: the schema of a property, or of a list's items.
fn resolve<'s>(root: &'s Value, schema: &'s Value) -> &'s Value {
    if let Some(pointer) = schema["$ref"].as_str() {
        return resolve(root, root.pointer(pointer.trim_start_matches('#')).unwrap());
    }
    match schema["anyOf"].as_array() {
        Some(any) => resolve(root, any.iter().find(|one| one["type"] != "null").unwrap()),
        None => schema,
    }
}

/// An object with every property of a schema, down to the leaves.
fn filled(root: &Value, schema: &Value) -> Value {
    let schema = resolve(root, schema);
    if let Some(properties) = schema["properties"].as_object() {
        return properties.iter().map(|(name, inner)| (name.clone(), filled(root, inner))).collect();
    }
    if !schema["items"].is_null() {
        return json!([filled(root, &schema["items"])]);
    }
    if schema["type"] == "string" { json!("x") } else { Value::Null }
}

#[test]
fn the_schema_has_exactly_the_fields_that_are_read() {
    let root = event_schema();
    let mut full = filled(&root, &root["$defs"]["Event"]);
    full["kind"] = json!("finding.opened");
    full["title"] = json!("t");
    full["finding_key"] = json!("k");
    let mut snapshot = full.clone();
    full.as_object_mut().unwrap().remove("present"); // of snapshots only
    clean(&full); // a property that is not read would be remarked upon
    snapshot["kind"] = json!("scan.snapshot");
    snapshot["scope_key"] = json!("s");
    assert!(!reading(&snapshot).remarks.iter().any(|remark| remark.contains("present")), "it is read there");

    // The other way: every field that is read is asked for by name, and each known name is in the schema.
    let source = concat!(include_str!("read.rs"), include_str!("parts.rs"));
    let calls = source.split("fields.").skip(1).filter_map(|call| {
        let (method, rest) = call.split_once("(\"")?;
        let reads = ["value", "key", "time", "line", "lines", "number", "flag", "link", "words", "object"];
        let reads = reads.contains(&method) || ["objects", "entries"].contains(&method);
        if reads { rest.split('"').next() } else { None }
    });
    let text = root["$defs"].to_string();
    let names: Vec<&str> = calls.collect();
    assert!(names.len() > 40, "the reader's source is not written as this test expects");
    for name in names {
        assert!(text.contains(&format!("\"{name}\":")), "{name} is read, but not in the schema");
    }
}

/// The part of JSON Schema that ours is written in.
fn accepts(root: &Value, schema: &Value, value: &Value) -> bool {
    let is = |name: &Value| match name.as_str().unwrap() {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        _ => value.is_null(),
    };
    let all = |list: &Value, count: &dyn Fn(usize, usize) -> bool| {
        let list = list.as_array().unwrap();
        count(list.iter().filter(|one| accepts(root, one, value)).count(), list.len())
    };
    schema.as_object().unwrap().iter().all(|(word, rule)| match word.as_str() {
        "$ref" => accepts(root, root.pointer(rule.as_str().unwrap().trim_start_matches('#')).unwrap(), value),
        "type" => rule.as_array().map_or_else(|| is(rule), |any| any.iter().any(is)),
        "oneOf" => all(rule, &|fit, _| fit == 1),
        "anyOf" => all(rule, &|fit, _| fit > 0),
        "enum" => rule.as_array().unwrap().contains(value),
        "const" => rule == value,
        "maxLength" => {
            value.as_str().is_none_or(|text| text.chars().count() as u64 <= rule.as_u64().unwrap())
        }
        "maxItems" => value.as_array().is_none_or(|list| list.len() as u64 <= rule.as_u64().unwrap()),
        "minimum" => value.as_f64().is_none_or(|number| number >= rule.as_f64().unwrap()),
        "pattern" => value.as_str().is_none_or(|text| text.starts_with(&rule.as_str().unwrap()[1..])),
        "required" => value
            .as_object()
            .is_none_or(|o| rule.as_array().unwrap().iter().all(|n| o.contains_key(n.as_str().unwrap()))),
        "properties" => value.as_object().is_none_or(|o| {
            o.iter().all(|(name, inner)| rule.get(name).is_none_or(|schema| accepts(root, schema, inner)))
        }),
        "additionalProperties" => {
            value.as_object().is_none_or(|o| o.values().all(|inner| accepts(root, rule, inner)))
        }
        "items" => value.as_array().is_none_or(|list| list.iter().all(|inner| accepts(root, rule, inner))),
        "maxProperties" | "format" | "description" | "title" | "$schema" | "$defs" | "examples" => true,
        other => panic!("this test does not know the word {other}"),
    })
}

#[test]
fn the_schema_accepts_the_examples_and_refuses_what_is_refused() {
    let root = event_schema();
    assert_eq!(root["examples"].as_array().unwrap().len(), EXAMPLES.len());
    for (name, body) in EXAMPLES {
        assert!(accepts(&root, &root, &serde_json::from_str(body).unwrap()), "{name}");
    }
    for body in
        [json!({}), json!(3), json!([7]), with(json!({ "kind": "x" })), with(json!({ "action": "go" }))]
    {
        assert!(!accepts(&root, &root, &body), "{body}");
    }
    let event = &root["$defs"]["Event"];
    assert_eq!(event["required"], json!(["kind"]));
    for (name, property) in event["properties"].as_object().unwrap() {
        assert!(property["description"].is_string(), "{name} has no description");
    }
    assert_eq!(event["properties"]["kind"]["oneOf"].as_array().unwrap().len(), KINDS.len());
}

#[test]
fn a_contact_is_named_by_its_id_or_its_address_and_an_unreadable_one_costs_no_event() {
    let contact = |sent: Value| {
        let event = json!({ "kind": "finding.opened", "finding_key": "k", "title": "t", "contact": sent });
        let contact = reading(&event).event.unwrap().contact;
        contact.map(|contact| (contact.id.unwrap_or_default(), contact.email.unwrap_or_default()))
    };
    let named = |id: &str, email: &str| Some((id.to_owned(), email.to_owned()));
    assert_eq!(contact(json!({ "id": 17 })), named("17", ""));
    assert_eq!(contact(json!({ "id": " 17 ", "email": "kim@a.example" })), named("17", "kim@a.example"));
    for nobody in [json!({}), json!({ "id": "", "email": null }), json!("kim"), json!({ "id": [1] })] {
        assert_eq!(contact(nobody), None);
    }
}

fn kind_name() -> impl Strategy<Value = &'static str> {
    (0..KINDS.len()).prop_map(|index| KINDS[index].name)
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,20}".prop_map(Value::from),
        kind_name().prop_map(Value::from),
    ];
    let names = prop_oneof![
        ".{0,12}",
        prop::sample::select(vec![
            "kind",
            "asset",
            "uid",
            "vulns",
            "cve",
            "cvss",
            "finding_key",
            "title",
            "user",
            "contact",
            "labels",
            "severity",
            "occurred_at",
            "close_reason",
            "counts",
            "evidence_url",
            "body_md",
            "product",
            "epss",
            "kev",
        ])
        .prop_map(str::to_owned),
    ];
    leaf.prop_recursive(5, 64, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((names.clone(), inner), 0..8)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn arbitrary_bytes_never_panic(body in any::<Vec<u8>>()) {
        let _ = posted(&body);
    }

    #[test]
    fn arbitrary_json_never_panics_and_what_is_read_keeps_its_bounds(
        mut body in any_json(), kind in kind_name(),
    ) {
        if let Some(object) = body.as_object_mut() {
            object.insert("kind".to_owned(), json!(kind));
        }
        for reading in readings(&body) {
            if let Ok(event) = reading.event {
                prop_assert!((1..=255).contains(&event.finding_key.len()));
                prop_assert!((1..=200).contains(&event.title.chars().count()));
                prop_assert!(!event.title.contains(char::is_control) && !event.body_md.contains('\0'));
                prop_assert!(event.body_md.len() <= 64 * 1024);
                prop_assert!(event.evidence_url.is_none_or(|url| url.starts_with("https://")));
            }
        }
    }

    #[test]
    fn permuting_a_list_permutes_its_readings(mut list in prop::collection::vec(any_json(), 0..8), seed in any::<prop::sample::Index>()) {
        let shown = |list: &[Value]| -> Vec<String> {
            readings(&json!(list)).iter().enumerate().map(|(index, reading)| {
                format!("{reading:?}").replace(&format!("\"/{index}"), "\"/#")
            }).collect()
        };
        let mut before = shown(&list);
        if !list.is_empty() {
            let by = seed.index(list.len());
            list.rotate_left(by);
            before.rotate_left(by);
        }
        prop_assert_eq!(shown(&list), before);
    }
}
