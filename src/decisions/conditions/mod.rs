//! What must be true of an event and its finding for a policy to match: a typed tree.
//!
//! A condition is `all`, `any` or `not` of others, or a test of one field. [`check`] holds a tree against its
//! bounds before it is stored, [`explain`] says it in words, [`evaluate`] holds it against [`Facts`].
//!
//! **What is not known neither passes nor fails.** A test of a severity, score or name that the sender did not
//! give is [`Verdict::Unknown`], and so is what hangs on it (Kleene's three-valued logic: `all` fails when one
//! part fails and is unknown when one is; `not` of what is unknown is unknown). A policy whose conditions are
//! unknown does not match, and says so; a test with `or_unknown` holds in that case instead. Labels are the
//! exception: one that an event does not carry is absent, which is known.

mod check;
mod evaluate;
mod explain;
mod facts;
#[cfg(test)]
mod tests;

use entity::Severity;
use serde::{Deserialize, Serialize};

pub use check::check;
pub use evaluate::{Verdict, evaluate, holds};
pub use explain::{explain, explain_test};
pub use facts::Facts;

/// How deep a tree may be; a test alone is 1.
pub const MAX_DEPTH: usize = 8;
/// How many conditions a tree may have, the tests among them.
pub const MAX_NODES: usize = 100;
/// How many values a test may list.
pub const MAX_VALUES: usize = 50;
/// How long a text in a test may be, in characters.
pub const MAX_TEXT: usize = 200;
/// How long all texts of a tree may be together, in bytes.
pub const MAX_TEXTS: usize = 16 * 1024;

/// A condition. Stored as JSON: `{"all": [{"number": {"field": "cvss", "is": {"atLeast": 7.0}}}]}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Condition {
    /// Every one of them.
    All(Vec<Self>),
    /// One of them at least.
    Any(Vec<Self>),
    /// Not this.
    Not(Box<Self>),
    /// How bad it is.
    Severity(Test<SeverityIs>),
    /// A number.
    Number(FieldTest<NumberField, NumberIs>),
    /// Whether something is so.
    Flag(FieldTest<FlagField, bool>),
    /// A text.
    Text(FieldTest<TextField, TextIs>),
}

/// A test of the severity.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Test<Is> {
    /// What it must be.
    pub is: Is,
    /// Whether it holds where the severity is not known.
    #[serde(default)]
    pub or_unknown: bool,
}

/// A test of a field.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FieldTest<Field, Is> {
    /// Which field.
    pub field: Field,
    /// What it must be.
    pub is: Is,
    /// Whether it holds where the field is not known.
    #[serde(default)]
    pub or_unknown: bool,
}

/// What a severity must be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum SeverityIs {
    /// This or worse.
    AtLeast(Severity),
    /// This or less bad.
    AtMost(Severity),
    /// One of these.
    OneOf(Vec<Severity>),
    /// Known, or not.
    Known(bool),
}

/// Numbers that can be tested.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum NumberField {
    /// The highest CVSS base score of its vulnerabilities, 0 to 10.
    Cvss,
    /// The highest EPSS probability of its vulnerabilities, 0 to 1.
    Epss,
    /// How long ago the finding was first seen, in seconds.
    FirstSeenAgeSeconds,
    /// How often the finding was seen.
    SeenCount,
}

/// What a number must be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum NumberIs {
    /// This or more.
    AtLeast(f64),
    /// This or less.
    AtMost(f64),
    /// Known, or not.
    Known(bool),
}

/// What can be so or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum FlagField {
    /// A vulnerability is in CISA's catalogue of known exploited vulnerabilities.
    Kev,
    /// Ransomware is known to use a vulnerability (the same catalogue).
    Ransomware,
}

/// Texts that can be tested, in upper or lower case.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum TextField {
    /// Key of the event's category.
    Category,
    /// Name of the event's kind; also a kind that the event is of because of what is known of it.
    Kind,
    /// The product: its name, its maker, or both.
    Product,
    /// The asset: its name or its full name in DNS.
    AssetName,
    /// The kind of asset: `host`, `repo` …
    AssetType,
    /// The user: id, name or e-mail address.
    User,
    /// The title.
    Title,
    /// The value of the label (or tag) of this name.
    Label(String),
}

/// What a text must be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum TextIs {
    /// One of these.
    OneOf(Vec<String>),
    /// With this somewhere in it.
    Contains(String),
    /// Known, or not.
    Known(bool),
}

impl Condition {
    /// The conditions directly below it.
    pub fn parts(&self) -> &[Self] {
        match self {
            Self::All(parts) | Self::Any(parts) => parts,
            Self::Not(inner) => std::slice::from_ref(inner),
            Self::Severity(_) | Self::Number(_) | Self::Flag(_) | Self::Text(_) => &[],
        }
    }

    /// The condition as it is stored.
    pub fn stored(&self) -> serde_json::Value {
        serde_json::to_value(self).unwrap_or_default()
    }

    /// A stored condition; none where this version cannot read it.
    pub fn read(stored: &serde_json::Value) -> Option<Self> {
        Self::deserialize(stored).ok()
    }
}

/// A span of time in words: `14 days`.
#[expect(clippy::cast_precision_loss, reason = "spans are far below 2^53 seconds")]
pub fn span(secs: i64) -> String {
    explain::span_of(secs as f64)
}
