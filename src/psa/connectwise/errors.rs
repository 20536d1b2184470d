//! What ConnectWise's answers mean.

use actix_web::web::Bytes;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

use super::wire;
use crate::psa::{
    PsaError,
    http::{Answer, Outbound},
};

/// The wait where a 429 names none: what the vendor's own example says.
const WAIT_SECS: i64 = 30;
/// Longest reason passed on.
const REASON_CHARS: usize = 300;

/// What a call does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    /// Changes nothing.
    Read,
    /// Makes something new.
    Add,
    /// Changes or removes something.
    Edit,
    /// Closes a ticket, which is a right of its own.
    Close,
}

/// The JSON of an answer, or what it means instead. Errors have a `code`, a `message` and often a list
/// of `errors` with the field to blame; a gateway before the API has none of them.
pub(super) fn classify(
    act: Act,
    path: &str,
    answer: &Answer,
    retry_after: Option<i64>,
) -> Result<Value, PsaError> {
    let unclear = |detail: String| match act {
        Act::Read => PsaError::Unavailable { detail },
        _ => PsaError::Unknown { detail },
    };
    let said = said(answer);
    match answer.status {
        200..=299 => match json(answer) {
            None => Err(unclear(not_json(answer))),
            // A status that says all is well and a body that says time ran out: nobody knows what was done.
            Some(body) if is_error(&body) && is_vague(&said) => {
                Err(unclear(in_words("ConnectWise answered with an error", &said)))
            }
            Some(body) if is_error(&body) => Err(refused(act, path, answer, &said)),
            Some(body) => Ok(body),
        },
        300..=399 => Err(unclear(format!("the host answered {} and points elsewhere", answer.status))),
        408 => Err(unclear(String::from("ConnectWise answered 408 (time ran out)"))),
        409 => Err(PsaError::Unavailable { detail: in_words("the record is in use", &said) }),
        429 => {
            let wait = retry_after.or_else(|| seconds_in(&said)).unwrap_or(WAIT_SECS).max(1);
            Err(PsaError::RateLimited { retry_after_secs: Some(wait) })
        }
        400..=499 => Err(refused(act, path, answer, &said)),
        status => Err(unclear(in_words(&format!("ConnectWise answered {status}"), &said))),
    }
}

/// Whether an error says nothing of whether the work was done (SQL timeouts come as text, guide).
fn is_vague(said: &Said) -> bool {
    let lower = said.text.to_ascii_lowercase();
    ["timeout", "timed out", "did not complete", "unexpected"].iter().any(|word| lower.contains(word))
}

/// A refusal, by what the body says first: the same text comes with several statuses.
fn refused(act: Act, path: &str, answer: &Answer, said: &Said) -> PsaError {
    let lower = said.text.to_ascii_lowercase();
    if is_wrong_host(said) {
        // Misleading: it comes from a site of the cloud that is called by the name that people use (guide).
        let detail = String::from("this is not the address of the API (ConnectWise says: SSL is required)");
        PsaError::Unavailable { detail }
    } else if lower.contains("clientid") || lower.contains("client id") {
        PsaError::Unauthorized { detail: in_words(CLIENT_ID_REFUSED, said) }
    } else if lower.contains("notauthenticated") {
        PsaError::Unauthorized { detail: in_words(KEYS_REFUSED, said) }
    } else if lower.contains("permission") || answer.status == 403 || said.code == "Security" {
        PsaError::Forbidden { missing: missing(act, path, said) }
    } else if answer.status == 401 || said.code == "Unauthorized" {
        PsaError::Unauthorized { detail: in_words(KEYS_REFUSED, said) }
    } else if answer.status == 404 && !is_missing_record(answer) {
        PsaError::Unavailable { detail: in_words("the API is not at the address where it was", said) }
    } else {
        let reason = if said.text.is_empty() {
            format!("ConnectWise answered {} without a reason", answer.status)
        } else {
            said.text.clone()
        };
        PsaError::Rejected { field: said.field.clone(), reason }
    }
}

