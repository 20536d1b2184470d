use entity::{Severity, Timestamp};
use serde_json::{Value, json};

use super::*;
use crate::{
    decisions::event::{CloseReason, Event},
    scanners::trials::configured::{event, events, hostile_bodies, kinds, readings, real, refused},
};

const VULNERABILITY: &str = include_str!("examples/vulnerability_active.json");
const DISCONNECTED: &str = include_str!("examples/agent_disconnected.json");
const STARTED: &str = include_str!("examples/agent_started.json");
const LOCKOUT: &str = include_str!("examples/lockout.json");
const FILE_CHANGED: &str = include_str!("examples/file_changed.json");
const ASSESSMENT: &str = include_str!("examples/assessment.json");

fn read(body: &Value) -> Event {
    event(&Wazuh, &Value::Null, body)
}

fn value(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn a_vulnerability_opens_and_is_solved() {
    let mut body = value(VULNERABILITY);
    let active = read(&body);
    assert_eq!(
        (active.kind.name, active.severity, active.client_ref.as_deref()),
        ("finding.opened", Severity::Critical, Some("wazuh-1"))
    );
    assert_eq!(active.occurred_at, Timestamp::parse_rfc3339("2026-02-03T10:00:00.123Z"));
    assert_eq!(
        (active.vulns[0].cve.as_deref(), active.vulns[0].cvss[0].score),
        (Some("CVE-2023-38408"), Some(9.8))
    );
    assert_eq!(active.evidence_url.as_deref(), Some("https://nvd.example.net/CVE-2023-38408"));
    assert_eq!(
        (active.labels["agent.customer"].as_str(), active.asset.as_ref().unwrap().ip.as_deref()),
        ("acme", Some("10.0.0.7"))
    );
    body["all_fields"]["data"]["vulnerability"]["status"] = json!("Solved");
    body["all_fields"]["rule"] = json!({ "id": "23502", "level": 3, "description": "solved" });
    body["all_fields"]["id"] = json!("1770119999.1");
    let solved = read(&body);
    assert_eq!((solved.kind.name, solved.close_reason), ("finding.resolved", Some(CloseReason::Fixed)));
    assert_eq!((&solved.finding_key, solved.severity), (&active.finding_key, Severity::Critical));
    // After an update both are said, in any order: the old version is solved, the new one is not.
    body["all_fields"]["data"]["vulnerability"]["package"]["version"] = json!("1:8.9p1-4");
    assert_ne!(read(&body).finding_key, active.finding_key);
    body["all_fields"]["data"]["vulnerability"]["status"] = json!("Pending");
    assert_eq!(refused(&Wazuh, &Value::Null, &body).code, "unknown_kind");
}

#[test]
fn vulnerabilities_that_are_cleared_close_nothing() {
    let mut body = value(VULNERABILITY);
    body["all_fields"]["rule"]["id"] = json!("23507");
    body["all_fields"]["data"]["vulnerability"] = json!({ "status": "Clear" });
    let all = readings(&Wazuh, &Value::Null, &body.to_string());
    assert_eq!(all[0].event.as_ref().unwrap().kind.name, "scan.finished");
    assert!(all[0].remarks[0].starts_with("nothing was closed"));
}

#[test]
fn an_agent_that_the_manager_reports_is_the_one_that_starts_again() {
    let (silent, back) = (read(&value(DISCONNECTED)), read(&value(STARTED)));
    assert_eq!((silent.kind.name, back.kind.name), ("agent.not_reporting", "agent.reporting"));
    assert_eq!(silent.finding_key, back.finding_key);
    assert_eq!(silent.asset.as_ref().unwrap().name.as_deref(), Some("srv-file-01"));
    assert_eq!(silent.asset.as_ref().unwrap().uid, back.asset.as_ref().unwrap().uid);
    let mut body = value(DISCONNECTED);
    for (log, name) in [
        ("ossec: Agent disconnected: 'web-10.0.0.9'.", "web"),
        ("ossec: Agent disconnected: '004-db.acme.example-2001:db8::4'.", "db.acme.example"),
        ("ossec: Agent disconnected: 'plain'.", "plain"),
    ] {
        body["full_log"] = json!(log);
        assert_eq!(read(&body).asset.unwrap().name.as_deref(), Some(name));
    }
    // A rule of one's own that raises the level is known by the message.
    body["rule"] = json!({ "id": "100504", "level": 12 });
    assert_eq!((read(&body).kind.name, read(&body).severity), ("agent.not_reporting", Severity::High));
    for (rule, kind) in [
        ("501", "agent.reporting"),
        ("505", "agent.removed"),
        ("506", "agent.not_reporting"),
        ("502", "system.service_up"),
    ] {
        let mut body = value(STARTED);
        body["rule"]["id"] = json!(rule);
        assert_eq!(read(&body).kind.name, kind);
    }
}

#[test]
fn a_user_is_the_same_whichever_controller_reports_it() {
    let locked = read(&value(LOCKOUT));
    assert_eq!(
        (locked.kind.name, &*locked.category, &*locked.title),
        ("identity.user_locked_out", "identity", "kim was locked out")
    );
    assert_eq!(locked.user.as_ref().unwrap().uid.as_deref(), Some("S-1-5-21-1-2-3-1104"));
    let mut body = value(LOCKOUT);
    body["rule"] = json!({ "id": "60103", "level": 0 });
    body["agent"] = json!({ "id": "004", "name": "DC2" });
    body["data"]["win"]["system"]["eventID"] = json!("4767");
    body["data"]["win"]["eventdata"]["targetDomainName"] = json!("ACME");
    let unlocked = read(&body);
    assert_eq!((unlocked.kind.name, &unlocked.finding_key), ("identity.user_unlocked", &locked.finding_key));
    body["data"]["win"]["eventdata"] = json!({});
    assert_eq!(refused(&Wazuh, &Value::Null, &body).code, "missing_field");
    let linux = |id: &str| json!({ "rule": { "id": id, "level": 10 }, "agent": { "id": "1", "name": "a" }, "data": { "dstuser": "Kim" } });
    let own = json!({ "lockout_rules": ["100200"], "unlock_rules": ["100201"] });
    let (locked, unlocked) = (event(&Wazuh, &own, &linux("100200")), event(&Wazuh, &own, &linux("100201")));
    assert_eq!(
        (locked.kind.name, unlocked.kind.name),
        ("identity.user_locked_out", "identity.user_unlocked")
    );
    assert_eq!(locked.finding_key, unlocked.finding_key);
    let mut grouped = linux("100300");
    grouped["rule"]["groups"] = json!(["local", "account_locked"]);
    assert_eq!(read(&grouped).kind.name, "identity.user_locked_out");
}

#[test]
fn everything_else_is_a_detection_of_its_rule_agent_and_file() {
    let changed = read(&value(FILE_CHANGED));
    assert_eq!(
        (changed.kind.name, changed.severity, changed.severity_raw.as_deref()),
        ("detection.opened", Severity::Medium, Some("level 7"))
    );
    let mut body = value(FILE_CHANGED);
    body["id"] = json!("9.9");
    body["timestamp"] = json!("2026-03-03T13:00:00.000+0000");
    body["rule"]["description"] = json!("Changed again");
    assert_eq!(read(&body).finding_key, changed.finding_key, "a repetition");
    body["syscheck"]["path"] = json!("/etc/shadow");
    assert_ne!(read(&body).finding_key, changed.finding_key);
    let levels = [(0, Severity::Info), (4, Severity::Low), (12, Severity::High), (15, Severity::Critical)];
    for (level, severity) in levels {
        body["rule"]["level"] = json!(level);
        assert_eq!(read(&body).severity, severity);
    }
}

#[test]
fn checks_fail_and_pass() {
    let failed = read(&value(ASSESSMENT));
    assert_eq!((failed.kind.name, &*failed.category), ("compliance.failed", "compliance"));
    let mut body = value(ASSESSMENT);
    body["data"]["sca"]["check"]["result"] = json!("passed");
    body["data"]["sca"]["scan_id"] = json!("100");
    let passed = read(&body);
    assert_eq!((passed.kind.name, &passed.finding_key), ("compliance.passed", &failed.finding_key));
    body["data"]["sca"]["check"]["result"] = json!("not applicable");
    assert_eq!(refused(&Wazuh, &Value::Null, &body).code, "unknown_kind");
}

#[test]
fn the_customer_comes_from_where_the_settings_say() {
    let client =
        |client: &str, text: &str| event(&Wazuh, &json!({ "client": client }), &value(text)).client_ref;
    assert_eq!(client("cluster", VULNERABILITY).as_deref(), Some("wazuh"));
    assert_eq!(client("label:customer", VULNERABILITY).as_deref(), Some("acme"));
    assert_eq!(client("label:customer", LOCKOUT), None);
    let mut body = value(LOCKOUT);
    body["agent"]["groups"] = json!(["default", "globex"]);
    assert_eq!(event(&Wazuh, &json!({ "client": "group" }), &body).client_ref.as_deref(), Some("globex"));
    for wrong in [
        json!({ "client": "agent" }),
        json!({ "client": "label:" }),
        json!({ "lockout_rules": ["1"], "unlock_rules": ["1"] }),
    ] {
        assert!(Wazuh.check_settings(&wrong).is_err(), "{wrong}");
    }
    assert_eq!(Wazuh.check_settings(&json!({ "client": "label:customer" })), Ok(()));
}

#[test]
fn a_list_of_alerts_is_read_one_by_one() {
    let body = json!([value(STARTED), {}, value(LOCKOUT)]);
    let all = readings(&Wazuh, &Value::Null, &body.to_string());
    assert_eq!(all.iter().map(|one| one.event.is_ok()).collect::<Vec<_>>(), [true, false, true]);
    assert_eq!(all[1].event.as_ref().unwrap_err().pointer, "/1/rule/id");
}

#[test]
fn hostile_bodies_do_no_harm() {
    let all = [VULNERABILITY, DISCONNECTED, STARTED, LOCKOUT, FILE_CHANGED, ASSESSMENT];
    hostile_bodies(&Wazuh, &json!({ "client": "label:customer" }), &all);
}

#[test]
fn real_bodies_are_read() {
    let Some(body) = real("wazuh-integration_generic") else { return };
    let all = events(&Wazuh, &Value::Null, &body);
    assert_eq!(kinds(&all), ["detection.opened"]);
    assert_eq!((&*all[0].finding_key, all[0].severity), ("-/rule/wazuh-X/rule-id/-", Severity::Info));
    let export = refused(&Wazuh, &Value::Null, &value(&real("wazuh-vulnerability_v47_one").unwrap()));
    assert_eq!((export.code, &*export.pointer), ("missing_field", "/rule/id"), "an export is no alert");
}
