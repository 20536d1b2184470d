//! Autotask's own webhooks: are they Autotask's, and what do they say?

use std::fmt::Write as _;

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::ExposeSecret;
use serde_json::Value;
use sha1::Sha1;
use subtle::{Choice, ConstantTimeEq};
use uuid::Uuid;

use super::{errors, wire};
use crate::{
    psa::{WebhookCall, WebhookNews, WebhookRefused, WebhookScheme, WebhookSecret},
    queue::received::Proof,
    tickets::remote::TicketHint,
};

/// The way of authentication.
pub(super) const SCHEMES: &[WebhookScheme] = &[WebhookScheme {
    key: PROVEN,
    label: "HMAC signature",
    help: "The gateway registers the webhook itself. By hand, through the API: POST TicketWebhooks with this address as webhookUrl, the same with ?deactivated=1 as deactivationUrl, and the endpoint's secret as secretKey.",
}];

const PROVEN: &str = "autotask_hmac";
/// What was not signed and says only that the registration was switched off.
const UNPROVEN: &str = "autotask_hmac.unproven";

/// What our address ends in as the address of deactivation.
pub(super) const DEACTIVATED: &str = "deactivated";

/// A batch longer than this is not Autotask's.
const MAX_HINTS: usize = 1_000;

/// A message that says it was switched off is taken unsigned too, as a hint to go and look: others switched
/// their check off on such a message (GHSA-hh59-fgrr-93hf), and what Autotask sends to the address of
/// deactivation is not documented.
pub(super) fn verify(call: &WebhookCall<'_>, secrets: &[WebhookSecret]) -> Result<Proof, WebhookRefused> {
    if call.scheme != PROVEN {
        return Err(WebhookRefused(format!("Autotask has no way of authentication named {}", call.scheme)));
    }
    let unproven = Proof { message_id: None, scheme: UNPROVEN, secret_id: None };
    if url::form_urlencoded::parse(call.query.as_bytes()).any(|(key, _)| key == DEACTIVATED) {
        return Ok(unproven);
    }
    match signed(call, secrets) {
        Ok(id) => Ok(Proof { message_id: message_id(call.body), scheme: PROVEN, secret_id: Some(id) }),
        Err(refused) => {
            if says_deactivated(call.body) {
                Ok(unproven)
            } else {
                Err(refused)
            }
        }
    }
}

/// The secret that the body is signed with: `X-Hook-Signature: sha1=` and the HMAC-SHA1 in base64.
fn signed(call: &WebhookCall<'_>, secrets: &[WebhookSecret]) -> Result<Uuid, WebhookRefused> {
    let header = call.headers.single("x-hook-signature").map_err(|e| WebhookRefused(e.to_string()))?;
    let given = header
        .and_then(|value| value.split_once('='))
        .filter(|(kind, _)| kind.trim().eq_ignore_ascii_case("sha1"))
        .and_then(|(_, text)| STANDARD.decode(text.trim()).ok())
        .filter(|bytes| bytes.len() == 20)
        .ok_or_else(|| WebhookRefused(String::from("no header X-Hook-Signature holds sha1= and base64")))?;
    // The raw bytes first; for bytes that were written anew on their way, as Autotask's own encoder has them.
    let rewritten = std::str::from_utf8(call.body).map(escaped).unwrap_or_default();
    let mut found = None;
    for secret in secrets {
        let key = secret.secret.expose_secret().as_bytes();
        let matches = |body: &[u8]| mac(key, body).as_slice().ct_eq(&given);
        let is_match: Choice = matches(call.body)
            | if rewritten.is_empty() { Choice::from(0) } else { matches(rewritten.as_bytes()) };
        if !key.is_empty() && bool::from(is_match) && found.is_none() {
            found = Some(secret.id);
        }
    }
    found.ok_or_else(|| WebhookRefused(String::from("no secret of this endpoint matches the webhook")))
}

/// HMAC-SHA1, which is what Autotask signs with: SHA-1's collisions do not touch HMAC.
fn mac(key: &[u8], body: &[u8]) -> Vec<u8> {
    Hmac::<Sha1>::new_from_slice(key)
        .map(|mac| mac.chain_update(body).finalize().into_bytes().to_vec())
        .unwrap_or_default()
}

