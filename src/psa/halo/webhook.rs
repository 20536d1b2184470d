//! Halo's own webhooks: are they Halo's, and what do they say?

use base64::{Engine, engine::general_purpose::STANDARD};
use entity::Timestamp;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::ExposeSecret;
use serde_json::Value;
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};
use uuid::Uuid;

use super::{errors, wire};
use crate::{
    psa::{WebhookRefused, WebhookScheme, WebhookSecret},
    queue::received::{Headers, Proof},
    tickets::remote::TicketHint,
};

/// The ways of authentication, with the names of Halo's own form (Configuration > Integrations > Webhooks).
pub(super) const SCHEMES: &[WebhookScheme] = &[
    WebhookScheme {
        key: "halo_hmac",
        label: "HMAC signature",
        help: "Authentication: HMAC, algorithm SHA-256, header name Token, with this endpoint's secret as its secret.",
    },
    WebhookScheme {
        key: "halo_basic",
        label: "User name and password",
        help: "Authentication: Basic. The endpoint's secret is the user name and the password with a colon between them.",
    },
    WebhookScheme {
        key: "halo_secret_header",
        label: "Secret in a header",
        help: "Add a custom header X-Halo-Secret with the endpoint's secret as its value.",
    },
];

/// Where the signature may stand: its header's name is free text in Halo's form; `Token` is the one in use
/// with other products (django-psa-connector).
const SIGNATURE_HEADERS: [&str; 5] =
    ["token", "x-halo-signature", "x-signature", "x-hub-signature-256", "authorization"];

/// A batch longer than this is not Halo's.
const MAX_HINTS: usize = 1_000;

pub(super) fn verify(
    scheme: &str,
    secrets: &[WebhookSecret],
    headers: &Headers,
    body: &[u8],
) -> Result<Proof, WebhookRefused> {
    let (scheme, matched) = match scheme {
        "halo_hmac" => ("halo_hmac", hmac(secrets, headers, body)?),
        "halo_basic" => ("halo_basic", basic(secrets, headers)?),
        "halo_secret_header" => ("halo_secret_header", header(secrets, headers)?),
        other => return Err(WebhookRefused(format!("HaloPSA has no way of authentication named {other}"))),
    };
    let secret_id = matched
        .ok_or_else(|| WebhookRefused(String::from("no secret of this endpoint matches the webhook")))?;
    Ok(Proof { message_id: message_id(body), scheme, secret_id: Some(secret_id) })
}

/// The delivery's id (not the ticket's), the same whenever Halo sends it again. Read after the check only.
fn message_id(body: &[u8]) -> Option<String> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let id = Uuid::try_parse(wire::text(&body, "id")?).ok()?;
    Some(id.to_string())
}

fn single<'a>(headers: &'a Headers, name: &str) -> Result<Option<&'a str>, WebhookRefused> {
    headers.single(name).map_err(|repeated| WebhookRefused(repeated.to_string()))
}

/// HMAC-SHA256 over the raw body, keyed with the secret's UTF-8 bytes, as base64 (the default) or hex,
/// with or without a prefix such as `sha256=` (the form's `signature_prefix`).
fn hmac(secrets: &[WebhookSecret], headers: &Headers, body: &[u8]) -> Result<Option<Uuid>, WebhookRefused> {
    let mut given = Vec::new();
    for name in SIGNATURE_HEADERS {
        if let Some(value) = single(headers, name)? {
            given.extend(signatures(value));
        }
    }
    if given.is_empty() {
        return Err(WebhookRefused(String::from(
            "no header holds an HMAC-SHA256 signature; name it Token in Halo",
        )));
    }
    Ok(which(secrets, |secret| {
        let Ok(mac) = Hmac::<Sha256>::new_from_slice(secret) else { return Choice::from(0) };
        let wanted = mac.chain_update(body).finalize().into_bytes();
        given.iter().fold(Choice::from(0), |found, signature| found | wanted.as_slice().ct_eq(signature))
    }))
}

