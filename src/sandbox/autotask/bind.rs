//! What a caller wrote, matched to an entity's fields.

use serde_json::{Map, Value, json};

use super::{
    answers::refused,
    dates,
    model::{Field, Kind, Row, Spec},
    seed,
};
use crate::sandbox::frame::Reply;

/// What is wanted of a record.
#[derive(Debug)]
pub(super) struct Wanted {
    /// None where none was given, or 0.
    pub(super) id: Option<i64>,
    /// By the fields' own names.
    pub(super) values: Row,
}

/// Reads a body: keys in any case, types exact. A key that the entity does not have is passed over, as the
/// vendor does (`workType` on tickets "does nothing").
pub(super) fn read(spec: &Spec, body: &Value) -> Result<Wanted, Reply> {
    let mut wanted = Wanted { id: None, values: Row::new() };
    for (key, value) in body.as_object().into_iter().flatten() {
        let Some(field) = spec.field(key) else { continue };
        let value = convert(field, value).map_err(refused)?;
        if field.name == "id" {
            wanted.id = value.as_i64().filter(|id| *id != 0);
        } else {
            wanted.values.insert(field.name.to_owned(), value);
        }
    }
    // Company 0 is a record like any other.
    if spec.path == "Companies" && key(body.as_object(), "id") == Some(&json!(0)) {
        wanted.id = Some(0);
    }
    Ok(wanted)
}

/// A member of an object, by its name in any case.
pub(super) fn key<'a>(object: Option<&'a Map<String, Value>>, name: &str) -> Option<&'a Value> {
    object?.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

fn convert(field: &Field, value: &Value) -> Result<Value, String> {
    let wrong = |wanted: &str| {
        let name = field.name;
        Err(format!("Error converting value {value} to type '{wanted}'. Path '{name}'."))
    };
    match (field.kind, value) {
        (Kind::Udfs, Value::Null) => Ok(json!([])),
        (_, Value::Null) => Ok(Value::Null),
        (Kind::Integer, Value::Number(number)) => match number.as_i64().map(i32::try_from) {
            Some(Ok(_)) => Ok(value.clone()),
            _ => wrong("System.Nullable`1[System.Int32]"),
        },
        (Kind::Integer, _) => wrong("System.Nullable`1[System.Int32]"),
        (Kind::Long, Value::Number(number)) if number.is_i64() => Ok(value.clone()),
        (Kind::Long, _) => wrong("System.Nullable`1[System.Int64]"),
        (Kind::Decimal, Value::Number(_))
        | (Kind::Flag, Value::Bool(_))
        | (Kind::Text(_), Value::String(_)) => Ok(value.clone()),
        (Kind::Decimal, _) => wrong("System.Nullable`1[System.Decimal]"),
        (Kind::Flag, _) => wrong("System.Nullable`1[System.Boolean]"),
        (Kind::Text(_), _) => wrong("System.String"),
        (Kind::Date, Value::String(text)) => match dates::parse(text) {
            Some(at) => Ok(dates::zoneless(at).into()),
            None => wrong("System.Nullable`1[System.DateTime]"),
        },
        (Kind::Date, _) => wrong("System.Nullable`1[System.DateTime]"),
        (Kind::Udfs, Value::Array(list)) => list.iter().map(udf).collect(),
        (Kind::Udfs, _) => wrong("UserDefinedField[]"),
    }
}

/// One user-defined field: a name that the tenant has, and a text.
fn udf(value: &Value) -> Result<Value, String> {
    let object = value.as_object();
    let name = key(object, "name").and_then(Value::as_str).unwrap_or_default();
    let known = seed::TICKET_UDFS.iter().find(|known| known.eq_ignore_ascii_case(name));
    let known = known.ok_or_else(|| format!("The user defined field {name} does not exist."))?;
    match key(object, "value") {
        None | Some(Value::Null) => Ok(json!({ "name": known, "value": null })),
        Some(text @ Value::String(_)) => Ok(json!({ "name": known, "value": text })),
        Some(_) => Err(format!("The value of the user defined field {known} is not a string.")),
    }
}

/// User-defined fields as they are after a change: those that are not named stay.
pub(super) fn merge_udfs(before: &Value, wanted: &Value) -> Value {
    let name = |udf: &Value| udf.get("name").cloned();
    let mut merged = before.as_array().cloned().unwrap_or_default();
    for udf in wanted.as_array().into_iter().flatten() {
        match merged.iter_mut().find(|known| name(known) == name(udf)) {
            Some(known) => *known = udf.clone(),
            None => merged.push(udf.clone()),
        }
    }
    Value::Array(merged)
}
