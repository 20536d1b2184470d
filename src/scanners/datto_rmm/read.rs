//! From the filled-in template to an event.

use serde_json::{Map, Value};

use super::SOURCE;
use crate::{
    decisions::event::{Asset, Event, Reading, Unreadable},
    scanners::reading::{body::json, place::Place, start},
};

pub(super) fn body(bytes: &[u8]) -> Result<Vec<Reading>, Unreadable> {
    let mut remarks = Vec::new();
    let value = match json(bytes) {
        Ok(value) => value,
        Err(unreadable) => {
            let lines = by_line(bytes).ok_or(unreadable)?;
            remarks.push("the body is not JSON, as a variable holds quotes or line breaks; its lines were read one by one".to_owned());
            lines
        }
    };
    let root = Place::root(&value);
    if is_variable(&root.at("alert_uid")) {
        return Ok(Vec::new()); // the test button fills in nothing
    }
    let event = event(&root);
    Ok(vec![Reading { event, remarks }])
}

fn event(root: &Place<'_>) -> Result<Event, Unreadable> {
    let said = root.at("event");
    let raised = match said.word().as_deref() {
        Some("raised") => true,
        Some("resolved") => false,
        _ => {
            return Err(start::unknown(
                &said,
                "an alert is raised or resolved; paste the body from the set-up",
            ));
        }
    };
    let key = root.at("alert_uid").key()?;
    let category = filled(root, "category");
    let offline = filled(root, "problem").is_some_and(|problem| problem.eq_ignore_ascii_case("offline"));
    let kind = match (offline, raised) {
        (true, true) => "asset.offline",
        (true, false) => "asset.online",
        (false, true) => "finding.opened",
        (false, false) => "finding.resolved",
    };
    let device = filled(root, "device");
    let message = root.at("message").lines().filter(|_| !is_variable(&root.at("message")));
    let what = message.as_deref().and_then(|text| text.lines().find(|line| !line.trim().is_empty()));
    let what = what.map(str::to_owned).or_else(|| category.clone()).unwrap_or_else(|| "Alert".to_owned());
    let title = device.as_ref().map_or_else(|| what.clone(), |device| format!("{device}: {what}"));
    let mut event = start::event(kind, SOURCE, key, title)?;
    if !offline {
        let detects = |word: &str| category.as_deref().is_some_and(|c| c.to_ascii_lowercase().contains(word));
        let detection = ["antivirus", "ransomware", "security"].into_iter().any(detects);
        let category = if detection { "detection" } else { "system" };
        category.clone_into(&mut event.category);
    }
    (event.severity, event.severity_raw) = root.at("priority").severity();
    let site = ["site", "site_id"]
        .into_iter()
        .map(|name| root.at(name))
        .find(|place| !is_variable(place) && place.is_there());
    event.client_ref = site.and_then(|site| site.name());
    event.body_md = message.unwrap_or_default();
    event.asset = Some(Asset {
        uid: filled(root, "device_id").or_else(|| device.clone()),
        name: device,
        kind: Some("host".to_owned()),
        ..Asset::default()
    })
    .filter(|asset| asset.uid.is_some());
    for (label, name) in
        [("category", "category"), ("site_id", "site_id"), ("site", "site"), ("platform", "platform")]
    {
        if let Some(value) = filled(root, name) {
            event.labels.insert(label.to_owned(), value);
        }
    }
    Ok(event)
}

/// A field whose variable was filled in.
fn filled(root: &Place<'_>, name: &str) -> Option<String> {
    let place = root.at(name);
    place.line().filter(|_| !is_variable(&place))
}

/// Whether a variable stands there as it was typed: `[alert_uid]`.
fn is_variable(place: &Place<'_>) -> bool {
    place.line().is_some_and(|text| {
        text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).is_some_and(|name| {
            !name.is_empty() && name.chars().all(|letter| letter.is_ascii_lowercase() || letter == '_')
        })
    })
}

/// The template's lines, one field each. Variables are filled in as they are, so that a quote or a line break in a
/// message breaks the JSON; the first line with a name counts, which a message in the last line cannot be.
fn by_line(bytes: &[u8]) -> Option<Value> {
    let text = std::str::from_utf8(bytes).ok()?;
    let mut fields = Map::new();
    for line in text.lines().take(1_000) {
        let line = line.trim();
        let Some((name, value)) = line.strip_prefix('"').and_then(|line| line.split_once("\": \"")) else {
            continue;
        };
        let value = value.strip_suffix(',').unwrap_or(value);
        let value = value.strip_suffix('"').unwrap_or(value);
        if name.chars().all(|letter| letter.is_ascii_lowercase() || letter == '_')
            && !fields.contains_key(name)
        {
            fields.insert(name.to_owned(), Value::String(value.to_owned()));
        }
    }
    ["event", "alert_uid"].iter().all(|name| fields.contains_key(*name)).then_some(Value::Object(fields))
}
