//! What the tests of all adapters have in common: posting, real bodies, and bodies made to hurt.

pub(in crate::scanners) mod configured;
mod corpus;

use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use serde_json::{Value, json};

use super::{Posted, Sender, read};
use crate::{
    decisions::{
        catalogue::{Action, category},
        event::{Event, Reading, Unreadable},
    },
    queue::received::Headers,
    sync::assets::reported::AssetReading,
};

/// Names and values of headers.
pub(in crate::scanners) type Named<'a> = &'a [(&'a str, &'a str)];

/// What a sender reads in a body that came with these headers.
pub(in crate::scanners) fn post(sender: &dyn Sender, headers: Named<'_>, body: &[u8]) -> Vec<Reading> {
    let headers = Headers::new(headers.iter().copied());
    read(sender, &Posted { headers: &headers, body, settings: &Value::Null })
}

/// Every event of a body in which everything can be read.
pub(in crate::scanners) fn events(sender: &dyn Sender, headers: Named<'_>, body: &Value) -> Vec<Event> {
    let readings = post(sender, headers, body.to_string().as_bytes());
    readings.into_iter().map(|reading| reading.event.unwrap()).collect()
}

/// The one event of a body.
pub(in crate::scanners) fn event(sender: &dyn Sender, headers: Named<'_>, body: &Value) -> Event {
    remarked(sender, headers, body).0
}

/// The one event of a body, and what was remarked on it.
pub(in crate::scanners) fn remarked(
    sender: &dyn Sender,
    headers: Named<'_>,
    body: &Value,
) -> (Event, Vec<String>) {
    let mut readings = post(sender, headers, body.to_string().as_bytes());
    assert_eq!(readings.len(), 1, "{readings:?}");
    let reading = readings.remove(0);
    (reading.event.unwrap(), reading.remarks)
}

/// Why the one statement of a body is no event.
pub(in crate::scanners) fn refused(sender: &dyn Sender, headers: Named<'_>, body: &Value) -> Unreadable {
    let mut readings = post(sender, headers, body.to_string().as_bytes());
    assert_eq!(readings.len(), 1, "{readings:?}");
    readings.remove(0).event.unwrap_err()
}

/// An example with some of its places set to other values, each named by a JSON Pointer; made where they are missing.
pub(in crate::scanners) fn with(example: &str, changes: &[(&str, Value)]) -> Value {
    let mut body: Value = serde_json::from_str(example).unwrap();
    for (pointer, value) in changes {
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        let parent = body.pointer_mut(parent).unwrap_or_else(|| panic!("{pointer} has no parent"));
        if let Some(list) = parent.as_array_mut() {
            list[name.parse::<usize>().unwrap()] = value.clone();
        } else {
            parent[name] = value.clone();
        }
    }
    body
}

/// A real body of that name, where the folder named by `PSA_GATEWAY_PAYLOADS` has it.
#[expect(clippy::disallowed_methods, reason = "the folder of real bodies is no part of the configuration")]
pub(in crate::scanners) fn real(name: &str) -> Option<Value> {
    let Ok(folder) = std::env::var("PSA_GATEWAY_PAYLOADS") else {
        println!("{name}: skipped, PSA_GATEWAY_PAYLOADS names no folder of real bodies");
        return None;
    };
    let path = std::path::Path::new(&folder).join(format!("{name}.json"));
    let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    Some(serde_json::from_slice(&bytes).unwrap())
}

