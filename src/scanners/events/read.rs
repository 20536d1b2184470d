//! From the body's bytes to events.

use std::collections::BTreeMap;

use entity::Severity;
use serde_json::Value;

use super::{
    fields::{Fields, Remarks},
    identity::Declared,
    nearest::nearest,
    parts,
};
use crate::{
    decisions::{
        catalogue::{self, Action, EventKind, KINDS},
        event::{Asset, CloseReason, Event, Reading, Unreadable, Vuln},
    },
    scanners::reading::{body::json, severity, text},
};

/// How many events one delivery may hold.
pub(super) const MAX_EVENTS: usize = 1_000;
/// How many findings a snapshot may name.
const MAX_PRESENT: usize = 20_000;
/// How many keys that it had before an event may name.
const MAX_FORMER: usize = 8;
/// Fields of the gateway's own record of an event, which no sender can set.
const OURS: &[&str] =
    &["endpoint_id", "instance_id", "delivery_id", "received_at", "group_key", "raw_ref", "severity_raw"];

/// Every event of a body; each position gives its own reading.
pub(super) fn body(bytes: &[u8]) -> Vec<Reading> {
    let value = match json(bytes) {
        Ok(value) => value,
        Err(unreadable) => return vec![unreadable.into()],
    };
    let Value::Array(list) = value else { return vec![one(&value, "")] };
    let mut readings: Vec<Reading> = list
        .iter()
        .take(MAX_EVENTS)
        .enumerate()
        .map(|(index, item)| one(item, &format!("/{index}")))
        .collect();
    if list.len() > MAX_EVENTS {
        let left = list.len() - MAX_EVENTS;
        let problem =
            format!("{left} events from here on were not read; send at most {MAX_EVENTS} in one delivery");
        readings.push(Unreadable::invalid(format!("/{MAX_EVENTS}"), problem).into());
    }
    readings
}

fn one(value: &Value, pointer: &str) -> Reading {
    let Some(object) = value.as_object() else {
        let problem = "an event is a JSON object; send {\"kind\": …} or a list of them".to_owned();
        return Unreadable::invalid(pointer, problem).into();
    };
    let remarks = Remarks::default();
    let fields = Fields::new(object, pointer, &remarks);
    let event = kind(&fields).and_then(|kind| {
        event(kind, fields).map_err(|error| Unreadable { kind: Some(kind.name.to_owned()), ..error })
    });
    Reading { event, remarks: remarks.into_vec() }
}

