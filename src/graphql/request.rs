//! What a client sent, read as far as that goes without looking at its document.

use std::collections::HashMap;

use async_graphql::Variables;
use serde_json::{Map, Value as Json};

use super::refusal::Refusal;

/// A request as any transport brings it: the parameters of GraphQL over HTTP, and the id of a persisted
/// document.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// The document.
    pub query: Option<String>,
    /// The id of a document known here, instead of its text.
    pub document_id: Option<String>,
    /// Which of the document's operations.
    pub operation_name: Option<String>,
    /// The operation's variables.
    pub variables: Variables,
    /// What stands beside; `persistedQuery` is read.
    pub extensions: Map<String, Json>,
}

impl Asked {
    /// Reads the body of a POST. A byte order mark before it is passed over (RFC 8259, section 8.1).
    pub(super) fn from_body(body: &[u8]) -> Result<Self, Refusal> {
        let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
        let body = serde_json::from_slice(body)
            .map_err(|error| Refusal::malformed(format!("the body is not JSON: {error}")))?;
        Self::from_json(body)
    }

    /// Reads a request in JSON. What it has beside the known parameters is passed over, as the standard
    /// reserves it for later.
    pub fn from_json(json: Json) -> Result<Self, Refusal> {
        let Json::Object(mut fields) = json else {
            return Err(Refusal::malformed(if json.is_array() {
                "batches of requests are not taken; send one, with several fields"
            } else {
                "this is not a JSON object; send {\"query\": …}"
            }));
        };
        let variables = object(&mut fields, "variables")?;
        Ok(Self {
            query: text(&mut fields, "query")?,
            document_id: text(&mut fields, "documentId")?,
            operation_name: text(&mut fields, "operationName")?,
            variables: Variables::from_json(Json::Object(variables)),
            extensions: object(&mut fields, "extensions")?,
        })
    }

    /// Reads the query string of a GET.
    pub fn from_query(query_string: &str) -> Result<Self, Refusal> {
        let mut fields: HashMap<String, String> = HashMap::new();
        for (name, value) in url::form_urlencoded::parse(query_string.as_bytes()) {
            if KNOWN.contains(&name.as_ref()) && fields.insert(name.to_string(), value.into_owned()).is_some()
            {
                return Err(Refusal::malformed(format!("`{name}` is given twice")));
            }
        }
        let mut read = Map::new();
        for (name, value) in fields {
            let value = match name.as_str() {
                // An empty name is by the standard as if it were not there.
                "variables" | "extensions" | "operationName" if value.is_empty() => continue,
                "variables" | "extensions" => serde_json::from_str(&value)
                    .map_err(|error| Refusal::malformed(format!("`{name}` is not JSON: {error}")))?,
                _ => Json::String(value),
            };
            read.insert(name, value);
        }
        Self::from_json(Json::Object(read))
    }
}

const KNOWN: &[&str] = &["query", "documentId", "operationName", "variables", "extensions"];

fn text(fields: &mut Map<String, Json>, name: &str) -> Result<Option<String>, Refusal> {
    match fields.remove(name) {
        Some(Json::String(text)) => Ok(Some(text)),
        Some(Json::Null) | None => Ok(None),
        Some(_) => Err(Refusal::malformed(format!("`{name}` is not a text"))),
    }
}

fn object(fields: &mut Map<String, Json>, name: &str) -> Result<Map<String, Json>, Refusal> {
    match fields.remove(name) {
        Some(Json::Object(object)) => Ok(object),
        Some(Json::Null) | None => Ok(Map::new()),
        Some(_) => Err(Refusal::malformed(format!("`{name}` is not an object"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(body: &str) -> String {
        Asked::from_body(body.as_bytes()).unwrap_err().errors[0].message.clone()
    }

    #[test]
    fn each_field_has_its_type_and_others_are_passed_over() {
        for wrong in ["1", "false", "[]", "{}"] {
            assert!(problem(&format!("{{\"query\":{wrong}}}")).contains("`query` is not a text"));
            assert!(problem(&format!("{{\"operationName\":{wrong}}}")).contains("`operationName` is not"));
        }
        for wrong in ["1", "false", "[]", "\"{}\""] {
            assert!(problem(&format!("{{\"variables\":{wrong}}}")).contains("`variables` is not an object"));
            assert!(
                problem(&format!("{{\"extensions\":{wrong}}}")).contains("`extensions` is not an object")
            );
        }
        assert!(problem("[{}]").contains("batches"));
        let nulls = r#"{"query":"{a}","variables":null,"operationName":null,"extensions":null,"more":[1]}"#;
        assert_eq!(Asked::from_body(nulls.as_bytes()).unwrap().query.as_deref(), Some("{a}"));
        let marked = [b"\xef\xbb\xbf".as_slice(), nulls.as_bytes()].concat();
        assert!(Asked::from_body(&marked).is_ok());
    }

    #[test]
    fn a_query_string_brings_json_within_and_nothing_twice() {
        let asked = Asked::from_query(
            "query=%7Ba%7D&variables=%7B%22a%22%3A1%7D&operationName=&extensions=%7B%22b%22%3A2%7D&x=1&x=2",
        );
        let asked = asked.unwrap();
        assert_eq!((asked.query.as_deref(), asked.operation_name), (Some("{a}"), None));
        assert!(asked.variables.contains_key("a") && asked.extensions.contains_key("b"));
        assert!(Asked::from_query("query=%7Ba%7D&query=%7Bb%7D").is_err());
        assert!(Asked::from_query("variables=%5B%5D").is_err());
        assert!(Asked::from_query("variables=%7B").is_err());
    }
}
