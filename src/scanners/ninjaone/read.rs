//! From an activity to an event.

use entity::Severity;

use super::{SOURCE, settings::Settings};
use crate::{
    decisions::event::{Asset, Event, Reading, Unreadable},
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
    Ok(if value.is_array() { each(&root, |item| one(&item, &settings)) } else { vec![one(&root, &settings)] })
}

fn one(activity: &Place<'_>, settings: &Settings) -> Reading {
    let mut remarks = Vec::new();
    let event = event(activity, settings);
    if event.as_ref().is_ok_and(|event| event.client_ref.is_none()) {
        remarks.push("the activity names no organization; expand device and organization".to_owned());
    }
    Reading { event, remarks }
}

fn event(activity: &Place<'_>, settings: &Settings) -> Result<Event, Unreadable> {
    let kind = activity.at("activityType");
    if kind.word().as_deref() != Some("condition") {
        return Err(start::unknown(&kind, "only activities of the type CONDITION are read"));
    }
    let status = activity.at("statusCode");
    let offline = settings.is_offline(activity);
    let kind = match (status.word().as_deref(), offline) {
        (Some("triggered"), true) => "asset.offline",
        (Some("triggered"), false) => "finding.opened",
        (Some("reset" | "reset_by_psa_ticket_callback"), true) => "asset.online",
        (Some("reset" | "reset_by_psa_ticket_callback"), false) => "finding.resolved",
        (Some("acknowledged"), _) => "finding.updated",
        _ => return Err(start::unknown(&status, "a condition is triggered, reset or acknowledged")),
    };
    let device = activity.at("device");
    let name = device.first(&["displayName", "systemName", "dnsName"]).line();
    let what = ["message", "subject", "sourceName"].iter().find_map(|field| activity.at(field).line());
    let what = what.unwrap_or_else(|| "Condition".to_owned());
    let title = name.as_ref().map_or_else(|| what.clone(), |name| format!("{name}: {what}"));
    let mut event = start::event(kind, SOURCE, activity.at("seriesUid").key()?, title)?;
    let category = if offline { "asset" } else { "system" };
    category.clone_into(&mut event.category);
    event.client_ref = settings.client_ref(activity);
    (event.severity, event.severity_raw) = severity(&activity.at("severity"));
    event.occurred_at = activity.at("activityTime").epoch();
    // Ids of activities grow.
    event.sequence = activity.at("id").count().map(|id| id.to_string());
    event.body_md = activity.at("message").lines().unwrap_or_default();
    let uid = activity.at("deviceId").line().or_else(|| device.at("id").line());
    event.asset = uid.or_else(|| name.clone()).map(|uid| Asset {
        uid: Some(uid),
        name,
        kind: Some("host".to_owned()),
        fqdn: device.at("dnsName").line(),
        ..Asset::default()
    });
    for (label, place) in [
        ("condition", activity.at("sourceName")),
        ("condition_uid", activity.at("sourceConfigUid")),
        ("priority", activity.at("priority")),
        ("node_class", device.at("nodeClass")),
        ("location_id", device.at("locationId")),
        ("organization_id", device.at("organizationId")),
    ] {
        if let Some(value) = place.scalar() {
            event.labels.insert(label.to_owned(), value);
        }
    }
    Ok(event)
}

/// NONE says that the policy gives none; MAJOR stands between MODERATE and CRITICAL.
fn severity(place: &Place<'_>) -> (Severity, Option<String>) {
    match place.word().as_deref() {
        Some("major") => (Severity::High, place.line()),
        Some("none") => (Severity::Unknown, place.line()),
        _ => place.severity(),
    }
}
