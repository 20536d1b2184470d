//! MSP Manager's JSON, read with tolerance: reads answer PascalCase and some writes camelCase, lists come in
//! an OData envelope or bare, and a wrong type in one field must not cost the row.

use chrono::NaiveDateTime;
use entity::Timestamp;
use serde_json::Value;

/// A field whatever the case of its name; none where it is null.
pub(super) fn get<'a>(row: &'a Value, key: &str) -> Option<&'a Value> {
    let row = row.as_object()?;
    let exact = row.get(key);
    let value = exact.or_else(|| row.iter().find(|(name, _)| name.eq_ignore_ascii_case(key)).map(|(_, v)| v));
    value.filter(|value| !value.is_null())
}

/// Whether a row has a field at all, be it null.
pub(super) fn has(row: &Value, key: &str) -> bool {
    row.as_object().is_some_and(|row| row.keys().any(|name| name.eq_ignore_ascii_case(key)))
}

/// Text that is not empty.
pub(super) fn text<'a>(row: &'a Value, key: &str) -> Option<&'a str> {
    get(row, key)?.as_str().map(str::trim).filter(|text| !text.is_empty())
}

/// The first of several names that holds text: the same thing is called otherwise in views and entities.
pub(super) fn any_text<'a>(row: &'a Value, keys: &[&str]) -> Option<&'a str> {
    keys.iter().find_map(|key| text(row, key))
}

/// An id of a record, in lower case with hyphens. All keys are GUIDs; the one without a digit is none.
pub(super) fn guid(row: &Value, key: &str) -> Option<String> {
    parse_guid(text(row, key)?)
}

/// The first of several names that holds an id.
pub(super) fn any_guid(row: &Value, keys: &[&str]) -> Option<String> {
    keys.iter().find_map(|key| guid(row, key))
}

/// A GUID as it is written in addresses and filters.
pub(super) fn parse_guid(text: &str) -> Option<String> {
    let id = uuid::Uuid::try_parse(text.trim()).ok()?;
    (!id.is_nil()).then(|| id.hyphenated().to_string())
}

/// A whole number, written as one, as text, or as a number with a zero fraction.
pub(super) fn int(row: &Value, key: &str) -> Option<i64> {
    const EXACT: f64 = 9_007_199_254_740_992.0; // 2^53
    match get(row, key)? {
        Value::String(text) => text.trim().parse().ok(),
        Value::Number(number) => number.as_i64().or_else(|| {
            let float = number.as_f64().filter(|f| f.fract() == 0.0 && f.abs() < EXACT)?;
            #[expect(clippy::cast_possible_truncation, reason = "a whole number below 2^53 was checked")]
            Some(float as i64)
        }),
        _ => None,
    }
}

/// A number or a text, as text.
pub(super) fn word(row: &Value, key: &str) -> Option<String> {
    int(row, key).map(|number| number.to_string()).or_else(|| text(row, key).map(ToOwned::to_owned))
}

/// A yes, written as a boolean, as a number or as text.
pub(super) fn is(row: &Value, key: &str) -> Option<bool> {
    match get(row, key)? {
        Value::Bool(yes) => Some(*yes),
        Value::String(text) if text.trim().eq_ignore_ascii_case("true") => Some(true),
        Value::String(text) if text.trim().eq_ignore_ascii_case("false") => Some(false),
        _ => int(row, key).map(|number| number != 0),
    }
}

/// Whether a row says of itself that it is out of use. No source names the field, so the usual names are
/// tried: the one place to change.
pub(super) fn is_out_of_use(row: &Value) -> bool {
    let says_no = ["IsActive", "Active", "IsEnabled"].iter().any(|key| is(row, key) == Some(false));
    says_no || ["IsInactive", "Inactive", "IsDeleted"].iter().any(|key| is(row, key) == Some(true))
}

/// A time. The service's times are UTC, with up to 7 digits of a second; .NET's year 1 means none.
pub(super) fn time(row: &Value, key: &str) -> Option<Timestamp> {
    parse_time(get(row, key)?.as_str()?)
}

pub(super) fn parse_time(text: &str) -> Option<Timestamp> {
    const NONE_BEFORE: i64 = -2_177_452_800; // 1901-01-01
    let text = text.trim();
    let at = Timestamp::parse_rfc3339(text).or_else(|| {
        ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M"].iter().find_map(|format| {
            let naive = NaiveDateTime::parse_from_str(text, format).ok()?;
            Some(Timestamp::from_datetime(naive.and_utc()))
        })
    })?;
    (at.as_secs() >= NONE_BEFORE).then_some(at)
}

