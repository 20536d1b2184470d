//! Secret scanning alerts. The secret itself is never read.

use super::read::Told;
use crate::{
    decisions::event::{CloseReason, Reading, Remediation, Unreadable},
    scanners::reading::start,
};

/// `action` and what it means: GitHub documentation, webhook event `secret_scanning_alert`.
pub(super) fn alert(told: &Told<'_>) -> Result<Reading, Unreadable> {
    let alert = &told.alert;
    let resolution = alert.at("resolution");
    let (kind, reason) = match told.action.as_str() {
        "created" => ("finding.opened", None),
        "reopened" => ("finding.reopened", None),
        "publicly_leaked" | "validated" => {
            told.check_open()?;
            ("finding.updated", None)
        }
        "revoked" => ("finding.resolved", Some(CloseReason::Fixed)),
        "resolved" => match resolution.word().as_deref() {
            Some("revoked") => ("finding.resolved", Some(CloseReason::Fixed)),
            other => ("finding.dismissed", Some(dismissal(other))),
        },
        "assigned" | "unassigned" => {
            return Err(told.nothing("who is to look after a secret says nothing of whether it is safe"));
        }
        _ => return Err(told.unknown()),
    };
    let secret = alert.at("secret_type_display_name").line().or_else(|| alert.at("secret_type").line());
    let title = format!("Secret found: {}", secret.as_deref().unwrap_or("of an unknown type"));
    let mut event = told.event(kind, "secret_scanning", &title)?;
    "secret".clone_into(&mut event.category);
    start::label(&mut event, "rule_id", alert.at("secret_type").line());
    start::label(&mut event, "validity", alert.at("validity").word());
    for name in ["publicly_leaked", "multi_repo", "push_protection_bypassed"] {
        start::label(&mut event, name, alert.at(name).flag().map(|flag| flag.to_string()));
    }
    if let Some(reason) = reason {
        event.occurred_at = event.occurred_at.or_else(|| alert.at("resolved_at").time());
        told.close(
            &mut event,
            reason,
            "resolved_by",
            [resolution.line(), alert.at("resolution_comment").line()],
        );
    } else {
        if told.action == "created" {
            event.occurred_at = event.occurred_at.or_else(|| alert.at("created_at").time());
        }
        let leaked = alert.at("publicly_leaked").flag() == Some(true);
        let leaked = leaked.then(|| "The secret was found in a public place.".to_owned());
        let validity = alert.at("validity").word();
        let validity = validity.map(|word| format!("GitHub checked whether the secret still works: {word}."));
        event.body_md = start::paragraphs([leaked, validity]);
        event.remediation = Some(Remediation {
            title: Some("Revoke the secret where it was issued, then put a new one in its place".to_owned()),
            ..Remediation::default()
        });
    }
    Ok(event.into())
}

/// GitHub documentation, "Resolving alerts from secret scanning". One that was closed for no start reason was
/// not said to be revoked.
fn dismissal(resolution: Option<&str>) -> CloseReason {
    match resolution {
        Some("false_positive") => CloseReason::FalsePositive,
        Some("wont_fix") => CloseReason::AcceptedRisk,
        Some("pattern_deleted" | "pattern_edited") => CloseReason::Suppressed,
        _ => CloseReason::Dismissed,
    }
}