/// ConnectWise does not say which of the values is wrong (ConnectWiseManageAPI#18).
const KEYS_REFUSED: &str = "ConnectWise refuses the keys, and does not say which value is wrong: Company ID, \
                            Public Key or Private Key, an API member that is inactive, or the client ID of this installation";
const CLIENT_ID_REFUSED: &str = "ConnectWise refuses the client ID of this installation; the operator checks \
                                 connectwise_client_id (PSA_GATEWAY_CONNECTWISE_CLIENT_ID)";
/// What every call answers where the operator has not set the product's own id.
pub(super) const NO_CLIENT_ID: &str = "this installation has no client ID for ConnectWise: the operator sets \
                                       connectwise_client_id (PSA_GATEWAY_CONNECTWISE_CLIENT_ID) to the one that \
                                       developer.connectwise.com gave to it";

/// What an answer says of a refusal.
#[derive(Default)]
struct Said {
    code: String,
    text: String,
    field: Option<String>,
}

fn said(answer: &Answer) -> Said {
    if (200..300).contains(&answer.status) && answer.body.len() > 65_536 {
        return Said::default(); // a list, not a refusal
    }
    let Some(body) = json(answer).filter(Value::is_object) else {
        let is_page =
            answer.content_type() == "text/html" || answer.body.trim_ascii_start().starts_with(b"<");
        let text = String::from_utf8_lossy(&answer.body);
        return Said { text: if is_page { String::new() } else { short(&text) }, ..Said::default() };
    };
    let errors: Vec<&Value> =
        wire::field(&body, "errors").and_then(Value::as_array).into_iter().flatten().collect();
    let first = errors.iter().find_map(|error| wire::text(error, "field"));
    let message = wire::text(&body, "message").unwrap_or_default();
    let details = errors.iter().filter_map(|error| wire::text(error, "message"));
    let text = std::iter::once(message)
        .chain(details)
        .filter(|text| !text.is_empty())
        .collect::<Vec<_>>()
        .join("; ");
    let code = wire::text(&body, "code").or_else(|| wire::text(&body, "error")).unwrap_or_default();
    let text = if text.is_empty() { short(code) } else { short(&text) };
    Said { code: short(code), text, field: first.map(short) }
}

fn in_words(what: &str, said: &Said) -> String {
    if said.text.is_empty() { what.to_owned() } else { format!("{what} (it says: {})", said.text) }
}

/// The body, where it is JSON. An empty one counts as null.
fn json(answer: &Answer) -> Option<Value> {
    if answer.body.trim_ascii().is_empty() {
        return Some(Value::Null);
    }
    serde_json::from_slice(&answer.body).ok()
}

/// Whether a body is an error, whatever its status says.
fn is_error(body: &Value) -> bool {
    wire::text(body, "code").is_some()
        && wire::text(body, "message").is_some()
        && wire::field(body, "id").is_none()
}

fn is_wrong_host(said: &Said) -> bool {
    said.text.to_ascii_lowercase().contains("ssl is required")
}

/// Whether a 404 is about a record, not about the address: only the API itself says `NotFound`.
pub(super) fn is_missing_record(answer: &Answer) -> bool {
    answer.status == 404 && said(answer).code.eq_ignore_ascii_case("NotFound")
}

/// Whether an answer can come from an address that the API has left. Nothing was carried out then.
pub(super) fn may_have_moved(answer: &Answer) -> bool {
    match answer.status {
        401 => true,
        404 => !is_missing_record(answer),
        300..=499 => is_wrong_host(&said(answer)),
        _ => false,
    }
}

