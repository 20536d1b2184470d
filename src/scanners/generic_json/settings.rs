//! What a user says about a format, and what is wrong with it.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::{SOURCE, rules::Rule};
use crate::{
    decisions::catalogue,
    scanners::reading::{place::Place, settings::parse, severity},
};

/// How many of anything there may be.
const MAX_ENTRIES: usize = 100;
/// The longest pointer, in bytes.
const MAX_POINTER: usize = 500;

/// A JSON Pointer from the entry on, or from the whole body on after `root:`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(transparent)]
pub(super) struct Pointer(String);

/// The settings of an endpoint.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Settings {
    pub(super) source: String,
    pub(super) list: Pointer,
    pub(super) client_ref: Vec<Pointer>,
    pub(super) key: Vec<Pointer>,
    pub(super) kinds: Vec<Rule>,
    pub(super) category: Option<String>,
    pub(super) severity: Option<Severities>,
    pub(super) title: Vec<Pointer>,
    pub(super) body: Vec<Pointer>,
    pub(super) occurred_at: Option<Pointer>,
    pub(super) sequence: Option<Pointer>,
    pub(super) evidence_url: Option<Pointer>,
    pub(super) cve: Option<Pointer>,
    pub(super) cvss_score: Option<Pointer>,
    pub(super) asset: BTreeMap<String, Pointer>,
    pub(super) product: BTreeMap<String, Pointer>,
    pub(super) remediation: BTreeMap<String, Pointer>,
    pub(super) user: BTreeMap<String, Pointer>,
    pub(super) contact: BTreeMap<String, Pointer>,
    pub(super) labels: BTreeMap<String, Pointer>,
    pub(super) snapshot: Option<Snapshot>,
}

/// Where the severity stands and what its words or numbers mean.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Severities {
    pub(super) at: Pointer,
    #[serde(default)]
    pub(super) words: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) steps: Vec<(f64, String)>,
}

/// When and for what a list names everything that is still there.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Snapshot {
    pub(super) scope: Vec<Pointer>,
    #[serde(default)]
    pub(super) when: BTreeMap<Pointer, Vec<Value>>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            source: SOURCE.to_owned(),
            list: Pointer(String::new()),
            client_ref: Vec::new(),
            key: Vec::new(),
            kinds: Vec::new(),
            category: None,
            severity: None,
            title: Vec::new(),
            body: Vec::new(),
            occurred_at: None,
            sequence: None,
            evidence_url: None,
            cve: None,
            cvss_score: None,
            asset: BTreeMap::new(),
            product: BTreeMap::new(),
            remediation: BTreeMap::new(),
            user: BTreeMap::new(),
            contact: BTreeMap::new(),
            labels: BTreeMap::new(),
            snapshot: None,
        }
    }
}

impl Pointer {
    /// The place it names.
    pub(super) fn of<'a>(&self, root: &Place<'a>, item: &Place<'a>) -> Place<'a> {
        match self.0.strip_prefix("root:") {
            Some(pointer) => root.find(pointer),
            None => item.find(&self.0),
        }
    }

    /// Whether it starts at the whole body.
    fn is_of_root(&self) -> bool {
        self.0.starts_with("root:")
    }

    /// RFC 6901, section 3: empty, or tokens that each begin with a slash, with `~` only before 0 and 1.
    pub(super) fn check(&self, field: &str) -> Result<(), String> {
        let pointer = self.0.strip_prefix("root:").unwrap_or(&self.0);
        let shown = &self.0;
        if self.0.len() > MAX_POINTER {
            return Err(format!(
                "{field}: the pointer has {} bytes; at most {MAX_POINTER} fit",
                self.0.len()
            ));
        }
        if !pointer.is_empty() && !pointer.starts_with('/') {
            return Err(format!(
                "{field}: \"{shown}\" is no JSON Pointer; begin it with a slash: \"/{pointer}\""
            ));
        }
        if pointer.split('~').skip(1).any(|rest| !rest.starts_with(['0', '1'])) {
            return Err(format!(
                "{field}: \"{shown}\" holds a ~ that is not written as ~0 (or ~1 for a slash)"
            ));
        }
        Ok(())
    }
}

impl Settings {
    /// The settings, if all of them hold; `Err` names the field and says what to do.
    pub(super) fn checked(settings: &Value) -> Result<Self, String> {
        if settings.is_null() {
            return Err("say at least \"key\" and \"kinds\"".to_owned());
        }
        let settings: Self = parse(settings)?;
        settings.check().map(|()| settings)
    }

