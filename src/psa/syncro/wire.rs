//! Syncro's JSON, read with tolerance: answers are wrapped or flat, lists have a `meta` or none, and a wrong
//! type in one field must not cost the row.

use chrono::DateTime;
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

/// An id of a record: a whole number above zero.
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

/// A time, in UTC or with the account's offset. One without a zone is none: whose zone it is cannot be told.
pub(super) fn time(row: &Value, key: &str) -> Option<Timestamp> {
    parse_time(row.get(key)?.as_str()?)
}

pub(super) fn parse_time(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    Timestamp::parse_rfc3339(text).or_else(|| {
        let at = DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f%z").ok()?;
        Some(Timestamp::from_datetime(at.to_utc()))
    })
}

/// A time for a query or a body: a date alone is read inconsistently (a live test of the API), so the whole
/// time in UTC. The one place to change should an account want it otherwise.
pub(super) fn sent_time(at: Timestamp) -> String {
    at.datetime().format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Rows of a list and, where it is said, the number of pages and of rows in all.
pub(super) struct Rows {
    pub(super) items: Vec<Value>,
    pub(super) pages: Option<i64>,
    pub(super) total: Option<u64>,
}

/// A list under its key, or a bare one. None where there is no list.
pub(super) fn rows(answer: Value, key: &str) -> Option<Rows> {
    match answer {
        Value::Array(rows) => Some(Rows { items: rows, pages: None, total: None }),
        Value::Object(mut object) => {
            let meta = object.remove("meta").unwrap_or_default();
            let Some(Value::Array(rows)) = object.remove(key) else { return None };
            let pages = int(&meta, "total_pages").filter(|pages| *pages >= 0);
            let total = int(&meta, "total_entries").and_then(|total| u64::try_from(total).ok());
            Some(Rows { items: rows, pages, total })
        }
        _ => None,
    }
}

/// One record with an id, out of its wrapper or flat.
pub(super) fn record(answer: Value, key: &str) -> Option<Value> {
    let Value::Object(mut object) = answer else { return None };
    let record = match object.remove(key) {
        Some(record) if record.is_object() => record,
        _ => Value::Object(object),
    };
    id(&record, "id").is_some().then_some(record)
}

/// The tags of a ticket; none where the row does not show them.
pub(super) fn tags(row: &Value) -> Option<Vec<&str>> {
    match row.get("tag_list")? {
        Value::Array(tags) => {
            Some(tags.iter().filter_map(|tag| tag.as_str().or_else(|| text(tag, "name"))).collect())
        }
        Value::String(tags) => Some(tags.split(',').map(str::trim).collect()),
        _ => None,
    }
}

/// The first comment of a ticket, which is its description; none where the row shows no comment.
pub(super) fn first_comment(row: &Value) -> Option<&Value> {
    // Ids rise with time; the order of the list is another in every endpoint.
    let comments = row.get("comments")?.as_array()?;
    comments
        .iter()
        .filter(|comment| comment.is_object())
        .min_by_key(|comment| id(comment, "id").unwrap_or(i64::MAX))
}

/// The text of our reference line, by which people and [`has_reference`] recognise what is ours.
pub(super) fn reference_line(marker: &str) -> String {
    format!("Reference: {marker}")
}

/// Whether a text has our reference on a line of its own.
pub(super) fn has_reference(text: &str, marker: &str) -> bool {
    let wanted = reference_line(marker);
    lines(text).contains(&wanted.as_str()) || lines(&untagged(text)).contains(&wanted.as_str())
}

/// The mark on the last line of a text.
pub(super) fn last_reference(text: &str) -> Option<String> {
    let last = |text: &str| {
        let marker = lines(text).last()?.strip_prefix("Reference: ")?;
        is_marker(marker).then(|| marker.to_owned())
    };
    last(text).or_else(|| last(&untagged(text)))
}

/// Whether a text ends in a reference of ours, to a ticket or to a note.
pub(super) fn is_ours(text: &str) -> bool {
    lines(text).last().is_some_and(|line| line.starts_with("Reference: PSAGW-"))
}

/// Whether a text is one of our marks of tickets.
pub(super) fn is_marker(text: &str) -> bool {
    text.strip_prefix("PSAGW-").is_some_and(|rest| {
        (8..=64).contains(&rest.len()) && rest.bytes().all(|byte| byte.is_ascii_alphanumeric())
    })
}

/// Lines that hold something.
fn lines(text: &str) -> Vec<&str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).collect()
}

