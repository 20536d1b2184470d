//! Vulnerabilities of installed packages.

use super::alert::Alert;
use crate::{
    decisions::event::{Cvss, Event, Product, Reading, Remediation, Unreadable, Vuln},
    scanners::reading::{place::Place, severity, start, vulns::is_cve},
};

/// What an alert says of vulnerabilities, if it does.
pub(super) fn read(alert: &Alert<'_>) -> Option<Reading> {
    let vulnerability = alert.data.at("vulnerability");
    if !vulnerability.is_there() {
        return None;
    }
    if vulnerability.at("status").word().as_deref() == Some("clear") {
        return Some(cleared(alert));
    }
    let event = event(alert, &vulnerability);
    Some(Reading { event, remarks: Vec::new() })
}

/// Rule 23507: it does not say which of an agent's vulnerabilities are meant, nor that they were mended.
fn cleared(alert: &Alert<'_>) -> Reading {
    let key = alert.key(&["vulnerabilities", &alert.agent]);
    let event =
        alert.event("scan.finished", key, format!("Wazuh cleared the vulnerabilities of {}", alert.agent));
    let remarks = vec!["nothing was closed: the alert does not say which are meant, nor why".to_owned()];
    Reading { event, remarks }
}

/// The version and architecture belong to the identity: of a kernel several versions are installed at a time, and
/// after an update Wazuh says *Solved* of the old version and *Active* of the new one, in any order.
fn event(alert: &Alert<'_>, vulnerability: &Place<'_>) -> Result<Event, Unreadable> {
    let status = vulnerability.at("status");
    let (kind, said) = match status.word().as_deref() {
        Some("active" | "valid") => ("finding.opened", "affects"),
        Some("solved") => ("finding.resolved", "is solved in"),
        _ => return Err(start::unknown(&status, "a vulnerability is active or solved")),
    };
    let package = vulnerability.at("package");
    let (cve, name) = (vulnerability.at("cve").key()?, package.at("name").key()?);
    let or_none = |place: Place<'_>| place.name().unwrap_or_else(|| "-".to_owned());
    let (version, architecture) = (or_none(package.at("version")), or_none(package.at("architecture")));
    let key = alert.key(&["vulnerability", &alert.agent, &cve, &name, &version, &architecture]);
    let mut event = alert.event(kind, key, format!("{cve} {said} {name} on {}", alert.agent))?;
    // The level of "solved" is that of a notice: the vulnerability has its own severity.
    let sent = vulnerability.at("severity").line();
    let known = sent.as_deref().and_then(severity::from_word);
    event.severity = known.unwrap_or_default();
    event.severity_raw =
        sent.filter(|sent| known.is_none_or(|known| !sent.eq_ignore_ascii_case(known.word())));
    event.body_md = vulnerability.first(&["rationale", "title"]).lines().unwrap_or_default();
    event.evidence_url = vulnerability
        .at("reference")
        .line()
        .into_iter()
        .chain(vulnerability.first(&["references", "external_references"]).texts())
        .flat_map(|text| text.split(", ").map(str::to_owned).collect::<Vec<_>>())
        .find(|link| link.starts_with("https://"));
    let fixed = package.at("condition").line();
    event.remediation = fixed.map(|text| Remediation { text: Some(text), ..Remediation::default() });
    let cwe = vulnerability.at("cwe_reference").line().into_iter().collect();
    let cvss = scores(vulnerability);
    let (cve, alt_ids) = if is_cve(&cve) { (Some(cve), Vec::new()) } else { (None, vec![cve]) };
    event.vulns = vec![Vuln { cve, alt_ids, cwe, cvss, ..Vuln::default() }];
    event.product = Some(Product {
        vendor: package.at("source").line(),
        name: Some(name),
        version: Some(version).filter(|version| version != "-"),
        purl: None,
    });
    event.labels.insert("architecture".to_owned(), architecture);
    Ok(event)
}

/// Up to 4.7 below `cvss`, from 4.8 on below `score`.
fn scores(vulnerability: &Place<'_>) -> Vec<Cvss> {
    let of = |place: Place<'_>, score: &str, version: &str| {
        let score = place.at(score).number().filter(|score| (0.0..=10.0).contains(score))?;
        let version = place.at("version").line().unwrap_or_else(|| version.to_owned());
        Some(Cvss { version: Some(version), score: Some(score), ..Cvss::default() })
    };
    let cvss = vulnerability.at("cvss");
    [
        of(cvss.at("cvss3"), "base_score", "3.1"),
        of(vulnerability.at("score"), "base", "3.1"),
        of(cvss.at("cvss2"), "base_score", "2.0"),
    ]
    .into_iter()
    .flatten()
    .collect()
}
