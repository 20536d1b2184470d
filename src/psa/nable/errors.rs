//! What MSP Manager's answers mean.
//!
//! No source has recorded the body of an error. The service is ASP.NET with OData, so the shapes of both are
//! read, text too; the vendor says no more than that the user "will see an error".

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

use super::wire;
use crate::psa::{PsaError, http::Answer};

/// The wait where a 429 names none. No limit is documented and none was seen.
const WAIT_SECS: i64 = 30;

/// Longest reason passed on.
const REASON_CHARS: usize = 300;

/// Whether a call changes something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Read,
    Write,
}

/// Reads answers of one call.
pub(super) struct Reader<'a> {
    pub(super) kind: Kind,
    /// The entity and what follows it, e.g. `Tickets/{id}`.
    pub(super) path: &'a str,
    /// Never passed on, should an answer repeat it.
    pub(super) key: &'a SecretString,
}

impl Reader<'_> {
    /// The JSON of an answer, null where it is empty (204), or what it means instead.
    pub(super) fn read(&self, answer: &Answer, retry_after: Option<i64>) -> Result<Value, PsaError> {
        match answer.status {
            200..=299 => self.success(answer),
            300..=399 => {
                Err(self.unclear(format!("MSP Manager answered {} and points elsewhere", answer.status)))
            }
            401 => {
                let said = self.reason(answer).map(|text| format!(": {text}")).unwrap_or_default();
                Err(PsaError::Unauthorized { detail: format!("MSP Manager answered 401{said}") })
            }
            403 => Err(self.forbidden(answer)),
            408 => Err(self.unclear(String::from("MSP Manager answered 408 (time ran out)"))),
            429 => {
                Err(PsaError::RateLimited { retry_after_secs: Some(retry_after.unwrap_or(WAIT_SECS).max(1)) })
            }
            // Told to wait: a read was not answered, a write may have been carried out all the same.
            503 if self.kind == Kind::Read && retry_after.is_some() => {
                Err(PsaError::RateLimited { retry_after_secs: retry_after.map(|secs| secs.max(1)) })
            }
            // The role's refusal may come with any status.
            400..=500 if self.lacks_permission(answer) => Err(self.forbidden(answer)),
            400..=499 => {
                let (field, reason) = self.refusal(answer);
                Err(PsaError::Rejected { field, reason })
            }
            status => {
                let text = self.reason(answer).map(|text| format!(": {text}")).unwrap_or_default();
                Err(self.unclear(format!("MSP Manager answered {status}{text}")))
            }
        }
    }

    fn unclear(&self, detail: String) -> PsaError {
        match self.kind {
            Kind::Read => PsaError::Unavailable { detail },
            Kind::Write => PsaError::Unknown { detail },
        }
    }

    fn success(&self, answer: &Answer) -> Result<Value, PsaError> {
        if answer.body.trim_ascii().is_empty() {
            return Ok(Value::Null);
        }
        let body: Value = serde_json::from_slice(&answer.body).map_err(|_| self.unclear(not_json(answer)))?;
        // OData reports what goes wrong in the middle of an answer within it, after the 200.
        if wire::get(&body, "error").is_some_and(Value::is_object) {
            let text = self.reason(answer).unwrap_or_else(|| String::from("an error without words"));
            return Err(self.unclear(format!("MSP Manager answered {} with an error: {text}", answer.status)));
        }
        Ok(body)
    }

    /// Whether the words of a refusal speak of rights.
    fn lacks_permission(&self, answer: &Answer) -> bool {
        self.reason(answer).is_some_and(|text| {
            let text = text.to_ascii_lowercase();
            let words = [
                "permission",
                "not authorized",
                "not authorised",
                "authorization has been denied",
                "access denied",
                "access is denied",
            ];
            words.iter().any(|word| text.contains(word))
        })
    }

    fn forbidden(&self, answer: &Answer) -> PsaError {
        let said = self.reason(answer).map(|text| format!("; MSP Manager says: {text}")).unwrap_or_default();
        let entity = self.path.split(['/', '(']).next().unwrap_or_default().to_ascii_lowercase();
        let wanted = match (entity.as_str(), self.kind) {
            ("customers", Kind::Read) => "to see customers",
            ("customers", Kind::Write) => "Create Customer",
            ("contacts", Kind::Read) => "to see contacts",
            ("contacts", Kind::Write) => "Create Contact or Edit Contact",
            ("serviceitems", _) => "to see service items",
            ("users", _) => "to see users",
            ("tickets", Kind::Write) => "to create and edit tickets",
            _ => "to see tickets",
        };
        let missing = format!(
            "{wanted}, or access to the API at all: tick it in the role of the user whose API key this is \
             ({} was refused{said})",
            self.path.split(['/', '(']).next().unwrap_or_default()
        );
        PsaError::Forbidden { missing }
    }

    /// Why a call was refused, and which field is to blame.
    fn refusal(&self, answer: &Answer) -> (Option<String>, String) {
        let body = serde_json::from_slice::<Value>(&answer.body).unwrap_or_default();
        // ASP.NET: {"ModelState": {"ticket.Title": ["The Title field is required."]}}; newer: {"errors": {…}}.
        let fields = ["ModelState", "errors"].iter().find_map(|key| wire::get(&body, key)?.as_object());
        let first = fields.into_iter().flatten().find_map(|(path, messages)| {
            let message = messages.as_str().or_else(|| messages.as_array()?.first()?.as_str())?;
            Some((path, message))
        });
        if let Some((path, message)) = first {
            let name = path.rsplit(['.', ']']).next().unwrap_or(path).trim_start_matches('$').to_owned();
            return (Some(self.short(&name)).filter(|name| !name.is_empty()), self.short(message));
        }
        let target = wire::get(&body, "error").and_then(|error| wire::text(error, "target"));
        let text = self.reason(answer).unwrap_or_else(|| match answer.status {
            404 => String::from("MSP Manager has no such record, or no such address"),
            status => format!("MSP Manager answered {status} without a reason"),
        });
        (target.map(|target| self.short(target)), text)
    }

    /// The reason an answer gives in words.
    pub(super) fn reason(&self, answer: &Answer) -> Option<String> {
        let Ok(body) = serde_json::from_slice::<Value>(&answer.body) else {
            let text = String::from_utf8_lossy(&answer.body);
            let text = text.trim();
            let is_page = answer.content_type() == "text/html" || text.starts_with('<');
            return (!text.is_empty() && !is_page).then(|| self.short(text));
        };
        if let Value::String(text) = &body {
            return Some(self.short(text)).filter(|text| !text.is_empty());
        }
        let error = ["error", "odata.error"].iter().find_map(|key| wire::get(&body, key));
        let said = error.and_then(|error| match error {
            Value::String(text) => Some(text.as_str()),
            // OData 3 put the words one level deeper.
            _ => wire::text(error, "message").or_else(|| wire::text(wire::get(error, "message")?, "value")),
        });
        // "An error has occurred." says less than what comes with it.
        let inner = || wire::text(wire::get(error?, "innererror")?, "message");
        let said = match said {
            Some(text) if text.starts_with("An error has occurred") => inner().or(Some(text)),
            said => said,
        };
        let keys = ["ExceptionMessage", "MessageDetail", "Message", "error_description", "title", "detail"];
        said.or_else(|| wire::any_text(&body, &keys)).map(|text| self.short(text))
    }

    /// One line of bearable length, without our key.
    fn short(&self, text: &str) -> String {
        let key = self.key.expose_secret();
        let text = if key.is_empty() { text.to_owned() } else { text.replace(key, "…") };
        let clean: String =
            text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(REASON_CHARS).collect();
        clean.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

/// For people: what came instead of JSON.
pub(super) fn not_json(answer: &Answer) -> String {
    let is_page = is_page(answer);
    let what = if is_page { "an HTML page" } else { "something other than JSON" };
    format!("the host answered {} with {what}: it may not be MSP Manager's API", answer.status)
}

/// Whether an answer is for a browser: the web application, a gateway, or an address that leads nowhere.
pub(super) fn is_page(answer: &Answer) -> bool {
    answer.content_type() == "text/html" || answer.body.trim_ascii_start().starts_with(b"<")
}

#[cfg(test)]
mod tests {
    use actix_web::web::Bytes;
    use proptest::prelude::*;

    use super::*;

    fn read_as(kind: Kind, status: u16, body: &str, retry_after: Option<i64>) -> Result<Value, PsaError> {
        let headers = reqwest::header::HeaderMap::new();
        let answer = Answer { status, headers, body: Bytes::copy_from_slice(body.as_bytes()) };
        Reader { kind, path: "Tickets/x", key: &SecretString::from("k3y") }.read(&answer, retry_after)
    }

    fn read(status: u16, body: &str) -> Result<Value, PsaError> {
        read_as(Kind::Read, status, body, None)
    }

    fn write(status: u16, body: &str) -> Result<Value, PsaError> {
        read_as(Kind::Write, status, body, None)
    }

    #[test]
    fn every_shape_of_a_refusal_gives_its_reason_and_never_our_key() {
        for (body, field, reason) in [
            (
                include_str!("fixtures/error_odata.json"),
                None,
                "Could not find a property named 'UpdatedDate'",
            ),
            (include_str!("fixtures/error_model_state.json"), Some("Title"), "The Title field is required."),
            ("{\"errors\":{\"$.dueDate\":[\"not a date\"]}}", Some("dueDate"), "not a date"),
            (
                "{\"Message\":\"An error has occurred.\",\"ExceptionMessage\":\"No service item\"}",
                None,
                "No service item",
            ),
            ("{\"odata.error\":{\"message\":{\"lang\":\"en\",\"value\":\"old\"}}}", None, "old"),
            (
                "{\"error\":{\"message\":\"An error has occurred.\",\"innererror\":{\"message\":\"deeper\"}}}",
                None,
                "deeper",
            ),
            ("\"just text\"", None, "just text"),
            ("plain text with k3y", None, "plain text with …"),
            ("", None, "MSP Manager answered 400 without a reason"),
            ("<html>x</html>", None, "MSP Manager answered 400 without a reason"),
        ] {
            let Err(PsaError::Rejected { field: f, reason: r }) = write(400, body) else { panic!("{body}") };
            assert_eq!(f.as_deref(), field, "{body}");
            assert!(r.starts_with(reason), "{body}: {r}");
        }
        let long = format!("{}k3y", "x".repeat(298));
        let Err(PsaError::Rejected { reason, .. }) = write(400, &long) else { panic!() };
        assert!(!reason.contains("k3") && reason.chars().count() <= REASON_CHARS, "{reason}");
    }

    #[test]
    fn the_same_answer_leaves_a_write_in_doubt_and_not_a_read() {
        let in_stream = "{\"value\":[],\"error\":{\"code\":\"\",\"message\":\"broke off\"}}";
        for (status, body) in
            [(200, "<html>"), (200, "{\"a\""), (200, in_stream), (302, ""), (408, ""), (500, "{}"), (504, "")]
        {
            assert!(matches!(read(status, body), Err(PsaError::Unavailable { .. })), "{status} {body}");
            assert!(matches!(write(status, body), Err(PsaError::Unknown { .. })), "{status} {body}");
        }
        assert_eq!(write(204, ""), Ok(Value::Null));
    }

    #[test]
    fn a_missing_permission_is_known_by_status_or_by_words_and_named() {
        let denied = "{\"Message\":\"You do not have permission to edit tickets.\"}";
        for (status, body) in [(403, ""), (400, denied), (500, denied)] {
            let Err(PsaError::Forbidden { missing }) = write(status, body) else { panic!("{status}") };
            assert!(missing.starts_with("to create and edit tickets"), "{missing}");
        }
        let denied = "{\"Message\":\"Authorization has been denied for this request.\"}";
        assert!(matches!(read(401, denied), Err(PsaError::Unauthorized { .. })));
    }

    #[test]
    fn being_told_to_wait_is_a_limit_unless_a_write_may_have_been_done() {
        assert_eq!(read(429, "x"), Err(PsaError::RateLimited { retry_after_secs: Some(30) }));
        let wait = Err(PsaError::RateLimited { retry_after_secs: Some(7) });
        assert_eq!(read_as(Kind::Write, 429, "", Some(7)), wait);
        assert_eq!(read_as(Kind::Read, 503, "", Some(7)), wait);
        assert!(matches!(read_as(Kind::Write, 503, "", Some(7)), Err(PsaError::Unknown { .. })));
        assert!(matches!(read(503, ""), Err(PsaError::Unavailable { .. })));
    }

    proptest! {
        #[test]
        fn no_answer_makes_reading_it_panic(status in 100_u16..600, body in "[\\[\\]{}\":,a-z0-9<>. ]{0,80}") {
            let _ = (read(status, &body), write(status, &body));
        }
    }
}
