//! What Halo's answers mean.

use serde_json::Value;

use super::wire;
use crate::psa::{PsaError, http::Answer};

/// The wait where a 429 names none: five seconds ten times was too short (HaloAPI#31).
const WAIT_SECS: i64 = 30;

/// Longest reason passed on.
const REASON_CHARS: usize = 300;

/// Whether a call changes something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Read,
    Write,
}

/// The JSON of an answer, or what it means instead. `granted` is the scope of the token.
pub(super) fn classify(
    kind: Kind,
    path: &str,
    granted: &str,
    answer: &Answer,
    retry_after: Option<i64>,
) -> Result<Value, PsaError> {
    let unclear = |detail: String| match kind {
        Kind::Read => PsaError::Unavailable { detail },
        Kind::Write => PsaError::Unknown { detail },
    };
    match answer.status {
        200..=299 => json(answer).ok_or_else(|| unclear(not_json(answer))),
        300..=399 => Err(unclear(format!("Halo answered {} and points elsewhere", answer.status))),
        401 => {
            Err(PsaError::Unauthorized { detail: reason(answer).unwrap_or_else(|| "401 from Halo".into()) })
        }
        403 => Err(PsaError::Forbidden { missing: missing(kind, path, granted, answer) }),
        408 => Err(unclear(String::from("Halo answered 408 (time ran out)"))),
        429 => {
            let wait = retry_after.unwrap_or(WAIT_SECS).max(1);
            Err(PsaError::RateLimited { retry_after_secs: Some(wait) })
        }
        400..=499 => {
            let (field, reason) = refusal(answer);
            Err(PsaError::Rejected { field, reason })
        }
        status => {
            let text = reason(answer).map(|text| format!(": {text}")).unwrap_or_default();
            Err(unclear(format!("Halo answered {status}{text}")))
        }
    }
}

/// The body, where it is JSON. An empty one counts as null.
fn json(answer: &Answer) -> Option<Value> {
    if answer.body.trim_ascii().is_empty() {
        return Some(Value::Null);
    }
    serde_json::from_slice(&answer.body).ok()
}

/// For people: what came instead of JSON.
pub(super) fn not_json(answer: &Answer) -> String {
    let is_html = answer.content_type() == "text/html" || answer.body.trim_ascii_start().starts_with(b"<");
    let what = if is_html { "an HTML page" } else { "something other than JSON" };
    format!(
        "the host answered {} with {what}: it may not be Halo, or a gateway stands before it",
        answer.status
    )
}

/// Why a call was refused, and which field is to blame. Six shapes are known (HaloAPI's error reader,
/// n8n, dotMARC, CIPP); what is none of them is passed on as text.
fn refusal(answer: &Answer) -> (Option<String>, String) {
    let body = json(answer).unwrap_or_default();
    // A map of fields to messages, from the binding of the model: {"[0].client_id": ["…"]}.
    let fields = body.get("errors").unwrap_or(&body);
    if let Some((path, messages)) = fields.as_object().and_then(|fields| {
        fields.iter().find_map(|(path, value)| {
            let first = value.as_array()?.first()?.as_str()?;
            Some((path, first))
        })
    }) {
        let field = path.rsplit('.').next().unwrap_or(path).trim_start_matches(['$', '[']).to_owned();
        let field = (!field.is_empty() && !field.starts_with(|c: char| c.is_ascii_digit())).then_some(field);
        return (field, short(messages));
    }
    let text = reason(answer).unwrap_or_else(|| match answer.status {
        404 => String::from("Halo has no such record, or no such address"),
        415 => String::from("Halo did not take the request for JSON"),
        status => format!("Halo answered {status} without a reason"),
    });
    (None, text)
}

/// The reason an answer gives in words.
pub(super) fn reason(answer: &Answer) -> Option<String> {
    let body = match serde_json::from_slice::<Value>(&answer.body) {
        Ok(body) => body,
        Err(_) if answer.content_type() == "text/html" => return None,
        Err(_) => {
            let text = String::from_utf8_lossy(&answer.body);
            let text = text.trim();
            return (!text.is_empty() && !text.starts_with('<')).then(|| short(text));
        }
    };
    if let Value::String(text) = &body {
        return Some(short(text)).filter(|text| !text.is_empty());
    }
    ["error_description", "Message", "message", "errorMessage", "error", "title", "detail"]
        .iter()
        .find_map(|key| wire::text(&body, key))
        .map(short)
}