fn kind(fields: &Fields<'_>) -> Result<&'static EventKind, Unreadable> {
    let Some(value) = fields.value("kind") else {
        let hint = fields.meant("kind").map_or(String::new(), |sent| format!(" (instead of {sent})"));
        let problem = format!("say what happened{hint}, e.g. \"kind\": \"finding.opened\"");
        return Err(fields.refuse("missing_field", "kind", problem));
    };
    let Some(name) = value.as_str().map(str::trim) else {
        return Err(fields.refuse("invalid_field", "kind", "this must be a text, e.g. \"finding.opened\""));
    };
    catalogue::find(name).ok_or_else(|| {
        let area = name.split('.').next().unwrap_or_default();
        let same: Vec<&str> = KINDS
            .iter()
            .map(|kind| kind.name)
            .filter(|known| known.split('.').next() == Some(area))
            .collect();
        let problem = match nearest(name, KINDS.iter().map(|kind| kind.name)) {
            Some(known) => format!("there is no such kind; is {known} meant?"),
            None if !same.is_empty() => format!("there is no such kind; known ones are {}", same.join(", ")),
            None => "there is no such kind; `psa-gateway schema --events` lists them".to_owned(),
        };
        let shown = text::line(name);
        Unreadable {
            kind: Some(text::cut_chars(&shown, 100).unwrap_or(shown)),
            ..fields.refuse("unknown_kind", "kind", problem)
        }
    })
}

fn event(kind: &'static EventKind, fields: Fields<'_>) -> Result<Event, Unreadable> {
    let _ = fields.value("id"); // the sender's own, of the statement: says nothing of the problem
    check_action(kind, &fields)?;
    let source = fields.key("source", 100)?.unwrap_or_else(|| "events".to_owned());
    let client_ref = fields.key("client_ref", 255)?;
    let close_reason = close_reason(kind, &fields)?;
    let occurred_at = fields.time("occurred_at")?;
    let sequence = fields.key("sequence", 255)?;
    let scope_key = fields.key("scope_key", 255)?;
    let present = present(kind, &fields, scope_key.is_some())?;
    let asset = fields.object("asset").map(parts::asset).transpose()?;
    let user = fields.object("user").map(parts::user).transpose()?;
    let contact = fields.object("contact").and_then(parts::contact);
    let vulns: Vec<Vuln> = fields.objects("vulns").into_iter().map(parts::vuln).collect();
    let labels = labels(&fields);
    let finding_key = match fields.key("finding_key", 255)? {
        Some(key) => key,
        None => Declared {
            kind,
            source: &source,
            client_ref: client_ref.as_deref(),
            asset_uid: asset.as_ref().and_then(|asset| asset.uid.as_deref()),
            user_uid: user.as_ref().and_then(|user| user.uid.as_deref()),
            scope_key: scope_key.as_deref(),
            vulns: &vulns,
            rule_id: labels.get("rule_id").map(String::as_str),
        }
        .finding_key()
        .map_err(|problem| fields.refuse("missing_field", "finding_key", problem))?,
    };
    let former_keys = former_keys(&fields)?;
    let (severity, severity_raw) = severity(&fields);
    let product = fields.object("product").map(parts::product);
    let (title, body_md) = texts(kind, &fields, asset.as_ref(), &vulns);
    let event = Event {
        kind,
        source,
        client_ref,
        category: category(kind, &fields),
        close_reason,
        severity,
        severity_raw,
        occurred_at,
        sequence,
        finding_key,
        former_keys,
        scope_key,
        present,
        asset,
        product,
        remediation: fields.object("remediation").map(parts::remediation),
        vulns,
        user,
        contact,
        title,
        body_md,
        evidence_url: fields.link("evidence_url", false),
        counts: counts(&fields),
        labels,
    };
    fields.finish(OURS);
    Ok(event)
}

/// The word for what a kind does may be sent along; one that contradicts the kind
/// leaves open which of the two is meant.
fn check_action(kind: &EventKind, fields: &Fields<'_>) -> Result<(), Unreadable> {
    let Some(sent) = fields.key("action", 32)? else { return Ok(()) };
    let fits = match kind.action {
        Action::Open => sent == "open",
        Action::Update => sent == "update" || sent == "note",
        Action::Close => sent == "close",
        Action::Reopen => sent == "reopen",
        Action::Sweep => sent == "sweep",
        Action::Ignore => sent == "ignore" || sent == "note",
    };
    if fits {
        return Ok(());
    }
    let problem = format!("this contradicts the kind {}; leave action out, or send another kind", kind.name);
    Err(fields.refuse("invalid_field", "action", problem))
}

fn close_reason(kind: &EventKind, fields: &Fields<'_>) -> Result<Option<CloseReason>, Unreadable> {
    let sent = fields.key("close_reason", 64)?;
    if kind.action != Action::Close {
        if sent.is_some() {
            fields.remark("close_reason", "ignored: this kind closes nothing");
        }
        return Ok(None);
    }
    let Some(word) = sent else {
        let dismissed = kind.name == "finding.dismissed";
        return Ok(Some(if dismissed { CloseReason::Dismissed } else { CloseReason::Fixed }));
    };
    serde_json::from_value(Value::String(word.to_ascii_lowercase())).map(Some).map_err(|_| {
        let known = "fixed, dismissed, accepted_risk, false_positive, suppressed, asset_gone, expired";
        fields.refuse(
            "invalid_field",
            "close_reason",
            format!("there is no such reason; known ones are {known}"),
        )
    })
}

/// The keys that a snapshot names. One that cannot be read would look like a problem that is gone, so that the
/// whole snapshot is refused.
fn present(kind: &EventKind, fields: &Fields<'_>, has_scope: bool) -> Result<Vec<String>, Unreadable> {
    let sent = fields.value("present");
    if kind.action != Action::Sweep {
        if sent.is_some() {
            fields.remark("present", "ignored: only scan.snapshot names what is present");
        }
        return Ok(Vec::new());
    }
    if !has_scope {
        let problem = "say what the snapshot covers; only findings with the same scope_key can be gone";
        return Err(fields.refuse("missing_field", "scope_key", problem));
    }
    let wrong = |problem: &str| fields.refuse("invalid_field", "present", problem);
    let Some(list) = sent.and_then(Value::as_array) else {
        return Err(wrong(
            "send the finding_key of each problem that is still there, as a list; [] for none",
        ));
    };
    if list.len() > MAX_PRESENT {
        return Err(wrong("at most 20,000 keys fit; split the scope"));
    }
    keys(list).ok_or_else(|| wrong(NO_KEY))
}

/// The keys that the problem had before. One that cannot be read would look like another problem, so that the event is
/// refused.
fn former_keys(fields: &Fields<'_>) -> Result<Vec<String>, Unreadable> {
    let Some(sent) = fields.value("former_keys") else { return Ok(Vec::new()) };
    let wrong = |problem: &str| fields.refuse("invalid_field", "former_keys", problem);
    match sent.as_array() {
        Some(list) if list.len() <= MAX_FORMER => keys(list).ok_or_else(|| wrong(NO_KEY)),
        Some(_) => Err(wrong("at most 8 former keys fit; send the latest ones")),
        None => Err(wrong("send a list of the keys that this problem had before")),
    }
}

/// What a key in a list must be.
const NO_KEY: &str = "each entry must be a text of 1 to 255 bytes";

fn keys(list: &[Value]) -> Option<Vec<String>> {
    let key = |value: &Value| {
        value.as_str().map(str::trim).filter(|key| (1..=255).contains(&key.len())).map(str::to_owned)
    };
    list.iter().map(key).collect()
}

fn severity(fields: &Fields<'_>) -> (Severity, Option<String>) {
    let Some(sent) = fields.line("severity") else { return (Severity::Unknown, None) };
    let Some(known) = severity::from_word(&sent) else {
        fields.remark("severity", "not a known word, so unknown; send info, low, medium, high or critical");
        return (Severity::Unknown, Some(sent));
    };
    let raw = Some(sent).filter(|sent| !sent.eq_ignore_ascii_case(known.word()));
    (known, raw)
}

fn category(kind: &EventKind, fields: &Fields<'_>) -> String {
    let Some(sent) = fields.line("category") else { return kind.category.to_owned() };
    let word = sent.to_ascii_lowercase();
    if catalogue::category(&word).is_some() {
        return word;
    }
    let known: Vec<&str> = catalogue::CATEGORIES.iter().map(|category| category.key).collect();
    let hint = nearest(&word, known.iter().copied())
        .map_or_else(|| format!("known are {}", known.join(", ")), |c| format!("is {c} meant?"));
    fields.remark("category", &format!("not a known category, so {}; {hint}", kind.category));
    kind.category.to_owned()
}

/// Title and body; a title that is too long begins the body in full.
fn texts(kind: &EventKind, fields: &Fields<'_>, asset: Option<&Asset>, vulns: &[Vuln]) -> (String, String) {
    let full =
        fields.value("title").and_then(Value::as_str).map(text::line).filter(|title| !title.is_empty());
    let full = full.unwrap_or_else(|| {
        if matches!(kind.action, Action::Open | Action::Reopen) {
            fields.remark("title", "missing, so one was made; send one line for people");
        }
        let what = vulns.iter().find_map(|vuln| vuln.cve.as_deref());
        let what = what.unwrap_or_else(|| kind.description.trim_end_matches('.'));
        match asset.and_then(|asset| asset.name.as_deref().or(asset.uid.as_deref())) {
            Some(name) => format!("{what}: {name}"),
            None => what.to_owned(),
        }
    });
    let mut body = fields.lines("body_md").unwrap_or_default();
    let cut = text::cut_chars(&full, text::MAX_TITLE);
    if cut.is_some() {
        fields.remark("title", "cut to 200 characters; the whole of it begins the body");
        body.insert_str(0, &format!("{full}\n\n"));
        body.truncate(body.trim_end().len());
    }
    if let Some(short) = text::cut_bytes(&body, text::MAX_BODY) {
        fields.remark("body_md", "cut to 64 KiB; put the rest behind evidence_url");
        body.truncate(short.len());
    }
    (cut.unwrap_or(full), body)
}

fn labels(fields: &Fields<'_>) -> BTreeMap<String, String> {
    let mut labels = BTreeMap::new();
    for (name, value) in fields.entries("labels") {
        let text = match value {
            Value::String(text) => text::line(text),
            Value::Number(_) | Value::Bool(_) => value.to_string(),
            _ => {
                fields.remark("labels", "entries that are not texts, numbers, true or false were dropped");
                continue;
            }
        };
        if name.is_empty() || name.len() > 128 || text.len() > 1_024 {
            fields.remark("labels", "dropped one: names have 1 to 128 bytes, values at most 1,024");
        } else {
            labels.insert(name, text);
        }
    }
    labels
}

fn counts(fields: &Fields<'_>) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for (name, value) in fields.entries("counts") {
        match value.as_u64() {
            Some(count) if !name.is_empty() && name.len() <= 128 => {
                counts.insert(name, count);
            }
            _ => fields.remark("counts", "entries that are not whole numbers from 0 were dropped"),
        }
    }
    counts
}
