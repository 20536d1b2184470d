//! From a delivery to the findings of an import.

use crate::{
    decisions::event::{Asset, Event, Reading, Unreadable},
    scanners::{
        Posted,
        reading::{body::json, each::MAX_READINGS, key, place::Place, start},
    },
};

/// The lists of an import that say something of their findings, and what.
const LISTS: &[(&str, &str)] =
    &[("new", "finding.opened"), ("reactivated", "finding.reopened"), ("mitigated", "finding.resolved")];

/// The header `X-DefectDojo-Event` names the event; the bodies do not.
pub(super) fn delivery(posted: &Posted<'_>) -> Vec<Reading> {
    read(posted).unwrap_or_else(|refused| vec![refused.into()])
}

fn read(posted: &Posted<'_>) -> Result<Vec<Reading>, Unreadable> {
    let sent = posted.headers.single("x-defectdojo-event");
    let sent = sent.map_err(|repeated| Unreadable::invalid("", repeated.to_string()))?.ok_or_else(|| {
        Unreadable::missing(
            "",
            "the header X-DefectDojo-Event is missing; let the proxy before the gateway pass it on",
        )
    })?;
    if sent == "ping" {
        return Ok(Vec::new());
    }
    let value = json(posted.body)?;
    let body = Place::root(&value);
    match sent {
        "scan_added" | "scan_added_empty" => Ok(import(&body)),
        "product_type_added" => {
            let made = record("company.added", &body, "product_type", "Product type")?;
            Ok(vec![made.into()])
        }
        "engagement_added" => Ok(vec![record("scan.started", &body, "engagement", "Engagement")?.into()]),
        "test_added" => Ok(vec![record("scan.started", &body, "test", "Test")?.into()]),
        _ => {
            let problem = "this event says nothing of a finding; only imports of scans are read";
            Err(Unreadable::unknown_kind("", start::short(sent), problem))
        }
    }
}

/// The findings of an import, and the import itself for the record.
fn import(body: &Place<'_>) -> Vec<Reading> {
    let findings = body.at("findings");
    let lists: Vec<_> = LISTS.iter().map(|(list, kind)| (*kind, findings.at(list).items())).collect();
    let total: usize = lists.iter().map(|(_, items)| items.len()).sum();
    let all = lists.iter().flat_map(|(kind, items)| items.iter().map(move |item| (*kind, item)));
    let mut readings: Vec<Reading> = all
        .take(MAX_READINGS)
        .map(|(kind, item)| finding(kind, body, item).map_or_else(Reading::from, Reading::from))
        .collect();
    if total > MAX_READINGS {
        let problem =
            format!("{} findings beyond the first {} were not read", total - MAX_READINGS, MAX_READINGS);
        readings.push(Unreadable::invalid("/findings", problem).into());
    }
    readings.push(finished(body, &findings).unwrap_or_else(Reading::from));
    readings
}

fn finding(kind: &str, body: &Place<'_>, item: &Place<'_>) -> Result<Event, Unreadable> {
    let id = item.at("id").key()?;
    let title = item.at("title").line().unwrap_or_else(|| "Finding".to_owned());
    let mut event = start::event(kind, "defectdojo", key::joined(&["finding", &id]), title)?;
    dress(&mut event, body);
    (event.severity, event.severity_raw) = item.at("severity").severity();
    event.evidence_url = item.at("url_ui").line();
    let product = body.at("product");
    event.asset = product.is_there().then(|| Asset {
        uid: product.at("id").key().ok(),
        name: product.at("name").line(),
        kind: Some("app".to_owned()),
        url: product.at("url_ui").line(),
        ..Asset::default()
    });
    Ok(event)
}

fn finished(body: &Place<'_>, findings: &Place<'_>) -> Result<Reading, Unreadable> {
    let mut event = record("scan.finished", body, "test", "Import")?;
    for (name, list) in findings.entries().into_iter().take(20) {
        let count = u64::try_from(list.items().len()).unwrap_or(u64::MAX);
        event.counts.insert(start::short(name), count);
    }
    let untouched = event.counts.get("untouched").copied().unwrap_or_default();
    let mut remarks = Vec::new();
    if untouched > 0 {
        remarks.push(format!(
            "{untouched} untouched findings were counted, not read: accepted ones and false positives are among them"
        ));
    }
    Ok(Reading { event: Ok(event), remarks })
}

/// An event that says nothing of a finding.
fn record(kind: &str, body: &Place<'_>, what: &str, word: &str) -> Result<Event, Unreadable> {
    let place = body.at(what);
    let id = place.at("id").key()?;
    let name = place.at("name").line().or_else(|| place.at("title").line()).unwrap_or_else(|| id.clone());
    let mut event = start::event(kind, "defectdojo", key::joined(&[what, &id]), format!("{word}: {name}"))?;
    dress(&mut event, body);
    event.evidence_url = place.at("url_ui").line();
    Ok(event)
}

fn dress(event: &mut Event, body: &Place<'_>) {
    let customer = body.at("product_type");
    event.client_ref = customer.at("name").key().or_else(|_| customer.at("id").key()).ok();
    start::label(event, "product_type", customer.at("name").line());
    start::label(event, "product", body.at("product").at("name").line());
    start::label(event, "engagement", body.at("engagement").at("name").line());
    start::label(event, "test", body.at("test").at("title").line());
}
