//! Filters in the query language of ConnectWise (`conditions`, `childConditions`).
//!
//! The Developer Guide names no escape for a quote inside a quoted text, so what could close it would be
//! read as more of the filter. That is why nothing that somebody typed becomes part of one: values are
//! whole numbers, yes and no, times, and words of ours that hold letters, digits and hyphens only.

use entity::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::wire;
use crate::psa::PsaError;

/// Terms that must all hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Conditions(Vec<String>);

impl Conditions {
    fn and(mut self, term: String) -> Self {
        self.0.push(term);
        self
    }

    /// The field, or the id of what it refers to, is this number.
    pub(super) fn is(self, field: &'static str, value: i64) -> Self {
        self.and(format!("{field}={value}"))
    }

    /// The field, or the id of what it refers to, is one of these numbers.
    pub(super) fn among(self, field: &'static str, values: &[i64]) -> Self {
        let values: Vec<_> = values.iter().map(ToString::to_string).collect();
        self.and(format!("{field} in ({})", values.join(",")))
    }

    /// The field is more than this number.
    pub(super) fn above(self, field: &'static str, value: i64) -> Self {
        self.and(format!("{field}>{value}"))
    }

    /// The field says yes or no.
    pub(super) fn flag(self, field: &'static str, value: bool) -> Self {
        self.and(format!("{field}={value}"))
    }

    /// The field is this time or later; ConnectWise knows whole seconds.
    pub(super) fn since(self, field: &'static str, at: Timestamp) -> Self {
        self.and(format!("{field}>=[{}]", wire::time_text(at)))
    }

    /// The field is this word of ours.
    pub(super) fn word(self, field: &'static str, word: &str) -> Result<Self, PsaError> {
        if word.is_empty() || !word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
            let reason = format!("{field} cannot be searched for: only letters, digits and hyphens can");
            return Err(PsaError::Rejected { field: Some(field.to_owned()), reason });
        }
        Ok(self.and(format!("{field}=\"{word}\"")))
    }

    /// As ConnectWise reads it.
    pub(super) fn text(&self) -> String {
        self.0.join(" and ")
    }
}

/// Everything but what no reader of a query can take for something else.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.');

/// A query, with every value encoded as a whole: a bare `+`, `%`, `&` or `*` means something in it.
pub(super) fn query(pairs: &[(&str, String)]) -> String {
    let pairs = pairs.iter().map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, ENCODED)));
    pairs.collect::<Vec<_>>().join("&")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn terms_are_written_as_the_guide_shows_them() {
        let at = Timestamp::parse_rfc3339("2026-08-20T18:04:26.9Z").unwrap();
        let all = Conditions::default().is("company/id", 19).flag("deletedFlag", false).above("id", 7);
        let all = all.since("lastUpdated", at).word("externalXRef", "PSAGW-A1").unwrap();
        assert_eq!(
            all.text(),
            "company/id=19 and deletedFlag=false and id>7 and lastUpdated>=[2026-08-20T18:04:26Z] and externalXRef=\"PSAGW-A1\""
        );
    }

    #[test]
    fn what_could_leave_its_quotes_is_refused() {
        for hostile in
            ["", "a\" or id>0", "a' or '1'='1", "a\\", "a[b]", "a*", "a%", "a\nb", "ü", "a b", "a)"]
        {
            assert!(Conditions::default().word("externalXRef", hostile).is_err(), "{hostile:?}");
        }
    }

    proptest! {
        #[test]
        fn a_query_is_read_as_it_was_meant(value in "\\PC{0,40}|[\"'\\\\\\[\\]&+%*=# \\n]{0,20}") {
            let text = query(&[("conditions", value.clone()), ("page", String::from("1"))]);
            let read: Vec<_> = url::form_urlencoded::parse(text.as_bytes()).into_owned().collect();
            prop_assert_eq!(read, [("conditions".to_owned(), value), ("page".to_owned(), "1".to_owned())]);
        }
    }
}
