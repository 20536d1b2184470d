use entity::{Severity, Timestamp};
use serde_json::json;

use super::GitHub;
use crate::{
    decisions::event::{CloseReason, Event, Unreadable},
    scanners::trials::{self, Named, with},
};

const CODE: &str = include_str!("examples/code_created.json");
const DEPENDABOT: &str = include_str!("examples/dependabot_created.json");
const OLD: &str = include_str!("examples/vulnerability_create.json");
const SECRET: &str = include_str!("examples/secret_created.json");

const OF_CODE: Named<'_> = &[("X-GitHub-Event", "code_scanning_alert")];
const OF_DEPENDABOT: Named<'_> = &[("X-GitHub-Event", "dependabot_alert")];
const OF_OLD: Named<'_> = &[("X-GitHub-Event", "repository_vulnerability_alert")];
const OF_SECRET: Named<'_> = &[("X-GitHub-Event", "secret_scanning_alert")];

fn event(headers: Named<'_>, example: &str, changes: &[(&str, serde_json::Value)]) -> Event {
    trials::event(&GitHub, headers, &with(example, changes))
}

fn refused(headers: Named<'_>, example: &str, changes: &[(&str, serde_json::Value)]) -> Unreadable {
    trials::refused(&GitHub, headers, &with(example, changes))
}

#[test]
fn a_code_scanning_alert_opens_with_all_that_it_tells() {
    let opened = event(OF_CODE, CODE, &[]);
    assert_eq!(opened.kind.name, "finding.opened");
    assert_eq!(opened.finding_key, "700100200/code_scanning/42");
    assert_eq!(opened.client_ref.as_deref(), Some("harbour-bakery"));
    assert_eq!((opened.severity, opened.category.as_str()), (Severity::High, "vulnerability"));
    assert_eq!(opened.title, "Reflected cross-site scripting (harbour-bakery/shop)");
    assert!(opened.body_md.contains("src/order.js, line 31"), "{}", opened.body_md);
    assert_eq!(opened.occurred_at, Timestamp::parse_rfc3339("2026-03-02T08:15:01Z"));
    assert_eq!(opened.vulns[0].cwe, ["CWE-79", "CWE-116"]);
    assert_eq!(opened.labels["property.tier"], "gold");
    assert_eq!(opened.asset.unwrap().name.as_deref(), Some("harbour-bakery/shop"));
    assert!(opened.evidence_url.unwrap().ends_with("/security/code-scanning/42"));
}

#[test]
fn what_people_do_to_a_code_scanning_alert_closes_and_reopens_it() {
    let key = event(OF_CODE, CODE, &[]).finding_key;
    for (reason, expected) in [
        (json!("false positive"), CloseReason::FalsePositive),
        (json!("won't fix"), CloseReason::AcceptedRisk),
        (json!("used in tests"), CloseReason::Dismissed),
        (json!(null), CloseReason::Dismissed),
    ] {
        let closed = event(
            OF_CODE,
            CODE,
            &[
                ("/action", json!("closed_by_user")),
                ("/ref", json!("")),
                ("/alert/dismissed_reason", reason),
                ("/alert/dismissed_comment", json!("Looked at it twice")),
                ("/alert/dismissed_by", json!({ "login": "mia" })),
            ],
        );
        assert_eq!((closed.kind.name, closed.close_reason), ("finding.dismissed", Some(expected)));
        assert_eq!(closed.finding_key, key);
        assert!(closed.body_md.contains("mia") && closed.body_md.contains("Looked at it twice"));
    }
    let reopened = event(OF_CODE, CODE, &[("/action", json!("reopened_by_user")), ("/ref", json!(""))]);
    assert_eq!((reopened.kind.name, reopened.finding_key), ("finding.reopened", key));
}

