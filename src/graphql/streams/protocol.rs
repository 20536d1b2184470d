//! The messages and close codes of `graphql-transport-ws`.

use std::borrow::Cow;

use async_graphql::{Response, ServerError};
use serde::Serialize;
use serde_json::{Map, Value as Json, json};

/// The name of the subprotocol.
pub(super) const NAME: &str = "graphql-transport-ws";

/// What a client says.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Said {
    /// Who it is.
    Init(Map<String, Json>),
    /// Are you there?
    Ping(Option<Json>),
    /// I am.
    Pong,
    /// Carry out an operation.
    Subscribe { id: String, asked: Json },
    /// An operation is no longer wanted.
    Complete { id: String },
}

/// Reads a message. What is not in the protocol is an error, which closes the socket.
pub(super) fn read(text: &str) -> Result<Said, Close> {
    const NO_JSON: Close = Close::invalid("the message is not a JSON object");
    let Ok(Json::Object(mut message)) = serde_json::from_str::<Json>(text) else { return Err(NO_JSON) };
    let Some(Json::String(kind)) = message.remove("type") else {
        return Err(Close::invalid("the message has no `type`"));
    };
    let payload = message.remove("payload").filter(|payload| !payload.is_null());
    let object = |payload: Option<Json>| match payload {
        None => Ok(None),
        Some(Json::Object(object)) => Ok(Some(object)),
        Some(_) => Err(Close::invalid("`payload` is not an object")),
    };
    let id = match message.remove("id") {
        Some(Json::String(id)) if !id.is_empty() => Some(id),
        _ => None,
    };
    let no_id = || Close::invalid("the message has no `id`, which is a text");
    match kind.as_str() {
        "connection_init" => Ok(Said::Init(object(payload)?.unwrap_or_default())),
        "ping" => Ok(Said::Ping(object(payload)?.map(Json::Object))),
        "pong" => object(payload).map(|_| Said::Pong),
        "subscribe" => {
            let id = id.ok_or_else(no_id)?;
            let asked = object(payload)?.ok_or(Close::invalid("`payload` is missing"))?;
            check(&asked)?;
            Ok(Said::Subscribe { id, asked: Json::Object(asked) })
        }
        "complete" => Ok(Said::Complete { id: id.ok_or_else(no_id)? }),
        _ => Err(Close::invalid("no client sends a message of this `type`")),
    }
}

/// An operation has the parts that the protocol gives it, of the right kinds.
fn check(asked: &Map<String, Json>) -> Result<(), Close> {
    let is =
        |name: &str, fits: fn(&Json) -> bool| asked.get(name).is_none_or(|part| part.is_null() || fits(part));
    // A persisted operation may come without its text.
    if !is("query", Json::is_string) {
        return Err(Close::invalid("`payload.query` is not a text"));
    }
    if asked.get("query").is_none_or(Json::is_null) && asked.get("extensions").is_none_or(Json::is_null) {
        return Err(Close::invalid("`payload.query` is missing"));
    }
    if !is("operationName", Json::is_string) {
        return Err(Close::invalid("`payload.operationName` is not a text"));
    }
    if !is("variables", Json::is_object) {
        return Err(Close::invalid("`payload.variables` is not an object"));
    }
    if !is("extensions", Json::is_object) {
        return Err(Close::invalid("`payload.extensions` is not an object"));
    }
    Ok(())
}

/// The connection is taken.
pub(super) fn ack() -> String {
    json!({ "type": "connection_ack" }).to_string()
}

/// The answer to a ping, with what came with it.
pub(super) fn pong(payload: Option<Json>) -> String {
    match payload {
        Some(payload) => json!({ "type": "pong", "payload": payload }).to_string(),
        None => json!({ "type": "pong" }).to_string(),
    }
}

/// A result of an operation.
pub(super) fn next(id: &str, response: &Response) -> String {
    #[derive(Serialize)]
    struct Next<'a> {
        id: &'a str,
        r#type: &'static str,
        payload: &'a Response,
    }
    serde_json::to_string(&Next { id, r#type: "next", payload: response }).unwrap_or_default()
}

/// An operation was refused, or broke off: nothing more comes of it.
pub(super) fn error(id: &str, errors: &[ServerError]) -> String {
    json!({ "id": id, "type": "error", "payload": errors }).to_string()
}

/// An operation is done.
pub(super) fn complete(id: &str) -> String {
    json!({ "id": id, "type": "complete" }).to_string()
}

/// Why a socket is closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Close {
    pub(super) code: u16,
    /// At most 123 bytes are sent.
    pub(super) reason: Cow<'static, str>,
}