/// One line, without control characters, of bearable length.
pub(super) fn short(text: &str) -> String {
    let clean: String =
        text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(REASON_CHARS).collect();
    clean.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Which permission a refused call wanted. A 403 of Halo is often empty (dotMARC), so the scope comes
/// from here.
fn missing(kind: Kind, path: &str, granted: &str, answer: &Answer) -> String {
    let resource = path.trim_start_matches('/').split('/').next().unwrap_or_default().to_ascii_lowercase();
    let wanted = match (resource.as_str(), kind) {
        ("client" | "site" | "users", Kind::Read) => {
            "read:customers, and a role of its agent that may see customers"
        }
        ("client" | "site" | "users", Kind::Write) => "edit:customers",
        // dotMARC: no scope covers agents, the role of the application's agent decides.
        ("agent", _) => "to see agents (no scope covers this: the role of the application's agent decides)",
        ("asset" | "assettype", Kind::Read) => "read:assets, and a role of its agent that may see assets",
        ("asset", Kind::Write) => "edit:assets",
        // The scope's name is known (dotMARC); that recurring invoices come under it is not confirmed.
        ("recurringinvoice", Kind::Read) => "read:invoices, and a role of its agent that may see invoices",
        ("recurringinvoice", Kind::Write) => "edit:invoices",
        // The strict reading: no source says which scope webhooks need.
        ("webhook" | "notification", _) => {
            "admin, to register webhooks; without it, make a webhook endpoint here and enter its address and secret \
             by hand in Halo (Configuration > Integrations > Webhooks)"
        }
        ("tickets" | "actions", Kind::Write) => "edit:tickets, and a role of its agent that may do this",
        _ => "read:tickets, and a role of its agent that may see this",
    };
    let granted = if granted.is_empty() { "nothing it names" } else { granted };
    let said = reason(answer).map(|text| format!("; Halo says: {text}")).unwrap_or_default();
    format!("{wanted} ({path} was refused; the application was granted: {granted}{said})")
}

/// Whether a 400 can come from a token that has run out: it says so, or it says nothing
/// (n8n#16857: "sometimes 400 on expiry").
pub(super) fn may_be_stale_token(answer: &Answer) -> bool {
    answer.body.trim_ascii().is_empty()
        || reason(answer).is_some_and(|text| {
            let text = text.to_ascii_lowercase();
            text.contains("token") && (text.contains("expired") || text.contains("invalid"))
        })
}

#[cfg(test)]
mod tests {
    use actix_web::web::Bytes;
    use proptest::prelude::*;

    use super::*;

    fn answer(status: u16, body: &str) -> Answer {
        Answer {
            status,
            headers: reqwest::header::HeaderMap::new(),
            body: Bytes::copy_from_slice(body.as_bytes()),
        }
    }

    fn read(status: u16, body: &str) -> Result<Value, PsaError> {
        classify(Kind::Read, "/Tickets", "read:customers", &answer(status, body), None)
    }

    fn write(status: u16, body: &str) -> Result<Value, PsaError> {
        classify(Kind::Write, "/Tickets", "read:tickets", &answer(status, body), None)
    }

    #[test]
    fn every_known_shape_of_a_refusal_gives_its_reason() {
        for (body, field, reason) in [
            (
                include_str!("fixtures/error_field_map.json"),
                Some("client_id"),
                "Error converting value \"abc\"",
            ),
            (
                include_str!("fixtures/error_exception.json"),
                None,
                "An Outcome must be entered for this Action",
            ),
            ("{\"Message\":\"Record not found\"}", None, "Record not found"),
            ("{\"message\":\"Name must be unique\"}", None, "Name must be unique"),
            ("{\"error\":\"invalid_request\",\"error_description\":\"no scope\"}", None, "no scope"),
            ("{\"resultCode\":\"7\",\"errorMessage\":\"not so\"}", None, "not so"),
            ("\"just text\"", None, "just text"),
            ("plain text", None, "plain text"),
            ("{\"errors\":{\"$[0].status_id\":[\"not a number\"]}}", Some("status_id"), "not a number"),
            ("", None, "Halo answered 400 without a reason"),
            ("<html>x</html>", None, "Halo answered 400 without a reason"),
        ] {
            let Err(PsaError::Rejected { field: f, reason: r }) = write(400, body) else { panic!("{body}") };
            assert_eq!(f.as_deref(), field, "{body}");
            assert!(r.starts_with(reason), "{body}: {r}");
        }
    }

    #[test]
    fn the_same_answer_leaves_a_write_in_doubt_and_not_a_read() {
        for (status, body) in [(200, "<html>"), (302, ""), (408, ""), (500, "{}"), (502, "<html>"), (504, "")]
        {
            assert!(matches!(read(status, body), Err(PsaError::Unavailable { .. })), "{status}");
            assert!(matches!(write(status, body), Err(PsaError::Unknown { .. })), "{status}");
        }
    }

    #[test]
    fn an_empty_403_still_names_the_scope_and_what_was_granted() {
        let Err(PsaError::Forbidden { missing }) = write(403, "") else { panic!() };
        assert!(missing.starts_with("edit:tickets"), "{missing}");
        assert!(missing.contains("granted: read:tickets"), "{missing}");
    }

    #[test]
    fn a_429_waits_as_told_and_else_thirty_seconds() {
        assert_eq!(read(429, "x"), Err(PsaError::RateLimited { retry_after_secs: Some(30) }));
        let told = classify(Kind::Write, "/Tickets", "", &answer(429, ""), Some(7));
        assert_eq!(told, Err(PsaError::RateLimited { retry_after_secs: Some(7) }));
    }

    proptest! {
        #[test]
        fn no_answer_makes_reading_it_panic(status in 100_u16..600, body in "[\\[\\]{}\":,a-z0-9<>. ]{0,80}") {
            let _ = (read(status, &body), write(status, &body));
        }
    }
}
