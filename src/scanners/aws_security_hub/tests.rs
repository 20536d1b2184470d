use entity::Severity;
use serde_json::{Value, json};

use super::*;
use crate::{
    decisions::event::{CloseReason, Event},
    scanners::trials::configured::{event, events, hostile_bodies, kinds, readings, real, refused},
};

const IMPORTED: &str = include_str!("examples/imported.json");
const CONTROL: &str = include_str!("examples/control.json");

fn value(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn notification(message: &str) -> Value {
    json!({
        "Type": "Notification", "MessageId": "m-1", "TopicArn": "arn:aws:sns:eu-central-1:111122223333:hub",
        "Message": message, "Timestamp": "2026-02-03T10:00:11Z", "SignatureVersion": "1", "Signature": "c2ln",
    })
}

fn control(changes: &Value) -> Event {
    let mut body = value(CONTROL);
    for (name, value) in changes.as_object().unwrap() {
        body[name] = value.clone();
    }
    event(&AwsSecurityHub, &Value::Null, &body)
}

#[test]
fn every_wrapping_gives_the_same_event() {
    let finding = value(IMPORTED)["detail"]["findings"][0].clone();
    let wrapped = [
        value(IMPORTED),
        notification(IMPORTED),
        notification(&finding.to_string()),
        finding.clone(),
        json!({ "findings": [finding] }),
        json!({ "Findings": [finding] }),
        json!([finding]),
    ];
    let all: Vec<Event> = wrapped.iter().map(|body| event(&AwsSecurityHub, &Value::Null, body)).collect();
    for event in &all {
        assert_eq!(format!("{event:?}"), format!("{:?}", all[0]));
    }
    let found = &all[0];
    assert_eq!(
        (found.kind.name, found.severity, found.client_ref.as_deref()),
        ("finding.opened", Severity::High, Some("111122223333"))
    );
    assert_eq!(found.finding_key, "arn:aws:inspector2:eu-central-1:111122223333:finding/0001");
    assert_eq!(
        (&*found.category, found.sequence.as_deref()),
        ("vulnerability", Some("2026-02-03T10:00:00Z"))
    );
    let vuln = &found.vulns[0];
    assert_eq!((vuln.cve.as_deref(), vuln.exploit_known), (Some("CVE-2024-3094"), Some(true)));
    assert_eq!((vuln.epss.as_ref().unwrap().score, vuln.cvss[0].score), (Some(0.85), Some(10.0)));
    assert_eq!(found.asset.as_ref().unwrap().name.as_deref(), Some("build-1"));
    assert_eq!(found.remediation.as_ref().unwrap().fixed_version.as_deref(), Some("0:5.6.2-1"));
    assert_eq!(found.labels["tag.customer"], "acme");
}

#[test]
fn people_and_products_close_and_dismiss_for_their_own_reasons() {
    let open = control(&json!({}));
    assert_eq!((open.kind.name, &*open.category), ("compliance.failed", "compliance"));
    for (changes, kind, reason) in [
        (json!({ "Workflow": { "Status": "NOTIFIED" } }), "compliance.failed", None),
        (json!({ "Workflow": { "Status": "RESOLVED" } }), "compliance.passed", Some(CloseReason::Fixed)),
        (
            json!({ "Workflow": { "Status": "SUPPRESSED" } }),
            "finding.dismissed",
            Some(CloseReason::Suppressed),
        ),
        (
            json!({ "Workflow": { "Status": "SUPPRESSED" }, "RecordState": "ARCHIVED" }),
            "finding.dismissed",
            Some(CloseReason::Suppressed),
        ),
        (json!({ "RecordState": "ARCHIVED" }), "compliance.passed", Some(CloseReason::Expired)),
        (json!({ "Compliance": { "Status": "PASSED" } }), "compliance.passed", Some(CloseReason::Fixed)),
        (json!({ "Compliance": { "Status": "NOT_AVAILABLE" } }), "finding.updated", None),
        (json!({ "Compliance": { "Status": "WARNING" } }), "compliance.failed", None),
    ] {
        let said = control(&changes);
        assert_eq!((said.kind.name, said.close_reason), (kind, reason), "{changes}");
        assert_eq!(said.finding_key, open.finding_key);
    }
    let mut inspector = value(IMPORTED);
    inspector["detail"]["findings"][0]["RecordState"] = json!("ARCHIVED");
    inspector["detail"]["findings"][0]["ProductFields"]["aws/inspector/FindingStatus"] = json!("CLOSED");
    let closed = event(&AwsSecurityHub, &Value::Null, &inspector);
    assert_eq!((closed.kind.name, closed.close_reason), ("finding.resolved", Some(CloseReason::Fixed)));
}

#[test]
fn severity_is_the_label_or_the_number() {
    let severity = |severity: Value| control(&json!({ "Severity": severity })).severity;
    assert_eq!(severity(json!({ "Label": "INFORMATIONAL" })), Severity::Info);
    assert_eq!(severity(json!({ "Normalized": 90 })), Severity::Critical);
    assert_eq!(severity(json!({ "Normalized": 39 })), Severity::Low);
    assert_eq!(severity(Value::Null), Severity::Unknown);
}

#[test]
fn findings_in_ocsf_are_read_by_its_own_reader() {
    let finding = json!({
        "class_uid": 2004, "activity_id": 1, "severity_id": 4, "time": 1_770_112_800_000_i64,
        "finding_info": { "uid": "arn:x", "title": "Odd call" }, "cloud": { "account": { "uid": "1" } },
        "unmapped": { "RecordState": "ARCHIVED" },
    });
    let body = json!({ "detail-type": "Findings Imported V2", "detail": { "findings": [finding] } });
    let found = event(&AwsSecurityHub, &Value::Null, &notification(&body.to_string()));
    assert_eq!((found.kind.name, &*found.source), ("detection.closed", "aws_security_hub"));
}

#[test]
fn handshakes_say_nothing_and_other_events_are_recorded() {
    for kind in ["SubscriptionConfirmation", "UnsubscribeConfirmation"] {
        let body = json!({ "Type": kind, "TopicArn": "arn:aws:sns:x", "Token": "t", "SubscribeURL": "https://sns.x" });
        assert!(readings(&AwsSecurityHub, &Value::Null, &body.to_string()).is_empty());
    }
    let guardduty = json!({ "detail-type": "GuardDuty Finding", "detail": { "id": "x" } });
    let error = refused(&AwsSecurityHub, &Value::Null, &guardduty);
    assert_eq!((error.code, error.kind.as_deref()), ("unknown_kind", Some("GuardDuty Finding")));
    let text = refused(&AwsSecurityHub, &Value::Null, &notification("hello"));
    assert_eq!((text.code, &*text.pointer), ("invalid_json", "/Message"));
    let mut two = value(IMPORTED);
    let good = two["detail"]["findings"][0].clone();
    two["detail"]["findings"] = json!([{ "AwsAccountId": "1" }, good]);
    let all = readings(&AwsSecurityHub, &Value::Null, &notification(&two.to_string()).to_string());
    let first = all[0].event.as_ref().unwrap_err();
    assert_eq!(first.pointer, "/Message");
    assert!(first.problem.starts_with("at /detail/findings/0/Id"), "{}", first.problem);
    assert!(all[1].event.is_ok());
}

#[test]
fn hostile_bodies_do_no_harm() {
    let wrapped = notification(IMPORTED).to_string();
    hostile_bodies(&AwsSecurityHub, &Value::Null, &[IMPORTED, CONTROL, &wrapped]);
}

#[test]
fn real_bodies_are_read() {
    let Some(body) = real("asff-guardduty-detection_finding") else { return };
    let all = events(&AwsSecurityHub, &Value::Null, &body);
    assert_eq!(
        (kinds(&all), all[0].severity, all[0].client_ref.as_deref()),
        (vec!["detection.opened"], Severity::Low, Some("111111111111"))
    );
    let all = events(&AwsSecurityHub, &Value::Null, &real("asff-inspector_ec2_ghsa").unwrap());
    assert_eq!(
        (kinds(&all), all[0].vulns[0].cve.as_deref()),
        (vec!["finding.opened"], Some("CVE-2023-34256"))
    );
    assert_eq!(all[0].asset.as_ref().unwrap().name.as_deref(), Some("eks01-testers"));
    let all = events(&AwsSecurityHub, &Value::Null, &real("asff-config_one_active").unwrap());
    assert_eq!((kinds(&all), all[0].severity), (vec!["compliance.failed"], Severity::Medium));
    assert!(all[0].finding_key.ends_with("/IAM.5/finding/de861909-2d26-4e45-bd86-19d2ab6ceef1"));
    // The same detection in both formats has the same identity.
    let ocsf = events(&AwsSecurityHub, &Value::Null, &real("ocsf-guardduty-detection_finding").unwrap());
    let asff = events(&AwsSecurityHub, &Value::Null, &body);
    assert_eq!(ocsf[0].finding_key, asff[0].finding_key);
}
