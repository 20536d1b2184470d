use entity::Severity;
use serde_json::{Value, json};

use super::*;
use crate::scanners::trials::configured::{events, hostile_bodies, kinds, readings, real, refused};

const VULNERABILITIES: &str = include_str!("examples/vulnerabilities.json");
const CONFIG_AUDIT: &str = include_str!("examples/config_audit.json");
const EXPOSED_SECRET: &str = include_str!("examples/exposed_secret.json");
const CLUSTER_RBAC: &str = include_str!("examples/cluster_rbac.json");

fn vulnerabilities() -> Value {
    serde_json::from_str(VULNERABILITIES).unwrap()
}

fn read(body: &Value) -> Vec<crate::decisions::event::Event> {
    events(&TrivyOperator, &Value::Null, &body.to_string())
}

#[test]
fn a_report_is_its_findings_and_then_a_snapshot_of_its_container() {
    let all = read(&vulnerabilities());
    assert_eq!(kinds(&all), ["finding.opened", "finding.opened", "scan.snapshot"]);
    let (xz, pad, snapshot) = (&all[0], &all[1], &all[2]);
    assert_eq!(
        (xz.severity, xz.client_ref.as_deref(), xz.sequence.as_deref()),
        (Severity::Critical, Some("acme"), Some("48211"))
    );
    assert_eq!((&*xz.category, xz.vulns[0].cve.as_deref()), ("vulnerability", Some("CVE-2024-3094")));
    assert_eq!((xz.vulns[0].cvss[0].score, xz.vulns[0].cvss[0].source.as_deref()), (Some(10.0), Some("nvd")));
    assert_eq!(xz.product.as_ref().unwrap().name.as_deref(), Some("liblzma5"));
    assert_eq!(xz.remediation.as_ref().unwrap().fixed_version.as_deref(), Some("5.6.1+really5.4.5-1"));
    assert_eq!(xz.asset.as_ref().unwrap().name.as_deref(), Some("acme/shop (web)"));
    assert_eq!(xz.labels["image"], "images.example.net/acme/shop:2.1");
    assert_eq!(
        (pad.severity, pad.vulns[0].alt_ids[0].as_str()),
        (Severity::Medium, "GHSA-aaaa-bbbb-cccc"),
        "the worse of two"
    );
    assert!(pad.remediation.is_none());
    let keys: Vec<&str> = [xz, pad].iter().map(|event| event.finding_key.as_str()).collect();
    assert_eq!(snapshot.present, keys);
    for event in &all {
        assert_eq!(
            (&event.scope_key, &event.client_ref),
            (&xz.scope_key, &xz.client_ref),
            "or nothing could close"
        );
    }
    assert!(!xz.occurred_at.unwrap().rfc3339().is_empty());
}

#[test]
fn what_is_gone_from_a_report_is_gone_from_its_snapshot_even_after_a_roll_out() {
    let before = read(&vulnerabilities());
    let mut body = vulnerabilities();
    body["metadata"]["labels"]["trivy-operator.resource.name"] = json!("shop-55fd9c7b4");
    body["metadata"]["resourceVersion"] = json!("50000");
    body["report"]["artifact"] = json!({ "repository": "acme/shop", "tag": "2.2" });
    body["report"]["vulnerabilities"].as_array_mut().unwrap().truncate(1);
    body["report"]["vulnerabilities"][0]["installedVersion"] = json!("5.6.1-1");
    body["report"]["vulnerabilities"][0]["severity"] = json!("HIGH");
    body["report"]["vulnerabilities"][0]["target"] = json!("acme/shop:2.2 (debian 12.5)");
    body["report"]["summary"] = json!({ "highCount": 1 });
    let after = read(&body);
    assert_eq!(kinds(&after), ["finding.opened", "scan.snapshot"]);
    assert_eq!(after[0].finding_key, before[0].finding_key, "the same problem");
    assert_eq!(after[1].scope_key, before[2].scope_key);
    assert_eq!(after[1].present, [before[0].finding_key.clone()]);
    body["report"]["vulnerabilities"] = json!([]);
    body["report"]["summary"] = json!({});
    let clean = read(&body);
    assert_eq!((kinds(&clean), clean[0].present.len()), (vec!["scan.snapshot"], 0));
    body["report"]["vulnerabilities"] = Value::Null; // how Go writes an empty list that was never made
    assert_eq!(kinds(&read(&body)), ["scan.snapshot"]);
}

#[test]
fn a_deleted_report_closes_nothing() {
    let body = json!({ "verb": "delete", "operatorObject": vulnerabilities() });
    let all = readings(&TrivyOperator, &Value::Null, &body.to_string());
    assert_eq!(all.len(), 1);
    assert_eq!(all[0].event.as_ref().unwrap().kind.name, "scan.finished");
    assert!(all[0].event.as_ref().unwrap().present.is_empty());
    assert!(all[0].remarks[0].starts_with("nothing was closed"), "{:?}", all[0].remarks);
    let body = json!({ "verb": "patch", "operatorObject": vulnerabilities() });
    assert_eq!(refused(&TrivyOperator, &Value::Null, &body).code, "unknown_kind");
}