impl Close {
    const fn new(code: u16, reason: &'static str) -> Self {
        Self { code, reason: Cow::Borrowed(reason) }
    }

    pub(super) const fn invalid(what: &'static str) -> Self {
        Self::new(4400, what)
    }

    pub(super) fn duplicate(id: &str) -> Self {
        Self { code: 4409, reason: format!("Subscriber for {id} already exists").into() }
    }

    pub(super) const NORMAL: Self = Self::new(1000, "");
    pub(super) const GOING_AWAY: Self = Self::new(1001, "The gateway is stopping; connect again");
    pub(super) const SILENT: Self = Self::new(1001, "No answer to a ping");
    pub(super) const MALFORMED: Self = Self::new(1002, "The frame is not one of RFC 6455");
    pub(super) const NO_TEXT: Self = Self::new(1007, "The text is not UTF-8");
    pub(super) const TOO_LONG: Self = Self::new(1009, "The message is too long");
    pub(super) const TRY_LATER: Self =
        Self::new(1013, "The token cannot be checked now; try again in a moment");
    pub(super) const TOO_MANY: Self = Self::new(1013, "Too many connections are open; close some");
    pub(super) const NOT_INITIALISED: Self = Self::new(4401, "Unauthorized");
    pub(super) const FORBIDDEN: Self = Self::new(4403, "Forbidden");
    pub(super) const WRONG_PROTOCOL: Self = Self::new(4406, "Subprotocol not acceptable");
    pub(super) const INIT_TIMEOUT: Self = Self::new(4408, "Connection initialisation timeout");
    pub(super) const SECOND_INIT: Self = Self::new(4429, "Too many initialisation requests");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> Option<u16> {
        read(text).err().map(|close| close.code)
    }

    #[test]
    fn messages_are_read_as_the_protocol_has_them() {
        assert_eq!(read(r#"{"type":"connection_init"}"#), Ok(Said::Init(Map::new())));
        assert_eq!(read(r#"{"type":"connection_init","payload":null}"#), Ok(Said::Init(Map::new())));
        assert_eq!(read(r#"{"type":"ping","payload":{"a":1}}"#), Ok(Said::Ping(Some(json!({ "a": 1 })))));
        assert_eq!(read(r#"{"type":"pong"}"#), Ok(Said::Pong));
        assert_eq!(read(r#"{"type":"complete","id":"1"}"#), Ok(Said::Complete { id: "1".to_owned() }));
        let asked = json!({ "query": "{ a }", "variables": null, "operationName": null, "extensions": {} });
        let text = json!({ "type": "subscribe", "id": "1", "payload": asked }).to_string();
        assert_eq!(read(&text), Ok(Said::Subscribe { id: "1".to_owned(), asked }));
    }

    #[test]
    fn what_is_not_in_the_protocol_is_4400() {
        for text in [
            "",
            "[]",
            "{}",
            r#"{"type":1}"#,
            r#"{"type":"next","id":"1","payload":{}}"#,
            r#"{"type":"connection_ack"}"#,
            r#"{"type":"connection_init","payload":[]}"#,
            r#"{"type":"ping","payload":"x"}"#,
            r#"{"type":"complete"}"#,
            r#"{"type":"complete","id":""}"#,
            r#"{"type":"subscribe","payload":{"query":"{ a }"}}"#,
            r#"{"type":"subscribe","id":1,"payload":{"query":"{ a }"}}"#,
            r#"{"type":"subscribe","id":"1"}"#,
            r#"{"type":"subscribe","id":"1","payload":{}}"#,
            r#"{"type":"subscribe","id":"1","payload":{"query":1}}"#,
            r#"{"type":"subscribe","id":"1","payload":{"query":"{ a }","variables":[]}}"#,
            r#"{"type":"subscribe","id":"1","payload":{"query":"{ a }","operationName":1}}"#,
            r#"{"type":"subscribe","id":"1","payload":{"query":"{ a }","extensions":""}}"#,
            r#"{"type":"start","id":"1","payload":{"query":"{ a }"}}"#,
        ] {
            assert_eq!(code(text), Some(4400), "{text}");
        }
    }
}
