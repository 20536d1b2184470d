//! Values and their types.

use std::cmp::Ordering;

use chrono::SecondsFormat;
use entity::Timestamp;
use serde_json::Value;
use uuid::Uuid;

/// The type of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    Guid,
    Text,
    Int,
    Date,
    Flag,
}

impl Type {
    /// As OData calls it.
    pub(super) fn edm(self) -> &'static str {
        match self {
            Self::Guid => "Edm.Guid",
            Self::Text => "Edm.String",
            Self::Int => "Edm.Int32",
            Self::Date => "Edm.DateTimeOffset",
            Self::Flag => "Edm.Boolean",
        }
    }
}

/// Names and types of a table's columns, in the order of its rows' cells.
pub(super) type Columns = &'static [(&'static str, Type)];
/// A row.
pub(super) type Row = Vec<Cell>;

/// A value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Cell {
    Null,
    Guid(Uuid),
    Text(String),
    Int(i64),
    Date(Timestamp),
    Flag(bool),
}

impl Cell {
    pub(super) fn text(text: &str) -> Self {
        Self::Text(text.to_owned())
    }

    pub(super) fn guid(id: Option<Uuid>) -> Self {
        id.map_or(Self::Null, Self::Guid)
    }

    pub(super) fn date(at: Option<Timestamp>) -> Self {
        at.map_or(Self::Null, Self::Date)
    }

    /// None for null.
    pub(super) fn kind(&self) -> Option<Type> {
        match self {
            Self::Null => None,
            Self::Guid(_) => Some(Type::Guid),
            Self::Text(_) => Some(Type::Text),
            Self::Int(_) => Some(Type::Int),
            Self::Date(_) => Some(Type::Date),
            Self::Flag(_) => Some(Type::Flag),
        }
    }

    /// As JSON writes it; times in UTC with `Z`.
    pub(super) fn json(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Guid(id) => id.to_string().into(),
            Self::Text(text) => text.clone().into(),
            Self::Int(number) => (*number).into(),
            Self::Date(at) => written(*at).into(),
            Self::Flag(flag) => (*flag).into(),
        }
    }

    /// A value out of a body, where it is of the type.
    pub(super) fn read(value: &Value, kind: Type) -> Option<Self> {
        if value.is_null() {
            return Some(Self::Null);
        }
        match kind {
            Type::Guid => value.as_str().and_then(guid).map(Self::Guid),
            Type::Text => value.as_str().map(Self::text),
            Type::Int => value.as_i64().filter(|number| i32::try_from(*number).is_ok()).map(Self::Int),
            Type::Date => value.as_str().and_then(date).map(Self::Date),
            Type::Flag => value.as_bool().map(Self::Flag),
        }
    }

    /// Which comes first; null before all. None for values of two types.
    pub(super) fn order(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Null, Self::Null) => Some(Ordering::Equal),
            (Self::Null, _) => Some(Ordering::Less),
            (_, Self::Null) => Some(Ordering::Greater),
            (Self::Guid(a), Self::Guid(b)) => Some(a.cmp(b)),
            (Self::Text(a), Self::Text(b)) => Some(a.cmp(b)),
            (Self::Int(a), Self::Int(b)) => Some(a.cmp(b)),
            (Self::Date(a), Self::Date(b)) => Some(a.cmp(b)),
            (Self::Flag(a), Self::Flag(b)) => Some(a.cmp(b)),
            _ => None,
        }
    }
}

/// UTC, with milliseconds where there are any.
pub(super) fn written(at: Timestamp) -> String {
    let at = Timestamp(at.0 - at.0.rem_euclid(1_000));
    at.datetime().to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// A GUID in its usual form: 36 characters with hyphens.
pub(super) fn guid(text: &str) -> Option<Uuid> {
    Uuid::parse_str(text).ok().filter(|_| text.len() == 36)
}

/// A time in UTC that says so with a `Z`; other clients' trials with other forms failed.
pub(super) fn date(text: &str) -> Option<Timestamp> {
    Timestamp::parse_rfc3339(text).filter(|_| text.ends_with('Z') && text.contains('T'))
}