#[test]
fn fixed_closes_on_the_default_branch_and_nowhere_else() {
    let fixed = |git_ref: &str| {
        let body = with(
            CODE,
            &[
                ("/action", json!("fixed")),
                ("/ref", json!(git_ref)),
                ("/alert/most_recent_instance/ref", json!(git_ref)),
            ],
        );
        trials::remarked(&GitHub, OF_CODE, &body)
    };
    let (closed, remarks) = fixed("refs/heads/main");
    assert_eq!((closed.kind.name, closed.close_reason), ("finding.resolved", Some(CloseReason::Fixed)));
    assert!(remarks.is_empty());
    for elsewhere in ["refs/pull/11/merge", "refs/heads/main-2", "refs/heads/topic", "refs/tags/main"] {
        let (ignored, remarks) = fixed(elsewhere);
        assert_eq!((ignored.kind.name, ignored.close_reason), ("scan.finished", None), "{elsewhere}");
        assert!(remarks[0].contains(elsewhere), "{remarks:?}");
    }
    let found = with(CODE, &[("/ref", json!("refs/pull/11/merge"))]);
    assert_eq!(trials::event(&GitHub, OF_CODE, &found).kind.name, "scan.finished");
    let merged = with(CODE, &[("/action", json!("appeared_in_branch"))]);
    assert_eq!(trials::event(&GitHub, OF_CODE, &merged).kind.name, "finding.opened");
    let back = with(CODE, &[("/action", json!("reopened"))]);
    assert_eq!(trials::event(&GitHub, OF_CODE, &back).kind.name, "finding.reopened");
}

#[test]
fn a_rule_without_security_severity_keeps_the_word_that_was_sent() {
    for (word, expected) in [
        ("error", Severity::High),
        ("warning", Severity::Medium),
        ("note", Severity::Low),
        ("odd", Severity::Unknown),
    ] {
        let changes =
            [("/alert/rule/security_severity_level", json!(null)), ("/alert/rule/severity", json!(word))];
        let opened = event(OF_CODE, CODE, &changes);
        assert_eq!((opened.severity, opened.severity_raw.as_deref()), (expected, Some(word)));
    }
}

#[test]
fn a_dependabot_alert_opens_with_package_score_and_what_to_do() {
    let opened = event(OF_DEPENDABOT, DEPENDABOT, &[]);
    assert_eq!((opened.kind.name, opened.severity), ("finding.opened", Severity::Critical));
    assert_eq!(opened.finding_key, "700100200/dependabot/7");
    assert_eq!(opened.client_ref.as_deref(), Some("harbour-bakery"));
    assert_eq!(opened.product.unwrap().name.as_deref(), Some("@oven/timer"));
    let remediation = opened.remediation.unwrap();
    assert_eq!(remediation.fixed_version.as_deref(), Some("3.1.4"));
    assert_eq!(remediation.title.as_deref(), Some("Update @oven/timer to 3.1.4 or later"));
    assert_eq!(opened.vulns.len(), 1);
    let vuln = &opened.vulns[0];
    assert_eq!(vuln.cve.as_deref(), Some("CVE-2026-20042"));
    assert_eq!(vuln.alt_ids, ["GHSA-2345-6789-cfgh"]);
    assert_eq!(vuln.cvss.iter().map(|cvss| cvss.score).collect::<Vec<_>>(), [Some(9.8)]);
    assert_eq!(vuln.epss.as_ref().unwrap().score, Some(0.42));
}

#[test]
fn dependabot_alerts_close_and_come_back_as_github_says() {
    let said = |action: &str, reason: serde_json::Value| {
        let changes = [("/action", json!(action)), ("/alert/dismissed_reason", reason)];
        let event = event(OF_DEPENDABOT, DEPENDABOT, &changes);
        assert_eq!(event.finding_key, "700100200/dependabot/7");
        (event.kind.name, event.close_reason)
    };
    assert_eq!(said("fixed", json!(null)), ("finding.resolved", Some(CloseReason::Fixed)));
    assert_eq!(said("auto_dismissed", json!(null)), ("finding.dismissed", Some(CloseReason::Suppressed)));
    assert_eq!(
        said("dismissed", json!("tolerable_risk")),
        ("finding.dismissed", Some(CloseReason::AcceptedRisk))
    );
    assert_eq!(
        said("dismissed", json!("inaccurate")),
        ("finding.dismissed", Some(CloseReason::FalsePositive))
    );
    assert_eq!(said("dismissed", json!("not_used")), ("finding.dismissed", Some(CloseReason::Dismissed)));
    for action in ["reopened", "auto_reopened", "reintroduced"] {
        assert_eq!(said(action, json!(null)), ("finding.reopened", None));
    }
}

