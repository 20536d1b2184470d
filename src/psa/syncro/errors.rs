//! What Syncro's answers mean.

use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use crate::psa::{PsaError, http::Answer};

/// The wait where a 429 names none, as far as was ever seen: half of the minute that Syncro counts in.
const WAIT_SECS: i64 = 30;

/// Longest reason passed on.
const REASON_CHARS: usize = 300;

/// What is done to a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    Get,
    Post,
    Put,
}

impl Verb {
    const fn word(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
        }
    }
}

/// What an answer answers.
pub(super) struct Asked<'a> {
    pub(super) verb: Verb,
    /// Below `/api/v1`.
    pub(super) path: &'a str,
    /// Our token, which no text may repeat.
    pub(super) key: &'a SecretString,
}

/// The JSON of an answer, or what it means instead.
pub(super) fn classify(asked: &Asked, answer: &Answer, retry_after: Option<i64>) -> Result<Value, PsaError> {
    let unclear = |detail: String| match asked.verb {
        Verb::Get => PsaError::Unavailable { detail },
        Verb::Post | Verb::Put => PsaError::Unknown { detail },
    };
    let said = || said(asked, answer);
    match answer.status {
        200..=299 => {
            let Ok(body) = serde_json::from_slice::<Value>(&answer.body) else {
                return Err(unclear(not_json(answer)));
            };
            if is_refusal(&body) { Err(refused(asked, answer)) } else { Ok(body) }
        }
        300..=399 => Err(unclear(format!("Syncro answered {} and points elsewhere", answer.status))),
        // A page comes from a gateway or another host: it proves that nothing was done, and no more.
        404 if !is_own(answer) => Err(PsaError::Unavailable { detail: not_json(answer) }),
        408 => Err(unclear(String::from("Syncro answered 408 (time ran out)"))),
        429 => Err(PsaError::RateLimited { retry_after_secs: Some(retry_after.unwrap_or(WAIT_SECS).max(1)) }),
        400..=499 => Err(refused(asked, answer)),
        status => {
            let text = said().map(|said| format!(": {}", said.text)).unwrap_or_default();
            Err(unclear(format!("Syncro answered {status}{text}")))
        }
    }
}

/// Whether an answer is one of Syncro's own: JSON, or nothing (a 404 may be empty).
pub(super) fn is_own(answer: &Answer) -> bool {
    answer.body.trim_ascii().is_empty() || serde_json::from_slice::<Value>(&answer.body).is_ok()
}

/// Whether a 2xx says no all the same. Records come in wrappers, so these names stand for nothing else.
fn is_refusal(body: &Value) -> bool {
    let is_said = |key: &str| body.get(key).is_some_and(|value| !words(value).is_empty());
    body.get("success") == Some(&Value::Bool(false)) || is_said("error") || is_said("errors")
}

/// For people: what came instead of JSON.
pub(super) fn not_json(answer: &Answer) -> String {
    let is_html = answer.content_type() == "text/html" || answer.body.trim_ascii_start().starts_with(b"<");
    let what = if is_html { "an HTML page" } else { "something other than JSON" };
    format!(
        "the host answered {} with {what}: it may not be Syncro, or a gateway stands before it",
        answer.status
    )
}

fn refused(asked: &Asked, answer: &Answer) -> PsaError {
    let said = said(asked, answer);
    let text = said.as_ref().map(|said| said.text.as_str());
    let is_permission = answer.status == 403 || text.is_some_and(speaks_of_permissions);
    if is_permission {
        return PsaError::Forbidden { missing: missing(asked, text) };
    }
    if answer.status == 401 {
        let text = text.map(|text| format!(": {text}")).unwrap_or_default();
        let detail = format!(
            "Syncro does not take the API token ({} {} was answered 401{text})",
            asked.verb.word(),
            asked.path
        );
        return PsaError::Unauthorized { detail };
    }
    if let Some(said) = said {
        return PsaError::Rejected { field: said.field, reason: said.text };
    }
    let reason = match answer.status {
        404 => String::from("Syncro has no such record"),
        status => format!("Syncro answered {status} without a reason"),
    };
    PsaError::Rejected { field: None, reason }
}

/// Syncro answers 401 to a missing permission as well, with the text "Not authorized. Please ask account
/// admin to update your group permissions." (the vendor's document, /contacts); taking it for a bad token
/// sends people the wrong way (clientst0r#44).
fn speaks_of_permissions(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    text.contains("permission") || text.contains("ask account admin")
}

