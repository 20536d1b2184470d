//! Model binding: what Halo does to a body before any rule is looked at.
//!
//! Every POST takes a JSON array (dotMARC; HaloAPI `New-HaloPOSTRequest.ps1`), and
//! a value of the wrong type is refused with a map of paths. Fields that Halo does
//! not know are ignored. A null is taken for a missing field.

use serde_json::{Map, Value};

use super::{dates, errors};
use crate::sandbox::frame::{Call, Reply};

/// One element of the posted array, its names in lower case.
pub(super) type Record = Map<String, Value>;

/// What a field must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Int,
    Number,
    Text,
    Flag,
    Date,
    Guid,
    List,
    Object,
}

/// The fields of a model that are looked at.
pub(super) type Fields = &'static [(&'static str, Kind)];

/// The posted records, or why they are none.
pub(super) fn records(call: &Call, model: &str, fields: Fields) -> Result<Vec<Record>, Reply> {
    if !call.is_json() {
        return Err(Reply::empty(415));
    }
    let body: Value = serde_json::from_slice(&call.body)
        .map_err(|error| errors::field_map("", &format!("Error reading JSON: {error}.")))?;
    let Value::Array(items) = body else {
        let message = format!(
            "Cannot deserialize the current JSON value into type 'System.Collections.Generic.List`1[{model}]' \
             because the type requires a JSON array (e.g. [1,2,3]) to deserialize correctly. Path '', line 1, \
             position 1."
        );
        return Err(errors::field_map("", &message));
    };
    if items.is_empty() {
        return Err(errors::field_map("", "A non-empty request body is required."));
    }
    items.into_iter().enumerate().map(|(index, item)| record(call, model, fields, index, item)).collect()
}

fn record(call: &Call, model: &str, fields: Fields, index: usize, item: Value) -> Result<Record, Reply> {
    let Value::Object(item) = item else {
        let path = format!("[{index}]");
        let message = format!("Error converting value to type '{model}'. Path '{path}', line 1, position 2.");
        return Err(errors::field_map(&path, &message));
    };
    let mut record = Record::new();
    for (name, value) in item {
        let name = name.to_ascii_lowercase();
        let Some((_, kind)) = fields.iter().find(|(known, _)| *known == name) else { continue };
        if value.is_null() {
            continue;
        }
        if let Err(message) = check(*kind, &value) {
            let path = format!("[{index}].{name}");
            let message =
                format!("{message} Path '{path}', line 1, position {}.", position(call, &name, &value));
            return Err(errors::field_map(&path, &message));
        }
        record.insert(name, value);
    }
    Ok(record)
}

/// The messages are those of the JSON reader that Halo's answers show (Newtonsoft.Json).
fn check(kind: Kind, value: &Value) -> Result<(), String> {
    let convert = |to: &str| Err(format!("Error converting value {value} to type '{to}'."));
    match (kind, value) {
        (Kind::Int, Value::Number(number)) if !number.is_i64() => {
            Err(format!("Input string '{number}' is not a valid integer."))
        }
        (Kind::Int, Value::Number(number))
            if number.as_i64().is_some_and(|number| i32::try_from(number).is_err()) =>
        {
            Err(format!("JSON integer {number} is too large or small for an Int32."))
        }
        (Kind::Int | Kind::Number, Value::Number(_))
        | (Kind::Text, Value::String(_))
        | (Kind::Flag, Value::Bool(_))
        | (Kind::List, Value::Array(_))
        | (Kind::Object, Value::Object(_)) => Ok(()),
        (Kind::Date, Value::String(text)) if dates::read(text).is_some() => Ok(()),
        (Kind::Guid, Value::String(text)) if uuid::Uuid::parse_str(text).is_ok() => Ok(()),
        (Kind::Date, Value::String(text)) => Err(format!("Could not convert string to DateTime: {text}.")),
        (Kind::Int, _) => convert("System.Int32"),
        (Kind::Number, _) => convert("System.Double"),
        (Kind::Text, _) => convert("System.String"),
        (Kind::Flag, _) => convert("System.Boolean"),
        (Kind::Date, _) => convert("System.DateTime"),
        (Kind::Guid, _) => convert("System.Nullable`1[System.Guid]"),
        (Kind::List, _) => Err("The type requires a JSON array to deserialize correctly.".into()),
        (Kind::Object, _) => Err("The type requires a JSON object to deserialize correctly.".into()),
    }
}

/// Roughly where the value ends, as the reader counts it.
fn position(call: &Call, name: &str, value: &Value) -> usize {
    let body = String::from_utf8_lossy(&call.body);
    let key = format!("\"{name}\"");
    let after_key = body.find(&key).map_or(0, |at| at + key.len());
    let tail = body.get(after_key..).unwrap_or_default();
    let text = value.to_string();
    after_key + tail.find(&text).map_or(1, |at| at + text.len())
}

/// Reads fields of a bound record, whose types were checked.
pub(super) trait Reads {
    fn int(&self, name: &str) -> Option<i64>;
    fn text(&self, name: &str) -> Option<&str>;
    fn flag(&self, name: &str) -> Option<bool>;
}

impl Reads for Record {
    fn int(&self, name: &str) -> Option<i64> {
        self.get(name)?.as_i64()
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.get(name)?.as_str()
    }

    fn flag(&self, name: &str) -> Option<bool> {
        self.get(name)?.as_bool()
    }
}