#[test]
fn the_old_form_speaks_of_the_same_finding_as_dependabots() {
    let said = |action: &str| event(OF_OLD, OLD, &[("/action", json!(action))]);
    let opened = said("create");
    assert_eq!(opened.finding_key, event(OF_DEPENDABOT, DEPENDABOT, &[]).finding_key);
    assert_eq!((opened.kind.name, opened.severity), ("finding.opened", Severity::Medium));
    assert_eq!(opened.title, "CVE-2026-20042 in @oven/timer (harbour-bakery/shop)");
    assert!(opened.evidence_url.unwrap().ends_with("/security/dependabot/7"));
    assert_eq!(said("resolve").close_reason, Some(CloseReason::Fixed));
    assert_eq!(said("dismiss").close_reason, Some(CloseReason::Dismissed));
    assert_eq!(said("reopen").kind.name, "finding.reopened");
}

#[test]
fn a_secret_is_of_its_own_category_and_closes_by_what_became_of_it() {
    let opened = event(OF_SECRET, SECRET, &[]);
    assert_eq!((opened.kind.name, opened.category.as_str()), ("finding.opened", "secret"));
    assert_eq!((opened.severity, opened.labels["validity"].as_str()), (Severity::Unknown, "active"));
    assert_eq!(opened.finding_key, "700100200/secret_scanning/3");
    assert_eq!(opened.title, "Secret found: Cake Cloud API Key (harbour-bakery/shop)");

    for (resolution, kind, reason) in [
        (json!("revoked"), "finding.resolved", CloseReason::Fixed),
        (json!("false_positive"), "finding.dismissed", CloseReason::FalsePositive),
        (json!("wont_fix"), "finding.dismissed", CloseReason::AcceptedRisk),
        (json!("used_in_tests"), "finding.dismissed", CloseReason::Dismissed),
        (json!("pattern_deleted"), "finding.dismissed", CloseReason::Suppressed),
        (json!(null), "finding.dismissed", CloseReason::Dismissed),
    ] {
        let changes = [("/action", json!("resolved")), ("/alert/resolution", resolution)];
        let closed = event(OF_SECRET, SECRET, &changes);
        assert_eq!((closed.kind.name, closed.close_reason), (kind, Some(reason)));
        assert_eq!(closed.category, "secret");
    }
    let leaked = [("/action", json!("publicly_leaked")), ("/alert/publicly_leaked", json!(true))];
    let leaked = event(OF_SECRET, SECRET, &leaked);
    assert_eq!(leaked.kind.name, "finding.updated");
    assert!(leaked.body_md.contains("public place"));
    let late = [("/action", json!("validated")), ("/alert/state", json!("resolved"))];
    let late = refused(OF_SECRET, SECRET, &late);
    assert_eq!((late.code, late.kind.as_deref()), ("unknown_kind", Some("secret_scanning_alert.validated")));
}

