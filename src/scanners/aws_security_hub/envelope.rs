//! Out of SNS and EventBridge.

use serde_json::Value;

use super::{SOURCE, asff};
use crate::{
    decisions::event::{Reading, Unreadable},
    scanners::{
        ocsf::read as ocsf,
        reading::{body::json, each::each, place::Place, start},
    },
};

pub(super) fn body(bytes: &[u8]) -> Result<Vec<Reading>, Unreadable> {
    let value = json(bytes)?;
    let root = Place::root(&value);
    match root.at("Type").line().as_deref() {
        // The signature scheme confirms subscriptions; there is nothing to read in them.
        Some("SubscriptionConfirmation" | "UnsubscribeConfirmation") if root.at("TopicArn").is_there() => {
            Ok(Vec::new())
        }
        Some("Notification") if root.at("TopicArn").is_there() || root.at("Message").is_there() => {
            message(&root.at("Message"))
        }
        _ => event(&root),
    }
}

/// The text inside of a notification. Places in it cannot be pointed at from outside, so that they are named.
fn message(place: &Place<'_>) -> Result<Vec<Reading>, Unreadable> {
    let Some(text) = place.value().and_then(Value::as_str) else {
        return Err(Unreadable::missing(place.pointer(), "the notification has no message"));
    };
    let moved = |unreadable: Unreadable| {
        let inside = Some(unreadable.pointer.as_str()).filter(|pointer| !pointer.is_empty());
        let problem = match inside {
            Some(inside) => format!("at {inside} of the message: {}", unreadable.problem),
            None => unreadable.problem.clone(),
        };
        Unreadable { pointer: place.pointer().to_owned(), problem, ..unreadable }
    };
    let value = json(text.as_bytes()).map_err(moved)?;
    let readings = event(&Place::root(&value)).map_err(moved)?;
    Ok(readings
        .into_iter()
        .map(|reading| Reading { event: reading.event.map_err(moved), remarks: reading.remarks })
        .collect())
}

/// An event of EventBridge, a batch as of the API, or the finding itself.
fn event(root: &Place<'_>) -> Result<Vec<Reading>, Unreadable> {
    let detail = root.at("detail");
    let holder = if root.at("detail-type").is_there() { detail } else { root.clone() };
    let findings = holder.first(&["findings", "Findings"]);
    if findings.value().is_some_and(Value::is_array) {
        return Ok(each(&findings, |finding| one(&finding)));
    }
    if root.value().is_some_and(Value::is_array) {
        return Ok(each(root, |finding| one(&finding)));
    }
    if root.at("detail-type").is_there() && !is_finding(&holder) {
        return Err(start::unknown(
            &root.at("detail-type"),
            "only events of Security Hub with findings are read; choose its detail types in the rule",
        ));
    }
    Ok(vec![one(&holder)])
}

fn is_finding(place: &Place<'_>) -> bool {
    ocsf::is_one(place) || asff::is_one(place)
}

fn one(finding: &Place<'_>) -> Reading {
    if ocsf::is_one(finding) { ocsf::finding(finding, SOURCE) } else { asff::finding(finding) }
}
