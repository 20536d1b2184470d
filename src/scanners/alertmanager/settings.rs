//! What a user says about the labels of the alerts.

use std::collections::BTreeMap;

use entity::Severity;
use serde::Deserialize;

use crate::scanners::reading::{place::Place, severity};

/// The kinds that an alert may open, each with the one that closes it.
pub(super) const KINDS: &[(&str, &str)] = &[
    ("agent.not_reporting", "agent.reporting"),
    ("asset.offline", "asset.online"),
    ("finding.opened", "finding.resolved"),
    ("system.service_down", "system.service_up"),
];
/// The label that names the kind on the alert itself.
const KIND_LABEL: &str = "event_kind";
/// How many rules there may be.
const MAX_RULES: usize = 100;

#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Settings {
    client: String,
    pub(super) asset_label: String,
    severity_label: String,
    severities: BTreeMap<String, String>,
    kinds: Vec<Rule>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    label: String,
    #[serde(default)]
    values: Vec<String>,
    kind: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            client: "customer".to_owned(),
            asset_label: "instance".to_owned(),
            severity_label: "severity".to_owned(),
            severities: BTreeMap::new(),
            kinds: Vec::new(),
        }
    }
}

impl Settings {
    /// `Err` says what to do.
    pub(super) fn check(&self) -> Result<(), String> {
        if self.client.is_empty() || self.asset_label.is_empty() || self.severity_label.is_empty() {
            return Err(
                "client, asset_label and severity_label name a label; leave them out for the default"
                    .to_owned(),
            );
        }
        if self.client.starts_with('@') && !["@orgId", "@receiver"].contains(&self.client.as_str()) {
            return Err(format!(
                "client: there is no {}; use a label's name, @orgId or @receiver",
                self.client
            ));
        }
        if self.kinds.len() > MAX_RULES {
            return Err(format!("kinds: at most {MAX_RULES} rules fit"));
        }
        for (index, rule) in self.kinds.iter().enumerate() {
            if pair(&rule.kind).is_none() {
                let known: Vec<&str> = KINDS.iter().map(|(opens, _)| *opens).collect();
                return Err(format!("kinds/{index}/kind: {} is none of {}", rule.kind, known.join(", ")));
            }
            if rule.label.is_empty() {
                return Err(format!("kinds/{index}/label: name the label"));
            }
        }
        for (sent, word) in &self.severities {
            if !severity::WORDS.contains(&word.as_str()) {
                return Err(format!("severities/{sent}: {word} is none of {}", severity::WORDS.join(", ")));
            }
        }
        Ok(())
    }

    /// The sender's name for the customer.
    pub(super) fn client_ref(&self, root: &Place<'_>, labels: &Place<'_>) -> Option<String> {
        match self.client.strip_prefix('@') {
            Some(field) => root.at(field).name(),
            None => labels.at(&self.client).name(),
        }
    }

    /// The kind that opens and the kind that closes this alert.
    pub(super) fn kinds(
        &self,
        labels: &Place<'_>,
        remarks: &mut Vec<String>,
    ) -> (&'static str, &'static str) {
        let fits = |rule: &&Rule| {
            let value = labels.at(&rule.label).line();
            value.is_some_and(|value| rule.values.is_empty() || rule.values.contains(&value))
        };
        let ruled = self.kinds.iter().find(fits).and_then(|rule| pair(&rule.kind));
        let said = labels.at(KIND_LABEL);
        let named = ruled.or_else(|| pair(&said.line()?));
        if named.is_none() && said.is_there() {
            remarks.push(format!("{}: not a kind that an alert may have, so a finding", said.pointer()));
        }
        named.unwrap_or(("finding.opened", "finding.resolved"))
    }

    /// How bad it is, and the word as sent where it is not ours.
    pub(super) fn severity(&self, labels: &Place<'_>) -> (Severity, Option<String>) {
        let sent = labels.at(&self.severity_label);
        let mapped = sent.line().and_then(|word| {
            let known = severity::from_word(self.severities.get(&word)?)?;
            Some((known, Some(word)))
        });
        mapped.unwrap_or_else(|| sent.severity())
    }
}

fn pair(opens: &str) -> Option<(&'static str, &'static str)> {
    KINDS.iter().copied().find(|(known, _)| *known == opens)
}