fn missing(asked: &Asked, said: Option<&str>) -> String {
    let said = said.map(|text| format!("; Syncro says: {text}")).unwrap_or_default();
    format!(
        "{} ({} {} was refused{said}). Tick it in the custom permissions of the API token, in Syncro under More > Admin > API > API Tokens",
        permission(asked.verb, asked.path),
        asked.verb.word(),
        asked.path,
    )
}

/// The permission that an endpoint wants, in Syncro's words (the vendor's document names one for each).
pub(super) fn permission(verb: Verb, path: &str) -> &'static str {
    let mut parts = path.trim_matches('/').split('/');
    let (resource, record) = (parts.next().unwrap_or_default(), parts.next());
    match (resource, verb, record) {
        ("customers", Verb::Get, None) => "Customers - List/Search",
        ("customers", Verb::Get, Some(_)) | ("contacts", Verb::Get, _) => "Customers - View Detail",
        ("customers", Verb::Post, None) => "Customers - Create",
        ("customers" | "contacts", ..) => "Customers - Edit",
        // None is named for the settings; they are of use to nobody else.
        ("tickets", Verb::Get, None | Some("settings")) => "Tickets - List/Search",
        ("tickets", Verb::Get, Some(_)) => "Tickets - View Details",
        ("tickets", Verb::Post, None) => "Tickets - Create",
        ("tickets", ..) => "Tickets - Edit",
        ("customer_assets", Verb::Get, _) => "Assets - List/Search",
        ("schedules", Verb::Get, _) => "Recurring Invoices - List",
        _ => "one that Syncro does not name for this",
    }
}

/// What an answer says about why.
struct Said {
    text: String,
    field: Option<String>,
}

/// The reason in an answer: `message`, `error` and `errors` may each be a text, a list or a map of fields.
/// `params` repeats the request and is left alone.
fn said(asked: &Asked, answer: &Answer) -> Option<Said> {
    let found = match serde_json::from_slice::<Value>(&answer.body) {
        Ok(Value::String(text)) => vec![(None, text)],
        Ok(body) => ["message", "error", "errors"]
            .iter()
            .filter_map(|key| body.get(key))
            .map(words)
            .find(|words| !words.is_empty())?,
        Err(_) if answer.content_type() == "text/html" => return None,
        Err(_) => {
            let text = String::from_utf8_lossy(&answer.body).trim().to_owned();
            vec![(None, text)].into_iter().filter(|(_, text)| !text.starts_with('<')).collect()
        }
    };
    let field = found.first().and_then(|(field, text)| field.clone().or_else(|| field_in(text)));
    let text = found.into_iter().take(5).map(|(_, text)| text).collect::<Vec<_>>().join("; ");
    let text = short(&text.replace(asked.key.expose_secret(), "[the API token]"));
    (!text.is_empty()).then(|| Said { text, field: field.map(|field| short(&field)) })
}

/// Texts in any of the shapes, with the field where a map names it.
fn words(value: &Value) -> Vec<(Option<String>, String)> {
    let plain = |value: &Value| {
        value.as_str().map(str::trim).filter(|text| !text.is_empty()).map(|text| (None, text.to_owned()))
    };
    match value {
        Value::Array(items) => items.iter().filter_map(plain).collect(),
        Value::Object(fields) => {
            let named = fields.iter().flat_map(|(field, value)| {
                let texts = if let Value::Array(items) = value {
                    items.iter().filter_map(plain).collect()
                } else {
                    plain(value).into_iter().collect::<Vec<_>>()
                };
                texts.into_iter().map(move |(_, text)| (Some(field.clone()), format!("{field} {text}")))
            });
            named.collect()
        }
        other => plain(other).into_iter().collect(),
    }
}

/// The field that a text begins with, as in "Ticket type can't be blank".
fn field_in(text: &str) -> Option<String> {
    const AFTER: [&str; 7] =
        [" can't be", " is not ", " is invalid", " is too ", " required field", " must ", " has already"];
    let end = AFTER.iter().filter_map(|after| text.find(after)).min()?;
    let name = text.get(..end)?.trim();
    let is_name = !name.is_empty()
        && name.len() <= 40
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, ' ' | '_'));
    is_name.then(|| name.to_ascii_lowercase().replace(' ', "_"))
}

/// One line, without control characters, of bearable length.
pub(super) fn short(text: &str) -> String {
    let clean: String =
        text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(REASON_CHARS).collect();
    clean.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
#[path = "errors_tests.rs"]
mod tests;
