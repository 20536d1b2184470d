//! Autotask's JSON, read with tolerance: keys in any case (today camelCase, in webhooks PascalCase), numbers
//! as numbers and as text, and a wrong type in one field must not cost the row.

use chrono::NaiveDateTime;
use entity::Timestamp;
use serde_json::Value;

use crate::psa::PsaError;

/// A value by its key, in any case.
pub(super) fn get<'a>(row: &'a Value, key: &str) -> Option<&'a Value> {
    let object = row.as_object()?;
    object
        .get(key)
        .or_else(|| object.iter().find_map(|(name, value)| name.eq_ignore_ascii_case(key).then_some(value)))
}

/// A whole number, written as one, as text, or as a number with a zero fraction.
pub(super) fn int(row: &Value, key: &str) -> Option<i64> {
    whole(get(row, key)?)
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

/// An id of a record. Zero is one: the MSP's own company.
pub(super) fn id(row: &Value, key: &str) -> Option<i64> {
    int(row, key).filter(|id| *id >= 0)
}

/// Text that is not empty.
pub(super) fn text<'a>(row: &'a Value, key: &str) -> Option<&'a str> {
    get(row, key)?.as_str().map(str::trim).filter(|text| !text.is_empty())
}

/// A yes, written as a boolean, as 1 (contacts) or as text.
pub(super) fn is(row: &Value, key: &str) -> Option<bool> {
    match get(row, key)? {
        Value::Bool(yes) => Some(*yes),
        Value::String(text) if text.eq_ignore_ascii_case("true") => Some(true),
        Value::String(text) if text.eq_ignore_ascii_case("false") => Some(false),
        other => whole(other).map(|number| number != 0),
    }
}

/// A time. Autotask's are UTC without saying so.
pub(super) fn time(row: &Value, key: &str) -> Option<Timestamp> {
    parse_time(get(row, key)?.as_str()?)
}

pub(super) fn parse_time(text: &str) -> Option<Timestamp> {
    const NONE_BEFORE: i64 = -2_177_452_800; // 1901-01-01; .NET's year 1 means none
    let text = text.trim();
    let at = Timestamp::parse_rfc3339(text).or_else(|| {
        ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M"].iter().find_map(|format| {
            let naive = NaiveDateTime::parse_from_str(text, format).ok()?;
            Some(Timestamp::from_datetime(naive.and_utc()))
        })
    })?;
    (at.as_secs() >= NONE_BEFORE).then_some(at)
}

/// A time for Autotask, in filters and in records, with the zone said. Its own answers leave the zone out;
/// no source says that it minds one. The one place to change should it.
pub(super) fn written_time(at: Timestamp) -> String {
    at.datetime().format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

/// The rows of an answer to a query.
pub(super) fn items(answer: &Value) -> Option<&Vec<Value>> {
    get(answer, "items")?.as_array()
}

/// A whole number that goes out as one.
pub(super) fn number(field: &str, value: &str) -> Result<i64, PsaError> {
    value.trim().parse().map_err(|_| PsaError::Rejected {
        field: Some(field.to_owned()),
        reason: format!("{field} must be a whole number in Autotask"),
    })
}

/// The id of a record that is not the MSP's own company.
pub(super) fn record_id(field: &str, value: &str) -> Result<i64, PsaError> {
    number(field, value).and_then(|id| {
        if id > 0 {
            Ok(id)
        } else {
            Err(PsaError::Rejected {
                field: Some(field.to_owned()),
                reason: format!("{field} must be a number above zero in Autotask"),
            })
        }
    })
}

/// Whether a text is one of our marks.
pub(super) fn is_marker(text: &str) -> bool {
    text.strip_prefix("PSAGW-").is_some_and(|rest| {
        (8..=40).contains(&rest.len()) && rest.bytes().all(|byte| byte.is_ascii_alphanumeric())
    })
}

/// The line that our notes end in.
pub(super) fn reference_line(marker: &str) -> String {
    format!("Reference: {marker}")
}

/// Whether a text has our reference on a line of its own.
pub(super) fn has_reference(text: &str, marker: &str) -> bool {
    let wanted = reference_line(marker);
    // Rich text of newer instances comes as HTML.
    text.split(['\n', '\r', '<', '>']).any(|line| line.trim() == wanted)
}

/// Without control characters other than line ends and tabs.
pub(super) fn clean(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect()
}

/// On one line.
pub(super) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").chars().filter(|c| !c.is_control()).collect()
}

/// How long a text is by the count of .NET, where a letter outside the first plane counts twice.
pub(super) fn length(text: &str) -> usize {
    text.encode_utf16().count()
}

/// The longest start of a text that has no more than so many UTF-16 units, and what is left.
pub(super) fn split(text: &str, units: usize) -> (&str, &str) {
    let mut used = 0;
    let end = text.char_indices().find_map(|(at, letter)| {
        used += letter.len_utf16();
        (used > units).then_some(at)
    });
    text.split_at_checked(end.unwrap_or(text.len())).unwrap_or((text, ""))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn keys_are_read_in_any_case_and_numbers_in_any_form() {
        let row = json!({"Id": 7, "status": "5", "QueueID": 7.0, "half": 7.5, "big": 1e300, "none": null});
        for (key, wanted) in
            [("id", Some(7)), ("Status", Some(5)), ("queueID", Some(7)), ("half", None), ("big", None)]
        {
            assert_eq!(int(&row, key), wanted, "{key}");
        }
        assert_eq!((int(&row, "none"), int(&row, "absent")), (None, None));
        assert_eq!(id(&json!({"id": 0}), "id"), Some(0), "the MSP's own company");
        assert_eq!(is(&json!({"isActive": 1}), "isactive"), Some(true));
    }

    #[test]
    fn times_without_a_zone_are_utc() {
        let at = Timestamp::parse_rfc3339("2026-11-21T10:20:30.307Z");
        assert_eq!(parse_time("2026-11-21T10:20:30.307"), at);
        assert_eq!(parse_time("2026-11-21T10:20:30.307Z"), at);
        assert_eq!(parse_time("0001-01-01T00:00:00"), None);
    }

    #[test]
    fn text_is_cut_between_letters_and_counted_as_dot_net_counts() {
        assert_eq!(split("a😀b", 2), ("a", "😀b"));
        assert_eq!(split("a😀b", 3), ("a😀", "b"));
        assert_eq!(split("ab", 2), ("ab", ""));
        assert_eq!(length("a😀b"), 4);
    }

    #[test]
    fn our_reference_is_found_on_its_own_line_only() {
        let marker = "PSAGW-ABCDEFGHIJ0123456789";
        for text in [format!("x\r\n\r\nReference: {marker}"), format!("<p>x</p><p>Reference: {marker}</p>")] {
            assert!(has_reference(&text, marker), "{text}");
        }
        for text in [format!("see Reference: {marker}"), format!("Reference: {marker}X"), marker.to_owned()] {
            assert!(!has_reference(&text, marker), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_time_survives_being_written_and_read(millis in 0_i64..4_102_444_800_000) {
            let at = Timestamp(millis * 1_000);
            prop_assert_eq!(parse_time(&written_time(at)), Some(at));
        }

        #[test]
        fn a_cut_text_is_whole_again_when_joined(text in "\\PC{0,40}", units in 0_usize..40) {
            let (start, rest) = split(&text, units);
            prop_assert!(length(start) <= units);
            prop_assert_eq!(format!("{start}{rest}"), text);
        }
    }
}
