//! From a snapshot of a project to the issues that are new and those that are gone.

use std::collections::HashSet;

use entity::Timestamp;

use crate::{
    decisions::event::{Asset, CloseReason, Event, Product, Reading, Remediation, Unreadable, Vuln},
    scanners::{
        Posted,
        reading::{body::json, each::MAX_READINGS, key, place::Place, start, vulns},
    },
};

/// The header `X-Snyk-Event` names the event and its version, e.g. `project_snapshot/v0`.
pub(super) fn delivery(posted: &Posted<'_>) -> Vec<Reading> {
    let sent = match posted.headers.single("x-snyk-event") {
        Ok(Some(sent)) => sent,
        Ok(None) => {
            let problem = "the header X-Snyk-Event is missing; let the proxy before the gateway pass it on";
            return vec![Unreadable::missing("", problem).into()];
        }
        Err(repeated) => return vec![Unreadable::invalid("", repeated.to_string()).into()],
    };
    match sent.split('/').next() {
        Some("ping") => Vec::new(),
        Some("project_snapshot") => match json(posted.body) {
            Ok(value) => snapshot(&Place::root(&value)),
            Err(refused) => vec![refused.into()],
        },
        _ => {
            let problem = "only snapshots of projects are read";
            vec![Unreadable::unknown_kind("", start::short(sent), problem).into()]
        }
    }
}

fn snapshot(body: &Place<'_>) -> Vec<Reading> {
    let project = match Project::read(body) {
        Ok(project) => project,
        Err(refused) => return vec![refused.into()],
    };
    let (new, removed) = (body.at("newIssues").items(), body.at("removedIssues").items());
    let left = (new.len() + removed.len()).saturating_sub(MAX_READINGS);
    // A package that moves from one vulnerable version to another is named in both lists: the issue is there.
    let there: HashSet<String> = new.iter().filter_map(|issue| project.key(issue).ok()).collect();
    let all = new.iter().map(|issue| (issue, true)).chain(removed.iter().map(|issue| (issue, false)));
    let mut readings: Vec<Reading> = all
        .take(MAX_READINGS)
        .map(|(issue, is_new)| {
            let reading =
                if is_new { project.there(issue).map(Reading::from) } else { project.gone(issue, &there) };
            reading.unwrap_or_else(Reading::from)
        })
        .collect();
    if readings.is_empty() {
        readings.push(project.tested().map_or_else(Reading::from, Reading::from));
    }
    if left > 0 {
        let problem = format!("{left} issues beyond the first {MAX_READINGS} were not read");
        readings.push(Unreadable::invalid("", problem).into());
    }
    readings
}

struct Project<'a> {
    place: Place<'a>,
    id: String,
    client_ref: Option<String>,
    organisation: Option<String>,
    tested_at: Option<Timestamp>,
}

impl<'a> Project<'a> {
    fn read(body: &Place<'a>) -> Result<Self, Unreadable> {
        let (place, organisation) = (body.at("project"), body.at("org"));
        Ok(Self {
            id: place.at("id").key()?,
            client_ref: organisation.at("slug").key().or_else(|_| organisation.at("id").key()).ok(),
            organisation: organisation.at("name").line(),
            tested_at: place.at("lastTestedDate").time(),
            place,
        })
    }

    /// The versions of the package are no part of it: they change while the problem stays.
    fn key(&self, issue: &Place<'_>) -> Result<String, Unreadable> {
        let (id, package) = (issue.at("id").key()?, issue.at("pkgName"));
        if !package.is_there() {
            return Ok(key::joined(&[&self.id, &id]));
        }
        Ok(key::joined(&[&self.id, &id, &package.key()?]))
    }

    fn name(&self) -> String {
        self.place.at("name").line().unwrap_or_else(|| self.id.clone())
    }

    /// A new issue; one that somebody decided about beforehand is none.
    fn there(&self, issue: &Place<'_>) -> Result<Event, Unreadable> {
        let is_ignored = issue.at("isIgnored").flag() == Some(true);
        let is_patched = issue.at("isPatched").flag() == Some(true);
        let (kind, reason) = match (is_ignored, is_patched) {
            (true, _) => ("finding.dismissed", Some(CloseReason::Dismissed)),
            (_, true) => ("finding.resolved", Some(CloseReason::Fixed)),
            _ => ("finding.opened", None),
        };
        let mut event = self.issue(kind, issue)?;
        event.close_reason = reason;
        event.body_md = match reason {
            None => issue.at("issueData").at("description").lines().unwrap_or_default(),
            Some(CloseReason::Fixed) => "It is patched in Snyk.".to_owned(),
            Some(_) => "It is ignored in Snyk.".to_owned(),
        };
        Ok(event)
    }

