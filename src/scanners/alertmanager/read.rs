//! From the body to one event an alert.

use entity::Timestamp;

use super::{SOURCE, settings::Settings};
use crate::{
    decisions::event::{Asset, Event, Reading, Remediation, Unreadable},
    scanners::{
        Posted,
        reading::{
            body::json,
            each::each,
            key::hashed,
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
    let alerts = root.at("alerts");
    if !alerts.value().is_some_and(serde_json::Value::is_array) {
        return Err(Unreadable::missing(
            "/alerts",
            "there is no list of alerts; choose Alertmanager's or Grafana's webhook without a payload of your own",
        ));
    }
    let mut readings = each(&alerts, |alert| {
        let mut remarks = Vec::new();
        let event = event(&root, &alert, &settings, &mut remarks);
        Reading { event, remarks }
    });
    truncated(&root, &mut readings);
    Ok(readings)
}

/// `max_alerts` cuts alerts off, resolved ones among them.
fn truncated(root: &Place<'_>, readings: &mut Vec<Reading>) {
    let place = root.at("truncatedAlerts");
    let Some(count) = place.count().filter(|count| *count > 0) else { return };
    let remark = format!("{count} more alerts were cut off by the sender (max_alerts); set it to 0");
    match readings.first_mut() {
        Some(first) => first.remarks.push(remark),
        None => readings.push(Unreadable::invalid(place.pointer(), remark).into()),
    }
}

fn event(
    root: &Place<'_>,
    alert: &Place<'_>,
    settings: &Settings,
    remarks: &mut Vec<String>,
) -> Result<Event, Unreadable> {
    let (labels, notes) = (alert.at("labels"), alert.at("annotations"));
    let status = alert.at("status");
    let firing = match status.word().as_deref() {
        Some("firing") => true,
        Some("resolved") => false,
        _ => return Err(start::unknown(&status, "an alert is firing or resolved")),
    };
    let (opens, closes) = settings.kinds(&labels, remarks);
    let asset = asset(&labels, settings);
    let named = labels.at("alertname").line().unwrap_or_else(|| "Alert".to_owned());
    let title = notes.first(&["summary", "title"]).line().unwrap_or_else(|| {
        match asset.as_ref().and_then(|asset| asset.name.as_deref()) {
            Some(name) => format!("{named}: {name}"),
            None => named,
        }
    });
    let mut event = start::event(if firing { opens } else { closes }, SOURCE, key(alert, &labels)?, title)?;
    if opens == "finding.opened" {
        "system".clone_into(&mut event.category);
    }
    event.client_ref = settings.client_ref(root, &labels);
    (event.severity, event.severity_raw) = settings.severity(&labels);
    event.occurred_at = time(&alert.at(if firing { "startsAt" } else { "endsAt" }));
    event.asset = asset;
    event.body_md = notes.first(&["description", "message"]).lines().unwrap_or_default();
    let runbook = notes.at("runbook_url").line().filter(|link| link.starts_with("https://"));
    event.remediation = runbook.map(|url| Remediation { url: Some(url), ..Remediation::default() });
    event.evidence_url = ["panelURL", "dashboardURL", "generatorURL"]
        .iter()
        .filter_map(|name| alert.at(name).line())
        .find(|link| link.starts_with("https://"));
    for (name, value) in labels.entries() {
        if let Some(text) = value.scalar() {
            event.labels.insert(name.to_owned(), text);
        }
    }
    Ok(event)
}

/// The fingerprint; where a fork of the format has none, a hash of what it would be made of: the labels.
fn key(alert: &Place<'_>, labels: &Place<'_>) -> Result<String, Unreadable> {
    let fingerprint = alert.at("fingerprint");
    if let Ok(key) = fingerprint.key() {
        return Ok(key);
    }
    let mut pairs: Vec<(&str, String)> =
        labels.entries().into_iter().filter_map(|(name, value)| Some((name, value.scalar()?))).collect();
    if pairs.is_empty() {
        return fingerprint.key();
    }
    pairs.sort();
    Ok(hashed(pairs.iter().flat_map(|(name, value)| [*name, value.as_str()])))
}

/// A time, but not year 1, which stands for "not yet" (`endsAt` while an alert is firing).
fn time(place: &Place<'_>) -> Option<Timestamp> {
    place.time().filter(|time| *time > Timestamp::from_secs(0))
}

/// The machine: `instance` is an address with the port of an exporter, which is not part of its name.
fn asset(labels: &Place<'_>, settings: &Settings) -> Option<Asset> {
    let named = labels.at(&settings.asset_label).line();
    let sent = named.or_else(|| labels.first(&["host", "hostname", "device", "node"]).line())?;
    let name = match sent.rsplit_once(':') {
        Some((host, port)) if is_port(port) && (!host.contains(':') || host.ends_with(']')) => {
            host.trim_start_matches('[').trim_end_matches(']').to_owned()
        }
        _ => sent,
    };
    let ip = name.parse::<std::net::IpAddr>().is_ok().then(|| name.clone());
    Some(Asset {
        uid: Some(name.clone()),
        name: Some(name),
        kind: Some("host".to_owned()),
        ip,
        ..Asset::default()
    })
}

fn is_port(text: &str) -> bool {
    !text.is_empty() && text.parse::<u16>().is_ok()
}
