//! From a delivery, which holds one event, to what it says of its incident.

use crate::{
    decisions::event::{Asset, CloseReason, Event, Reading, Remediation, Unreadable},
    scanners::reading::{body::json, key, place::Place, start},
};

pub(super) fn delivery(bytes: &[u8]) -> Vec<Reading> {
    let read = || -> Result<Option<Event>, Unreadable> { one(&Place::root(&json(bytes)?)) };
    match read() {
        Ok(event) => event.map(Reading::from).into_iter().collect(),
        Err(refused) => vec![refused.into()],
    }
}

/// The action outranks the incident's own status, which may be that of before.
fn one(body: &Place<'_>) -> Result<Option<Event>, Unreadable> {
    let Some(action) = start::word(&body.at("action")) else {
        // The test message that GitGuardian's settings page sends: no incident, but an origin.
        return if body.at("origin").word().as_deref() == Some("gitguardian") {
            Ok(None)
        } else {
            Err(Unreadable::missing("/action", "this is missing; it says what became of the incident"))
        };
    };
    let incident = body.at("incident");
    let kind = match action.as_str() {
        "incident_triggered" => "finding.opened",
        "incident_reopened" | "incident_regression" => "finding.reopened",
        "incident_resolved" => "finding.resolved",
        "incident_ignored" => "finding.dismissed",
        "new_occurrence"
        | "incident_severity_changed"
        | "incident_validity_changed"
        | "incident_feedback_received"
        | "incident_note_created" => "finding.updated",
        _ => {
            let problem = "this action says nothing of whether the secret is safe; untick it in GitGuardian";
            return Err(Unreadable::unknown_kind("/action", action, problem));
        }
    };
    let status = start::word(&incident.at("status"));
    if kind == "finding.updated" && matches!(status.as_deref(), Some("resolved" | "ignored")) {
        let problem = "the incident is closed in GitGuardian; this does not open it again";
        return Err(Unreadable::unknown_kind("/incident/status", action, problem));
    }
    let id = incident.at("id").key()?;
    let detector = incident.at("detector");
    let secret = detector.at("display_name").line().or_else(|| detector.at("name").line());
    let title = format!("Secret found: {}", secret.as_deref().unwrap_or("of an unknown type"));
    let mut event = start::event(kind, "gitguardian", key::joined(&["incident", &id]), title)?;
    "secret".clone_into(&mut event.category);
    let webhook = body.at("custom_webhook_name").key();
    event.client_ref = webhook.or_else(|_| body.at("target_team").key()).ok();
    event.occurred_at = body.at("timestamp").time();
    (event.severity, event.severity_raw) = incident.at("severity").severity();
    event.evidence_url = incident.at("gitguardian_url").line();
    event.asset = asset(&body.at("occurrence"));
    start::label(&mut event, "action", Some(action));
    start::label(&mut event, "rule_id", detector.at("name").line());
    start::label(&mut event, "status", status);
    start::label(&mut event, "validity", start::word(&incident.at("validity")));
    start::label(
        &mut event,
        "secret_revoked",
        incident.at("secret_revoked").flag().map(|flag| flag.to_string()),
    );
    start::label(&mut event, "team", body.at("target_team").line());
    if let Some(count) = incident.at("occurrence_count").value().and_then(serde_json::Value::as_u64) {
        event.counts.insert("occurrences".to_owned(), count);
    }
    let reason = incident.at("ignore_reason");
    if kind == "finding.dismissed" {
        event.close_reason = Some(dismissal(reason.word().as_deref()));
    } else if kind != "finding.resolved" {
        event.remediation = Some(Remediation {
            title: Some("Revoke the secret where it was issued, then put a new one in its place".to_owned()),
            ..Remediation::default()
        });
    }
    event.body_md = words(body, &incident, kind);
    Ok(Some(event))
}

fn words(body: &Place<'_>, incident: &Place<'_>, kind: &str) -> String {
    let reason = incident.at("ignore_reason").line().filter(|_| kind == "finding.dismissed");
    let reason = reason.map(|reason| format!("Reason: {reason}"));
    let lives = kind == "finding.resolved" && incident.at("secret_revoked").flag() == Some(false);
    let lives = lives.then(|| "GitGuardian does not say that the secret was revoked.".to_owned());
    let validity = incident.at("validity").line().map(|validity| format!("Validity: {validity}"));
    let occurrence = body.at("occurrence");
    let place = occurrence.at("filepath").line().map(|path| format!("Where: {path}"));
    let link = occurrence.at("url").line().map(|url| format!("Occurrence: {url}"));
    let note = body.at("incident_note").at("comment").lines();
    start::paragraphs([body.at("message").lines(), reason, lives, validity, place, link, note])
}

/// Only a new occurrence says where the secret is.
fn asset(occurrence: &Place<'_>) -> Option<Asset> {
    let source = occurrence.at("source");
    source.is_there().then(|| Asset {
        uid: source.at("id").key().ok(),
        name: source.at("full_name").line().or_else(|| source.at("name").line()),
        kind: Some("repo".to_owned()),
        url: source.at("url").line(),
        ..Asset::default()
    })
}

/// GitGuardian API reference, "ignore_reason".
fn dismissal(reason: Option<&str>) -> CloseReason {
    match reason {
        Some("false_positive") => CloseReason::FalsePositive,
        Some("low_risk") => CloseReason::AcceptedRisk,
        _ => CloseReason::Dismissed,
    }
}