    fn gone(&self, issue: &Place<'_>, there: &HashSet<String>) -> Result<Reading, Unreadable> {
        if there.contains(&self.key(issue)?) {
            let problem = "the same test names this issue as new, too, so it is still there";
            return Err(Unreadable::unknown_kind(issue.pointer(), "removedIssues", problem));
        }
        Ok(self.issue("finding.resolved", issue)?.into())
    }

    /// A test that changed nothing.
    fn tested(&self) -> Result<Event, Unreadable> {
        let key = key::joined(&["project", &self.id]);
        let mut event = start::event("scan.finished", "snyk", key, format!("Test of {}", self.name()))?;
        self.dress(&mut event);
        Ok(event)
    }

    fn dress(&self, event: &mut Event) {
        event.client_ref.clone_from(&self.client_ref);
        event.occurred_at = self.tested_at;
        event.evidence_url = self.place.at("browseUrl").line();
        event.asset = Some(self.asset());
        start::label(event, "organisation", self.organisation.clone());
        start::label(event, "project", Some(self.name()));
        for name in ["origin", "type", "branch", "targetReference", "imageTag"] {
            start::label(event, name, self.place.at(name).line());
        }
        for tag in self.place.at("tags").items().iter().take(50) {
            if let Some(name) = tag.at("key").line() {
                start::label(event, &format!("tag.{name}"), tag.at("value").line());
            }
        }
        for (name, values) in self.place.at("attributes").entries().into_iter().take(20) {
            let values: Vec<String> = values.items().iter().take(20).filter_map(Place::line).collect();
            let name = format!("attribute.{}", start::short(name));
            start::label(event, &name, Some(values.join(", ")).filter(|values| !values.is_empty()));
        }
    }

    fn issue(&self, kind: &str, issue: &Place<'_>) -> Result<Event, Unreadable> {
        let told = issue.at("issueData");
        let package = issue.at("pkgName").line();
        let what = told.at("title").line().or_else(|| issue.at("id").line()).unwrap_or_default();
        let title = match &package {
            Some(package) => format!("{what} in {package} ({})", self.name()),
            None => format!("{what} ({})", self.name()),
        };
        let mut event = start::event(kind, "snyk", self.key(issue)?, title)?;
        self.dress(&mut event);
        (event.severity, event.severity_raw) = told.at("severity").severity();
        let sort = issue.at("issueType").word();
        if sort.as_deref() == Some("license") {
            "compliance".clone_into(&mut event.category);
        } else {
            event.vulns = known(issue, &told);
        }
        start::label(&mut event, "issue_type", sort);
        start::label(&mut event, "rule_id", issue.at("id").line());
        let version = issue.at("pkgVersions").items().first().and_then(Place::line);
        let fixed_version = issue.at("fixInfo").at("nearestFixedInVersion").line();
        let fixed_version = fixed_version.or_else(|| told.at("nearestFixedInVersion").line());
        let fix = fixed_version.as_ref().zip(package.as_ref());
        event.remediation = Some(Remediation {
            title: fix.map(|(version, package)| format!("Update {package} to {version} or later")),
            fixed_version,
            url: told.at("url").line(),
            ..Remediation::default()
        })
        .filter(|remediation| *remediation != Remediation::default());
        event.product = package.map(|name| Product { name: Some(name), version, ..Product::default() });
        Ok(event)
    }

    fn asset(&self) -> Asset {
        let kind = match (self.place.at("type").word().as_deref(), self.place.at("remoteRepoUrl").is_there())
        {
            (Some("apk" | "deb" | "docker" | "dockerfile" | "linux" | "rpm"), _) => "container",
            (_, true) => "repo",
            _ => "app",
        };
        Asset {
            uid: Some(self.id.clone()),
            name: Some(self.name()),
            kind: Some(kind.to_owned()),
            url: self.place.at("remoteRepoUrl").line().or_else(|| self.place.at("browseUrl").line()),
            ..Asset::default()
        }
    }
}

fn known(issue: &Place<'_>, told: &Place<'_>) -> Vec<Vuln> {
    let identifiers = told.at("identifiers");
    let all = |name: &str| identifiers.at(name).items().into_iter().filter_map(|place| place.line());
    let ids = all("CVE").chain(issue.at("id").line()).chain(all("GHSA")).chain(all("ALTERNATIVE"));
    let vector = told.at("CVSSv3").line().filter(|vector| vector.starts_with("CVSS:"));
    let cvss = vulns::cvss(vector, told.at("cvssScore").number(), "Snyk").into_iter().collect();
    // Snyk documentation, "Exploit maturity".
    let exploit_known = match told.at("exploitMaturity").word().as_deref() {
        Some("mature" | "functional" | "proof-of-concept") => Some(true),
        Some("no-known-exploit") => Some(false),
        _ => None,
    };
    let cwe = all("CWE").take(100).collect();
    vulns::vulns(ids, &Vuln { cwe, cvss, exploit_known, ..Vuln::default() })
}
