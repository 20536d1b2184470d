//! Bodies: what may be written, of what type and how long.

use entity::Timestamp;
use serde_json::Value;

use super::{
    errors::{self, Problem},
    resources::{Kind, Member, Resource},
    row::Row,
};
use crate::sandbox::frame::{Call, Reply};

/// The JSON of a body.
pub(super) fn body(call: &Call, resource: &str) -> Result<Value, Reply> {
    let media = call.header("content-type").split(';').next().unwrap_or_default().trim();
    let own = media.starts_with("application/vnd.connectwise.com") && media.ends_with("+json");
    if !(media.eq_ignore_ascii_case("application/json") || own) {
        return Err(errors::wrong_media(media));
    }
    call.json().map_err(|complaint| errors::invalid(resource, &[Problem::invalid("", complaint)]))
}

/// The object of a body.
pub(super) fn object(call: &Call, resource: &str) -> Result<Row, Reply> {
    match body(call, resource)? {
        Value::Object(row) => Ok(row),
        _ => Err(errors::invalid(resource, &[Problem::invalid("", "The body must be an object.")])),
    }
}

/// Looks at every field that was written. What only the server sets is left out, as the vendor ignores it;
/// null stays, for it empties a field.
pub(super) fn checked(resource: &Resource, more: &[Member], written: Row) -> Result<Row, Vec<Problem>> {
    let mut kept = Row::new();
    let mut problems = Vec::new();
    for (name, value) in written {
        let mut fields = resource.fields.iter().chain(more);
        let Some((_, kind)) = fields.find(|(known, _)| *known == name) else {
            // `_info` comes back from clients that send a record as they got it.
            if name != "_info" {
                problems.push(Problem::invalid(&name, format!("The field {name} is not known.")));
            }
            continue;
        };
        if resource.read_only.contains(&name.as_str()) {
            continue;
        }
        match check(*kind, &name, &value) {
            Ok(()) => {
                kept.insert(name, value);
            }
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() { Ok(kept) } else { Err(problems) }
}

fn check(kind: Kind, name: &str, value: &Value) -> Result<(), Problem> {
    let wrong = |wanted: &str| Problem::invalid(name, format!("The field {name} must be {wanted}."));
    match (kind, value) {
        (_, Value::Null)
        | (Kind::Any, _)
        | (Kind::Flag, Value::Bool(_))
        | (Kind::Number, Value::Number(_))
        | (Kind::Ref(_), Value::Object(_)) => Ok(()),
        (Kind::Int, value) if value.as_i64().is_some_and(|value| i32::try_from(value).is_ok()) => Ok(()),
        (Kind::Text(most), Value::String(text)) => {
            // .NET counts UTF-16 units.
            if text.encode_utf16().count() <= most {
                return Ok(());
            }
            Err(wrong(&format!("a string with a maximum length of {most}")))
        }
        (Kind::Date, Value::String(text)) if is_time(text) => Ok(()),
        (Kind::OneOf(values), Value::String(text)) if values.contains(&text.as_str()) => Ok(()),
        (Kind::Texts, Value::Array(list)) if list.iter().all(Value::is_string) => Ok(()),
        (Kind::Ints, Value::Array(list)) if list.iter().all(Value::is_i64) => Ok(()),
        (Kind::Children(members), Value::Array(list)) => {
            list.iter().try_for_each(|child| check_child(members, name, child))
        }
        (Kind::Int, _) => Err(wrong("an integer")),
        (Kind::Number, _) => Err(wrong("a number")),
        (Kind::Flag, _) => Err(wrong("a Boolean")),
        (Kind::Text(_), _) => Err(wrong("a string")),
        (Kind::Date, _) => Err(wrong("a datetime in UTC such as 2026-01-31T00:00:00Z")),
        (Kind::OneOf(values), _) => Err(wrong(&format!("one of {}", values.join(", ")))),
        (Kind::Ref(_), _) => Err(wrong("an object with an id")),
        (Kind::Texts | Kind::Ints | Kind::Children(_), _) => Err(wrong("an array")),
    }
}

fn check_child(members: &[Member], name: &str, child: &Value) -> Result<(), Problem> {
    let child = child
        .as_object()
        .ok_or_else(|| Problem::invalid(name, format!("The field {name} must be an array of objects.")))?;
    child.iter().filter(|(field, _)| *field != "_info").try_for_each(|(field, value)| {
        let path = format!("{name}/{field}");
        match members.iter().find(|(known, _)| known == field) {
            Some((_, kind)) => check(*kind, &path, value),
            None => Err(Problem::invalid(&path, format!("The field {path} is not known."))),
        }
    })
}

/// `yyyy-MM-ddTHH:mm:ssZ` and nothing else.
fn is_time(text: &str) -> bool {
    text.len() == "2026-01-31T00:00:00Z".len()
        && text.ends_with('Z')
        && text.get(10..11) == Some("T")
        && Timestamp::parse_rfc3339(text).is_some()
}
