//! The shapes Halo's errors take.
//!
//! There are seven (HaloAPI `New-HaloError.ps1`, n8n `GenericFunctions.ts`): a field map, `ClassName` with
//! `Message`, `Message` alone, OAuth's `error`, a `resultCode` with `errorMessage`, plain text or HTML, and
//! nothing at all.

use serde_json::{Value, json};

use crate::sandbox::frame::{Failure, Reply};

/// As Halo and the gateway in front of it fail; `limit` is that of the rate window.
pub(super) fn failure(failure: &Failure, limit: u32) -> Reply {
    match failure {
        Failure::RateLimited { retry_after } => too_many(limit, *retry_after),
        Failure::Broken { status: 500 } => {
            Reply { status: 500, ..exception("Object reference not set to an instance of an object.") }
        }
        Failure::Broken { status } => Reply::html(*status, "We will be right back"),
        Failure::ExpiredLogin { status: 401 } => unauthorized(),
        Failure::ExpiredLogin { status } => {
            Reply::json(*status, &json!({ "Message": "The access token has expired" }))
        }
        Failure::Forbidden => forbidden(),
        Failure::Refused { message } => exception(message),
        // The shape with a code of its own; with which status it comes is not recorded.
        Failure::Hidden => Reply::ok(&json!({ "resultCode": "1", "errorMessage": "Nothing was changed" })),
    }
}

/// A thrown .NET exception: how Halo says that a rule was broken.
pub(super) fn exception(message: &str) -> Reply {
    let body = json!({
        "ClassName": "System.Exception",
        "Message": message,
        "Data": null,
        "InnerException": null,
        "HelpURL": null,
        "HResult": -2_146_233_088,
        "Source": "NHApi",
    });
    Reply::json(400, &body)
}

/// Model binding failed: path in the body (or name of a parameter) and what was wrong there.
pub(super) fn field_map(path: &str, message: &str) -> Reply {
    Reply::json(400, &json!({ path: [message] }))
}

/// OAuth's shape (RFC 6749, section 5.2).
pub(super) fn oauth(status: u16, error: &str, description: &str) -> Reply {
    Reply::json(status, &json!({ "error": error, "error_description": description }))
}

/// No such record, asked for by its id.
pub(super) fn not_found() -> Reply {
    Reply::json(404, &json!({ "Message": "Record not found" }))
}

/// The record as an answer, or that there is none.
pub(super) fn found(json: Option<Value>) -> Result<Reply, Reply> {
    json.map(|json| Reply::ok(&json)).ok_or_else(not_found)
}

/// No token, or none that is good any more: no body.
pub(super) fn unauthorized() -> Reply {
    Reply::empty(401).with("www-authenticate", "Bearer")
}

/// The scope or the role of the agent lacks a right: nothing but the status
/// (dotMARC `HaloPsaClient.cs`).
pub(super) fn forbidden() -> Reply {
    Reply::empty(403)
}

/// 429 as Halo words it; `Retry-After` only comes now and then.
pub(super) fn too_many(limit: u32, retry_after: Option<u64>) -> Reply {
    let text = format!("Rate Limit Reached - {limit} Requests per rolling 5 minute window");
    let reply = Reply::text(429, "text/plain; charset=utf-8", text);
    match retry_after {
        Some(secs) => reply.with("retry-after", secs.to_string()),
        None => reply,
    }
}
