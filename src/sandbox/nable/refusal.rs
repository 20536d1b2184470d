//! Errors: the shapes that OData over ASP.NET is known for. The vendor's own bodies are not recorded.

use serde_json::{Map, Value, json};

use crate::sandbox::frame::Reply;

/// Why a call is not answered.
#[derive(Clone, Debug)]
pub(super) enum Refusal {
    /// A sentence under `Message`.
    Message(u16, String),
    /// 400: the query cannot be understood.
    Query(String),
    /// 400: what is wrong with a body, by property.
    Model(Vec<(String, String)>),
    /// 404: there is no such record.
    NoRecord,
    /// 404: a page of the web application.
    Page,
}

impl Refusal {
    pub(super) fn denied() -> Self {
        Self::Message(401, "Authorization has been denied for this request.".to_owned())
    }

    pub(super) fn forbidden() -> Self {
        Self::Message(403, "You do not have permission to perform this action.".to_owned())
    }

    pub(super) fn no_path(path: &str) -> Self {
        let words = format!("No HTTP resource was found that matches the request URI '{path}'.");
        Self::Message(404, words)
    }

    pub(super) fn no_verb(method: &str) -> Self {
        Self::Message(405, format!("The requested resource does not support http method '{method}'."))
    }

    /// A property that must be there.
    pub(super) fn required(record: &str, name: &str) -> (String, String) {
        (format!("{record}.{name}"), format!("The {name} field is required."))
    }

    pub(super) fn reply(&self, as_plain_text: bool) -> Reply {
        let (status, body, words) = match self {
            Self::Message(status, words) => (*status, json!({ "Message": words }), words.clone()),
            Self::Query(words) => {
                let body = json!({ "error": {
                    "code": "",
                    "message": format!("The query specified in the URI is not valid. {words}"),
                    "innererror": {
                        "message": words, "type": "Microsoft.OData.ODataException", "stacktrace": "",
                    },
                } });
                (400, body, words.clone())
            }
            Self::Model(errors) => {
                let mut state = Map::new();
                for (name, words) in errors {
                    let list = state.entry(name.clone()).or_insert_with(|| json!([]));
                    if let Value::Array(list) = list {
                        list.push(words.clone().into());
                    }
                }
                let words = errors.iter().map(|(_, words)| words.as_str()).collect::<Vec<_>>().join(" ");
                (400, json!({ "Message": "The request is invalid.", "ModelState": state }), words)
            }
            Self::NoRecord => return Reply::empty(404),
            Self::Page => return Reply::html(404, "MSP Manager"),
        };
        if as_plain_text {
            return Reply::text(status, "text/plain; charset=utf-8", words);
        }
        Reply::json(status, &body)
    }
}