/// A time for a filter or a body: whole seconds of UTC that end in Z (a client that wrote OData's older
/// `datetime'…'` had to drop it).
pub(super) fn utc(at: Timestamp) -> String {
    at.datetime().format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// A text as OData writes it in a filter (OData 4.01, ABNF `string`): quotes are doubled.
pub(super) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A list, and the query of the next part where the server says that there is one.
#[derive(Debug, PartialEq)]
pub(super) struct Rows {
    pub(super) items: Vec<Value>,
    /// Of `@odata.nextLink`, its query alone: the host and the path stay ours.
    pub(super) link: Option<String>,
    pub(super) total: Option<u64>,
}

/// Reads a list: OData's envelope, or a bare array. None where the answer is neither.
pub(super) fn rows(answer: Value) -> Option<Rows> {
    let link = ["@odata.nextLink", "odata.nextLink"].iter().find_map(|key| text(&answer, key));
    // A link without a query leads nowhere new; it is kept, so that the list is not taken for complete.
    let link = link.map(|link| link.split_once('?').map_or("", |(_, query)| query).to_owned());
    let total = int(&answer, "@odata.count").and_then(|count| u64::try_from(count).ok());
    match answer {
        Value::Array(items) => Some(Rows { items, link: None, total: None }),
        Value::Object(object) => {
            let value = object.into_iter().find(|(key, _)| key.eq_ignore_ascii_case("value"))?.1;
            match value {
                Value::Array(items) => Some(Rows { items, link, total }),
                _ => None,
            }
        }
        _ => None,
    }
}

/// One record: an object, or a list of one.
pub(super) fn record(answer: Value) -> Option<Value> {
    if answer.is_object() && !get(&answer, "value").is_some_and(Value::is_array) {
        return Some(answer);
    }
    let mut items = rows(answer)?.items;
    if items.len() == 1 { items.pop().filter(Value::is_object) } else { None }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const ID: &str = "3f2b0c1e-1111-2222-3333-444455556666";

    #[test]
    fn fields_are_read_in_every_case_and_null_is_none() {
        let row =
            json!({"TicketId": ID.to_uppercase(), "ticketStatusCode": "7", "Title": null, "ISBILLABLE": 1});
        assert_eq!(guid(&row, "ticketid").as_deref(), Some(ID));
        assert_eq!((int(&row, "TicketStatusCode"), text(&row, "Title")), (Some(7), None));
        assert_eq!(
            (is(&row, "IsBillable"), has(&row, "title"), has(&row, "None")),
            (Some(true), true, false)
        );
        for none in [json!("x"), json!("00000000-0000-0000-0000-000000000000"), json!(7), json!("../1")] {
            assert_eq!(guid(&json!({"Id": none}), "Id"), None);
        }
    }

    #[test]
    fn lists_are_found_in_both_envelopes_and_only_the_query_of_the_link_is_kept() {
        let link = "https://elsewhere.example/odata/customers?$top=5&$skip=5";
        let read =
            rows(json!({"@odata.context": "x", "@odata.count": 9, "Value": [{}], "@odata.nextLink": link}));
        assert_eq!(
            read,
            Some(Rows { items: vec![json!({})], link: Some("$top=5&$skip=5".into()), total: Some(9) })
        );
        assert_eq!(rows(json!([{}, {}])).map(|rows| rows.items.len()), Some(2));
        for none in [json!({"value": {}}), json!({"message": "no"}), json!("no"), json!(null)] {
            assert_eq!(rows(none), None);
        }
        assert_eq!(record(json!({"value": [{"a": 1}]})), Some(json!({"a": 1})));
        assert_eq!(record(json!({"Value": 5})), Some(json!({"Value": 5})));
        assert_eq!(record(json!([{}, {}])), None);
    }

    #[test]
    fn times_are_utc_and_year_one_is_none() {
        let at = Timestamp::parse_rfc3339("2026-11-21T10:20:30.1234567Z");
        for text in [
            "2026-11-21T10:20:30.1234567Z",
            "2026-11-21T10:20:30.1234567",
            "2026-11-21T12:20:30.1234567+02:00",
        ] {
            assert_eq!(parse_time(text), at, "{text}");
        }
        for none in ["0001-01-01T00:00:00Z", "0001-01-01T00:00:00", "", "soon"] {
            assert_eq!(parse_time(none), None, "{none}");
        }
    }

    proptest! {
        #[test]
        fn quoting_ends_only_where_the_text_ends(text in "\\PC{0,40}") {
            let quoted = quoted(&text);
            let inner = quoted.strip_prefix('\'').and_then(|t| t.strip_suffix('\'')).unwrap();
            prop_assert!(!inner.replace("''", "").contains('\''));
            prop_assert_eq!(inner.replace("''", "'"), text);
        }

        #[test]
        fn a_time_survives_being_written_and_read(secs in 0_i64..4_102_444_800) {
            let at = Timestamp::from_secs(secs);
            prop_assert_eq!(parse_time(&utc(at)), Some(at));
        }

        #[test]
        fn no_answer_makes_reading_it_panic(body in "[\\[\\]{}\":,a-z0-9@.?$ ]{0,80}") {
            if let Ok(value) = serde_json::from_str::<Value>(&body) {
                let _ = (rows(value.clone()), record(value));
            }
        }
    }
}
