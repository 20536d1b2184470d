//! The format as JSON Schema (2020-12), for editors, validators and generators.
//!
//! The structs here are never filled: they hold the fields' names, types and
//! descriptions in one readable place. A test holds them and the reader together.

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, generate::SchemaSettings, json_schema};
use serde_json::{Value, json};

use super::{EXAMPLES, read::MAX_EVENTS};
use crate::decisions::{
    catalogue::{CATEGORIES, KINDS},
    event::{Asset, CloseReason, Contact, Product, Remediation, User, Vuln},
};
use crate::scanners::reading::{severity::WORDS, text::MAX_TITLE};

/// One statement about one problem.
#[derive(JsonSchema)]
#[schemars(rename = "Event", transform = only_the_kind_is_required)]
#[expect(dead_code, reason = "only its schema is used")]
struct WireEvent {
    /// What happened.
    #[schemars(schema_with = "kinds")]
    kind: String,
    /// Which product says it; the names of customers belong to a source. "events" where it is missing.
    #[schemars(length(max = 100))]
    source: Option<String>,
    /// Your name or id for the customer whom it is about. A whole number is read as text.
    #[schemars(schema_with = "short_key")]
    client_ref: Option<String>,
    /// What it is about, where that is not the kind's own category.
    #[schemars(schema_with = "categories")]
    category: Option<String>,
    /// How bad it is. Usual words of other products (moderate, informational, fatal …) are understood; others
    /// count as unknown, with a remark.
    #[schemars(schema_with = "severities")]
    severity: Option<String>,
    /// When it was so (RFC 3339 with offset): of two statements about one problem the later one counts.
    #[schemars(schema_with = "time")]
    occurred_at: Option<String>,
    /// Your own order of statements about one problem, e.g. a revision number.
    #[schemars(schema_with = "short_key")]
    sequence: Option<String>,
    /// Your stable id of the problem, the same in every statement about it. Where it is missing, one is made from
    /// source, client_ref and asset.uid (user.uid for identity events), for findings with the one CVE in vulns or
    /// the label rule_id; nothing else is ever used. An event that allows neither is refused.
    #[schemars(schema_with = "short_key")]
    finding_key: Option<String>,
    /// The finding_key that this problem had before, where you name it by another one now: it stays the same problem,
    /// with its ticket. On the way over a scan.snapshot names both.
    #[schemars(length(max = 8))]
    former_keys: Option<Vec<String>>,
    /// What a scan or snapshot covers.
    #[schemars(schema_with = "short_key")]
    scope_key: Option<String>,
    /// On scan.snapshot: the finding_key of every problem that the scope still has. Open findings of the same
    /// source, client_ref and scope_key that are not named are gone.
    #[schemars(length(max = 20_000))]
    present: Option<Vec<String>>,
    /// Why the problem is over, on closing kinds. Where it is missing: dismissed for finding.dismissed, fixed for others.
    close_reason: Option<CloseReason>,
    /// What the kind does to its problem. Need not be sent; must agree with the kind.
    #[schemars(schema_with = "actions")]
    action: Option<String>,
    /// Your id of this statement. Not used: repetitions are known by the webhook's id, problems by finding_key.
    #[schemars(schema_with = "short_key")]
    id: Option<String>,
    /// Where the problem is.
    asset: Option<Asset>,
    /// Which software has it.
    product: Option<Product>,
    /// What to do about it.
    remediation: Option<Remediation>,
    /// Known vulnerabilities behind it.
    #[schemars(length(max = 100))]
    vulns: Option<Vec<Vuln>>,
    /// Who it is about, for identity events.
    user: Option<User>,
    /// Whom at the customer its ticket is for. One who is not a contact of that customer in the PSA is not taken: the
    /// ticket then gets its profile's contact, and a note that says so.
    contact: Option<Contact>,
    /// One line for people. Longer ones are cut, and begin the body in full.
    #[schemars(length(max = MAX_TITLE))]
    title: Option<String>,
    /// More for people, in Markdown; cut at 64 KiB.
    body_md: Option<String>,
    /// Where to see more: https only; shown to people, never fetched.
    #[schemars(schema_with = "https")]
    evidence_url: Option<String>,
    /// Numbers, for senders that only count.
    counts: Option<BTreeMap<String, u64>>,
    /// Names and values for conditions of policies; rule_id names the check that found the problem. Numbers and
    /// booleans are read as text.
    #[schemars(schema_with = "labels")]
    labels: Option<BTreeMap<String, String>>,
}

/// A field whose schema is written by hand would count as required.
fn only_the_kind_is_required(schema: &mut Schema) {
    schema.insert("required".to_owned(), json!(["kind"]));
}

fn kinds(_: &mut SchemaGenerator) -> Schema {
    let one = |kind: &crate::decisions::catalogue::EventKind| json!({ "const": kind.name, "description": kind.description });
    json_schema!({ "type": "string", "oneOf": KINDS.iter().map(one).collect::<Vec<_>>() })
}

fn categories(_: &mut SchemaGenerator) -> Schema {
    or_null(&CATEGORIES.iter().map(|category| category.key).collect::<Vec<_>>())
}

fn severities(_: &mut SchemaGenerator) -> Schema {
    or_null(WORDS)
}

fn actions(_: &mut SchemaGenerator) -> Schema {
    or_null(&["open", "update", "close", "reopen", "sweep", "note", "ignore"])
}

fn or_null(words: &[&str]) -> Schema {
    let words: Vec<Value> = words.iter().map(|word| json!(word)).chain([Value::Null]).collect();
    json_schema!({ "enum": words })
}

fn short_key(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": ["string", "integer", "null"], "maxLength": 255 })
}

fn time(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": ["string", "null"], "format": "date-time" })
}

fn https(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": ["string", "null"], "format": "uri", "pattern": "^https://", "maxLength": 2048 })
}

fn labels(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": ["object", "null"],
        "additionalProperties": { "type": ["string", "number", "boolean"], "maxLength": 1024 },
        "maxProperties": 100,
    })
}

/// The format as JSON Schema 2020-12: one event, or a list of at most 1,000.
///
/// Fields beyond it are let through with a remark, so that a sender may send more than
/// the gateway knows; the schema therefore does not forbid them.
pub fn event_schema() -> Value {
    let tidy = |schema: &mut Schema| {
        schema.remove("default"); // always null, an empty list or zero: says nothing
        if let Some(Value::String(text)) = schema.get_mut("description") {
            *text = text.replace('\n', " ");
        }
    };
    let settings =
        SchemaSettings::draft2020_12().with_transform(schemars::transform::RecursiveTransform(tidy));
    let mut generator = settings.into_generator();
    let event = generator.subschema_for::<WireEvent>();
    let definitions = generator.take_definitions(true);
    let examples: Vec<Value> =
        EXAMPLES.iter().filter_map(|(_, body)| serde_json::from_str(body).ok()).collect();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "PSA Gateway events",
        "description": "The body of a webhook to an endpoint for the sender \"events\", version 1.",
        "oneOf": [event, { "type": "array", "items": event, "maxItems": MAX_EVENTS }],
        "examples": examples,
        "$defs": definitions,
    })
}
