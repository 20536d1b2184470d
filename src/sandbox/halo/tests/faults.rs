//! What goes wrong on demand.

use serde_json::{Value, json};

use super::Scene;
use crate::sandbox::frame::{Doubling, Fault, FaultKind, Sandbox as _};

const CREATE: &str = "POST /api/Tickets";

#[tokio::test]
async fn a_dropped_connection_does_or_does_not_leave_a_ticket() {
    let scene = Scene::usual().await;
    scene.halo.fault(Fault::once("post /API/tickets", FaultKind::DropAfterCommit));
    let body = json!([{ "summary": "Lost answer", "supplier_reference": "m-1" }]);
    assert!(scene.request("POST", "/api/Tickets").json(&body).send().await.is_err());
    assert_eq!(scene.halo.ledger()[0].marker.as_deref(), Some("m-1"));
    scene.halo.fault(Fault::once(CREATE, FaultKind::DropBeforeCommit));
    assert!(scene.request("POST", "/api/Tickets").json(&body).send().await.is_err());
    assert_eq!(scene.halo.ledger().len(), 1);
    let cut = scene.halo.requests().into_iter().filter(|call| call.status == 0).count();
    assert_eq!(cut, 2);
}

#[tokio::test]
async fn search_lags_by_the_clock_while_the_ticket_itself_is_there() {
    let scene = Scene::usual().await;
    scene.halo.fault(Fault::once(CREATE, FaultKind::SearchLag { ms: 90_000 }));
    let id = scene.ticket("m-1").await;
    let path = "/api/Tickets?search_supplier_reference=m-1";
    assert_eq!(scene.get(path).await.1["record_count"], 0);
    assert_eq!(scene.get(&format!("/api/Tickets/{id}")).await.0, 200);
    scene.clock.advance_secs(90);
    assert_eq!(scene.get(path).await.1["record_count"], 1);
}

#[tokio::test]
async fn answers_are_bent_after_the_work_is_done() {
    let scene = Scene::usual().await;
    let body = json!([{ "summary": "x" }]);
    scene.halo.fault(Fault::once(CREATE, FaultKind::DuplicateAnswer { form: Doubling::Twice }));
    assert_eq!(scene.post("/api/Tickets", &body).await.1.as_array().unwrap().len(), 2);
    scene.halo.fault(Fault::once(CREATE, FaultKind::ErrorAfterCommit { status: 504 }));
    assert_eq!(scene.post("/api/Tickets", &body).await.0, 504);
    scene.halo.fault(Fault::once(CREATE, FaultKind::HugeBody { bytes: 100_000 }));
    let huge = scene.request("POST", "/api/Tickets").json(&body).send().await.unwrap();
    assert_eq!(huge.bytes().await.unwrap().len(), 100_000);
    scene.halo.fault(Fault::once(CREATE, FaultKind::TruncatedBody));
    let half = scene.request("POST", "/api/Tickets").json(&body).send().await.unwrap();
    assert!(half.text().await.is_err());
    assert_eq!(scene.halo.ledger().len(), 4);
}

#[tokio::test]
async fn faults_come_over_http_are_counted_and_cleared() {
    let scene = Scene::usual().await;
    let faults = json!([
        { "on": "GET /api/Tickets", "kind": "error_before_commit", "status": 502, "times": 2 },
        { "on": "GET /api/Team", "kind": "empty_403", "times": null },
        { "on": "GET /api/SLA", "kind": "rate_limited", "retry_after": 7 },
        { "on": "GET /api/Site", "kind": "expired_token", "status": 400 },
        { "on": "GET /api/Users", "kind": "html" },
        { "on": "GET /api/Agent", "kind": "redirect", "skip": 1 },
        { "on": "*", "kind": "delay", "ms": 1 },
    ]);
    assert_eq!(scene.post("/_faults", &faults).await.0, 200);
    assert_eq!(scene.get("/api/Tickets").await.0, 502);
    assert_eq!(scene.get("/api/Tickets").await.0, 502);
    assert_eq!(scene.get("/api/Tickets").await.0, 200);
    assert_eq!(scene.get("/api/Team").await, (403, Value::Null));
    assert_eq!(scene.get("/api/SLA").await.0, 429);
    assert_eq!(scene.get("/api/Site").await.0, 400);
    assert!(scene.get("/api/Users").await.1.as_str().unwrap().contains("<html>"));
    assert_eq!(scene.get("/api/Agent").await.0, 200);
    assert_eq!(scene.get("/api/Agent").await.0, 302);
    assert_eq!(scene.request("DELETE", "/_faults").send().await.unwrap().status(), 204);
    assert_eq!(scene.get("/api/Team").await.0, 200);
    assert_eq!(scene.post("/_faults", &json!({ "on": "*", "kind": "nonsense" })).await.0, 400);
}

#[tokio::test]
async fn while_halo_is_away_every_connection_is_cut() {
    let scene = Scene::usual().await;
    scene.halo.down(true);
    assert!(scene.request("GET", "/api/Team").send().await.is_err());
    assert!(scene.request("GET", "/api/authinfo").send().await.is_err());
    assert_eq!(scene.get("/_ledger/tickets").await.0, 200);
    scene.halo.down(false);
    assert_eq!(scene.get("/api/Team").await.0, 200);
}
