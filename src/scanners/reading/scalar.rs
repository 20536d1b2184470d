//! Single values in forms that several products use.

use entity::Timestamp;
use serde_json::Value;

use super::{key, place::Place, text};
use crate::decisions::event::Unreadable;

/// Numbers above this count milliseconds, not seconds (as seconds they would lie in the year 5138).
const MILLISECONDS_FROM: f64 = 1e11;

impl Place<'_> {
    /// A stable id, like [`Place::key`]; one that is too long for a key is hashed (an ARN may have 512 letters).
    pub(in crate::scanners) fn id(&self) -> Result<String, Unreadable> {
        match self.value().and_then(Value::as_str).map(str::trim) {
            Some(long) if long.len() > 255 => Ok(key::hashed([long])),
            _ => self.key(),
        }
    }

    /// A name that is looked up later, such as a customer's; none where it cannot be one.
    pub(in crate::scanners) fn name(&self) -> Option<String> {
        self.key().ok()
    }

    /// Seconds or milliseconds since 1970, with or without a fraction.
    pub(in crate::scanners) fn epoch(&self) -> Option<Timestamp> {
        let number = self.number()?;
        let micros = if number.abs() < MILLISECONDS_FROM { number * 1e6 } else { number * 1e3 };
        #[expect(clippy::cast_possible_truncation, reason = "checked to lie far inside of i64")]
        (micros.abs() < 1e17).then(|| Timestamp(micros.round() as i64))
    }

    /// A whole number from 0.
    pub(in crate::scanners) fn count(&self) -> Option<u64> {
        self.value()?.as_u64()
    }

    /// A text, number, true or false as one line, for comparing and for labels.
    pub(in crate::scanners) fn scalar(&self) -> Option<String> {
        match self.value()? {
            Value::Bool(flag) => Some(flag.to_string()),
            _ => self.line(),
        }
    }

    /// The texts of the list here, cleaned; the text here as the only one.
    pub(in crate::scanners) fn texts(&self) -> Vec<String> {
        match self.value() {
            Some(Value::String(one)) => vec![text::line(one)],
            _ => self.items().iter().take(100).filter_map(Self::line).collect(),
        }
    }

    /// The first of these places at which something stands.
    pub(in crate::scanners) fn first(&self, names: &[&str]) -> Self {
        let found = names.iter().map(|name| self.at(name)).find(Self::is_there);
        found.unwrap_or_else(|| self.at(names.first().copied().unwrap_or_default()))
    }

    /// The place that a JSON Pointer (RFC 6901) names, from here on.
    pub(in crate::scanners) fn find(&self, pointer: &str) -> Self {
        pointer.split('/').skip(1).fold(self.clone(), |place, token| {
            let index: Option<usize> =
                token.parse().ok().filter(|_| place.value().is_some_and(Value::is_array));
            match index {
                Some(index) => place.items().into_iter().nth(index).unwrap_or_else(|| place.at(token)),
                None => place.at(&token.replace("~1", "/").replace("~0", "~")),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn single_values_are_read_in_the_forms_that_products_use() {
        let body = serde_json::json!({
            "secs": 1_700_000_000, "millis": 1_700_000_000_000_i64, "fraction": 1_700_000_000.5, "huge": 1e300,
            "long": "x".repeat(300), "a/b": [{ "~c": "here" }], "flag": true, "nothing": null,
        });
        let root = Place::root(&body);
        assert_eq!(root.at("secs").epoch(), Some(Timestamp::from_secs(1_700_000_000)));
        assert_eq!(root.at("millis").epoch(), root.at("secs").epoch());
        assert_eq!(root.at("fraction").epoch(), Some(Timestamp::from_secs(1_700_000_000).plus_millis(500)));
        assert_eq!(root.at("huge").epoch(), None);
        assert_eq!(root.at("long").id().unwrap().len(), 67);
        assert_eq!(root.at("flag").scalar().as_deref(), Some("true"));
        let deep = root.find("/a~1b/0/~0c");
        assert_eq!((deep.line().as_deref(), deep.pointer()), (Some("here"), "/a~1b/0/~0c"));
        assert!(!root.find("/a~1b/7/x").is_there() && root.find("").is_there());
        assert_eq!(root.first(&["nothing", "flag", "secs"]).pointer(), "/flag");
    }
}
