//! Records as the vendor's JSON, and looking into them.

use entity::Timestamp;
use serde_json::{Map, Value};

/// A record as a GET shows it.
pub(super) type Row = Map<String, Value>;

/// The value at a path such as `board/id`; null counts as absent.
pub(super) fn at<'r>(row: &'r Row, path: &str) -> Option<&'r Value> {
    let mut parts = path.split('/');
    let first = row.get(parts.next()?)?;
    parts.try_fold(first, |value, part| value.get(part)).filter(|value| !value.is_null())
}

pub(super) fn int(row: &Row, path: &str) -> Option<i64> {
    at(row, path)?.as_i64()
}

pub(super) fn text<'r>(row: &'r Row, path: &str) -> Option<&'r str> {
    at(row, path)?.as_str()
}

/// Absent flags are false.
pub(super) fn flag(row: &Row, path: &str) -> bool {
    at(row, path).and_then(Value::as_bool).unwrap_or(false)
}

/// The id; 0 where there is none, which no record has.
pub(super) fn id(row: &Row) -> i64 {
    int(row, "id").unwrap_or(0)
}

/// A row of an object; empty for anything else.
pub(super) fn row(value: Value) -> Row {
    match value {
        Value::Object(row) => row,
        _ => Row::new(),
    }
}

/// `yyyy-MM-ddTHH:mm:ssZ`, the only form the vendor writes.
pub(super) fn time(at: Timestamp) -> String {
    at.datetime().format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Only the paths asked for by `fields=`; a field that is not there is left out.
pub(super) fn pick(row: &Row, fields: &[Vec<String>]) -> Row {
    let mut picked = Row::new();
    for path in fields {
        let Some((first, rest)) = path.split_first() else { continue };
        let Some(value) = row.get(first) else { continue };
        if rest.is_empty() {
            picked.insert(first.clone(), value.clone());
        } else if let Some(found) = rest.iter().try_fold(value, |value, part| value.get(part)) {
            let inner = picked.entry(first.clone()).or_insert_with(|| Value::Object(Row::new()));
            place(inner, rest, found);
        }
    }
    picked
}

fn place(inside: &mut Value, path: &[String], value: &Value) {
    let (Value::Object(map), Some((first, rest))) = (inside, path.split_first()) else { return };
    if rest.is_empty() {
        map.insert(first.clone(), value.clone());
    } else {
        place(map.entry(first.clone()).or_insert_with(|| Value::Object(Row::new())), rest, value);
    }
}
