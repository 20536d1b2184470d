//! The entries of a report: vulnerabilities, failed checks, exposed secrets.

use super::report::{NONE, Report};
use crate::{
    decisions::event::{Cvss, Event, Product, Remediation, Unreadable, Vuln},
    scanners::reading::{place::Place, vulns::is_cve},
};

/// A vulnerability of a package. Its identity is the vulnerability and the package, with the path for a package
/// of a programming language, of which an image may hold several; not the version, which an update may change
/// without mending anything.
pub(super) fn vulnerability(item: &Place<'_>, report: &Report<'_>) -> Result<Option<Event>, Unreadable> {
    let (id, package) = (item.at("vulnerabilityID").key()?, item.at("resource").key()?);
    let target = item.at("target").name().filter(|_| item.at("class").word().as_deref() == Some("lang-pkgs"));
    let path = item.at("packagePath").name().or(target).unwrap_or_else(|| NONE.to_owned());
    let key = report.key(&["vulnerability", &id, &package, &path]);
    let what = item.at("title").line().unwrap_or_else(|| package.clone());
    let mut event = report.event("finding.opened", key, format!("{id} in {}: {what}", report.name))?;
    (event.severity, event.severity_raw) = item.at("severity").severity();
    event.body_md = item.at("description").lines().unwrap_or_default();
    event.evidence_url = item.at("primaryLink").line();
    let (cve, alt_ids) = if is_cve(&id) { (Some(id), Vec::new()) } else { (None, vec![id]) };
    event.vulns = vec![Vuln { cve, alt_ids, cvss: scores(item), ..Vuln::default() }];
    event.remediation = item.at("fixedVersion").line().map(|version| Remediation {
        title: Some(format!("Update {package} to {version}")),
        fixed_version: Some(version),
        ..Remediation::default()
    });
    event.product = Some(Product {
        name: Some(package),
        version: item.at("installedVersion").line(),
        purl: item.at("packagePURL").line(),
        vendor: None,
    });
    for (label, field) in [("class", "class"), ("package_type", "packageType"), ("target", "target")] {
        if let Some(value) = item.at(field).line() {
            event.labels.insert(label.to_owned(), value);
        }
    }
    Ok(Some(event))
}

/// Scores of all sources that are sent along; else the one that the operator chose.
fn scores(item: &Place<'_>) -> Vec<Cvss> {
    let mut scores = Vec::new();
    for (source, given) in item.at("cvss").entries().into_iter().take(20) {
        for (version, score, vector) in
            [("4.0", "V40Score", "V40Vector"), ("3.1", "V3Score", "V3Vector"), ("2.0", "V2Score", "V2Vector")]
        {
            let vector = given.at(vector).line();
            // A 3.0 vector says so itself.
            let version =
                if vector.as_deref().is_some_and(|v| v.starts_with("CVSS:3.0")) { "3.0" } else { version };
            if let Some(score) = score_of(&given.at(score)) {
                let (version, source) = (Some(version.to_owned()), Some(source.to_owned()));
                scores.push(Cvss { version, score: Some(score), vector, source });
            }
        }
    }
    if scores.is_empty()
        && let Some(score) = score_of(&item.at("score"))
    {
        scores.push(Cvss { score: Some(score), source: item.at("cvsssource").line(), ..Cvss::default() });
    }
    scores
}

fn score_of(place: &Place<'_>) -> Option<f64> {
    place.number().filter(|score| (0.0..=10.0).contains(score))
}

/// A check of settings or roles that failed.
pub(super) fn check(item: &Place<'_>, report: &Report<'_>) -> Result<Option<Event>, Unreadable> {
    if item.at("success").flag() == Some(true) {
        return Ok(None);
    }
    let id = item.at("checkID").key()?;
    let what = item.at("title").line().unwrap_or_else(|| id.clone());
    let key = report.key(&["check", &id]);
    let mut event = report.event("finding.opened", key, format!("{id} in {}: {what}", report.name))?;
    "misconfiguration".clone_into(&mut event.category);
    (event.severity, event.severity_raw) = item.at("severity").severity();
    let described = item.at("description").lines().into_iter();
    let messages = item.at("messages").texts().into_iter().map(|message| format!("- {message}"));
    event.body_md = described.chain(messages).collect::<Vec<_>>().join("\n");
    event.remediation =
        item.at("remediation").lines().map(|text| Remediation { text: Some(text), ..Remediation::default() });
    event.labels.insert("rule_id".to_owned(), id);
    Ok(Some(event))
}

/// A secret that lies in an image. What was matched is never taken over, although it comes masked.
pub(super) fn secret(item: &Place<'_>, report: &Report<'_>) -> Result<Option<Event>, Unreadable> {
    let (rule, target) = (item.at("ruleID").key()?, item.at("target").id()?);
    let what = item.at("title").line().unwrap_or_else(|| rule.clone());
    let key = report.key(&["secret", &rule, &target]);
    let file = item.at("target").line().unwrap_or_default();
    let mut event =
        report.event("finding.opened", key, format!("{what} exposed in {}: {file}", report.name))?;
    "secret".clone_into(&mut event.category);
    (event.severity, event.severity_raw) = item.at("severity").severity();
    event.labels.insert("rule_id".to_owned(), rule);
    event.labels.insert("file".to_owned(), file);
    Ok(Some(event))
}