/// Comments come as plain text unless an account stores rich text; then tags end lines.
fn untagged(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut in_tag = false;
    for letter in text.chars() {
        match letter {
            '<' => in_tag = true,
            '>' if in_tag => {
                in_tag = false;
                plain.push('\n');
            }
            _ if in_tag => {}
            _ => plain.push(letter),
        }
    }
    plain.replace("&nbsp;", " ")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn times_are_read_with_their_offset_and_never_guessed() {
        let at = Timestamp::parse_rfc3339("2026-11-21T18:20:30.034Z");
        for text in
            ["2026-11-21T18:20:30.034Z", "2026-11-21T10:20:30.034-08:00", "2026-11-21T10:20:30.034-0800"]
        {
            assert_eq!(parse_time(text), at, "{text}");
        }
        for none in ["2026-11-21T18:20:30", "2026-11-21", "", "soon"] {
            assert_eq!(parse_time(none), None, "{none}");
        }
    }

    #[test]
    fn lists_and_records_are_found_in_every_envelope() {
        let seen = |answer: Value| rows(answer, "tickets").map(|r| (r.items.len(), r.pages, r.total));
        assert_eq!(
            seen(json!({"tickets": [{}], "meta": {"total_pages": 3, "page": 1}})),
            Some((1, Some(3), None))
        );
        assert_eq!(
            seen(json!({"tickets": [], "meta": {"total_pages": "1", "total_entries": "0"}})),
            Some((0, Some(1), Some(0)))
        );
        assert_eq!(seen(json!({"tickets": [{}, {}]})), Some((2, None, None)));
        assert_eq!(seen(json!([{}])), Some((1, None, None)));
        for none in [json!({"message": "no"}), json!({"tickets": null}), json!(null), json!("no")] {
            assert_eq!(seen(none), None);
        }
        for answer in [json!({"ticket": {"id": 5}}), json!({"id": "5"}), json!({"ticket": null, "id": 5})] {
            assert_eq!(record(answer, "ticket").and_then(|row| id(&row, "id")), Some(5));
        }
        for none in [json!({"ticket": {"id": null}}), json!({"success": true}), json!([{"id": 1}])] {
            assert_eq!(record(none, "ticket"), None);
        }
    }

    #[test]
    fn our_reference_is_found_on_its_own_line_only() {
        let marker = "PSAGW-ABCDEFGHIJ0123456789";
        for text in [
            format!("x\n\nReference: {marker}"),
            format!("a < b and <script\r\nReference: {marker}\r\n"),
            format!("<div>x</div><div>Reference: {marker}</div>"),
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

    #[test]
    fn the_first_comment_is_the_oldest_wherever_it_stands() {
        let row = json!({"comments": [{"id": 9, "body": "late"}, {"id": "3", "body": "first"}, null]});
        assert_eq!(first_comment(&row).and_then(|comment| text(comment, "body")), Some("first"));
        assert_eq!(first_comment(&json!({"comments": []})), None);
        assert_eq!(tags(&json!({"tag_list": "a, b"})), Some(vec!["a", "b"]));
        assert_eq!(tags(&json!({"tag_list": ["a", {"name": "b"}, 3]})), Some(vec!["a", "b"]));
        assert_eq!(tags(&json!({"tag_list": null})), None);
    }

    proptest! {
        #[test]
        fn a_time_survives_being_sent_and_read(secs in 0_i64..4_102_444_800) {
            let at = Timestamp::from_secs(secs);
            prop_assert_eq!(parse_time(&sent_time(at)), Some(at));
        }

        #[test]
        fn no_text_makes_reading_panic(text in "\\PC{0,60}") {
            let _ = (parse_time(&text), has_reference(&text, "PSAGW-A"), last_reference(&text), is_ours(&text));
        }

        #[test]
        fn a_reference_survives_any_text_before_it(text in "(\\PC|\n|<|>){0,80}") {
            let marker = "PSAGW-ABCDEFGHIJ0123456789";
            let body = format!("{text}\n\n{}", reference_line(marker));
            prop_assert!(has_reference(&body, marker));
            prop_assert_eq!(last_reference(&body), Some(marker.to_owned()));
        }
    }
}
