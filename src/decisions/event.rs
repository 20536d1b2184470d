//! One normalised statement of a sender, read from a delivery.

use std::collections::BTreeMap;

use entity::{Severity, Timestamp};
use serde::{Deserialize, Serialize};

use super::catalogue::{self, EventKind};

/// How far a sender's clock may run ahead before its time is not believed, in seconds.
const AHEAD_SECS: i64 = 300;

/// One statement of a sender about one problem.
///
/// Identity is `finding_key` (within company and source); title, severity and
/// times may change from one statement to the next.
#[derive(Clone, Debug)]
pub struct Event {
    /// What is said.
    pub kind: &'static EventKind,
    /// Which product says it, e.g. `acme-scanner`; company aliases belong to a source.
    pub source: String,
    /// The sender's own name or id for the customer.
    pub client_ref: Option<String>,
    /// What it is about; the kind's own category where the sender names none.
    pub category: String,
    /// Why the problem is over, on closing kinds.
    pub close_reason: Option<CloseReason>,
    /// How bad it is.
    pub severity: Severity,
    /// The severity as sent, where it was not one of our words.
    pub severity_raw: Option<String>,
    /// When it was so, as the sender says; orders the statements about one finding.
    pub occurred_at: Option<Timestamp>,
    /// The sender's own order of statements about one finding, where it has one.
    pub sequence: Option<String>,
    /// Identity of the problem in the sender, at most 255 bytes.
    pub finding_key: String,
    /// Keys that the problem had before: in an earlier version of the sender, or of the gateway's adapter for it. A
    /// finding that is known by one of them is this one, and stays known by it. A snapshot names former keys among
    /// those that are present.
    pub former_keys: Vec<String>,
    /// What a scan or snapshot covers.
    pub scope_key: Option<String>,
    /// On `scan.snapshot`: the keys of all findings that the scope still has; those not named are gone.
    pub present: Vec<String>,
    /// Where the problem is.
    pub asset: Option<Asset>,
    /// Which software has it.
    pub product: Option<Product>,
    /// What to do about it.
    pub remediation: Option<Remediation>,
    /// Known vulnerabilities behind it.
    pub vulns: Vec<Vuln>,
    /// Who it is about, for identity events.
    pub user: Option<User>,
    /// Whom at the customer its ticket is for.
    pub contact: Option<Contact>,
    /// One line for people, at most 200 characters.
    pub title: String,
    /// More for people, Markdown as the sender wrote it.
    pub body_md: String,
    /// Where to see more (https); shown, never fetched.
    pub evidence_url: Option<String>,
    /// Numbers of senders that only count.
    pub counts: BTreeMap<String, u64>,
    /// For conditions.
    pub labels: BTreeMap<String, String>,
}

impl Event {
    /// One that says this and nothing else.
    pub fn new(
        kind: &'static EventKind,
        source: &str,
        finding_key: impl Into<String>,
        title: impl Into<String>,
    ) -> Self {
        let close_reason = (kind.action == catalogue::Action::Close).then_some(CloseReason::Fixed);
        Self {
            kind,
            source: source.to_owned(),
            client_ref: None,
            category: kind.category.to_owned(),
            close_reason,
            severity: Severity::Unknown,
            severity_raw: None,
            occurred_at: None,
            sequence: None,
            finding_key: finding_key.into(),
            former_keys: Vec::new(),
            scope_key: None,
            present: Vec::new(),
            asset: None,
            product: None,
            remediation: None,
            vulns: Vec::new(),
            user: None,
            contact: None,
            title: title.into(),
            body_md: String::new(),
            evidence_url: None,
            counts: BTreeMap::new(),
            labels: BTreeMap::new(),
        }
    }

    /// When it was so: where the sender says nothing, or a time far in the future, which would make everything after
    /// it stale, when it was received.
    pub fn believed_at(&self, received_at: Timestamp) -> Timestamp {
        self.occurred_at.filter(|at| *at <= received_at.plus_secs(AHEAD_SECS)).unwrap_or(received_at)
    }

    /// Every key of its problem, today's first.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.finding_key).chain(&self.former_keys).map(String::as_str)
    }
}

/// Why a problem is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CloseReason {
    /// It was mended.
    Fixed,
    /// Somebody waved it off.
    Dismissed,
    /// Somebody accepted the risk.
    AcceptedRisk,
    /// It never was one.
    FalsePositive,
    /// A rule of the sender hides it.
    Suppressed,
    /// The asset is gone.
    AssetGone,
    /// It ran out.
    Expired,
}

impl CloseReason {
    /// Whether a person or rule decided it, so that seeing the problem again must not reopen it.
    pub const fn is_dismissal(self) -> bool {
        matches!(self, Self::Dismissed | Self::AcceptedRisk | Self::FalsePositive | Self::Suppressed)
    }
}