/// JSON text as .NET's encoder writes it: in strings everything beyond ASCII and what HTML gives a meaning to
/// is written as `\uXXXX`, in upper-case hex. n8n-nodes-autotask found signatures made over this form.
pub(super) fn escaped(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    let mut letters = json.chars();
    let mut is_string = false;
    while let Some(letter) = letters.next() {
        match letter {
            '"' => {
                is_string = !is_string;
                text.push('"');
            }
            '\\' if is_string => match letters.next() {
                Some('"') => text.push_str("\\u0022"),
                Some('/') => text.push('/'),
                Some('u') => {
                    text.push_str("\\u");
                    text.extend(letters.by_ref().take(4).map(|digit| digit.to_ascii_uppercase()));
                }
                Some(other) => text.extend(['\\', other]),
                None => text.push('\\'),
            },
            '&' | '<' | '>' | '\'' | '`' | '+' | '\u{7f}'.. if is_string => {
                for unit in letter.encode_utf16(&mut [0; 2]) {
                    let _ = write!(text, "\\u{unit:04X}");
                }
            }
            _ => text.push(letter),
        }
    }
    text
}

/// There is no id of a message: the registration, the record and the number in the registration's row stand
/// for one.
fn message_id(body: &[u8]) -> Option<String> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let part = |text: &str| text.chars().filter(char::is_ascii_graphic).take(48).collect::<String>();
    let guid = wire::text(&body, "Guid").map(part)?;
    let kind = wire::text(&body, "EntityType").map(part)?;
    let (id, number) = (wire::int(&body, "Id")?, wire::int(&body, "SequenceNumber")?);
    Some(format!("{guid}:{kind}:{id}:{number}"))
}

fn says_deactivated(body: &[u8]) -> bool {
    serde_json::from_slice::<Value>(body).is_ok_and(|body| is_deactivated(&body))
}

fn is_deactivated(event: &Value) -> bool {
    wire::text(event, "Action").is_some_and(|action| action.eq_ignore_ascii_case("Deactivated"))
}

/// What a delivery says: one event; a list of them is taken too.
pub(super) fn read(verified_by: &str, body: &[u8]) -> Result<WebhookNews, String> {
    if verified_by != PROVEN {
        return Ok(WebhookNews { concerns_registration: true, ..WebhookNews::default() });
    }
    let body: Value = serde_json::from_slice(body).map_err(|_| String::from("the body is not JSON"))?;
    let events = match &body {
        Value::Array(events) => events.iter().collect(),
        _ => vec![&body],
    };
    let concerns_registration = events.iter().any(|event| is_deactivated(event));
    let tickets: Vec<_> = events.into_iter().take(MAX_HINTS).filter_map(hint).collect();
    if tickets.is_empty() && !concerns_registration {
        return Err(String::from("no ticket is named in it: register the webhook for tickets"));
    }
    Ok(WebhookNews { tickets, concerns_registration, ..WebhookNews::default() })
}

fn hint(event: &Value) -> Option<TicketHint> {
    let kind = wire::text(event, "EntityType")?.to_ascii_lowercase();
    let fields = wire::get(event, "Fields").unwrap_or(&Value::Null);
    let id = match kind.as_str() {
        "ticket" | "tickets" => wire::id(event, "Id"),
        // A note's own number says nothing; its ticket's may be among the fields.
        "ticketnote" | "ticketnotes" => wire::id(fields, "TicketID"),
        _ => None,
    }
    .filter(|id| *id > 0 && !is_deactivated(event))?;
    let is_ticket = kind.trim_end_matches('s') == "ticket";
    let action = wire::text(event, "Action").map(errors::short).unwrap_or_default();
    Some(TicketHint {
        external_id: id.to_string(),
        event: format!("{} {action}", if is_ticket { "Ticket" } else { "TicketNote" }).trim_end().to_owned(),
        occurred_at: wire::time(event, "EventTime"),
        status: wire::int(fields, "Status").filter(|_| is_ticket).map(|status| status.to_string()),
        actor_id: wire::id(event, "PersonID").map(|person| person.to_string()),
        marker: wire::text(fields, "ExternalID")
            .filter(|text| is_ticket && wire::is_marker(text))
            .map(ToOwned::to_owned),
    })
}

#[cfg(test)]
#[path = "tests/webhook.rs"]
mod tests;
