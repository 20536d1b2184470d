//! The AWS Security Finding Format: what it says of its problem.

use entity::Severity;

use super::{SOURCE, parts};
use crate::{
    decisions::event::{CloseReason, Event, Reading, Unreadable},
    scanners::reading::{place::Place, start},
};

/// Whether this looks like a finding in ASFF.
pub(super) fn is_one(place: &Place<'_>) -> bool {
    place.at("ProductArn").is_there() || place.at("AwsAccountId").is_there()
}

pub(super) fn finding(place: &Place<'_>) -> Reading {
    let mut remarks = Vec::new();
    let event = event(place, &mut remarks);
    Reading { event, remarks }
}

fn event(finding: &Place<'_>, remarks: &mut Vec<String>) -> Result<Event, Unreadable> {
    let key = finding.at("Id").id()?;
    let category = category(finding);
    let state = state(finding, category);
    let title = finding.at("Title").line().unwrap_or_default();
    let mut event = start::event(kind(category, state), SOURCE, key, title)?;
    category.clone_into(&mut event.category);
    match state {
        State::Gone(reason) => event.close_reason = Some(reason),
        State::Noted => {
            remarks.push("the check could not be made, so that nothing was opened or closed".to_owned());
        }
        State::There => {}
    }
    event.client_ref = finding.at("AwsAccountId").name();
    (event.severity, event.severity_raw) = severity(finding);
    let updated = finding.at("UpdatedAt");
    event.occurred_at = updated.time().or_else(|| finding.at("CreatedAt").time());
    event.sequence = updated.name().filter(|_| updated.time().is_some());
    event.body_md = finding.at("Description").lines().unwrap_or_default();
    event.evidence_url = finding.at("SourceUrl").line();
    parts::fill(finding, &mut event);
    Ok(event)
}

#[derive(Clone, Copy)]
enum State {
    There,
    Noted,
    Gone(CloseReason),
}

/// People decide in `Workflow`; products say in `RecordState` and `Compliance` what they still see. A person's word
/// comes first: an archived finding that was suppressed is still suppressed.
fn state(finding: &Place<'_>, category: &str) -> State {
    let workflow = finding.at("Workflow").at("Status").word();
    let record = finding.at("RecordState").word();
    let compliance = finding.at("Compliance").at("Status").word();
    match (workflow.as_deref(), record.as_deref(), compliance.as_deref()) {
        (Some("suppressed"), _, _) => State::Gone(CloseReason::Suppressed),
        (_, Some("archived"), _) => State::Gone(archived(finding)),
        (Some("resolved"), _, _) => State::Gone(CloseReason::Fixed),
        (_, _, Some("passed")) if category == "compliance" => State::Gone(CloseReason::Fixed),
        (_, _, Some("not_available")) if category == "compliance" => State::Noted,
        _ => State::There,
    }
}

/// Why a record was archived is said by Inspector alone; others archive what is gone, old or switched off.
fn archived(finding: &Place<'_>) -> CloseReason {
    match finding.at("ProductFields").at("aws/inspector/FindingStatus").word().as_deref() {
        Some("closed") => CloseReason::Fixed,
        Some("suppressed") => CloseReason::Suppressed,
        _ => CloseReason::Expired,
    }
}

/// By the namespaces of the type taxonomy for ASFF.
fn category(finding: &Place<'_>) -> &'static str {
    let provided = finding.at("FindingProviderFields").at("Types");
    let types = [finding.at("Types").texts(), provided.texts()].concat();
    let is = |start: &str| types.iter().any(|kind| kind.starts_with(start));
    if finding.at("Compliance").at("Status").is_there()
        || is("Software and Configuration Checks/Industry and Regulatory Standards")
    {
        "compliance"
    } else if finding.at("Vulnerabilities").is_there()
        || is("Software and Configuration Checks/Vulnerabilities")
    {
        "vulnerability"
    } else if is("Software and Configuration Checks") {
        "misconfiguration"
    } else {
        "detection" // TTPs, Effects, Unusual Behaviors, Sensitive Data Identifications
    }
}

fn kind(category: &str, state: State) -> &'static str {
    match (category, state) {
        (_, State::Gone(reason)) if reason.is_dismissal() => "finding.dismissed",
        (_, State::Noted) => "finding.updated",
        ("compliance", State::There) => "compliance.failed",
        ("compliance", State::Gone(_)) => "compliance.passed",
        ("detection", State::There) => "detection.opened",
        ("detection", State::Gone(_)) => "detection.closed",
        (_, State::There) => "finding.opened",
        (_, State::Gone(_)) => "finding.resolved",
    }
}

/// The label; else the number from 0 to 100 in the steps of the documentation (1, 40, 70, 90).
fn severity(finding: &Place<'_>) -> (Severity, Option<String>) {
    let severity = finding.at("Severity");
    let provided = finding.at("FindingProviderFields").at("Severity");
    for label in [severity.at("Label"), provided.at("Label")] {
        if label.is_there() {
            return label.severity();
        }
    }
    let Some(number) = severity.at("Normalized").number() else { return (Severity::Unknown, None) };
    let known = match number {
        number if number < 1.0 => Severity::Info,
        number if number < 40.0 => Severity::Low,
        number if number < 70.0 => Severity::Medium,
        number if number < 90.0 => Severity::High,
        _ => Severity::Critical,
    };
    (known, Some(number.to_string()))
}
