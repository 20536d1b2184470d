//! The vendor's shapes of an error: five of them are in use, each where it was seen.

use serde_json::{Value, json};

use crate::sandbox::frame::Reply;

/// 422 as tickets, comments and updates say it.
pub(super) fn invalid(messages: &[String]) -> Reply {
    Reply::json(422, &json!({ "success": false, "message": messages }))
}

/// 422 as new customers and assets say it: what was sent comes back.
pub(super) fn invalid_echo(messages: &[String], params: &Value) -> Reply {
    Reply::json(422, &json!({ "success": false, "message": messages, "params": params }))
}

/// 422 as recurring invoices say it.
pub(super) fn invalid_list(messages: &[String]) -> Reply {
    Reply::json(422, &json!({ "error": messages }))
}

/// One sentence under `error`.
pub(super) fn error(status: u16, words: &str) -> Reply {
    Reply::json(status, &json!({ "error": words }))
}

/// There is no such record, as tickets and contacts say it.
pub(super) fn not_found() -> Reply {
    Reply::json(404, &json!({ "message": "Not found" }))
}

/// The token's permissions do not allow it: 401, as for a bad token, but in these words.
pub(super) fn not_allowed() -> Reply {
    error(401, "Not authorized. Please ask account admin to update your group permissions.")
}

/// The token is unknown. The words are not recorded.
pub(super) fn bad_token(status: u16) -> Reply {
    error(status, "Unauthorized")
}

/// More requests than the minute allows: no header tells when to come back. The body is not recorded; this is
/// what the usual limiter of the vendor's framework sends.
pub(super) fn too_many() -> Reply {
    Reply::text(429, "text/plain", "Retry later\n")
}

/// The body is no JSON although it says so: the framework's own answer.
pub(super) fn malformed() -> Reply {
    Reply::json(400, &json!({ "status": 400, "error": "Bad Request" }))
}
