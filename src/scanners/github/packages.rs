//! Dependabot alerts, and their older form, repository vulnerability alerts.

use super::read::Told;
use crate::{
    decisions::event::{CloseReason, Epss, Product, Reading, Remediation, Unreadable, Vuln},
    scanners::reading::{place::Place, start, vulns},
};

/// Both forms tell of the same alerts, by the same numbers.
const SORT: &str = "dependabot";

/// `action` and what it means: GitHub documentation, webhook event `dependabot_alert`.
pub(super) fn alert(told: &Told<'_>) -> Result<Reading, Unreadable> {
    let kind = match told.action.as_str() {
        "created" => "finding.opened",
        "reopened" | "auto_reopened" | "reintroduced" => "finding.reopened",
        "fixed" => "finding.resolved",
        "dismissed" | "auto_dismissed" => "finding.dismissed",
        "assignees_changed" => {
            return Err(told.nothing("who is to mend an alert says nothing of whether it is there"));
        }
        _ => return Err(told.unknown()),
    };
    let alert = &told.alert;
    let (advisory, vulnerable) = (alert.at("security_advisory"), alert.at("security_vulnerability"));
    let dependency = alert.at("dependency");
    let package =
        [&dependency, &vulnerable].into_iter().find_map(|place| place.at("package").at("name").line());
    let title = advisory.at("summary").line().or_else(|| package.clone());
    let mut event = told.event(kind, SORT, title.as_deref().unwrap_or("Vulnerable dependency"))?;
    let severity = if vulnerable.at("severity").is_there() { &vulnerable } else { &advisory };
    (event.severity, event.severity_raw) = severity.at("severity").severity();
    event.vulns = known(&advisory);
    let patched = vulnerable.at("first_patched_version");
    let fixed_version = patched.at("identifier").line().or_else(|| patched.line());
    let ghsa = advisory.at("ghsa_id").line();
    event.remediation = remediation(package.as_deref(), fixed_version, ghsa);
    start::label(&mut event, "ecosystem", dependency.at("package").at("ecosystem").line());
    start::label(&mut event, "manifest", dependency.at("manifest_path").line());
    start::label(&mut event, "scope", dependency.at("scope").line());
    match kind {
        "finding.dismissed" if told.action == "auto_dismissed" => {
            event.close_reason = Some(CloseReason::Suppressed);
            "A rule on GitHub dismissed it.".clone_into(&mut event.body_md);
        }
        "finding.dismissed" => {
            let reason = alert.at("dismissed_reason");
            let words = [reason.line(), alert.at("dismissed_comment").line()];
            told.close(&mut event, dismissal(reason.word().as_deref()), "dismissed_by", words);
        }
        "finding.resolved" => {}
        _ => {
            let range = vulnerable.at("vulnerable_version_range").line();
            let what = package.as_ref().map(|package| match range {
                Some(range) => format!("Package: {package}, affected versions: {range}"),
                None => format!("Package: {package}"),
            });
            let manifest = dependency.at("manifest_path").line().map(|path| format!("Where: {path}"));
            event.body_md = start::paragraphs([advisory.at("description").lines(), what, manifest]);
        }
    }
    event.occurred_at = event.occurred_at.or_else(|| occurred(told, kind));
    event.product = package.map(|name| Product { name: Some(name), ..Product::default() });
    Ok(event.into())
}