#[test]
fn a_report_that_is_not_whole_closes_nothing_by_absence() {
    let mut body = vulnerabilities();
    body["report"]["vulnerabilities"][0]["vulnerabilityID"] = Value::Null;
    let all = readings(&TrivyOperator, &Value::Null, &body.to_string());
    assert_eq!(all.iter().map(|one| one.event.is_ok()).collect::<Vec<_>>(), [false, true, false]);
    assert_eq!(all[0].event.as_ref().unwrap_err().pointer, "/report/vulnerabilities/0/vulnerabilityID");

    let mut body = vulnerabilities();
    body["report"]["vulnerabilities"] = json!([]);
    let error = refused(&TrivyOperator, &Value::Null, &body);
    assert!(error.problem.contains("counts more"), "{}", error.problem);

    body["report"].as_object_mut().unwrap().remove("vulnerabilities");
    assert_eq!(refused(&TrivyOperator, &Value::Null, &body).code, "missing_field");

    let mut body = vulnerabilities();
    let one = body["report"]["vulnerabilities"][0].clone();
    body["report"]["vulnerabilities"] = Value::Array(vec![one; 20_010]);
    let all = readings(&TrivyOperator, &Value::Null, &body.to_string());
    assert!(
        all.len() < 20_001
            && all.iter().all(|one| one.event.as_ref().ok().is_none_or(|event| event.present.is_empty()))
    );
}

#[test]
fn checks_secrets_and_roles_have_their_own_category_and_scope() {
    let all = events(&TrivyOperator, &Value::Null, CONFIG_AUDIT);
    assert_eq!(kinds(&all), ["finding.opened", "scan.snapshot"], "a check that passed is no finding");
    assert_eq!(
        (&*all[0].finding_key, &*all[0].category),
        ("-/acme/StatefulSet/db/-/check/KSV001", "misconfiguration")
    );
    assert!(all[0].body_md.ends_with("- Container 'db' of StatefulSet 'db' should not allow it"));
    assert_eq!(
        all[0].remediation.as_ref().unwrap().text.as_deref(),
        Some("Set allowPrivilegeEscalation to false.")
    );
    let audit = all[1].scope_key.clone();

    let all = events(&TrivyOperator, &Value::Null, EXPOSED_SECRET);
    assert_eq!((kinds(&all), &*all[0].category), (vec!["finding.opened", "scan.snapshot"], "secret"));
    assert_eq!(all[0].severity, Severity::Critical);
    assert!(!format!("{:?}", all[0]).contains("key=***"), "what was matched is not taken over");
    assert_ne!(all[1].scope_key, audit);

    let all = events(&TrivyOperator, &Value::Null, CLUSTER_RBAC);
    assert_eq!((&*all[0].category, all[0].client_ref.as_deref()), ("misconfiguration", None));
    assert_eq!(all[0].asset.as_ref().unwrap().name.as_deref(), Some("system:controller:everything"));
}

#[test]
fn the_cluster_and_the_customer_come_from_the_settings() {
    let named = json!({ "client": "cluster", "cluster": "prod-1" });
    let with = events(&TrivyOperator, &named, VULNERABILITIES);
    assert_eq!(with[0].client_ref.as_deref(), Some("prod-1"));
    assert_ne!(with[0].finding_key, read(&vulnerabilities())[0].finding_key);
    assert_ne!(with[0].scope_key, read(&vulnerabilities())[0].scope_key);
    let labelled = json!({ "client": "label:resource-spec-hash" });
    assert_eq!(
        events(&TrivyOperator, &labelled, VULNERABILITIES)[2].client_ref.as_deref(),
        Some("6b9f8d7c5")
    );
    for wrong in [
        json!({ "client": "cluster" }),
        json!({ "client": "pod" }),
        json!({ "cluster": " " }),
        json!({ "x": 1 }),
    ] {
        assert!(TrivyOperator.check_settings(&wrong).is_err(), "{wrong}");
    }
    assert_eq!(TrivyOperator.check_settings(&named), Ok(()));
    let sbom = json!({ "kind": "SbomReport", "metadata": { "name": "x" }, "report": {} });
    assert_eq!(refused(&TrivyOperator, &Value::Null, &sbom).kind.as_deref(), Some("SbomReport"));
}

#[test]
fn hostile_bodies_do_no_harm() {
    let all = [VULNERABILITIES, CONFIG_AUDIT, EXPOSED_SECRET, CLUSTER_RBAC];
    hostile_bodies(&TrivyOperator, &json!({ "cluster": "prod-1" }), &all);
}

#[test]
fn real_bodies_are_read() {
    let Some(body) = real("trivy_operator-vulnerabilityreport_extended") else { return };
    let all = events(&TrivyOperator, &Value::Null, &body);
    assert_eq!((all.len(), all[5].kind.name, all[5].present.len()), (6, "scan.snapshot", 5));
    assert_eq!((all[0].severity, all[0].client_ref.as_deref()), (Severity::Medium, Some("lbc")));
    let clean =
        events(&TrivyOperator, &Value::Null, &real("trivy_operator-vulnerabilityreport_clean").unwrap());
    assert_eq!((kinds(&clean), clean[0].present.len()), (vec!["scan.snapshot"], 0));
    let audit = events(&TrivyOperator, &Value::Null, &real("trivy_operator-configauditreport_one").unwrap());
    assert_eq!(audit[0].finding_key, "-/default/ReplicaSet/nginx-deployment/-/check/KSV014");
    let deleted = events(&TrivyOperator, &Value::Null, &real("trivy_operator-webhook_delete").unwrap());
    assert_eq!(kinds(&deleted), ["scan.finished"]);
}
