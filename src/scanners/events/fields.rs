//! Reads a JSON object field by field and remembers which were asked for, so that the
//! rest can be remarked upon.
//!
//! Two manners: `key` and `time` decide and therefore refuse; everything else informs and
//! therefore drops with a remark.

use std::cell::RefCell;

use entity::Timestamp;
use serde_json::{Map, Value};

use super::nearest::nearest;
use crate::{decisions::event::Unreadable, scanners::reading::text};

/// A delivery of nonsense must not fill the trace.
const MAX_REMARKS: usize = 50;
/// The longest list inside an event.
const MAX_LIST: usize = 100;
/// The longest single line that only informs, in characters.
const MAX_LINE: usize = 1_000;
/// The longest link, in bytes: what browsers and platforms take.
const MAX_LINK: usize = 2_048;

/// Remarks on one event.
#[derive(Default)]
pub(super) struct Remarks(RefCell<Vec<String>>);

impl Remarks {
    pub(super) fn add(&self, pointer: &str, problem: &str) {
        let mut remarks = self.0.borrow_mut();
        match remarks.len() {
            MAX_REMARKS => remarks.push("more was remarked than is kept here".to_owned()),
            len if len < MAX_REMARKS => remarks.push(format!("{pointer}: {problem}")),
            _ => {}
        }
    }

    pub(super) fn into_vec(self) -> Vec<String> {
        self.0.into_inner()
    }
}

/// A JSON object at a place of the body.
pub(super) struct Fields<'a> {
    object: &'a Map<String, Value>,
    pointer: String,
    asked: RefCell<Vec<&'static str>>,
    remarks: &'a Remarks,
}

impl<'a> Fields<'a> {
    pub(super) fn new(object: &'a Map<String, Value>, pointer: &str, remarks: &'a Remarks) -> Self {
        Self { object, pointer: pointer.to_owned(), asked: RefCell::default(), remarks }
    }

    /// The JSON Pointer (RFC 6901) of a field.
    pub(super) fn at(&self, name: &str) -> String {
        format!("{}/{}", self.pointer, name.replace('~', "~0").replace('/', "~1"))
    }

    pub(super) fn remark(&self, name: &str, problem: &str) {
        self.remarks.add(&self.at(name), problem);
    }

    pub(super) fn refuse(&self, code: &'static str, name: &str, problem: impl Into<String>) -> Unreadable {
        Unreadable { code, pointer: self.at(name), problem: problem.into(), kind: None }
    }

