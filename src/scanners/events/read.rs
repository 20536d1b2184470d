//! From the body's bytes to events.

use std::collections::BTreeMap;

use entity::Severity;
use serde_json::Value;

use super::{
    fields::{Fields, Remarks},
    identity::Declared,
    nearest::nearest,
    parts, severity, text,
};
use crate::decisions::{
    catalogue::{self, Action, CATEGORIES, EventKind, KINDS},
    event::{Asset, CloseReason, Event, Reading, Unreadable, Vuln},
};

/// How many events one delivery may hold.
pub(super) const MAX_EVENTS: usize = 1_000;
/// Fields of the gateway's own record of an event, which no sender can set.
const OURS: &[&str] =
    &["endpoint_id", "instance_id", "delivery_id", "received_at", "group_key", "raw_ref", "severity_raw"];

/// Every event of a body; each position gives its own reading.
pub(super) fn body(bytes: &[u8]) -> Vec<Reading> {
    let value = match parse(bytes) {
        Ok(value) => value,
        Err(problem) => return vec![unreadable("invalid_json", String::new(), problem)],
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
        readings.push(unreadable(
            "invalid_field",
            format!("/{MAX_EVENTS}"),
            format!("{left} events from here on were not read; send at most {MAX_EVENTS} in one delivery"),
        ));
    }
    readings
}

fn unreadable(code: &'static str, pointer: String, problem: String) -> Reading {
    Reading { event: Err(Unreadable { code, pointer, problem, kind: None }), remarks: Vec::new() }
}

fn parse(bytes: &[u8]) -> Result<Value, String> {
    if bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]) {
        return Err("the body is UTF-16; send UTF-8".to_owned());
    }
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let before: Vec<&[u8]> =
            bytes.get(..error.valid_up_to()).unwrap_or_default().split(|byte| *byte == b'\n').collect();
        let (line, column) = (before.len(), before.last().map_or(1, |last| last.len() + 1));
        format!("the body is not UTF-8 at line {line}, byte {column}; send UTF-8")
    })?;
    if text.trim().is_empty() {
        return Err("the body is empty; send one event as a JSON object, or a list of them".to_owned());
    }
    // serde_json stops at 128 levels, so that no body can exhaust the stack.
    serde_json::from_str(text).map_err(|error| format!("the body is not JSON: {error}"))
}

fn one(value: &Value, pointer: &str) -> Reading {
    let Some(object) = value.as_object() else {
        let problem = "an event is a JSON object; send {\"kind\": …} or a list of them".to_owned();
        return unreadable("invalid_field", pointer.to_owned(), problem);
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
    let asset = fields.object("asset").map(parts::asset).transpose()?;
    let user = fields.object("user").map(parts::user).transpose()?;
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
        scope_key,
        asset,
        product,
        remediation: fields.object("remediation").map(parts::remediation),
        vulns,
        user,
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
    if CATEGORIES.contains(&word.as_str()) {
        return word;
    }
    let hint = nearest(&word, CATEGORIES.iter().copied());
    let hint =
        hint.map_or_else(|| format!("known are {}", CATEGORIES.join(", ")), |c| format!("is {c} meant?"));
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