/// Stops at a request to wait, which holds for everything that goes to this site.
pub(super) fn held_back(answer: &Answer, http: &Outbound) -> Result<(), PsaError> {
    if answer.status != 429 {
        return Ok(());
    }
    let wait =
        answer.retry_after_secs(&http.clock).or_else(|| seconds_in(&said(answer))).unwrap_or(WAIT_SECS);
    let wait = wait.max(1);
    http.hold(wait);
    Err(PsaError::RateLimited { retry_after_secs: Some(wait) })
}

/// The wait as the message of a 429 says it: "Please try again in 30 seconds."
fn seconds_in(said: &Said) -> Option<i64> {
    let (before, _) = said.text.split_once(" second")?;
    before.rsplit(' ').next()?.parse().ok().filter(|secs| (1..=86_400).contains(secs))
}

/// For people: what came instead of JSON.
pub(super) fn not_json(answer: &Answer) -> String {
    let is_html = answer.content_type() == "text/html" || answer.body.trim_ascii_start().starts_with(b"<");
    let what = if is_html { "an HTML page" } else { "something that the API does not send" };
    format!(
        "the host answered {} with {what}: it may not be ConnectWise, or a gateway stands before it",
        answer.status
    )
}

/// One line, without control characters, of bearable length.
pub(super) fn short(text: &str) -> String {
    let clean: String =
        text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(REASON_CHARS).collect();
    clean.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A refusal without what must not be passed on, should the host repeat what it was sent.
pub(super) fn without(mut answer: Answer, secrets: &[SecretString]) -> Answer {
    let has = |body: &[u8], secret: &[u8]| {
        secret.len() >= 4 && body.windows(secret.len()).any(|part| part == secret)
    };
    if secrets.iter().any(|secret| has(&answer.body, secret.expose_secret().as_bytes())) {
        let mut text = String::from_utf8_lossy(&answer.body).into_owned();
        for secret in secrets.iter().filter(|secret| secret.expose_secret().len() >= 4) {
            text = text.replace(secret.expose_secret(), "…");
        }
        answer.body = Bytes::from(text);
    }
    answer
}

/// Which right a refused call wanted, in the words of System > Security Roles (as listed by vendors that
/// set up API members: Commvault, Cyberfox, ChatStyle).
fn missing(act: Act, path: &str, said: &Said) -> String {
    let level = match act {
        Act::Read => "Inquire",
        Act::Add => "Add",
        Act::Edit | Act::Close => "Edit",
    };
    let wanted = match (act, path) {
        (Act::Close, _) => String::from("Service Desk > Close Service Tickets (Edit and Inquire)"),
        (Act::Add, path) if path.starts_with("/service/tickets/") => {
            String::from("Service Desk > Service Tickets (Edit)")
        }
        (_, path) if path.starts_with("/service/tickets") => {
            format!("Service Desk > Service Tickets ({level})")
        }
        (_, path)
            if path.starts_with("/company/companies/types")
                || path.starts_with("/company/companies/statuses") =>
        {
            String::from("System > Table Setup (Inquire)")
        }
        (_, path) if path.starts_with("/company/companies") => {
            format!("Companies > Company Maintenance ({level})")
        }
        (_, path) if path.starts_with("/company/contacts") => format!("Companies > Contacts ({level})"),
        (_, path) if path.starts_with("/company/configurations") => {
            format!("Companies > Configurations ({level})")
        }
        (_, path) if path.starts_with("/finance/agreements") => format!("Finance > Agreements ({level})"),
        (_, path) if path.starts_with("/system/members") || path.starts_with("/system/info/members") => {
            String::from("System > Member Maintenance (Inquire)")
        }
        // No source names the right that callbacks want.
        (_, path) if path.starts_with("/system/callbacks") => {
            format!("to use callbacks (try System > Table Setup, {level})")
        }
        _ => String::from("System > Table Setup (Inquire)"),
    };
    in_words(&format!("{wanted}, in the security role of the API member"), said)
}

#[cfg(test)]
#[path = "tests/errors.rs"]
mod tests;
