//! The forms in which Autotask answers.

use serde_json::{Value, json};

use crate::sandbox::frame::{Call, Reply};

/// A refusal is an answer too.
pub(super) type Answer = Result<Reply, Reply>;

/// 500 with the reason: Autotask's usual way to refuse, validation included (apigrate/autotask-restapi#19).
pub(super) fn refused(reason: impl Into<String>) -> Reply {
    refused_for(&[reason.into()])
}

/// 500 with several reasons.
pub(super) fn refused_for(reasons: &[String]) -> Reply {
    Reply::json(500, &json!({ "errors": reasons }))
}

/// The want of a right; `to` is query, create, update or delete.
pub(super) fn not_permitted(to: &str) -> Reply {
    refused(format!(
        "The logged in Resource does not have the adequate permissions to {to} this entity type."
    ))
}

/// What a write answers: the id, nothing else.
pub(super) fn written(id: i64) -> Reply {
    Reply::ok(&json!({ "itemId": id }))
}

/// ASP.NET Web API's own answer to a path that it does not route.
pub(super) fn no_such_path(call: &Call) -> Reply {
    let address = format!("http://{}{}", call.header("host"), call.path);
    let text = format!("No HTTP resource was found that matches the request URI '{address}'.");
    Reply::json(404, &json!({ "Message": text }))
}

/// ASP.NET Web API's own answer to a verb that a path does not have.
pub(super) fn no_such_verb(call: &Call) -> Reply {
    let text = format!("The requested resource does not support http method '{}'.", call.method);
    Reply::json(405, &json!({ "Message": text }))
}

/// The body of a call that writes or searches.
pub(super) fn body(call: &Call) -> Result<Value, Reply> {
    if !call.is_json() {
        let media = call.header("content-type");
        let text = format!("The request entity's media type '{media}' is not supported for this resource.");
        return Err(Reply::json(415, &json!({ "Message": text })));
    }
    let value = call.json().map_err(refused)?;
    if value.is_object() { Ok(value) } else { Err(refused("The request body is not an object.")) }
}
