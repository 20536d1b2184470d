//! ConnectWise's JSON, read with tolerance: ids come as numbers and as text, absent values are left
//! out, callbacks spell names otherwise than the API, and a wrong type in one field must not cost the row.

use chrono::NaiveDateTime;
use entity::Timestamp;
use serde_json::Value;

/// A field that is there; where its exact name is not, one that differs in case.
pub(super) fn field<'a>(row: &'a Value, key: &str) -> Option<&'a Value> {
    let fields = row.as_object()?;
    let found = fields
        .get(key)
        .or_else(|| fields.iter().find(|(name, _)| name.eq_ignore_ascii_case(key)).map(|(_, value)| value));
    found.filter(|value| !value.is_null())
}

/// A whole number, written as one or as text.
pub(super) fn whole(value: &Value) -> Option<i64> {
    match value {
        Value::String(text) => text.trim().parse().ok(),
        Value::Number(number) => number.as_i64(),
        _ => None,
    }
}

/// A whole number.
pub(super) fn int(row: &Value, key: &str) -> Option<i64> {
    whole(field(row, key)?)
}

/// An id of a record: a whole number above zero.
pub(super) fn id(row: &Value, key: &str) -> Option<i64> {
    int(row, key).filter(|id| *id > 0)
}

/// Text that is not empty.
pub(super) fn text<'a>(row: &'a Value, key: &str) -> Option<&'a str> {
    field(row, key)?.as_str().map(str::trim).filter(|text| !text.is_empty())
}

/// A yes, written as a boolean or as text (companyinfo writes `"True"`).
pub(super) fn is(row: &Value, key: &str) -> Option<bool> {
    match field(row, key)? {
        Value::Bool(yes) => Some(*yes),
        Value::String(text) if text.eq_ignore_ascii_case("true") => Some(true),
        Value::String(text) if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

/// The id of what a field refers to.
pub(super) fn reference(row: &Value, key: &str) -> Option<i64> {
    id(field(row, key)?, "id")
}

/// The name of what a field refers to.
pub(super) fn name<'a>(row: &'a Value, key: &str) -> Option<&'a str> {
    text(field(row, key)?, "name")
}

/// What stands in the record's own notes about itself, e.g. `lastUpdated`.
pub(super) fn info_time(row: &Value, key: &str) -> Option<Timestamp> {
    field(row, "_info").and_then(|info| time(info, key)).or_else(|| time(row, key))
}

/// A time, in UTC where no zone is given.
pub(super) fn time(row: &Value, key: &str) -> Option<Timestamp> {
    const NONE_BEFORE: i64 = -2_177_452_800; // 1901-01-01: .NET's and SQL's words for none lie before it
    let text = field(row, key)?.as_str()?.trim();
    let at = Timestamp::parse_rfc3339(text).or_else(|| {
        let naive = NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f").ok()?;
        Some(Timestamp::from_datetime(naive.and_utc()))
    })?;
    (at.as_secs() >= NONE_BEFORE).then_some(at)
}

/// A time as ConnectWise writes it: UTC, whole seconds.
pub(super) fn time_text(at: Timestamp) -> String {
    at.datetime().format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Whether a text is one of our marks, of a ticket or of a note.
pub(super) fn is_marker(text: &str) -> bool {
    text.strip_prefix("PSAGW-").is_some_and(|rest| {
        (8..=64).contains(&rest.len())
            && rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    })
}

/// The line by which people and [`has_reference`] recognise what is ours.
pub(super) fn reference_line(marker: &str) -> String {
    format!("Ref {marker}")
}

/// Whether our reference stands on a line of its own; line ends may have become markup on the way.
pub(super) fn has_reference(text: &str, marker: &str) -> bool {
    let wanted = reference_line(marker);
    text.replace("<br>", "\n")
        .replace("<br/>", "\n")
        .replace("<br />", "\n")
        .replace("</p>", "\n")
        .lines()
        .any(|line| line.trim().trim_start_matches("<p>").trim_end_matches('\\') == wanted)
}

/// A whole number that somebody chose, or why it cannot be one.
pub(super) fn chosen(field: &str, value: &str) -> Result<i64, crate::psa::PsaError> {
    value.trim().parse().map_err(|_| crate::psa::PsaError::Rejected {
        field: Some(field.to_owned()),
        reason: format!("{field} must be a whole number in ConnectWise"),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn fields_are_found_whatever_their_case_and_the_exact_name_wins() {
        let row = json!({"StatusName": "New", "ID": "7", "id": 8, "closed": null, "flag": "True"});
        assert_eq!(text(&row, "statusName"), Some("New"));
        assert_eq!((id(&row, "ID"), id(&row, "id"), id(&row, "Id")), (Some(7), Some(8), Some(7)));
        assert_eq!((field(&row, "closed"), is(&row, "flag")), (None, Some(true)));
    }

    #[test]
    fn references_and_times_are_read() {
        let row = json!({"status": {"id": 5, "name": "New"}, "company": 3, "_info": {"lastUpdated": "2026-11-21T10:00:00Z"}});
        assert_eq!((reference(&row, "status"), name(&row, "status")), (Some(5), Some("New")));
        assert_eq!(reference(&row, "company"), None);
        assert_eq!(info_time(&row, "lastUpdated"), Timestamp::parse_rfc3339("2026-11-21T10:00:00Z"));
        let naive = json!({"at": "2026-11-21T10:00:00", "none": "0001-01-01T00:00:00Z"});
        assert_eq!(time(&naive, "at"), Timestamp::parse_rfc3339("2026-11-21T10:00:00Z"));
        assert_eq!(time(&naive, "none"), None);
    }

    #[test]
    fn our_reference_is_found_on_its_own_line_only() {
        let marker = "PSAGW-N-ABCDEFGHIJ0123456789";
        for text in [
            format!("x\r\n\r\nRef {marker}"),
            format!("x<br/>Ref {marker}<br>"),
            format!("<p>Ref {marker}</p>"),
        ] {
            assert!(has_reference(&text, marker), "{text}");
        }
        for text in [
            format!("see Ref {marker}"),
            format!("> Ref {marker}"),
            format!("Ref {marker}X"),
            marker.to_owned(),
        ] {
            assert!(!has_reference(&text, marker), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_time_survives_being_written_and_read(secs in 0_i64..4_102_444_800) {
            let at = Timestamp::from_secs(secs);
            prop_assert_eq!(time(&json!({"at": time_text(at)}), "at"), Some(at));
        }
    }
}