/// Posts arbitrary bytes, and the examples with places overwritten, under each of the sets of headers: nothing
/// may panic, and what is read must keep its bounds.
pub(in crate::scanners) fn survives(sender: &dyn Sender, headers: &[Named<'_>], examples: &[&str]) {
    let examples: Vec<Value> =
        examples.iter().map(|example| serde_json::from_str(example).unwrap()).collect();
    let runner = |cases| TestRunner::new(Config { failure_persistence: None, ..Config::with_cases(cases) });
    let check = |body: &[u8]| {
        for headers in headers {
            post(sender, headers, body).into_iter().try_for_each(|reading| within_bounds(sender, reading))?;
            let headers = Headers::new(headers.iter().copied());
            let posted = Posted { headers: &headers, body, settings: &Value::Null };
            sender.read_assets(&posted).into_iter().try_for_each(device_within_bounds)?;
        }
        Ok(())
    };
    runner(100).run(&any::<Vec<u8>>(), |body| check(&body)).unwrap();

    let change = (any::<prop::sample::Index>(), nasty());
    let changes = prop::collection::vec(change, 1..6);
    runner(250)
        .run(&(any::<prop::sample::Index>(), changes), |(which, changes)| {
            let mut body = which.get(&examples).clone();
            for (place, value) in changes {
                let mut at = place.index(places(&body));
                put(&mut body, &mut at, &value);
            }
            check(body.to_string().as_bytes())
        })
        .unwrap();
}

fn within_bounds(sender: &dyn Sender, reading: Reading) -> Result<(), TestCaseError> {
    prop_assert!(reading.remarks.len() <= 100);
    let event = match reading.event {
        Ok(event) => event,
        Err(refused) => {
            prop_assert!(!refused.problem.is_empty() && refused.problem.len() <= 1_000);
            prop_assert!(refused.kind.is_none_or(|kind| !kind.contains(char::is_control)));
            return Ok(());
        }
    };
    prop_assert!((1..=255).contains(&event.finding_key.len()), "key {:?}", event.finding_key);
    prop_assert!(!event.finding_key.contains(char::is_control));
    prop_assert!((1..=200).contains(&event.title.chars().count()), "title {:?}", event.title);
    prop_assert!(!event.title.contains(char::is_control) && !event.body_md.contains('\0'));
    prop_assert!(event.client_ref.is_none_or(|name| (1..=255).contains(&name.len())));
    prop_assert!(event.evidence_url.is_none_or(|url| url.starts_with("https://")));
    prop_assert!(sender.kinds().contains(&event.kind.name), "undeclared {}", event.kind.name);
    prop_assert!(category(&event.category).is_some(), "category {}", event.category);
    prop_assert_eq!(event.source.as_str(), sender.key());
    prop_assert_eq!(event.close_reason.is_some(), event.kind.action == Action::Close);
    prop_assert_eq!(event.scope_key.is_some(), event.kind.action == Action::Sweep);
    Ok(())
}

fn device_within_bounds(reading: AssetReading) -> Result<(), TestCaseError> {
    let device = match reading.said {
        Ok(device) => device,
        Err(problem) => {
            prop_assert!(!problem.is_empty() && problem.len() <= 1_000, "{problem}");
            return Ok(());
        }
    };
    prop_assert!((1..=100).contains(&device.source.len()) && (1..=255).contains(&device.client_ref.len()));
    prop_assert!(!device.said.name.is_empty() && !device.said.name.contains(char::is_control));
    Ok(())
}

/// Values that adapters trip over.
fn nasty() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        (1_usize..3_000).prop_map(|length| Value::from("ä/".repeat(length))),
        Just(json!("")),
        Just(json!(" \u{0}\n\u{202e}")),
        Just(json!("9999-12-31T23:59:59+0000")),
        Just(json!([])),
        Just(json!({})),
        Just(json!([null, 1, "x", [], { "id": "x" }])),
        Just(json!({ "id": "x", "name": ["y"] })),
    ]
}

fn places(value: &Value) -> usize {
    1 + match value {
        Value::Array(list) => list.iter().map(places).sum(),
        Value::Object(fields) => fields.values().map(places).sum::<usize>(),
        _ => 0,
    }
}

/// Overwrites the place of that number, counted from the outside inwards.
fn put(value: &mut Value, at: &mut usize, new: &Value) -> bool {
    if *at == 0 {
        *value = new.clone();
        return true;
    }
    *at -= 1;
    match value {
        Value::Array(list) => list.iter_mut().any(|inside| put(inside, at, new)),
        Value::Object(fields) => fields.values_mut().any(|inside| put(inside, at, new)),
        _ => false,
    }
}
