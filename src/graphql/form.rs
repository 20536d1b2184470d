//! What decides whether an operation's variables fit it.
//!
//! Comparing a document and its variables with the schema takes longer than reading both. Where the same document
//! comes again with variables of the same form, it fits as it did before. Of a variable that is an `ID` or a `String`,
//! or a list of these, the letters do not matter: any do. Of all others the whole value is their form.

use async_graphql::{
    Value, Variables,
    parser::types::{BaseType, OperationDefinition, Type},
};
use sha2::{Digest as _, Sha256};

/// A form's hash.
pub(super) type Form = [u8; 32];

/// The form of an operation's variables, and which of a document's operations that is.
pub(super) fn of(name: Option<&str>, operation: &OperationDefinition, variables: &Variables) -> Form {
    let mut sum = Sha256::new();
    bytes(&mut sum, b'o', name.unwrap_or_default().as_bytes());
    for (name, value) in &**variables {
        let definition = operation.variable_definitions.iter().find(|one| one.node.name.node == *name);
        bytes(&mut sum, b'v', name.as_bytes());
        add(&mut sum, value, definition.is_some_and(|one| takes_any_text(&one.node.var_type.node)));
    }
    sum.finalize().into()
}

fn takes_any_text(ty: &Type) -> bool {
    match &ty.base {
        BaseType::Named(name) => matches!(name.as_str(), "ID" | "String"),
        BaseType::List(items) => takes_any_text(items),
    }
}

fn add(sum: &mut Sha256, value: &Value, takes_any_text: bool) {
    match value {
        Value::Null => sum.update(b"0"),
        Value::Boolean(value) => sum.update(if *value { b"t" } else { b"f" }),
        Value::String(_) if takes_any_text => sum.update(b"s"),
        Value::String(text) => bytes(sum, b'"', text.as_bytes()),
        Value::Number(number) => bytes(sum, b'1', number.to_string().as_bytes()),
        Value::Binary(binary) => bytes(sum, b'b', binary),
        Value::Enum(name) => bytes(sum, b'e', name.as_bytes()),
        Value::List(items) => {
            length(sum, b'[', items.len());
            for item in items {
                add(sum, item, takes_any_text);
            }
        }
        Value::Object(fields) => {
            length(sum, b'{', fields.len());
            for (name, field) in fields {
                bytes(sum, b'v', name.as_bytes());
                add(sum, field, takes_any_text);
            }
        }
    }
}

fn bytes(sum: &mut Sha256, kind: u8, bytes: &[u8]) {
    length(sum, kind, bytes.len());
    sum.update(bytes);
}

fn length(sum: &mut Sha256, kind: u8, length: usize) {
    sum.update([kind]);
    sum.update(length.to_le_bytes());
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::{parse_query, types::DocumentOperations};
    use serde_json::{Value as Json, json};

    use super::*;

    fn form(variables: Json) -> Form {
        let text = "query($id: ID, $ids: [ID!], $count: Int, $filter: Filter, $day: Date) { a }";
        let document = parse_query(text).unwrap();
        let DocumentOperations::Single(operation) = &document.operations else { panic!("one operation") };
        of(None, &operation.node, &Variables::from_json(variables))
    }

    #[test]
    fn the_letters_of_ids_are_not_part_of_it() {
        assert_eq!(form(json!({ "id": "a" })), form(json!({ "id": "b" })));
        assert_eq!(form(json!({ "ids": ["a", "b"] })), form(json!({ "ids": ["c", ""] })));
        assert_eq!(form(json!({ "ids": "a" })), form(json!({ "ids": "b" })));
    }

    #[test]
    fn everything_else_is() {
        let different = [
            json!({}),
            json!({ "id": null }),
            json!({ "id": "a" }),
            json!({ "id": 1 }),
            json!({ "id": ["a"] }),
            json!({ "id": { "a": "a" } }),
            json!({ "ids": "a" }),
            json!({ "ids": [] }),
            json!({ "ids": ["a"] }),
            json!({ "ids": ["a", null] }),
            json!({ "ids": [["a"], "a"] }),
            json!({ "ids": [["a", "a"]] }),
            json!({ "count": 1 }),
            json!({ "count": 2 }),
            json!({ "count": "1" }),
            json!({ "count": true }),
            json!({ "count": false }),
            json!({ "day": "2026-01-01" }),
            json!({ "day": "never" }),
            json!({ "filter": { "query": "a" } }),
            json!({ "filter": { "query": "b" } }),
            json!({ "filter": { "query": "a", "state": "OPEN" } }),
            json!({ "filter": { "query": { "a": 1 } } }),
            json!({ "filter": "querya" }),
            json!({ "unknown": "a" }),
            json!({ "unknown": "b" }),
        ];
        let forms: std::collections::HashSet<Form> = different.iter().cloned().map(form).collect();
        assert_eq!(forms.len(), different.len());
    }
}
