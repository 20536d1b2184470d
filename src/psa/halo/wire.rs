//! Halo's JSON, read with tolerance: ids come as numbers, as text and as GUIDs, fields come and go
//! with the build, and a wrong type in one field must not cost the row.

use chrono::NaiveDateTime;
use entity::Timestamp;
use serde_json::Value;

/// A whole number, written as one, as text, or as a number with a zero fraction.
pub(super) fn int(row: &Value, key: &str) -> Option<i64> {
    whole(row.get(key)?)
}

pub(super) fn whole(value: &Value) -> Option<i64> {
    const EXACT: f64 = 9_007_199_254_740_992.0; // 2^53
    match value {
        Value::String(text) => text.trim().parse().ok(),
        Value::Number(number) => number.as_i64().or_else(|| {
            let float = number.as_f64().filter(|f| f.fract() == 0.0 && f.abs() < EXACT)?;
            #[expect(clippy::cast_possible_truncation, reason = "a whole number below 2^53 was checked")]
            Some(float as i64)
        }),
        _ => None,
    }
}

/// An id of a record: a whole number above zero (below zero are recurring invoices, zero is none).
pub(super) fn id(row: &Value, key: &str) -> Option<i64> {
    int(row, key).filter(|id| *id > 0)
}

/// Text that is not empty.
pub(super) fn text<'a>(row: &'a Value, key: &str) -> Option<&'a str> {
    row.get(key)?.as_str().map(str::trim).filter(|text| !text.is_empty())
}

/// A yes, written as a boolean, as 1 or as text.
pub(super) fn is(row: &Value, key: &str) -> Option<bool> {
    match row.get(key)? {
        Value::Bool(yes) => Some(*yes),
        Value::String(text) if text.eq_ignore_ascii_case("true") => Some(true),
        Value::String(text) if text.eq_ignore_ascii_case("false") => Some(false),
        other => whole(other).map(|number| number != 0),
    }
}

