//! Which problem an event speaks of, where the sender gives no key of its own.
//!
//! A key made here is a hash of fields that the sender declares as identity, and of
//! nothing that may change while the problem stays the same: never severity, title,
//! description, score, scan id or time. Its version stands in front, so that keys made
//! by another rule later are told apart.

use crate::{
    decisions::{
        catalogue::{Action, EventKind},
        event::Vuln,
    },
    scanners::reading::key::hashed,
};

/// What the sender declared.
pub(super) struct Declared<'a> {
    pub(super) kind: &'static EventKind,
    pub(super) source: &'a str,
    pub(super) client_ref: Option<&'a str>,
    pub(super) asset_uid: Option<&'a str>,
    pub(super) user_uid: Option<&'a str>,
    pub(super) scope_key: Option<&'a str>,
    pub(super) vulns: &'a [Vuln],
    /// The label `rule_id`: which check of the scanner found it.
    pub(super) rule_id: Option<&'a str>,
}

impl Declared<'_> {
    /// The key, or what to send so that there can be one.
    pub(super) fn finding_key(&self) -> Result<String, &'static str> {
        let subject = match self.kind.category {
            "identity" => ("user", self.user_uid),
            _ if self.kind.family == "finding" && self.asset_uid.is_none() => ("user", self.user_uid),
            _ => ("asset", self.asset_uid),
        };
        if matches!(self.kind.action, Action::Ignore | Action::Sweep) {
            // Speaks of no problem, so that any key does; one a scope reads best.
            return Ok(self.hash(&["scope", self.scope_key.or(self.asset_uid).unwrap_or("")]));
        }
        let (sort, Some(uid)) = subject else {
            return Err(match subject.0 {
                "user" if self.kind.family != "finding" => {
                    "send finding_key, your stable id of the problem, or user.uid, from which one is made"
                }
                _ => "send finding_key, your stable id of the problem, or asset.uid, from which one is made",
            });
        };
        if self.kind.family != "finding" {
            // Of these there is one at a time for each asset or user; an asset may have many certificates.
            if !matches!(self.kind.category, "agent" | "asset" | "identity") {
                return Err("send finding_key, your stable id of the problem");
            }
            return Ok(self.hash(&[sort, uid]));
        }
        let mut cves: Vec<&str> = self.vulns.iter().filter_map(|vuln| vuln.cve.as_deref()).collect();
        cves.sort_unstable();
        cves.dedup();
        match (self.rule_id, cves.as_slice()) {
            (Some(rule), _) => Ok(self.hash(&[sort, uid, "rule", rule])),
            (None, [cve]) => Ok(self.hash(&[sort, uid, "cve", cve])),
            (None, []) => Err(
                "send finding_key, your stable id of the problem; one can be made from asset.uid with one CVE in vulns, or with the label rule_id",
            ),
            // Which one counts could change from scan to scan, and with it the ticket.
            (None, _) => {
                Err("several CVEs do not tell one problem: send finding_key, or one event for each CVE")
            }
        }
    }

    fn hash(&self, problem: &[&str]) -> String {
        // A customer that is not named differs from one whose name is empty.
        let named = if self.client_ref.is_some() { "client" } else { "" };
        let context = [self.source, named, self.client_ref.unwrap_or(""), self.kind.family];
        hashed(context.iter().chain(problem).copied())
    }
}