#[test]
fn numbers_are_counted_by_sort_and_repository() {
    let mut keys = vec![
        event(OF_CODE, CODE, &[("/alert/number", json!(3))]).finding_key,
        event(OF_DEPENDABOT, DEPENDABOT, &[("/alert/number", json!(3))]).finding_key,
        event(OF_SECRET, SECRET, &[]).finding_key,
        event(OF_SECRET, SECRET, &[("/repository/id", json!(1))]).finding_key,
        event(OF_SECRET, SECRET, &[("/alert/number", json!(4))]).finding_key,
    ];
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), 5);
    // Renaming, rating anew and time change nothing.
    let changed = [
        ("/repository/full_name", json!("a/b")),
        ("/alert/rule/severity", json!("note")),
        ("/alert/updated_at", json!(null)),
    ];
    assert_eq!(event(OF_CODE, CODE, &changed).finding_key, event(OF_CODE, CODE, &[]).finding_key);
}

#[test]
fn what_cannot_be_read_says_what_to_do() {
    assert!(trials::post(&GitHub, &[("X-GitHub-Event", "ping")], b"{\"zen\":\"x\"}").is_empty());
    let other = refused(&[("X-GitHub-Event", "push")], CODE, &[]);
    assert_eq!((other.code, other.kind.as_deref()), ("unknown_kind", Some("push")));
    assert!(refused(&[], CODE, &[]).problem.contains("X-GitHub-Event"));
    let action = refused(OF_CODE, CODE, &[("/action", json!("frobbed"))]);
    assert_eq!((action.code, action.kind.as_deref()), ("unknown_kind", Some("code_scanning_alert.frobbed")));
    let number = refused(OF_CODE, CODE, &[("/alert/number", json!(null))]);
    assert_eq!((number.code, number.pointer.as_str()), ("missing_field", "/alert/number"));
    let form = trials::post(&GitHub, OF_CODE, b"payload=%7B%7D").remove(0).event.unwrap_err();
    assert!(form.problem.contains("application/json"), "{}", form.problem);
}

#[test]
fn nothing_hostile_gets_through() {
    trials::survives(
        &GitHub,
        &[OF_CODE, OF_DEPENDABOT, OF_OLD, OF_SECRET, &[]],
        &[CODE, DEPENDABOT, OLD, SECRET],
    );
}

#[test]
fn real_bodies_are_read() {
    if let Some(body) = trials::real("github-code_scanning_alert-fixed") {
        let (event, remarks) = trials::remarked(&GitHub, OF_CODE, &body);
        assert_eq!(
            (event.kind.name, event.finding_key.as_str()),
            ("scan.finished", "337911632/code_scanning/10")
        );
        assert!(remarks[0].contains("refs/pull/11/merge"));
    }
    if let Some(body) = trials::real("github-code_scanning_alert-closed_by_user") {
        let event = trials::event(&GitHub, OF_CODE, &body);
        assert_eq!(event.finding_key, "337911632/code_scanning/10");
        assert_eq!(event.close_reason, Some(CloseReason::FalsePositive));
        assert_eq!(event.occurred_at, Timestamp::parse_rfc3339("2021-02-11T02:59:08Z"));
    }
    if let Some(body) = trials::real("github-dependabot_alert-created") {
        let event = trials::event(&GitHub, OF_DEPENDABOT, &body);
        assert_eq!(
            (event.finding_key.as_str(), event.severity),
            ("512875663/dependabot/20", Severity::Medium)
        );
        assert_eq!(event.vulns[0].cve.as_deref(), Some("CVE-2022-25883"));
        assert_eq!(event.client_ref.as_deref(), Some("wolfy1339"));
    }
    if let Some(body) = trials::real("github-repository_vulnerability_alert-create") {
        let event = trials::event(&GitHub, OF_OLD, &body);
        assert_eq!(
            (event.finding_key.as_str(), event.severity),
            ("186853002/dependabot/2", Severity::Medium)
        );
    }
    if let Some(body) = trials::real("github-secret_scanning_alert-reopened") {
        let event = trials::event(&GitHub, OF_SECRET, &body);
        assert_eq!(
            (event.kind.name, event.finding_key.as_str()),
            ("finding.reopened", "257423561/secret_scanning/191")
        );
        assert_eq!((event.severity, event.category.as_str()), (Severity::Unknown, "secret"));
    }
}
