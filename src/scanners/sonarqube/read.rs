//! From a delivery, which holds one analysis, to its quality gate.

use crate::{
    decisions::event::{Asset, Reading, Unreadable},
    scanners::reading::{body::json, key, place::Place, start},
};

pub(super) fn delivery(bytes: &[u8]) -> Vec<Reading> {
    let read = || -> Result<Reading, Unreadable> { analysis(&Place::root(&json(bytes)?)) };
    vec![read().unwrap_or_else(Reading::from)]
}

fn analysis(body: &Place<'_>) -> Result<Reading, Unreadable> {
    let (project, branch) = (body.at("project"), body.at("branch"));
    let project_key = project.at("key").key()?;
    let gate = body.at("qualityGate");
    let (task, status) = (start::word(&body.at("status")), start::word(&gate.at("status")));
    let mut remarks = Vec::new();
    let kind = if task.as_deref().is_some_and(|task| task != "success") {
        "scan.failed"
    } else if is_pull_request(&branch) {
        remarks.push(
            "the analysis is of a pull request: quality gates count on branches, so nothing is opened or closed"
                .to_owned(),
        );
        "scan.finished"
    } else {
        match status.as_deref() {
            // Before version 7.6 a gate could also warn.
            Some("error" | "warn") => "compliance.failed",
            Some("ok") => "compliance.passed",
            _ => {
                remarks.push("the analysis shows no quality gate that passed or failed".to_owned());
                "scan.finished"
            }
        }
    };
    let branch_name = branch.at("name").line();
    let name = project.at("name").line().unwrap_or_else(|| project_key.clone());
    let gate_name = gate.at("name").line().unwrap_or_else(|| "Quality gate".to_owned());
    let what = match kind {
        "compliance.failed" => format!("{gate_name} failed: {name}"),
        "compliance.passed" => format!("{gate_name} passed: {name}"),
        "scan.failed" => format!("Analysis failed: {name}"),
        _ => format!("Analysis finished: {name}"),
    };
    let title = branch_name.as_ref().map_or_else(|| what.clone(), |branch| format!("{what}, {branch}"));
    let mut event = start::event(kind, "sonarqube", finding_key(&project_key, &branch)?, title)?;
    let customer = body.at("properties").at("sonar.analysis.customer").key();
    event.client_ref = Some(customer.unwrap_or_else(|_| project_key.clone()));
    event.occurred_at = body.at("changedAt").time().or_else(|| body.at("analysedAt").time());
    event.severity_raw = status.clone().filter(|_| kind == "compliance.failed");
    let link = branch.at("url").line().or_else(|| project.at("url").line());
    event.evidence_url.clone_from(&link);
    event.asset = Some(Asset {
        uid: Some(project_key.clone()),
        name: Some(name),
        kind: Some("app".to_owned()),
        url: link,
        ..Asset::default()
    });
    event.body_md = conditions(&gate);
    start::label(&mut event, "project", Some(project_key));
    start::label(&mut event, "branch", branch_name);
    start::label(&mut event, "is_main", branch.at("isMain").flag().map(|flag| flag.to_string()));
    start::label(&mut event, "quality_gate", gate.at("name").line());
    start::label(&mut event, "status", status.or(task));
    start::label(&mut event, "revision", body.at("revision").line());
    Ok(Reading { event: Ok(event), remarks })
}

fn is_pull_request(branch: &Place<'_>) -> bool {
    branch.at("type").word().as_deref() == Some("pull_request")
}

/// The main branch is the project itself: editions without branches name none, and it may be renamed.
fn finding_key(project: &str, branch: &Place<'_>) -> Result<String, Unreadable> {
    if !branch.at("name").is_there() || branch.at("isMain").flag() == Some(true) {
        return Ok(key::joined(&[project]));
    }
    let sort = if is_pull_request(branch) { "pull_request" } else { "branch" };
    Ok(key::joined(&[project, sort, &branch.at("name").key()?]))
}

/// What made the gate fail.
fn conditions(gate: &Place<'_>) -> String {
    let failed = gate.at("conditions").items().into_iter().take(100).filter_map(|condition| {
        let status = condition.at("status").word();
        if !matches!(status.as_deref(), Some("error" | "warn")) {
            return None;
        }
        let metric = condition.at("metric").line()?.replace('_', " ");
        let value = condition.at("value").line().unwrap_or_else(|| "no value".to_owned());
        let than = match condition.at("operator").word().as_deref() {
            Some("less_than") => "must not be less than",
            Some("greater_than") => "must not be greater than",
            _ => "against",
        };
        let bound = condition.at("errorThreshold").line().or_else(|| condition.at("warningThreshold").line());
        Some(match bound {
            Some(bound) => format!("- {metric}: {value} ({than} {bound})"),
            None => format!("- {metric}: {value}"),
        })
    });
    failed.collect::<Vec<_>>().join("\n")
}