    /// What is there; `null` is as good as nothing.
    pub(super) fn value(&self, name: &'static str) -> Option<&'a Value> {
        self.asked.borrow_mut().push(name);
        self.object.get(name).filter(|value| !value.is_null())
    }

    /// A deciding text: whole numbers count as text, nothing is cut or cleaned.
    pub(super) fn key(&self, name: &'static str, max_bytes: usize) -> Result<Option<String>, Unreadable> {
        let Some(value) = self.value(name) else { return Ok(None) };
        let refuse = |problem: String| Err(self.refuse("invalid_field", name, problem));
        let text = match value {
            Value::String(text) => text.trim().to_owned(),
            Value::Number(number) if !number.is_f64() => number.to_string(),
            _ => return refuse("this must be a text (or a whole number); send it in quotes".to_owned()),
        };
        if text.is_empty() {
            Ok(None)
        } else if text.len() > max_bytes {
            refuse(format!(
                "this has {} bytes; at most {max_bytes} fit: send a shorter one, e.g. a hash",
                text.len()
            ))
        } else if text.chars().any(char::is_control) {
            refuse("this holds a control character; send printable text".to_owned())
        } else {
            Ok(Some(text))
        }
    }

    /// A deciding time.
    pub(super) fn time(&self, name: &'static str) -> Result<Option<Timestamp>, Unreadable> {
        let Some(value) = self.value(name) else { return Ok(None) };
        match value.as_str().map(Timestamp::parse_rfc3339) {
            Some(Some(at)) => Ok(Some(at)),
            _ => Err(self.refuse(
                "invalid_field",
                name,
                "this is not a time; send RFC 3339 with its offset, e.g. \"2026-01-15T09:30:00Z\"",
            )),
        }
    }

    /// One line that informs.
    pub(super) fn line(&self, name: &'static str) -> Option<String> {
        let value = self.value(name)?;
        let line = match value {
            Value::String(text) => text::line(text),
            Value::Number(number) => number.to_string(),
            _ => return self.drop_it(name, "dropped: this must be a text"),
        };
        if let Some(cut) = text::cut_chars(&line, MAX_LINE) {
            self.remark(name, "cut: at most 1,000 characters are kept");
            return Some(cut);
        }
        Some(line).filter(|line| !line.is_empty())
    }

    /// Several lines that inform; not yet cut.
    pub(super) fn lines(&self, name: &'static str) -> Option<String> {
        match self.value(name)? {
            Value::String(text) => Some(text::lines(text)).filter(|text| !text.trim().is_empty()),
            _ => self.drop_it(name, "dropped: this must be a text"),
        }
    }

    /// A number within bounds.
    pub(super) fn number(&self, name: &'static str, max: f64) -> Option<f64> {
        match self.value(name)?.as_f64().filter(|number| (0.0..=max).contains(number)) {
            None => self.drop_it(name, &format!("dropped: this must be a number from 0 to {max}")),
            number => number,
        }
    }

    pub(super) fn flag(&self, name: &'static str) -> Option<bool> {
        match self.value(name)?.as_bool() {
            None => self.drop_it(name, "dropped: this must be true or false"),
            flag => flag,
        }
    }

    /// A link for people: https, or http too where it points into the customer's own network.
    pub(super) fn link(&self, name: &'static str, also_http: bool) -> Option<String> {
        let value = self.value(name)?;
        let url =
            value.as_str().filter(|text| text.len() <= MAX_LINK).and_then(|text| url::Url::parse(text).ok());
        let fits = |url: &url::Url| {
            (url.scheme() == "https" || (also_http && url.scheme() == "http"))
                && url.has_host()
                && url.username().is_empty()
                && url.password().is_none()
        };
        match url.filter(fits) {
            Some(url) => Some(url.into()),
            None if value.as_str() == Some("") => None,
            None => self.drop_it(
                name,
                if also_http {
                    "dropped: this must be an http(s) link without a password, at most 2,048 bytes"
                } else {
                    "dropped: this must be an https link without a password, at most 2,048 bytes"
                },
            ),
        }
    }

    /// A list of single lines.
    pub(super) fn words(&self, name: &'static str) -> Vec<String> {
        let Some(value) = self.value(name) else { return Vec::new() };
        let Some(list) = value.as_array() else {
            self.remark(name, "dropped: this must be a list of texts");
            return Vec::new();
        };
        if list.len() > MAX_LIST || !list.iter().all(Value::is_string) {
            self.remark(name, "only the texts among the first 100 entries are kept");
        }
        let texts = list.iter().take(MAX_LIST).filter_map(Value::as_str).map(text::line);
        texts.filter(|text| !text.is_empty()).collect()
    }

    /// An object inside.
    pub(super) fn object(&self, name: &'static str) -> Option<Self> {
        match self.value(name)? {
            Value::Object(object) => Some(Self::new(object, &self.at(name), self.remarks)),
            _ => self.drop_it(name, "dropped: this must be an object"),
        }
    }

    /// The objects of a list inside.
    pub(super) fn objects(&self, name: &'static str) -> Vec<Self> {
        let Some(value) = self.value(name) else { return Vec::new() };
        let Some(list) = value.as_array() else {
            self.remark(name, "dropped: this must be a list of objects");
            return Vec::new();
        };
        if list.len() > MAX_LIST || !list.iter().all(Value::is_object) {
            self.remark(name, "only the objects among the first 100 entries are kept");
        }
        let indexed = list.iter().take(MAX_LIST).enumerate();
        indexed
            .filter_map(|(index, value)| {
                let pointer = format!("{}/{index}", self.at(name));
                value.as_object().map(|object| Self::new(object, &pointer, self.remarks))
            })
            .collect()
    }

    /// Every entry of an object with any names; at most 100.
    pub(super) fn entries(&self, name: &'static str) -> Vec<(String, &'a Value)> {
        let Some(inside) = self.object(name) else { return Vec::new() };
        if inside.object.len() > MAX_LIST {
            self.remark(name, "only the first 100 entries are kept");
        }
        inside.object.iter().take(MAX_LIST).map(|(key, value)| (text::line(key), value)).collect()
    }

    fn drop_it<T>(&self, name: &str, problem: &str) -> Option<T> {
        self.remark(name, problem);
        None
    }

    /// The known name nearest to one of the fields that nobody asked for.
    pub(super) fn meant(&self, wanted: &str) -> Option<&'a str> {
        self.object.keys().map(String::as_str).find(|name| nearest(name, [wanted]) == Some(wanted))
    }

    /// Remarks on every field that was not asked for.
    pub(super) fn finish(self, of_the_gateway: &[&str]) {
        let asked = self.asked.borrow();
        for name in self.object.keys().filter(|name| !asked.contains(&name.as_str())) {
            let short = text::cut_chars(&text::line(name), 64);
            let shown = short.as_deref().unwrap_or(name);
            if of_the_gateway.contains(&shown) {
                self.remark(shown, "ignored: the gateway sets this itself");
            } else if let Some(known) = nearest(name, asked.iter().copied()) {
                self.remark(shown, &format!("ignored: not a field of this format; is {known} meant?"));
            } else {
                self.remark(shown, "ignored: not a field of this format");
            }
        }
    }
}