/// The form that GitHub sent before 2023, and old Enterprise Servers send still.
pub(super) fn old_alert(told: &Told<'_>) -> Result<Reading, Unreadable> {
    let kind = match told.action.as_str() {
        "create" => "finding.opened",
        "reopen" => "finding.reopened",
        "resolve" => "finding.resolved",
        "dismiss" => "finding.dismissed",
        _ => return Err(told.unknown()),
    };
    let alert = &told.alert;
    let package = alert.at("affected_package_name").line();
    let ids: Vec<String> =
        ["external_identifier", "ghsa_id"].iter().filter_map(|name| alert.at(name).line()).collect();
    let title = match (ids.first(), &package) {
        (Some(id), Some(package)) => format!("{id} in {package}"),
        (Some(only), None) | (None, Some(only)) => only.clone(),
        (None, None) => "Vulnerable dependency".to_owned(),
    };
    let mut event = told.event(kind, SORT, &title)?;
    (event.severity, event.severity_raw) = alert.at("severity").severity();
    event.vulns = vulns::vulns(ids, &Vuln::default());
    event.remediation =
        remediation(package.as_deref(), alert.at("fixed_in").line(), alert.at("ghsa_id").line());
    if let (Some(repository), Ok(number)) =
        (told.repository().at("html_url").line(), alert.at("number").key())
    {
        event.evidence_url = Some(format!("{repository}/security/dependabot/{number}"));
    }
    match kind {
        "finding.dismissed" => {
            let words = [alert.at("dismiss_reason").line(), None];
            told.close(&mut event, CloseReason::Dismissed, "dismisser", words);
        }
        "finding.resolved" => {}
        _ => {
            let range = alert.at("affected_range").line();
            event.body_md = start::paragraphs([range.map(|range| format!("Affected versions: {range}"))]);
        }
    }
    event.occurred_at = event.occurred_at.or_else(|| occurred(told, kind));
    event.product = package.map(|name| Product { name: Some(name), ..Product::default() });
    Ok(event.into())
}

/// When it was so, where the alert does not say when it was last changed.
fn occurred(told: &Told<'_>, kind: &str) -> Option<entity::Timestamp> {
    let name = match kind {
        "finding.opened" => "created_at",
        "finding.resolved" => "fixed_at",
        "finding.dismissed" if told.action == "auto_dismissed" => "auto_dismissed_at",
        "finding.dismissed" => "dismissed_at",
        _ => return None,
    };
    told.alert.at(name).time()
}

fn remediation(package: Option<&str>, version: Option<String>, ghsa: Option<String>) -> Option<Remediation> {
    let title = version.as_ref().map(|version| {
        let package = package.unwrap_or("the package");
        format!("Update {package} to {version} or later")
    });
    let url = ghsa.map(|id| format!("https://github.com/advisories/{id}"));
    let remediation = Remediation { title, fixed_version: version, url, ..Remediation::default() };
    Some(remediation).filter(|remediation| *remediation != Remediation::default())
}

fn known(advisory: &Place<'_>) -> Vec<Vuln> {
    let ids = advisory.at("identifiers").items().into_iter().filter_map(|id| id.at("value").line());
    let ids = ids.chain(["ghsa_id", "cve_id"].iter().filter_map(|name| advisory.at(name).line()));
    let scores = advisory.at("cvss_severities");
    let score = |place: Place<'_>| {
        vulns::cvss(place.at("vector_string").line(), place.at("score").number(), "GitHub")
    };
    let mut cvss: Vec<_> =
        [scores.at("cvss_v4"), scores.at("cvss_v3")].into_iter().filter_map(score).collect();
    if cvss.is_empty() {
        cvss.extend(score(advisory.at("cvss")));
    }
    let epss = advisory.at("epss");
    let fraction = |name: &str| epss.at(name).number().filter(|number| (0.0..=1.0).contains(number));
    let (score, percentile) = (fraction("percentage"), fraction("percentile"));
    let epss = (score.is_some() || percentile.is_some()).then_some(Epss { score, percentile, date: None });
    let cwe = advisory.at("cwes").items().into_iter().take(100).filter_map(|cwe| cwe.at("cwe_id").line());
    vulns::vulns(ids, &Vuln { cwe: cwe.collect(), cvss, epss, ..Vuln::default() })
}

/// The words of GitHub's form for dismissing: documentation, "Viewing and updating Dependabot alerts".
fn dismissal(reason: Option<&str>) -> CloseReason {
    match reason {
        Some("inaccurate") => CloseReason::FalsePositive,
        Some("tolerable_risk" | "no_bandwidth") => CloseReason::AcceptedRisk,
        _ => CloseReason::Dismissed,
    }
}
