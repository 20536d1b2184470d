//! The same for adapters that go by the endpoint's settings.

use proptest::{collection::vec, prelude::*, sample::Index, test_runner::TestRunner};
use serde_json::Value;

use super::{Posted, Sender, places, put, read};
use crate::{
    decisions::{
        catalogue::Action,
        event::{Event, Reading, Unreadable},
    },
    queue::received::Headers,
};

/// What a body says, within the bounds that hold for every event.
pub(in crate::scanners) fn readings(sender: &dyn Sender, settings: &Value, body: &str) -> Vec<Reading> {
    read(sender, &Posted { headers: &Headers::default(), body: body.as_bytes(), settings })
}

/// The events of a body in which everything can be read.
pub(in crate::scanners) fn events(sender: &dyn Sender, settings: &Value, body: &str) -> Vec<Event> {
    let read = readings(sender, settings, body).into_iter();
    read.map(|reading| reading.event.unwrap_or_else(|error| panic!("{error:?}\n{body}"))).collect()
}

/// The only event of a body.
pub(in crate::scanners) fn event(sender: &dyn Sender, settings: &Value, body: &Value) -> Event {
    let mut all = events(sender, settings, &body.to_string());
    assert_eq!(all.len(), 1, "{body}");
    all.remove(0)
}

/// Why the only statement of a body cannot be read.
pub(in crate::scanners) fn refused(sender: &dyn Sender, settings: &Value, body: &Value) -> Unreadable {
    let mut all = readings(sender, settings, &body.to_string());
    assert_eq!(all.len(), 1, "{body}");
    all.remove(0).event.unwrap_err()
}

/// The kinds of events, in their order.
pub(in crate::scanners) fn kinds(events: &[Event]) -> Vec<&'static str> {
    events.iter().map(|event| event.kind.name).collect()
}

/// The body of a real product in that file; none where no folder of them is named.
pub(in crate::scanners) fn real(file: &str) -> Option<String> {
    super::real(file).map(|body| body.to_string())
}

/// Reads arbitrary bytes and arbitrarily changed bodies, with these settings and with arbitrary ones.
pub(in crate::scanners) fn hostile_bodies(sender: &dyn Sender, settings: &Value, fixtures: &[&str]) {
    let config = ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() };
    let bodies: Vec<Value> = fixtures.iter().map(|text| serde_json::from_str(text).unwrap()).collect();
    let changes = vec((any::<Index>(), any_json(&words(&bodies))), 1..5);
    let run = TestRunner::new(config.clone()).run(&(any::<Index>(), changes), |(which, changes)| {
        let mut body = which.get(&bodies).clone();
        for (at, with) in changes {
            let count = places(&body);
            put(&mut body, &mut at.index(count), &with);
        }
        keeps_its_bounds(sender, readings(sender, settings, &body.to_string()))
    });
    run.unwrap();
    let run = TestRunner::new(config.clone()).run(&vec(any::<u8>(), 0..200), |body| {
        let posted = Posted { headers: &Headers::default(), body: &body, settings };
        keeps_its_bounds(sender, read(sender, &posted))
    });
    run.unwrap();
    let run = TestRunner::new(config).run(&any_json(&words(std::slice::from_ref(settings))), |settings| {
        let _ = sender.check_settings(&settings);
        fixtures.iter().try_for_each(|body| keeps_its_bounds(sender, readings(sender, &settings, body)))
    });
    run.unwrap();
}

pub(super) fn keeps_its_bounds(sender: &dyn Sender, readings: Vec<Reading>) -> Result<(), TestCaseError> {
    prop_assert!(readings.len() <= 20_001);
    let sweeps = readings.iter().enumerate().filter(|(index, reading)| {
        let sweeps = reading.event.as_ref().is_ok_and(|event| event.kind.action == Action::Sweep);
        sweeps && index + 1 < readings.len()
    });
    prop_assert_eq!(sweeps.count(), 0, "a snapshot is the last of its delivery");
    for event in readings.into_iter().filter_map(|reading| reading.event.ok()) {
        let short = |text: &String| (1..=255).contains(&text.len());
        prop_assert!(short(&event.finding_key) && event.present.iter().all(short), "{:?}", event);
        prop_assert!(event.client_ref.iter().chain(&event.scope_key).all(short), "{:?}", event);
        prop_assert!((1..=200).contains(&event.title.chars().count()), "{:?}", event.title);
        prop_assert!(event.body_md.len() <= 64 * 1024);
        prop_assert!(event.evidence_url.iter().all(|url| url.starts_with("https://")));
        prop_assert!(sender.kinds().contains(&event.kind.name), "{} is not declared", event.kind.name);
        prop_assert!(crate::decisions::catalogue::category(&event.category).is_some(), "{}", event.category);
        prop_assert_eq!(event.kind.action == Action::Close, event.close_reason.is_some());
    }
    Ok(())
}

fn any_json(words: &[String]) -> impl Strategy<Value = Value> + use<> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,300}".prop_map(Value::from),
        prop::sample::select(words.to_vec()).prop_map(Value::from),
    ];
    let names = prop::sample::select(words.to_vec());
    leaf.prop_recursive(3, 20, 5, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..5).prop_map(Value::from),
            vec((names.clone(), inner), 0..5)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

/// The texts and names in these bodies: what an adapter looks for.
fn words(bodies: &[Value]) -> Vec<String> {
    fn collect(value: &Value, words: &mut Vec<String>) {
        match value {
            Value::String(text) => words.push(text.clone()),
            Value::Array(list) => list.iter().for_each(|inner| collect(inner, words)),
            Value::Object(map) => map.iter().for_each(|(name, inner)| {
                words.push(name.clone());
                collect(inner, words);
            }),
            _ => {}
        }
    }
    let mut words = vec![String::from("x")];
    for body in bodies {
        collect(body, &mut words);
    }
    words
}
