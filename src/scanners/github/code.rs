//! Code scanning alerts.

use entity::Severity;

use super::read::Told;
use crate::{
    decisions::event::{CloseReason, Event, Reading, Unreadable, Vuln},
    scanners::reading::{place::Place, start, vulns},
};

/// `action` and what it means: GitHub documentation, webhook event `code_scanning_alert`.
pub(super) fn alert(told: &Told<'_>) -> Result<Reading, Unreadable> {
    // Of these GitHub names the git reference that was analysed; what people do is of the whole alert.
    let (kind, is_of_ref) = match told.action.as_str() {
        "created" | "appeared_in_branch" => ("finding.opened", true),
        "reopened" => ("finding.reopened", true),
        "reopened_by_user" => ("finding.reopened", false),
        "fixed" => ("finding.resolved", true),
        "closed_by_user" | "dismissed" => ("finding.dismissed", false),
        "updated_assignment" => {
            return Err(told.nothing("who is to mend an alert says nothing of whether it is there"));
        }
        _ => return Err(told.unknown()),
    };
    let git_ref = git_ref(told);
    let elsewhere = git_ref.as_deref().filter(|git_ref| is_of_ref && !is_default(told, git_ref));
    let kind = if elsewhere.is_some() { "scan.finished" } else { kind };

    let rule = told.alert.at("rule");
    let names = ["description", "full_description", "name", "id"];
    let title = names.iter().find_map(|name| rule.at(name).line());
    let mut event = told.event(kind, "code_scanning", title.as_deref().unwrap_or("Code scanning alert"))?;
    (event.severity, event.severity_raw) = severity(&rule);
    event.vulns = known(&rule);
    start::label(&mut event, "rule_id", rule.at("id").line());
    start::label(&mut event, "tool", told.alert.at("tool").at("name").line());
    start::label(&mut event, "ref", git_ref.clone());

    let mut remarks = Vec::new();
    if let Some(git_ref) = elsewhere {
        remarks.push(format!(
            "{} on {git_ref}: alerts count on the default branch only, so nothing is opened or closed",
            told.action
        ));
    }
    match event.kind.name {
        "finding.dismissed" => {
            event.occurred_at = event.occurred_at.or_else(|| told.alert.at("dismissed_at").time());
            let reason = told.alert.at("dismissed_reason");
            let words = [reason.line(), told.alert.at("dismissed_comment").line()];
            told.close(&mut event, dismissal(reason.word().as_deref()), "dismissed_by", words);
        }
        "finding.resolved" => {
            event.occurred_at = event.occurred_at.or_else(|| told.alert.at("fixed_at").time());
            event.body_md = git_ref.map(|git_ref| format!("Fixed on {git_ref}.")).unwrap_or_default();
        }
        _ => open(told, &rule, &mut event),
    }
    Ok(Reading { event: Ok(event), remarks })
}

fn open(told: &Told<'_>, rule: &Place<'_>, event: &mut Event) {
    if told.action == "created" {
        event.occurred_at = event.occurred_at.or_else(|| told.alert.at("created_at").time());
    }
    let location = instance(told).at("location");
    let place = location.at("path").line().map(|path| {
        let line = location.at("start_line").line().map(|line| format!(", line {line}"));
        format!("Where: {path}{}", line.unwrap_or_default())
    });
    let message = instance(told).at("message").at("text").lines();
    event.body_md = start::paragraphs([rule.at("full_description").lines(), message, place]);
}

/// Older deliveries have a list of instances, newer ones the most recent one.
fn instance<'a>(told: &Told<'a>) -> Place<'a> {
    let recent = told.alert.at("most_recent_instance");
    if recent.is_there() {
        return recent;
    }
    told.alert.at("instances").items().into_iter().next().unwrap_or(recent)
}

fn git_ref(told: &Told<'_>) -> Option<String> {
    told.body.at("ref").line().or_else(|| instance(told).at("ref").line())
}

fn is_default(told: &Told<'_>, git_ref: &str) -> bool {
    let branch = git_ref.strip_prefix("refs/heads/");
    match told.repository().at("default_branch").line() {
        Some(default) => branch.unwrap_or(git_ref) == default,
        None => branch.is_some(),
    }
}

/// The security severity; else that of the rule, where GitHub treats `error` as it treats high and critical
/// (documentation, "About code scanning alerts": both fail a pull request's check).
fn severity(rule: &Place<'_>) -> (Severity, Option<String>) {
    let security = rule.at("security_severity_level");
    if security.is_there() {
        return security.severity();
    }
    let sent = rule.at("severity");
    match sent.word().as_deref() {
        Some("error") => (Severity::High, sent.line()),
        Some("note") => (Severity::Low, sent.line()),
        _ => sent.severity(),
    }
}

/// Scanners of dependencies name the vulnerability as their rule; CodeQL tags rules with `external/cwe/cwe-079`.
fn known(rule: &Place<'_>) -> Vec<Vuln> {
    let cwe = |tag: Place<'_>| {
        let number: u32 = tag.word()?.strip_prefix("external/cwe/cwe-")?.parse().ok()?;
        Some(format!("CWE-{number}"))
    };
    let cwe = rule.at("tags").items().into_iter().take(100).filter_map(cwe).collect();
    let id = rule.at("id").line().map(|id| id.to_ascii_uppercase());
    let id = id.filter(|id| vulns::is_cve(id) || id.starts_with("GHSA-"));
    vulns::vulns(id, &Vuln { cwe, ..Vuln::default() })
}

fn dismissal(reason: Option<&str>) -> CloseReason {
    match reason {
        Some("false positive") => CloseReason::FalsePositive,
        Some("won't fix") => CloseReason::AcceptedRisk,
        _ => CloseReason::Dismissed,
    }
}