/// Every way a value can be read as 32 bytes.
fn signatures(value: &str) -> impl Iterator<Item = [u8; 32]> {
    let after_prefix = value.split_once(['=', ' ', ':']).map(|(_, rest)| rest.trim());
    [Some(value), after_prefix].into_iter().flatten().filter_map(|text| {
        let bytes = if text.len() == 64 { unhex(text) } else { STANDARD.decode(text).ok() };
        bytes?.try_into().ok()
    })
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    text.as_bytes()
        .chunks_exact(2)
        .map(|pair| match pair {
            [high, low] => Some(digit(high)? << 4 | digit(low)?),
            _ => None,
        })
        .collect()
}

fn basic(secrets: &[WebhookSecret], headers: &Headers) -> Result<Option<Uuid>, WebhookRefused> {
    let value = single(headers, "authorization")?.unwrap_or_default();
    let decoded = value
        .split_once(' ')
        .filter(|(kind, _)| kind.eq_ignore_ascii_case("basic"))
        .and_then(|(_, text)| STANDARD.decode(text.trim()).ok());
    match decoded {
        Some(given) => Ok(which(secrets, |secret| same(secret, &given))),
        None => Err(WebhookRefused(String::from("the webhook carries no user name and password"))),
    }
}

fn header(secrets: &[WebhookSecret], headers: &Headers) -> Result<Option<Uuid>, WebhookRefused> {
    match single(headers, "x-halo-secret")? {
        Some(given) => Ok(which(secrets, |secret| same(secret, given.as_bytes()))),
        None => Err(WebhookRefused(String::from("the webhook carries no header X-Halo-Secret"))),
    }
}

/// Compared by digest, so that the time tells neither content nor length.
fn same(a: &[u8], b: &[u8]) -> Choice {
    Sha256::digest(a).as_slice().ct_eq(Sha256::digest(b).as_slice())
}

/// The secret that matches; all are tried, and an empty one never matches.
fn which(secrets: &[WebhookSecret], matches: impl Fn(&[u8]) -> Choice) -> Option<Uuid> {
    let mut found = None;
    for secret in secrets {
        let text = secret.secret.expose_secret().as_bytes();
        if !text.is_empty() && bool::from(matches(text)) && found.is_none() {
            found = Some(secret.id);
        }
    }
    found
}

/// What a delivery says: one event, an array of them, or an object that holds such an array (batches since
/// build 2.164; their shape is not documented, so any is taken).
pub(super) fn read(body: &[u8]) -> Result<Vec<TicketHint>, String> {
    let body: Value = serde_json::from_slice(body).map_err(|_| String::from("the body is not JSON"))?;
    let events: Vec<&Value> = match &body {
        Value::Array(events) => events.iter().collect(),
        Value::Object(_) if hint(&body).is_some() => vec![&body],
        Value::Object(fields) => fields.values().filter_map(Value::as_array).flatten().collect(),
        _ => Vec::new(),
    };
    let hints: Vec<_> = events.into_iter().take(MAX_HINTS).filter_map(hint).collect();
    if hints.is_empty() {
        Err(String::from("no ticket is named in it: choose the default payload for the webhook in Halo"))
    } else {
        Ok(hints)
    }
}

fn hint(event: &Value) -> Option<TicketHint> {
    let ticket = event.get("ticket").filter(|ticket| ticket.is_object());
    let action = event.get("action").filter(|action| action.is_object());
    // Webhooks can be about other things too; then the object's id is not a ticket's.
    let about_other = ["client", "user", "asset", "invoice", "site", "contract"];
    if ticket.is_none()
        && action.is_none()
        && about_other.iter().any(|k| event.get(k).is_some_and(Value::is_object))
    {
        return None;
    }
    let id = ticket
        .and_then(|ticket| wire::id(ticket, "id"))
        .or_else(|| action.and_then(|action| wire::id(action, "ticket_id")))
        .or_else(|| wire::id(event, "object_id"))?;
    Some(TicketHint {
        external_id: id.to_string(),
        event: wire::text(event, "event").map(errors::short).unwrap_or_default(),
        occurred_at: wire::text(event, "timestamp")
            .and_then(wire::parse_time)
            .filter(|at| *at > Timestamp(0)),
        status: ticket.and_then(|ticket| wire::id(ticket, "status_id")).map(|id| id.to_string()),
        actor_id: wire::id(event, "agent_id").map(|id| id.to_string()),
        marker: ticket.and_then(super::tickets::marker_of),
    })
}

#[cfg(test)]
#[path = "webhook_tests.rs"]
mod tests;
