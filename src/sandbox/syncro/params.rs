//! The body of a write.

use entity::Timestamp;
use serde_json::{Map, Value};

use super::{dates, replies};
use crate::sandbox::frame::{Call, Reply};

/// What a field must hold; null empties any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Int,
    Number,
    Flag,
    Time,
    Ints,
    Texts,
    Object,
    /// A list of objects.
    Objects,
}

/// The fields that are looked at; the vendor's framework passes over all others without a word.
pub(super) type Fields = &'static [(&'static str, Kind)];

/// What was sent.
#[derive(Clone, Debug, Default)]
pub(super) struct Params(pub(super) Map<String, Value>);

impl Params {
    /// Reads a body. One that does not say it is JSON is not looked into, so that every field is missing.
    pub(super) fn read(call: &Call) -> Result<Self, Reply> {
        if !call.is_json() || call.body.is_empty() {
            return Ok(Self::default());
        }
        match call.json() {
            Ok(Value::Object(fields)) => Ok(Self(fields)),
            Ok(_) => Ok(Self::default()),
            Err(_) => Err(replies::malformed()),
        }
    }

    /// What is wrong with the types. The framework would read a number out of a text; whether the vendor does
    /// is not known, so it is refused.
    pub(super) fn complaints(&self, fields: Fields) -> Vec<String> {
        let wrong = fields.iter().filter(|(name, kind)| {
            self.0.get(*name).is_some_and(|value| !value.is_null() && !fits(value, *kind))
        });
        wrong.map(|(name, _)| format!("{} is invalid", human(name))).collect()
    }

    /// Whether it was sent, null included.
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    pub(super) fn get(&self, name: &str) -> Value {
        self.0.get(name).cloned().unwrap_or_default()
    }

    /// A text that is not blank.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str).filter(|text| !text.trim().is_empty())
    }

    pub(super) fn int(&self, name: &str) -> Option<i64> {
        self.0.get(name).and_then(Value::as_i64)
    }

    /// False where it was not sent.
    pub(super) fn flag(&self, name: &str) -> bool {
        self.0.get(name).and_then(Value::as_bool).unwrap_or(false)
    }

    pub(super) fn time(&self, name: &str) -> Option<Timestamp> {
        self.text(name).and_then(dates::read)
    }

    pub(super) fn list(&self, name: &str) -> &[Value] {
        self.0.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }
}

fn fits(value: &Value, kind: Kind) -> bool {
    let all = |fits: fn(&Value) -> bool| value.as_array().is_some_and(|list| list.iter().all(fits));
    match kind {
        Kind::Text => value.is_string(),
        Kind::Int => value.is_i64(),
        Kind::Number => value.is_number(),
        Kind::Flag => value.is_boolean(),
        Kind::Time => value.as_str().is_some_and(|text| text.is_empty() || dates::read(text).is_some()),
        Kind::Ints => all(Value::is_i64),
        Kind::Texts => all(Value::is_string),
        Kind::Object => value.is_object(),
        Kind::Objects => all(Value::is_object),
    }
}

/// `ticket_type_id` as messages call it: "Ticket type".
fn human(name: &str) -> String {
    let words = name.strip_suffix("_id").unwrap_or(name).replace('_', " ");
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// Whether it could be a mail address: something, an `@`, and a host with a dot.
pub(super) fn is_mail(text: &str) -> bool {
    let parts = text.split_once('@');
    parts.is_some_and(|(name, host)| {
        !name.is_empty() && host.contains('.') && !host.contains('@') && !text.contains(char::is_whitespace)
    })
}
