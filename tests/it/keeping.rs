//! What came and went is kept for a while, and then goes; what people still need stays.

use psa_gateway::sandbox::frame::Sandbox as _;
use serde_json::{Value, json};

use crate::support::{TestApp, finding, text};

const DAY: i64 = 86_400;

/// A delivery as a dashboard shows it.
async fn shown(app: &TestApp, delivery: &str) -> Value {
    let query = "query($id: ID!) { node(id: $id) { ... on WebhookDelivery {
        state payloadText payload payloadRemovedAt headers { name }
        events(first: 5) { nodes { outcome reason explanation steps { step result } } }
        trace { stage result explanation } } } }";
    app.graphql(query, json!({ "id": delivery })).await["node"].clone()
}

/// What a delivery's trace says at a stage, in words.
fn said(shown: &Value, stage: &str) -> Vec<String> {
    let steps = shown["trace"].as_array().expect("a trace").iter();
    let at = steps.filter(|step| step["stage"] == stage);
    at.map(|step| format!("{}: {}", text(step, "/result"), step["explanation"].as_str().unwrap_or("")))
        .collect()
}

/// How many entries an organization's audit log has of this kind.
async fn audited(app: &TestApp, organization: &str, action: &str) -> usize {
    let query = "query($id: ID!) { node(id: $id) { ... on Organization { auditLog(last: 100) { nodes { action } } } } }";
    let data = app.graphql(query, json!({ "id": organization })).await;
    let entries = data["node"]["auditLog"]["nodes"].as_array().expect("entries").iter();
    entries.filter(|entry| entry["action"] == action).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_then_attempts_then_events_go_and_tickets_audit_and_reasons_stay() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.ready().await;
    acme.customer_without_ticketing("Harbour Legal", "harbor").await;
    let opening = acme.posts_as("msg_1", &finding("CVE-1").now()).await.delivery().to_owned();
    app.pass(60).await;
    let repeating = acme.posts_as("msg_2", &finding("CVE-1").at(2)).await.delivery().to_owned();
    let suppressed = acme.posts(&finding("CVE-2").of("harbor")).await.delivery().to_owned();
    let held = acme.posts(&finding("CVE-3").of("unknown-ltd")).await.delivery().to_owned();
    let dead = acme.posts_raw(b"this is no event").await.delivery().to_owned();
    app.pass(60).await;
    assert_eq!(app.halo.ledger().len(), 1);
    let before = shown(&app, &opening).await;
    assert!(text(&before, "/payloadText").contains("CVE-1"), "{before:#}");
    assert_eq!(before["payloadRemovedAt"], Value::Null);
    assert!(!said(&before, "ATTEMPT").is_empty(), "{before:#}");
    let changes = audited(&app, &acme.organization, "companyMappingSet").await;
    assert!(changes > 0);

    app.pass(31 * DAY).await;
    for delivery in [&opening, &repeating, &suppressed] {
        let after = shown(&app, delivery).await;
        assert_eq!(
            (&after["payloadText"], &after["payload"], &after["headers"]),
            (&Value::Null, &Value::Null, &json!([]))
        );
        assert!(after["payloadRemovedAt"].is_string(), "{after:#}");
        let remarks = said(&after, "REMARK");
        assert!(
            remarks.iter().any(|words| words.contains("body removed: its headers and body were removed 3")),
            "{remarks:?}"
        );
    }
    let after = shown(&app, &opening).await;
    assert_eq!(after["events"], before["events"], "why there is a ticket is still told");
    assert_eq!(said(&after, "ATTEMPT"), said(&before, "ATTEMPT"));
    let why = shown(&app, &suppressed).await;
    assert_eq!(why["events"]["nodes"][0]["outcome"], "SUPPRESSED", "why there is none, too: {why:#}");
    for (delivery, state) in [(&held, "UNDERSTOOD"), (&dead, "DEAD")] {
        let kept = shown(&app, delivery).await;
        assert_eq!((&kept["state"], &kept["payloadRemovedAt"]), (&json!(state), &Value::Null), "{kept:#}");
        assert!(kept["payloadText"].is_string(), "somebody may mend it: {kept:#}");
    }
    let redrive =
        app.asks("webhookDeliveryRedrive", "webhookDelivery { id }", json!({ "id": opening })).await;
    let problem = &redrive["data"]["webhookDeliveryRedrive"]["userErrors"][0];
    assert_eq!(problem["code"], "WRONG_STATE", "{redrive:#}");
    assert!(text(problem, "/message").contains("have the sender send what matters again"), "{redrive:#}");
    let metrics = app.metrics().await;
    assert!(metrics.contains("psa_gateway_trimmed_total{what=\"delivery_bodies\"}"), "{metrics}");

    // A sender that is very late: known again, though nothing of it is left to compare.
    let again = acme.posts_as("msg_1", &finding("CVE-1")).await;
    assert_eq!(again.delivery(), opening);
    app.pass(60).await;
    assert_eq!(app.halo.ledger().len(), 1);
    // What was held goes on once it is mended.
    acme.customer("Cedar Hill Logistics", "unknown-ltd").await;
    app.pass(60).await;
    assert_eq!(app.halo.ledger().len(), 2, "its body was there");

    app.pass(61 * DAY).await;
    let after = shown(&app, &opening).await;
    assert_eq!(said(&after, "ATTEMPT"), Vec::<String>::new());
    let remarks = said(&after, "REMARK");
    assert!(remarks.iter().any(|words| words.contains("attempts removed")), "{remarks:?}");
    assert!(!said(&after, "OPERATION").is_empty() && !said(&after, "TICKET").is_empty(), "{after:#}");
    assert_eq!(acme.attempts_of_creation().await, Vec::<String>::new());

    app.pass(320 * DAY).await;
    assert_eq!(shown(&app, &suppressed).await, Value::Null, "it told only why there is no ticket, long ago");
    assert_eq!(shown(&app, &repeating).await, Value::Null);
    assert_eq!(shown(&app, &opening).await["events"]["nodes"][0]["outcome"], "OPENED");
    assert!(shown(&app, &dead).await["payloadText"].is_string());
    assert_eq!(acme.tickets().await.len(), 2);
    assert_eq!(acme.findings().await.len(), 3);
    assert_eq!(audited(&app, &acme.organization, "companyMappingSet").await, changes + 1);
    // Later than anybody is: its finding is still known, and on its ticket.
    let again = acme.posts_as("msg_2", &finding("CVE-1").at(2)).await;
    assert_ne!(again.delivery(), repeating, "this one is nowhere any more");
    app.pass(60).await;
    assert_eq!(app.halo.ledger().len(), 2);
    assert_eq!(acme.tickets().await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn for_ever_is_for_ever() {
    let settings = [("keep_deliveries_days", "0"), ("keep_attempts_days", "0"), ("keep_events_days", "0")];
    let settings: Vec<_> = settings.to_vec();
    let app = TestApp::start_with(&settings).await;
    let acme = app.msp("acme").await.ready().await;
    let delivery = acme.posts(&finding("CVE-1").now()).await.delivery().to_owned();
    app.pass(60).await;
    let before = shown(&app, &delivery).await;
    app.pass(500 * DAY).await;
    assert_eq!(shown(&app, &delivery).await, before);
}
