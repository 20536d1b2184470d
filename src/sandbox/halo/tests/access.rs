//! Tokens, scopes, rights and the rate window.

use serde_json::{Value, json};

use super::Scene;
use crate::sandbox::{
    frame::{Right, Sandbox as _},
    halo::HaloOptions,
};

#[tokio::test]
async fn discovery_needs_no_token_and_leads_to_the_token_endpoint() {
    let scene = Scene::usual().await;
    let (status, info) =
        super::read(scene.http.get(format!("{}/API/AuthInfo", scene.halo.url())).send().await.unwrap()).await;
    assert_eq!((status, &info["tenant_id"]), (200, &json!(scene.credential("tenant"))));
    assert_eq!(info["auth_url"], format!("{}/auth/", scene.halo.url()));
    assert_eq!(scene.get("/auth/.well-known/openid-configuration").await.0, 200);
}

#[tokio::test]
async fn a_token_wants_the_right_id_secret_and_tenant() {
    let scene = Scene::usual().await;
    let secret = scene.credential("client_secret");
    let (status, answer) = scene.sign_in(&secret, "all", "?tenant=sandbox").await;
    assert_eq!((status, &answer["token_type"], &answer["scope"]), (200, &json!("Bearer"), &json!("all")));
    assert_eq!(answer["expires_in"], 3600);
    let (status, answer) = scene.sign_in("wrong", "all", "").await;
    assert_eq!((status, &answer["error"]), (401, &json!("invalid_client")));
    assert_eq!(scene.sign_in(&secret, "all", "?tenant=other").await.0, 400);
    let request = scene.http.post(format!("{}/auth/token", scene.halo.url()));
    let json = request.json(&json!({ "grant_type": "client_credentials" })).send().await.unwrap();
    assert_eq!(json.status(), 400);
}

#[tokio::test]
async fn a_token_runs_out_by_the_clock() {
    let scene = Scene::usual().await;
    assert_eq!(scene.get("/api/Status").await.0, 200);
    scene.clock.advance_secs(3600);
    assert_eq!(scene.get("/api/Status").await, (401, Value::Null));
}

#[tokio::test]
async fn a_missing_scope_or_right_is_an_empty_403() {
    let mut scene = Scene::usual().await;
    scene.halo.with(|world| world.deny_resources(&["Client"]));
    assert_eq!(scene.get("/api/Client").await, (403, Value::Null));
    scene.halo.with(|world| world.deny_resources(&[]));
    assert_eq!(scene.get("/api/Client").await.0, 200);

    scene.halo.with(|world| world.set_scope("read:tickets read:customers"));
    let (_, answer) = scene.sign_in(&scene.credential("client_secret"), "all", "").await;
    assert_eq!(answer["scope"], "read:tickets read:customers");
    scene.token = answer["access_token"].as_str().unwrap().to_owned();
    assert_eq!(scene.post("/api/Tickets", &json!([{ "summary": "x" }])).await, (403, Value::Null));
    assert_eq!(scene.get("/api/Webhook").await, (403, Value::Null));
    assert_eq!(scene.get("/api/Tickets").await.0, 200);
}

#[tokio::test]
async fn rights_are_scopes_or_the_agents_own_and_come_back() {
    let scene = Scene::usual().await;
    let id = scene.ticket("m-1").await;
    let close = json!([{ "id": id, "status_id": 9 }]);
    let note = json!([{ "ticket_id": id, "note": "Done", "outcome_id": 7, "new_status": 9 }]);
    for (right, path) in [
        (Right::Companies, "/api/Client"),
        (Right::Contacts, "/api/Users"),
        (Right::ReadTickets, "/api/Tickets"),
        (Right::Configurations, "/api/Asset"),
        (Right::Billing, "/api/RecurringInvoice"),
        (Right::Webhooks, "/api/Webhook"),
        (Right::PickLists, "/api/Status"),
    ] {
        assert!(scene.halo.deny(&[right]));
        assert_eq!(scene.get(path).await, (403, Value::Null), "{right:?}");
        assert!(scene.halo.deny(&[]));
        assert_eq!(scene.get(path).await.0, 200, "{right:?}");
    }
    assert!(scene.halo.deny(&[Right::WriteTickets]));
    assert_eq!(scene.post("/api/Tickets", &close).await, (403, Value::Null));
    assert_eq!(scene.get("/api/Tickets").await.0, 200);
    assert!(scene.halo.deny(&[Right::CloseTickets]));
    assert_eq!(scene.post("/api/Tickets", &close).await.0, 400);
    assert_eq!(scene.post("/api/Actions", &note).await.0, 400);
    assert!(!scene.halo.ledger()[0].closed);
    assert!(scene.halo.deny(&[]));
    assert_eq!(scene.post("/api/Tickets", &close).await.0, 201);
}

#[tokio::test]
async fn the_rate_window_rolls_with_the_clock() {
    let scene =
        Scene::start(HaloOptions { rate_limit: 3, retry_after: true, ..HaloOptions::default() }).await;
    for _ in 0..3 {
        assert_eq!(scene.get("/api/Team").await.0, 200);
    }
    let answer = scene.request("GET", "/api/Team").send().await.unwrap();
    assert_eq!(answer.status(), 429);
    assert_eq!(answer.headers()["retry-after"], "301");
    let text = answer.text().await.unwrap();
    assert_eq!(text, "Rate Limit Reached - 3 Requests per rolling 5 minute window");
    scene.clock.advance_secs(299);
    assert_eq!(scene.get("/api/Team").await.0, 429);
    scene.clock.advance_secs(1);
    assert_eq!(scene.get("/api/Team").await.0, 200);
    let calls = scene.halo.requests();
    assert_eq!(calls.iter().filter(|call| call.status == 429).count(), 2);
}

#[tokio::test]
async fn it_listens_on_loopback_and_several_run_at_a_time() {
    let (one, two) = (Scene::usual().await, Scene::usual().await);
    assert!(one.halo.url().starts_with("http://127.0.0.1:"));
    one.ticket("only here").await;
    assert_eq!((one.halo.ledger().len(), two.halo.ledger().len()), (1, 0));
    let url = one.halo.url();
    Box::new(one.halo).stop().await;
    assert!(one.http.get(url).send().await.is_err());
}