/// A time. Halo's times are UTC with or without a zone, with up to 7 digits of a second; 1900 and year
/// 1 mean none (Haley, django-psa-connector).
pub(super) fn time(row: &Value, key: &str) -> Option<Timestamp> {
    parse_time(row.get(key)?.as_str()?)
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

/// A time for a query, zone-less and in UTC as Halo itself writes times. The one place to change
/// should a build want it otherwise.
pub(super) fn query_time(at: Timestamp) -> String {
    at.datetime().format("%Y-%m-%dT%H:%M:%S").to_string()
}

/// Rows of a list, and how many there are in all where it is said: a bare array, or an object that
/// holds one under the expected key or, failing that, under its only key with an array.
pub(super) fn rows(answer: Value, key: &str) -> Option<(Vec<Value>, Option<u64>)> {
    match answer {
        Value::Array(rows) => Some((rows, None)),
        Value::Object(mut object) => {
            let total = object.get("record_count").and_then(whole).and_then(|n| u64::try_from(n).ok());
            if let Some(Value::Array(rows)) = object.remove(key) {
                return Some((rows, total));
            }
            let mut arrays = object.into_iter().filter_map(|(_, value)| match value {
                Value::Array(rows) => Some(rows),
                _ => None,
            });
            let first = arrays.next();
            match (first, arrays.next(), total) {
                (Some(rows), None, _) => Some((rows, total)),
                // Nothing found: some builds leave the list out.
                (None, _, Some(0)) => Some((Vec::new(), total)),
                _ => None,
            }
        }
        _ => None,
    }
}

/// One record: an object, or an array of one (some builds answer a POST so).
pub(super) fn record(answer: Value) -> Option<Value> {
    match answer {
        Value::Object(_) => Some(answer),
        Value::Array(mut rows) if rows.len() == 1 => rows.pop().filter(Value::is_object),
        _ => None,
    }
}

/// The text of our reference line, by which people and [`has_reference`] recognise what is ours.
pub(super) fn reference_line(marker: &str) -> String {
    format!("Reference: {marker}")
}

/// Whether a text has our reference on a line of its own; Halo may have turned line ends into HTML.
pub(super) fn has_reference(text: &str, marker: &str) -> bool {
    let wanted = reference_line(marker);
    lines(text).contains(&wanted)
}

/// The mark on the last line of a text.
pub(super) fn last_reference(text: &str) -> Option<String> {
    let last = lines(text).pop()?;
    last.strip_prefix("Reference: ").filter(|marker| is_marker(marker)).map(ToOwned::to_owned)
}

/// Whether a text is one of our marks.
pub(super) fn is_marker(text: &str) -> bool {
    text.strip_prefix("PSAGW-").is_some_and(|rest| {
        (8..=64).contains(&rest.len()) && rest.bytes().all(|byte| byte.is_ascii_alphanumeric())
    })
}

/// Lines that hold something, tags taken as ends of lines. A `<` that begins no tag is a text's own ("OpenSSL < 3"),
/// and no tag reaches beyond its line: otherwise such a text would hide the reference below it.
fn lines(text: &str) -> Vec<String> {
    let mut plain = String::with_capacity(text.len());
    let mut in_tag = false;
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        let begins_tag = |next: &char| next.is_ascii_alphabetic() || matches!(next, '/' | '!');
        match letter {
            '<' if letters.peek().is_some_and(begins_tag) => in_tag = true,
            '>' | '\n' if in_tag => {
                in_tag = false;
                plain.push('\n');
            }
            _ if in_tag => {}
            _ => plain.push(letter),
        }
    }
    let plain = plain.replace("&nbsp;", " ");
    plain.lines().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn ids_are_read_as_number_text_and_whole_fraction() {
        let row = json!({"a": 7, "b": "7", "c": 7.0, "d": 7.5, "e": "x", "f": null, "g": -94, "h": 1e300});
        for (key, wanted) in [("a", Some(7)), ("b", Some(7)), ("c", Some(7)), ("d", None), ("h", None)] {
            assert_eq!(int(&row, key), wanted, "{key}");
        }
        assert_eq!((int(&row, "e"), int(&row, "f"), int(&row, "z")), (None, None, None));
        assert_eq!((int(&row, "g"), id(&row, "g")), (Some(-94), None));
    }

    #[test]
    fn a_texts_own_angle_brackets_hide_no_line_below_them() {
        for text in ["OpenSSL < 3.0.15\nlast", "a <b\nlast", "<p>a</p><br/>last", "x <!-- y\nlast", "<\nlast"]
        {
            assert_eq!(lines(text).last().map(String::as_str), Some("last"), "{text}");
        }
    }

    #[test]
    fn times_without_a_zone_are_utc_and_old_ones_are_none() {
        let at = Timestamp::parse_rfc3339("2026-11-21T10:20:30.1234567Z");
        assert_eq!(parse_time("2026-11-21T10:20:30.1234567Z"), at);
        assert_eq!(parse_time("2026-11-21T10:20:30.1234567"), at);
        assert_eq!(parse_time("2026-11-21 10:20:30.1234567"), at);
        assert_eq!(parse_time("2026-11-21T12:20:30.1234567+02:00"), at);
        for none in ["1900-01-01T00:00:00", "0001-01-01T00:00:00", "0001-01-01T00:00:00Z", "", "soon"] {
            assert_eq!(parse_time(none), None, "{none}");
        }
    }

    #[test]
    fn lists_are_found_in_every_envelope_seen() {
        let len = |answer: Value| rows(answer, "tickets").map(|(rows, total)| (rows.len(), total));
        assert_eq!(len(json!([{}, {}])), Some((2, None)));
        assert_eq!(len(json!({"record_count": 9, "tickets": [{}]})), Some((1, Some(9))));
        assert_eq!(len(json!({"record_count": 1, "other": [{}]})), Some((1, Some(1))));
        assert_eq!(len(json!({"record_count": 0})), Some((0, Some(0))));
        assert_eq!(len(json!({"message": "no"})), None);
        assert_eq!(len(json!("no")), None);
    }

    #[test]
    fn our_reference_is_found_on_its_own_line_only() {
        let marker = "PSAGW-ABCDEFGHIJ0123456789";
        for text in [
            format!("x\n\nReference: {marker}"),
            format!("x<br>Reference: {marker}<br/>"),
            format!("<p>x</p><p>Reference: {marker}</p>"),
        ] {
            assert!(has_reference(&text, marker), "{text}");
            assert_eq!(last_reference(&text).as_deref(), Some(marker), "{text}");
        }
        for text in [
            format!("see Reference: {marker}"),
            format!("> Reference: {marker}"),
            format!("Reference: {marker}X"),
            marker.to_owned(),
        ] {
            assert!(!has_reference(&text, marker), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_time_survives_being_written_and_read(secs in 0_i64..4_102_444_800) {
            let at = Timestamp::from_secs(secs);
            prop_assert_eq!(parse_time(&query_time(at)), Some(at));
        }

        #[test]
        fn no_text_makes_reading_panic(text in ".{0,60}") {
            let _ = (parse_time(&text), has_reference(&text, "PSAGW-A"), last_reference(&text));
        }
    }
}
