//! The vendor's refusals.
//!
//! Shapes as recorded by amp-labs/connectors and read by HealthITAU/pyconnectwise. The bodies of 401 and 403
//! were seen by christaylorcodes/ConnectWiseManageAPI#18 and others, but not lately.

use serde_json::{Value, json};

use crate::sandbox::frame::Reply;

/// One entry of `errors`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    code: &'static str,
    message: String,
    field: String,
}

impl Problem {
    pub(super) fn missing(field: &str) -> Self {
        Self::new("MissingRequiredField", format!("The {field} field is required."), field)
    }

    pub(super) fn invalid(field: &str, message: impl Into<String>) -> Self {
        Self::new("InvalidField", message, field)
    }

    pub(super) fn not_found(field: &str, message: impl Into<String>) -> Self {
        Self::new("NotFound", message, field)
    }

    pub(super) fn exists(field: &str, message: impl Into<String>) -> Self {
        Self::new("ObjectExists", message, field)
    }

    pub(super) fn out_of_range(field: &str, message: impl Into<String>) -> Self {
        Self::new("OutOfRange", message, field)
    }

    fn new(code: &'static str, message: impl Into<String>, field: &str) -> Self {
        Self { code, message: message.into(), field: field.to_owned() }
    }
}

/// 400 with what is wrong with an object.
pub(super) fn invalid(resource: &str, problems: &[Problem]) -> Reply {
    let errors: Vec<Value> = problems
        .iter()
        .map(|problem| {
            json!({
                "code": problem.code, "message": problem.message, "resource": resource, "field": problem.field,
            })
        })
        .collect();
    let message = format!("{resource} object is invalid");
    Reply::json(400, &json!({ "code": "InvalidObject", "message": message, "errors": errors }))
}

fn plain(status: u16, code: &str, message: &str) -> Reply {
    Reply::json(status, &json!({ "code": code, "message": message, "errors": null }))
}

/// Wrong keys, or no `clientId`; one body for all of them, which tells nobody what is wrong.
pub(super) fn unauthenticated() -> Reply {
    plain(401, "ConnectWiseApi", "UserNotAuthenticated")
}

/// The security role lacks a right.
pub(super) fn forbidden() -> Reply {
    plain(403, "Security", "You do not have security permission to perform this action.")
}

/// The site that people see was called in place of the API host.
pub(super) fn wrong_host() -> Reply {
    plain(403, "Security", "SSL is required.")
}

/// A record that is not there, or not to be seen.
pub(super) fn not_found(label: &str, id: &str) -> Reply {
    Reply::json(404, &json!({ "code": "NotFound", "message": format!("{label} {id} not found") }))
}

/// A path that the API does not have.
pub(super) fn no_endpoint() -> Reply {
    Reply::json(404, &json!({ "code": "ConnectWiseApi", "message": "The endpoint does not exist." }))
}

/// A path that the API has, for other methods.
pub(super) fn wrong_method(method: &str) -> Reply {
    let message = format!("The requested resource does not support http method '{method}'.");
    plain(405, "ConnectWiseApi", &message)
}

/// A body that is not JSON.
pub(super) fn wrong_media(media: &str) -> Reply {
    let message = format!("The request entity's media type '{media}' is not supported for this resource.");
    plain(415, "InvalidObject", &message)
}

/// A condition or an order that cannot be read. The real text is long, names a boolean and lists the quoting
/// rules (covenanttechnologysolutions/connectwise-rest, README).
pub(super) fn bad_condition(parameter: &str, complaint: &str) -> Reply {
    let message = format!(
        "Expected Boolean expression in {parameter}: {complaint}. String values should be enclosed in quotes, \
         datetimes in square brackets; integers and the Booleans True and False stand without quotes."
    );
    plain(400, "InvalidObject", &message)
}

/// Too many calls; the key of the code is `error` here.
pub(super) fn too_many(retry_after: Option<u64>) -> Reply {
    let secs = retry_after.unwrap_or(30);
    let message = format!("Too many requests. Please try again in {secs} seconds.");
    let reply = Reply::json(429, &json!({ "error": "ConnectWiseAPI", "message": message }));
    match retry_after {
        Some(secs) => reply.with("retry-after", secs.to_string()),
        None => reply,
    }
}

/// 400 in words of somebody's choice.
pub(super) fn refused(resource: &str, message: &str) -> Reply {
    invalid(resource, &[Problem::invalid("", message)])
}

/// The API is out of order.
pub(super) fn broken(status: u16) -> Reply {
    match status {
        // The gateway in front of the API speaks HTML.
        502..=504 => Reply::html(status, "The service is unavailable."),
        _ => plain(status, "ConnectWiseApi", "An error occurred while processing your request."),
    }
}

/// An error inside a 200.
pub(super) fn hidden() -> Reply {
    plain(200, "ConnectWiseApi", "Execution timeout expired. The operation did not complete.")
}