    fn check(&self) -> Result<(), String> {
        let name = |text: &str| !text.is_empty() && text.len() <= 100 && !text.chars().any(char::is_control);
        if !name(self.source.trim()) {
            return Err("source: a name has 1 to 100 bytes".to_owned());
        }
        if self.key.is_empty() {
            return Err(
                "key: say where the product's own id of the problem stands, e.g. [\"/id\"]".to_owned()
            );
        }
        if self.list.is_of_root() {
            return Err("list: it starts at the whole body already; leave out root:".to_owned());
        }
        self.check_pointers()?;
        self.check_rules()?;
        if let Some(category) = &self.category
            && catalogue::category(category).is_none()
        {
            let known: Vec<&str> = catalogue::CATEGORIES.iter().map(|category| category.key).collect();
            return Err(format!("category: {category} is none of {}", known.join(", ")));
        }
        self.severity.as_ref().map_or(Ok(()), Severities::check)
    }

    fn check_pointers(&self) -> Result<(), String> {
        let lists = [
            ("client_ref", &self.client_ref),
            ("key", &self.key),
            ("title", &self.title),
            ("body", &self.body),
        ];
        for (field, pointers) in lists {
            check_count(field, pointers.len())?;
            pointers.iter().try_for_each(|pointer| pointer.check(field))?;
        }
        let single = [
            ("list", Some(&self.list)),
            ("occurred_at", self.occurred_at.as_ref()),
            ("sequence", self.sequence.as_ref()),
            ("evidence_url", self.evidence_url.as_ref()),
            ("cve", self.cve.as_ref()),
            ("cvss_score", self.cvss_score.as_ref()),
            ("severity/at", self.severity.as_ref().map(|severity| &severity.at)),
        ];
        for (field, pointer) in single {
            pointer.map_or(Ok(()), |pointer| pointer.check(field))?;
        }
        let objects: [(&str, &BTreeMap<String, Pointer>, &[&str]); 5] = [
            ("asset", &self.asset, &["uid", "name", "type", "ip", "fqdn", "os", "url", "serial_number"]),
            ("product", &self.product, &["vendor", "name", "version", "purl"]),
            ("remediation", &self.remediation, &["title", "text", "fixed_version", "url"]),
            ("user", &self.user, &["uid", "name", "email"]),
            ("contact", &self.contact, &["id", "email"]),
        ];
        for (field, pointers, known) in objects {
            for (name, pointer) in pointers {
                if !known.contains(&name.as_str()) {
                    return Err(format!(
                        "{field}/{name}: there is no such field; known are {}",
                        known.join(", ")
                    ));
                }
                pointer.check(&format!("{field}/{name}"))?;
            }
        }
        check_count("labels", self.labels.len())?;
        for (name, pointer) in &self.labels {
            pointer.check(&format!("labels/{name}"))?;
        }
        Ok(())
    }

    fn check_rules(&self) -> Result<(), String> {
        if self.kinds.is_empty() {
            return Err("kinds: say which entries open and which close, e.g. \
                 [{ \"when\": { \"/status\": [\"open\"] }, \"kind\": \"finding.opened\" }]"
                .to_owned());
        }
        check_count("kinds", self.kinds.len())?;
        for (index, rule) in self.kinds.iter().enumerate() {
            rule.check(&format!("kinds/{index}"))?;
        }
        if !self.kinds.iter().any(Rule::opens) {
            return Err(
                "kinds: no rule opens anything; add one with a kind such as finding.opened".to_owned()
            );
        }
        let Some(snapshot) = &self.snapshot else { return Ok(()) };
        if snapshot.scope.is_empty() {
            return Err("snapshot/scope: say where the name of what was scanned stands".to_owned());
        }
        check_count("snapshot", snapshot.scope.len().max(snapshot.when.len()))?;
        for pointer in snapshot.scope.iter().chain(snapshot.when.keys()) {
            pointer.check("snapshot")?;
            if !pointer.is_of_root() {
                return Err(format!(
                    "snapshot: {} must start at the whole body: \"root:{}\"",
                    pointer.0, pointer.0
                ));
            }
        }
        Ok(())
    }
}

impl Severities {
    fn check(&self) -> Result<(), String> {
        check_count("severity", self.words.len().max(self.steps.len()))?;
        let known = |word: &String| severity::WORDS.contains(&word.as_str());
        let steps = self.steps.iter().map(|(from, word)| (from.to_string(), word));
        let words = self.words.iter().map(|(sent, word)| (sent.clone(), word));
        match words.chain(steps).find(|(_, word)| !known(word)) {
            Some((sent, word)) => {
                Err(format!("severity/{sent}: {word} is none of {}", severity::WORDS.join(", ")))
            }
            None => Ok(()),
        }
    }
}

fn check_count(field: &str, count: usize) -> Result<(), String> {
    if count > MAX_ENTRIES { Err(format!("{field}: at most {MAX_ENTRIES} fit")) } else { Ok(()) }
}
