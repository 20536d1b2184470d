//! A place in a sender's JSON: gives what is there, and says where when something is missing.
//!
//! Reading never fails on what only informs: a field of another type is as good as none. What decides
//! (identity, state) is asked for with [`Place::key`], which refuses.

use entity::{Severity, Timestamp};
use serde_json::Value;

use super::{severity, text};
use crate::decisions::event::Unreadable;

/// A place in a body, whether something is there or not.
#[derive(Clone, Debug)]
pub(in crate::scanners) struct Place<'a> {
    value: Option<&'a Value>,
    pointer: String,
}

impl<'a> Place<'a> {
    /// The whole of a body.
    pub(in crate::scanners) const fn root(value: &'a Value) -> Self {
        Self { value: Some(value), pointer: String::new() }
    }

    /// A field of the object here.
    pub(in crate::scanners) fn at(&self, name: &str) -> Self {
        let pointer = format!("{}/{}", self.pointer, name.replace('~', "~0").replace('/', "~1"));
        Self { value: self.value.and_then(|value| value.get(name)).filter(|value| !value.is_null()), pointer }
    }

    /// Where this is, as a JSON Pointer (RFC 6901).
    pub(in crate::scanners) fn pointer(&self) -> &str {
        &self.pointer
    }

    /// What is here, as it is.
    pub(in crate::scanners) const fn value(&self) -> Option<&'a Value> {
        self.value
    }

    /// Whether anything is here.
    pub(in crate::scanners) const fn is_there(&self) -> bool {
        self.value.is_some()
    }

    /// The entries of the list here; none where there is no list.
    pub(in crate::scanners) fn items(&self) -> Vec<Self> {
        let list = self.value.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let item = |(index, value)| Self { value: Some(value), pointer: format!("{}/{index}", self.pointer) };
        list.iter().enumerate().map(item).collect()
    }

    /// The entries of the object here, by name.
    pub(in crate::scanners) fn entries(&self) -> Vec<(&'a str, Self)> {
        let Some(object) = self.value.and_then(Value::as_object) else { return Vec::new() };
        object.keys().map(|name| (name.as_str(), self.at(name))).collect()
    }

    /// One line for people: a text or a number, cleaned; none where it is empty.
    pub(in crate::scanners) fn line(&self) -> Option<String> {
        let line = match self.value? {
            Value::String(text) => text::line(text),
            Value::Number(number) => number.to_string(),
            _ => return None,
        };
        let line = text::cut_chars(&line, 1_000).unwrap_or(line);
        Some(line).filter(|line| !line.is_empty())
    }

    /// Several lines for people, cleaned.
    pub(in crate::scanners) fn lines(&self) -> Option<String> {
        self.value?.as_str().map(text::lines).filter(|text| !text.trim().is_empty())
    }

    /// A word that is compared: trimmed, in lower case.
    pub(in crate::scanners) fn word(&self) -> Option<String> {
        self.value?.as_str().map(|word| word.trim().to_ascii_lowercase()).filter(|word| !word.is_empty())
    }

    /// A number, also one in quotes.
    pub(in crate::scanners) fn number(&self) -> Option<f64> {
        match self.value? {
            Value::Number(number) => number.as_f64(),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        }
        .filter(|number: &f64| number.is_finite())
    }

    /// True or false.
    pub(in crate::scanners) fn flag(&self) -> Option<bool> {
        self.value?.as_bool()
    }

    /// A time in RFC 3339, also with an offset without its colon, as some products write it.
    pub(in crate::scanners) fn time(&self) -> Option<Timestamp> {
        let text = self.value?.as_str()?.trim();
        Timestamp::parse_rfc3339(text).or_else(|| {
            let (date, offset) = text.split_at_checked(text.len().checked_sub(5)?)?;
            let (hours, minutes) = offset.split_at_checked(3)?;
            Timestamp::parse_rfc3339(&format!("{date}{hours}:{minutes}"))
        })
    }

    /// A known word of severity; unknown where it is none.
    pub(in crate::scanners) fn severity(&self) -> (Severity, Option<String>) {
        let Some(sent) = self.line() else { return (Severity::Unknown, None) };
        let known = severity::from_word(&sent).unwrap_or(Severity::Unknown);
        let raw = Some(sent).filter(|sent| !sent.eq_ignore_ascii_case(known.word()));
        (known, raw)
    }

    /// A deciding text or whole number of at most 255 bytes; refused where it is missing or of another kind.
    pub(in crate::scanners) fn key(&self) -> Result<String, Unreadable> {
        let text = match self.value {
            None => {
                return Err(Unreadable::missing(
                    &self.pointer,
                    "this is missing; it says which problem is meant",
                ));
            }
            Some(Value::String(text)) => text.trim().to_owned(),
            Some(Value::Number(number)) if !number.is_f64() => number.to_string(),
            Some(_) => {
                return Err(Unreadable::invalid(&self.pointer, "this must be a text or a whole number"));
            }
        };
        if text.is_empty() {
            Err(Unreadable::missing(&self.pointer, "this is empty; it says which problem is meant"))
        } else if text.len() > 255 {
            Err(Unreadable::invalid(
                &self.pointer,
                format!("this has {} bytes; at most 255 are expected", text.len()),
            ))
        } else if text.chars().any(char::is_control) {
            Err(Unreadable::invalid(&self.pointer, "this holds a control character"))
        } else {
            Ok(text)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_is_given_and_what_is_missing_is_named_with_its_place() {
        let body = serde_json::json!({
            "alert": { "number": 7, "title": " a\u{7}b ", "severity": "Moderate", "at": "2026-01-02T03:04:05+0100" },
            "list": [{ "id": "x" }, 3], "a/b": null,
        });
        let root = Place::root(&body);
        let alert = root.at("alert");
        assert_eq!(alert.at("number").key().unwrap(), "7");
        assert_eq!(alert.at("title").line().as_deref(), Some("a b"));
        assert_eq!(alert.at("severity").severity(), (Severity::Medium, Some("Moderate".to_owned())));
        assert_eq!(alert.at("at").time(), Timestamp::parse_rfc3339("2026-01-02T02:04:05Z"));
        assert_eq!(root.at("list").items()[0].at("id").key().unwrap(), "x");
        assert!(!root.at("a/b").is_there());
        let missing = root.at("list").items()[1].at("id").key().unwrap_err();
        assert_eq!((missing.code, missing.pointer.as_str()), ("missing_field", "/list/1/id"));
    }
}
