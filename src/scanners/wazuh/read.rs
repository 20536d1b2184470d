//! From the body to one event an alert.

use super::{agents, alert::Alert, settings::Settings, users, vulnerabilities};
use crate::{
    decisions::event::{Event, Reading, Remediation, Unreadable, User},
    scanners::{
        Posted,
        reading::{
            body::json,
            each::each,
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
    Ok(if value.is_array() { each(&root, |item| one(item, &settings)) } else { vec![one(root, &settings)] })
}

/// The alert itself, or the one inside of what the bundled integration makes of it.
fn one(place: Place<'_>, settings: &Settings) -> Reading {
    let wrapped = place.at("all_fields");
    let alert = match Alert::new(if wrapped.is_there() { wrapped } else { place }, settings) {
        Ok(alert) => alert,
        Err(unreadable) => return unreadable.into(),
    };
    if let Some(reading) = vulnerabilities::read(&alert) {
        return reading;
    }
    let event = agents::read(&alert)
        .or_else(|| users::read(&alert))
        .or_else(|| assessment(&alert))
        .unwrap_or_else(|| detection(&alert));
    Reading { event, remarks: Vec::new() }
}

/// A check of security configuration assessment.
fn assessment(alert: &Alert<'_>) -> Option<Result<Event, Unreadable>> {
    let sca = alert.data.at("sca");
    let check = sca.at("check");
    if !check.is_there() {
        return None;
    }
    let result = check.at("result");
    let kind = match result.word().as_deref() {
        Some("failed") => "compliance.failed",
        Some("passed") => "compliance.passed",
        // "Not applicable" also means that the check could not be made: no reason to close.
        _ => {
            return Some(Err(start::unknown(&result, "a check that neither failed nor passed says nothing")));
        }
    };
    Some(check.at("id").key().and_then(|id| {
        let policy = sca.first(&["policy_id", "policy"]).name().unwrap_or_else(|| "-".to_owned());
        let key = alert.key(&["check", &alert.agent, &policy, &id]);
        let title = check.at("title").line().unwrap_or_else(|| alert.description());
        let mut event = alert.event(kind, key, format!("{title}: {}", alert.agent))?;
        event.body_md = check.first(&["description", "rationale"]).lines().unwrap_or_default();
        event.remediation = check
            .at("remediation")
            .lines()
            .map(|text| Remediation { text: Some(text), ..Remediation::default() });
        if let Some(policy) = sca.at("policy").line() {
            event.labels.insert("policy".to_owned(), policy);
        }
        Ok(event)
    }))
}

/// Anything else: one finding for each rule, agent and file. That it happened again is a repetition of it; the
/// alert's own id would make a ticket of each line of a log.
fn detection(alert: &Alert<'_>) -> Result<Event, Unreadable> {
    let file = alert.place.at("syscheck").at("path");
    let file = file.id().unwrap_or_else(|_| "-".to_owned());
    let key = alert.key(&["rule", &alert.agent, &alert.rule_id, &file]);
    let mut event =
        alert.event("detection.opened", key, format!("{}: {}", alert.description(), alert.agent))?;
    event.body_md = alert.log();
    let user = alert.data.first(&["dstuser", "srcuser"]).line();
    event.user = user.map(|name| User { uid: Some(name.clone()), name: Some(name), email: None });
    for (label, place) in [
        ("srcip", alert.data.at("srcip")),
        ("file", alert.place.at("syscheck").at("path")),
        ("decoder", alert.place.at("decoder").at("name")),
    ] {
        if let Some(value) = place.line() {
            event.labels.insert(label.to_owned(), value);
        }
    }
    Ok(event)
}
