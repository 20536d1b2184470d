//! From a delivery to risks and scans.

use std::net::IpAddr;

use entity::Timestamp;

use crate::{
    decisions::event::{Asset, CloseReason, Event, Reading, Remediation, Unreadable, Vuln},
    scanners::reading::{body::json, each::MAX_READINGS, key, place::Place, start, vulns},
};

/// One delivery holds one event, and the event one risk or a list of them.
pub(super) fn delivery(bytes: &[u8]) -> Vec<Reading> {
    let value = match json(bytes) {
        Ok(value) => value,
        Err(refused) => return vec![refused.into()],
    };
    let body = Place::root(&value);
    let Some(happened) = start::word(&body.at("type")) else {
        return vec![Unreadable::missing("/type", "this is missing; it says what happened").into()];
    };
    let data = body.at("data");
    let list = if data.value().is_some_and(serde_json::Value::is_array) { data.items() } else { vec![data] };
    let left = list.len().saturating_sub(MAX_READINGS);
    let at = body.at("created_at").number().and_then(seconds);
    let one = |item: &Place<'_>| one(&happened, item, at).unwrap_or_else(Reading::from);
    let mut readings: Vec<Reading> = list.iter().take(MAX_READINGS).map(one).collect();
    if left > 0 {
        let problem = format!("{left} entries from here on were not read; one delivery is too large");
        readings.push(Unreadable::invalid(format!("/data/{MAX_READINGS}"), problem).into());
    }
    readings
}

/// Documentation, "Overview": `created_at` is in Unix seconds. Anything before 2001 or after 2286 is not.
#[expect(clippy::cast_possible_truncation, reason = "within the bounds that are checked")]
fn seconds(number: f64) -> Option<Timestamp> {
    (1e9..1e10).contains(&number).then_some(Timestamp::from_secs(number as i64))
}

fn one(happened: &str, item: &Place<'_>, at: Option<Timestamp>) -> Result<Reading, Unreadable> {
    match happened.split_once('.') {
        Some(("risk" | "risks", what)) => risk(happened, what, item, at),
        Some(("scan" | "scans", what)) => scan(what, item, at).map(Reading::from),
        _ => Err(Unreadable::unknown_kind("/type", happened, "only events of risks and scans are read")),
    }
}