/// Where a problem is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default)]
pub struct Asset {
    /// The sender's stable id of it.
    pub uid: Option<String>,
    /// Its name, as people know it.
    pub name: Option<String>,
    /// host, container, repo, app, user, domain, ip or cloud_resource.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// Its address.
    pub ip: Option<String>,
    /// Its full name in DNS.
    pub fqdn: Option<String>,
    /// Its operating system.
    pub os: Option<String>,
    /// Its web address.
    pub url: Option<String>,
    /// Its serial number.
    pub serial_number: Option<String>,
}

/// Which software has a problem.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default)]
pub struct Product {
    /// Who makes it.
    pub vendor: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// Its version.
    pub version: Option<String>,
    /// Its package URL.
    pub purl: Option<String>,
}

/// What to do about a problem.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default)]
pub struct Remediation {
    /// One line.
    pub title: Option<String>,
    /// More.
    pub text: Option<String>,
    /// The version in which it is mended.
    pub fixed_version: Option<String>,
    /// Where to read more.
    pub url: Option<String>,
    /// By when (RFC 3339).
    pub due_at: Option<String>,
}

/// A known vulnerability.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default)]
pub struct Vuln {
    /// CVE id.
    pub cve: Option<String>,
    /// Other ids (GHSA …).
    pub alt_ids: Vec<String>,
    /// CWE ids.
    pub cwe: Vec<String>,
    /// Scores; sources may disagree.
    pub cvss: Vec<Cvss>,
    /// Exploit prediction.
    pub epss: Option<Epss>,
    /// Entry in CISA's catalogue of known exploited vulnerabilities.
    pub kev: Option<Kev>,
    /// Whether an exploit is known.
    pub exploit_known: Option<bool>,
}

/// A CVSS score.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default)]
pub struct Cvss {
    /// `3.1`, `4.0` …
    pub version: Option<String>,
    /// 0 to 10.
    pub score: Option<f64>,
    /// The vector, as text.
    pub vector: Option<String>,
    /// Who scored.
    pub source: Option<String>,
}

/// An EPSS score.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default)]
pub struct Epss {
    /// Probability, 0 to 1.
    pub score: Option<f64>,
    /// Rank, 0 to 1.
    pub percentile: Option<f64>,
    /// Of which day.
    pub date: Option<String>,
}

/// An entry in the catalogue of known exploited vulnerabilities.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default)]
pub struct Kev {
    /// When it was added.
    pub added: Option<String>,
    /// By when it must be mended.
    pub due: Option<String>,
    /// Known use by ransomware: `Known` or `Unknown`.
    pub ransomware: Option<String>,
}

/// Who an identity event is about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default)]
pub struct User {
    /// The sender's stable id.
    pub uid: Option<String>,
    /// Name.
    pub name: Option<String>,
    /// E-mail address.
    pub email: Option<String>,
}

/// Whom at the customer a ticket is for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default)]
pub struct Contact {
    /// The PSA's id of the contact.
    pub id: Option<String>,
    /// An e-mail address of theirs: where the id is missing, or is nobody's.
    pub email: Option<String>,
}

impl Contact {
    /// One that names somebody; none where both are empty.
    pub fn of(id: Option<String>, email: Option<String>) -> Option<Self> {
        let given =
            |text: Option<String>| text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        let contact = Self { id: given(id), email: given(email) };
        (contact != Self::default()).then_some(contact)
    }

    /// For people.
    pub fn words(&self) -> String {
        let id = self.id.as_ref().map(|id| format!("number {id}"));
        id.into_iter().chain(self.email.clone()).collect::<Vec<_>>().join(", ")
    }
}

/// What was read at one place of a delivery.
#[derive(Clone, Debug)]
pub struct Reading {
    /// The event, or why there is none.
    pub event: Result<Event, Unreadable>,
    /// Remarks for the trace, e.g. fields that were not understood.
    pub remarks: Vec<String>,
}

/// Why no event could be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// `unknown_kind`, `invalid_json`, `invalid_field` or `missing_field`.
    pub code: &'static str,
    /// Where, as a JSON Pointer (RFC 6901) into the body; empty for the whole.
    pub pointer: String,
    /// What is wrong and what to do, for people.
    pub problem: String,
    /// The kind as sent, where there was one.
    pub kind: Option<String>,
}

impl Unreadable {
    /// Something that decides is not there.
    pub fn missing(pointer: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { code: "missing_field", pointer: pointer.into(), problem: problem.into(), kind: None }
    }

    /// Something that decides is not what it must be.
    pub fn invalid(pointer: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { code: "invalid_field", pointer: pointer.into(), problem: problem.into(), kind: None }
    }

    /// A statement of a kind that this version does not know.
    pub fn unknown_kind(
        pointer: impl Into<String>,
        kind: impl Into<String>,
        problem: impl Into<String>,
    ) -> Self {
        Self {
            code: "unknown_kind",
            pointer: pointer.into(),
            problem: problem.into(),
            kind: Some(kind.into()),
        }
    }
}

impl From<Event> for Reading {
    fn from(event: Event) -> Self {
        Self { event: Ok(event), remarks: Vec::new() }
    }
}

impl From<Unreadable> for Reading {
    fn from(unreadable: Unreadable) -> Self {
        Self { event: Err(unreadable), remarks: Vec::new() }
    }
}
