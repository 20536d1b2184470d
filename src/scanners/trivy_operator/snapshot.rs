//! From a report to its findings and the snapshot that closes what is gone.

use std::collections::HashMap;

use super::{report::Report, settings::Settings};
use crate::{
    decisions::event::{Event, Reading, Unreadable},
    scanners::{
        Posted,
        reading::{
            body::json,
            each::{MAX_READINGS, too_many},
            place::Place,
            settings::{parse, refused},
            start,
        },
    },
};

pub(super) fn body(posted: &Posted<'_>) -> Result<Vec<Reading>, Unreadable> {
    let settings: Settings = parse(posted.settings).map_err(|problem| refused(&problem))?;
    settings.check().map_err(|problem| refused(&problem))?;
    let value = json(posted.body)?;
    let root = Place::root(&value);
    let (wrapped, verb) = (root.at("operatorObject"), root.at("verb"));
    if !wrapped.is_there() {
        return findings(&Report::new(&root, &settings)?);
    }
    let report = Report::new(&wrapped, &settings)?;
    match verb.word().as_deref() {
        Some("create" | "update") => findings(&report),
        Some("delete") => Ok(vec![deleted(&report)?]),
        _ => Err(start::unknown(&verb, "a report is created, updated or deleted")),
    }
}

/// Says nothing of any finding: the report may be another one than the one that was deleted.
fn deleted(report: &Report<'_>) -> Result<Reading, Unreadable> {
    let title = format!("{} of {} was deleted", report.sort, report.name);
    let mut reading = Reading::from(report.event("scan.finished", report.scope_key.clone(), title)?);
    reading.remarks.push(
        "nothing was closed: Trivy Operator is known to name a report here that is still there".to_owned(),
    );
    Ok(reading)
}

fn findings(report: &Report<'_>) -> Result<Vec<Reading>, Unreadable> {
    let counted = counted(&report.content.at("summary"));
    if !report.list.value().is_some_and(serde_json::Value::is_array) && counted != Some(0) {
        // Absence closes, so that a list that is not there must not look like an empty one.
        return Err(Unreadable::missing(report.list.pointer(), "the report has no list of what was found"));
    }
    let items = report.list.items();
    // One place is kept for the snapshot.
    let left = (items.len() + 1).saturating_sub(MAX_READINGS);
    let mut found = Found::default();
    for item in items.iter().take(MAX_READINGS - 1) {
        found.add((report.read)(item, report));
    }
    if left > 0 {
        found.readings.push(too_many(&report.list, left).into());
        found.whole = false;
    }
    let seen = u64::try_from(found.seen).unwrap_or(u64::MAX);
    let snapshot = if !found.whole {
        Err("entries of this report could not be read, so that nothing was closed by their absence")
    } else if counted.is_some_and(|counted| counted > seen) {
        Err("this report counts more findings than it lists, so that nothing was closed by absence")
    } else {
        let title = format!("{} of {} was read", report.sort, report.name);
        let mut snapshot = report.event("scan.snapshot", report.scope_key.clone(), title)?;
        snapshot.present = found.keys;
        Ok(snapshot)
    };
    found.readings.push(match snapshot {
        Ok(snapshot) => snapshot.into(),
        Err(problem) => Unreadable::invalid(report.list.pointer(), problem).into(),
    });
    Ok(found.readings)
}

/// What was read of a report so far.
struct Found {
    readings: Vec<Reading>,
    /// Keys in the order of the report.
    keys: Vec<String>,
    /// Where the finding of a key stands among the readings.
    by_key: HashMap<String, usize>,
    /// How many entries were problems, with those that are one finding.
    seen: usize,
    /// Whether every entry was read.
    whole: bool,
}

impl Default for Found {
    fn default() -> Self {
        Self { readings: Vec::new(), keys: Vec::new(), by_key: HashMap::new(), seen: 0, whole: true }
    }
}

impl Found {
    fn add(&mut self, read: Result<Option<Event>, Unreadable>) {
        match read {
            Ok(None) => {}
            Ok(Some(event)) => {
                self.seen += 1;
                if let Some(first) =
                    self.by_key.get(&event.finding_key).and_then(|index| self.readings.get_mut(*index))
                {
                    merge(first, &event);
                } else {
                    self.by_key.insert(event.finding_key.clone(), self.readings.len());
                    self.keys.push(event.finding_key.clone());
                    self.readings.push(event.into());
                }
            }
            Err(unreadable) => {
                self.whole = false;
                self.readings.push(unreadable.into());
            }
        }
    }
}

/// One image may hold the same package twice: one finding, at the worse of the two severities.
fn merge(first: &mut Reading, again: &Event) {
    let Ok(event) = &mut first.event else { return };
    event.severity = event.severity.max(again.severity);
    if first.remarks.is_empty() {
        first.remarks.push("the report lists this more than once; it is one finding".to_owned());
    }
}

/// How many problems the report says it has. `noneCount` counts packages without any.
fn counted(summary: &Place<'_>) -> Option<u64> {
    let counts = ["criticalCount", "highCount", "mediumCount", "lowCount", "unknownCount"];
    summary
        .is_there()
        .then(|| counts.iter().filter_map(|name| summary.at(name).count()).fold(0_u64, u64::saturating_add))
}