/// What became of a risk.
enum Became {
    Open(&'static str),
    Over(&'static str, CloseReason),
}

fn risk(happened: &str, what: &str, risk: &Place<'_>, at: Option<Timestamp>) -> Result<Reading, Unreadable> {
    let said = match what {
        "created" | "opened" => Became::Open("finding.opened"),
        "updated" => Became::Open("finding.updated"),
        "closed" => Became::Over("finding.resolved", CloseReason::Fixed),
        _ => {
            let problem = "this event is not known here, so nothing is opened or closed on it";
            return Err(Unreadable::unknown_kind("/type", happened, problem));
        }
    };
    let status = start::word(&risk.at("status"));
    let mut remarks = Vec::new();
    let became = match (status.as_deref(), said) {
        (Some("closed" | "resolved" | "fixed"), _) => Became::Over("finding.resolved", CloseReason::Fixed),
        (Some("accepted" | "risk_accepted"), _) => {
            Became::Over("finding.dismissed", CloseReason::AcceptedRisk)
        }
        (Some("false_positive"), _) => Became::Over("finding.dismissed", CloseReason::FalsePositive),
        (Some("ignored"), _) => Became::Over("finding.dismissed", CloseReason::Dismissed),
        (None, Became::Open("finding.updated")) => {
            remarks.push(
                "the update shows no status, so the risk may be closed: look it up in HostedScan; nothing is \
                 closed on it"
                    .to_owned(),
            );
            Became::Open("finding.updated")
        }
        (_, said) => said,
    };
    let (kind, reason) = match became {
        Became::Open(kind) => (kind, None),
        Became::Over(kind, reason) => (kind, Some(reason)),
    };
    let id = risk.at("id").key()?;
    let definition = risk.at("risk_definition");
    let target = risk.at("target").line();
    let title = definition.at("title").line().unwrap_or_else(|| "Risk".to_owned());
    let title = target.as_ref().map_or_else(|| title.clone(), |target| format!("{title} on {target}"));
    let mut event = start::event(kind, "hostedscan", key::joined(&["risk", &id]), title)?;
    event.occurred_at = at;
    event.close_reason = reason;
    event.client_ref = risk.at("target").key().ok();
    (event.severity, event.severity_raw) = definition.at("threat_level").severity();
    category(&definition).clone_into(&mut event.category);
    event.asset = asset(risk, target);
    if reason.is_none() {
        event.body_md = start::paragraphs([definition.at("description").lines()]);
    }
    event.remediation = definition
        .at("solution")
        .lines()
        .map(|text| Remediation { text: Some(text), ..Remediation::default() });
    event.vulns = known(&definition);
    start::label(&mut event, "scan_type", definition.at("scan_type").line());
    start::label(&mut event, "status", status);
    for (number, tag) in risk.at("tags").items().iter().take(20).enumerate() {
        start::label(&mut event, &format!("tag.{number}"), tag.line());
    }
    Ok(Reading { event: Ok(event), remarks })
}

/// What each scanner that HostedScan runs looks for.
fn category(definition: &Place<'_>) -> &'static str {
    match definition.at("scan_type").word().as_deref() {
        Some("nmap" | "nmap_udp") => "network_port",
        Some("sslyze") => "misconfiguration",
        _ => "vulnerability",
    }
}

fn asset(risk: &Place<'_>, target: Option<String>) -> Option<Asset> {
    let uid = risk.at("target_id").key().ok();
    if uid.is_none() && target.is_none() {
        return None;
    }
    let ip = target.clone().filter(|target| target.parse::<IpAddr>().is_ok());
    let url = target.clone().filter(|target| target.starts_with("https://") || target.starts_with("http://"));
    let kind = match (&ip, &url) {
        (Some(_), _) => "ip",
        (_, Some(_)) => "app",
        _ => "domain",
    };
    Some(Asset { uid, name: target, kind: Some(kind.to_owned()), ip, url, ..Asset::default() })
}

/// `cvss` is a text: a score or a vector. References may be the ids of vulnerabilities themselves.
fn known(definition: &Place<'_>) -> Vec<Vuln> {
    let sent = definition.at("cvss");
    let vector = sent.line().filter(|text| text.contains('/'));
    let cvss = vulns::cvss(vector, sent.number(), "HostedScan").into_iter().collect();
    let references = definition.at("references").items().into_iter().filter_map(|place| place.line());
    let ids = references.map(|id| id.to_ascii_uppercase()).filter(|id| vulns::is_cve(id));
    vulns::vulns(ids, &Vuln { cvss, ..Vuln::default() })
}

/// Scans say nothing of a risk; they are kept for the record.
fn scan(what: &str, scan: &Place<'_>, at: Option<Timestamp>) -> Result<Event, Unreadable> {
    let state = start::word(&scan.at("state"));
    // The state outranks the event's name, which may only say that something changed.
    let kind = match state.as_deref().unwrap_or(what) {
        "succeeded" | "completed" | "finished" => "scan.finished",
        "failed" | "canceled" | "cancelled" => "scan.failed",
        _ => "scan.started",
    };
    let id = scan.at("id").key()?;
    let sort = scan.at("type").line().unwrap_or_else(|| "Scan".to_owned());
    let target = scan.at("requested_targets").items().into_iter().next().map(|place| place.at("target"));
    let mut event = start::event(kind, "hostedscan", key::joined(&["scan", &id]), format!("{sort} scan"))?;
    event.occurred_at = at;
    event.client_ref = target.and_then(|target| target.key().ok());
    start::label(&mut event, "scan_type", scan.at("type").line());
    start::label(&mut event, "state", state);
    Ok(event)
}
