use entity::{Severity, Timestamp};
use serde_json::{Value, json};

use super::Snyk;
use crate::{
    decisions::event::{CloseReason, Event},
    scanners::trials::{self, Named, with},
};

const SNAPSHOT: &str = include_str!("examples/project_snapshot.json");
const OF_SNAPSHOT: Named<'_> = &[("X-Snyk-Event", "project_snapshot/v0")];
const PROJECT: &str = "0b7c2f6e-0001-4a51-9a1f-000000000001";

fn events(changes: &[(&str, Value)]) -> Vec<Event> {
    trials::events(&Snyk, OF_SNAPSHOT, &with(SNAPSHOT, changes))
}

#[test]
fn new_issues_open_with_all_that_they_tell_and_removed_ones_close() {
    let all = events(&[]);
    let read: Vec<_> = all.iter().map(|event| (event.kind.name, event.close_reason)).collect();
    let fixed = Some(CloseReason::Fixed);
    assert_eq!(read, [("finding.opened", None), ("finding.opened", None), ("finding.resolved", fixed)]);
    assert!(all.iter().all(|event| event.client_ref.as_deref() == Some("harbour-bakery")));

    let opened = &all[0];
    assert_eq!(opened.severity, Severity::Critical);
    assert_eq!(opened.title, "Remote stop in @oven/timer (harbour-bakery/shop:package.json)");
    assert_eq!(opened.occurred_at, Timestamp::parse_rfc3339("2026-03-06T07:08:09.010Z"));
    assert_eq!(opened.vulns[0].cve.as_deref(), Some("CVE-2026-20042"));
    assert_eq!((opened.vulns[0].cvss[0].score, opened.vulns[0].exploit_known), (Some(9.8), Some(true)));
    assert_eq!(opened.vulns[0].alt_ids, ["SNYK-JS-OVENTIMER-100042", "GHSA-2345-6789-cfgh"]);
    assert_eq!(opened.remediation.as_ref().unwrap().fixed_version.as_deref(), Some("3.1.4"));
    assert_eq!(opened.product.as_ref().unwrap().version.as_deref(), Some("3.1.2"));
    assert_eq!(opened.labels["attribute.criticality"], "high");
    assert_eq!((all[1].category.as_str(), all[1].vulns.len()), ("compliance", 0));
    assert_eq!(all[2].finding_key, format!("{PROJECT}/SNYK-JS-SUGAR-7/sugar"));
}

#[test]
fn an_issue_keeps_its_key_from_version_to_version_and_two_do_not_share_one() {
    let key = |changes: &[(&str, Value)]| events(changes)[0].finding_key.clone();
    let known = key(&[]);
    assert!(known.starts_with("v1:"), "the package's name holds a slash: {known}");
    for same in [
        ("/newIssues/0/pkgVersions", json!(["3.1.3"])),
        ("/newIssues/0/issueData/severity", json!("low")),
        ("/newIssues/0/issueData/title", json!("Another title")),
        ("/project/lastTestedDate", json!(null)),
    ] {
        assert_eq!(key(std::slice::from_ref(&same)), known);
    }
    for other in [
        ("/newIssues/0/id", json!("SNYK-JS-OVENTIMER-100043")),
        ("/newIssues/0/pkgName", json!("@oven/clock")),
        ("/project/id", json!("another")),
    ] {
        assert_ne!(key(std::slice::from_ref(&other)), known);
    }
}

#[test]
fn what_is_both_new_and_removed_is_still_there() {
    let both = with(
        SNAPSHOT,
        &[
            ("/removedIssues/0/id", json!("SNYK-JS-OVENTIMER-100042")),
            ("/removedIssues/0/pkgName", json!("@oven/timer")),
        ],
    );
    let readings = trials::post(&Snyk, OF_SNAPSHOT, both.to_string().as_bytes());
    assert_eq!(readings[0].event.as_ref().unwrap().kind.name, "finding.opened");
    assert_eq!(readings[2].event.as_ref().unwrap_err().pointer, "/removedIssues/0");
}

#[test]
fn a_new_issue_that_is_ignored_or_patched_opens_nothing() {
    let ignored = &events(&[("/newIssues/0/isIgnored", json!(true))])[0];
    assert_eq!(
        (ignored.kind.name, ignored.close_reason),
        ("finding.dismissed", Some(CloseReason::Dismissed))
    );
    let patched = &events(&[("/newIssues/0/isPatched", json!(true))])[0];
    assert_eq!((patched.kind.name, patched.close_reason), ("finding.resolved", Some(CloseReason::Fixed)));
}

#[test]
fn a_test_without_changes_closes_nothing() {
    let all = events(&[("/newIssues", json!([])), ("/removedIssues", json!([]))]);
    assert_eq!(all.iter().map(|event| event.kind.name).collect::<Vec<_>>(), ["scan.finished"]);
}

#[test]
fn pings_say_nothing_and_the_rest_is_refused_with_its_place() {
    let ping: Named<'_> = &[("X-Snyk-Event", "ping/v0")];
    assert!(trials::post(&Snyk, ping, b"{\"webhookId\":\"d3cf\"}").is_empty());
    let other = trials::refused(&Snyk, &[("X-Snyk-Event", "org_renamed/v1")], &json!({}));
    assert_eq!((other.code, other.kind.as_deref()), ("unknown_kind", Some("org_renamed/v1")));
    assert!(trials::refused(&Snyk, &[], &json!({})).problem.contains("X-Snyk-Event"));
    let missing = trials::refused(&Snyk, OF_SNAPSHOT, &with(SNAPSHOT, &[("/project/id", json!(null))]));
    assert_eq!((missing.code, missing.pointer.as_str()), ("missing_field", "/project/id"));

    let bad = with(SNAPSHOT, &[("/newIssues/0", json!(7))]);
    let readings = trials::post(&Snyk, OF_SNAPSHOT, bad.to_string().as_bytes());
    assert_eq!(readings.iter().map(|one| one.event.is_ok()).collect::<Vec<_>>(), [false, true, true]);

    let many = with(SNAPSHOT, &[("/newIssues", json!(vec![json!({ "id": "x" }); 20_001]))]);
    let readings = trials::post(&Snyk, OF_SNAPSHOT, many.to_string().as_bytes());
    assert_eq!(readings.len(), 20_001);
    assert!(readings[20_000].event.as_ref().unwrap_err().problem.starts_with("2 issues"));
}

#[test]
fn nothing_hostile_gets_through() {
    trials::survives(&Snyk, &[OF_SNAPSHOT, &[]], &[SNAPSHOT]);
}

#[test]
fn real_bodies_are_read() {
    if let Some(body) = trials::real("snyk-ping") {
        let ping: Named<'_> = &[("X-Snyk-Event", "ping/v0")];
        assert!(trials::post(&Snyk, ping, body.to_string().as_bytes()).is_empty());
    }
    if let Some(body) = trials::real("snyk-project_snapshot_no_change") {
        let event = trials::event(&Snyk, OF_SNAPSHOT, &body);
        assert_eq!((event.kind.name, event.client_ref.as_deref()), ("scan.finished", Some("my-org")));
        assert_eq!(event.finding_key, "project/af137b96-6966-46c1-826b-2e79ac49bbd9");
    }
}
