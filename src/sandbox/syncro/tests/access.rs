//! Host, token, permissions, the limit, and faults.

use serde_json::json;

use super::{Scene, read};
use crate::sandbox::{
    frame::{Fault, FaultKind, Right, Sandbox},
    syncro::{SyncroOptions, WrongSubdomain},
};

const NO_PERMISSION: &str = "Not authorized. Please ask account admin to update your group permissions.";

#[tokio::test]
async fn every_path_asks_for_the_token_first() {
    let scene = Scene::usual().await;
    let url = scene.sandbox.url();
    for (method, path) in [("GET", "/api/v1/me"), ("POST", "/api/v1/tickets"), ("GET", "/api/v1/nothing")] {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let plain = scene.http.request(method.clone(), format!("{url}{path}"));
        assert_eq!(read(plain).await, (401, json!({ "error": "Unauthorized" })), "{path}");
        let in_url = scene.http.request(method, format!("{url}{path}?api_key={}", scene.token));
        assert_eq!(read(in_url).await.0, 401, "a token in the address is no token: {path}");
    }
    let doubled = scene.http.get(format!("{url}/api/v1/me")).bearer_auth(format!("Bearer {}", scene.token));
    assert_eq!(read(doubled).await.0, 401);
    assert_eq!(scene.get("/nothing").await, (404, json!({ "error": "Not found" })));
    assert_eq!(scene.put("/customers", &json!({})).await.0, 404, "a verb that a path does not have");
    let (status, page) = read(scene.request("GET", "/tickets/1")).await;
    assert!(status == 404 && page.as_str().unwrap().contains("<html>"), "beside the API are pages");
}

#[tokio::test]
async fn a_wrong_subdomain_is_a_page_for_people() {
    let at = |scene: &Scene, host: &str| read(scene.request("GET", "/api/v1/me").header("host", host));
    let scene = Scene::usual().await;
    assert_eq!(at(&scene, "quayside-it.syncromsp.com").await.0, 200);
    let (status, page) = at(&scene, "quayside.syncromsp.com").await;
    assert!(status == 404 && page.as_str().unwrap().contains("<html>"));
    for (wrong_subdomain, status) in [(WrongSubdomain::Redirect, 302), (WrongSubdomain::Page, 200)] {
        let scene = Scene::start(SyncroOptions { wrong_subdomain, ..SyncroOptions::default() }).await;
        let (answered, page) = at(&scene, "nobody.syncromsp.com").await;
        assert!(answered == status && page.is_string());
    }
}

#[tokio::test]
async fn a_missing_permission_is_401_in_its_own_words() {
    let scene = Scene::usual().await;
    let id = scene.ticket("Disk full").await;
    assert!(scene.sandbox.deny(&[Right::ReadTickets]));
    for path in ["/tickets".to_owned(), format!("/tickets/{id}"), format!("/tickets/{id}/comments")] {
        assert_eq!(scene.get(&path).await, (401, json!({ "error": NO_PERMISSION })), "{path}");
    }
    let (status, me) = scene.get("/me").await;
    assert_eq!(
        (status, &me["permissions"]["ticket"]),
        (
            200,
            &json!({
                "read": false, "write": true, "delete": false,
            })
        )
    );
    assert!(me["user_token"].is_string() && me["subdomain"] == "quayside-it");
    assert_eq!(scene.get("/customers").await.0, 200, "the other permissions are there");

    assert!(scene.sandbox.deny(&[Right::Companies]));
    assert_eq!((scene.get("/customers").await.0, scene.get("/contacts").await.0), (401, 401));
    assert_eq!((scene.get("/tickets").await.0, scene.get("/tickets/settings").await.0), (200, 200));
    assert!(scene.sandbox.deny(&[Right::WriteTickets, Right::Billing]));
    let closing = scene.put(&format!("/tickets/{id}"), &json!({ "status": "Resolved" })).await;
    assert_eq!((closing.0, scene.get("/schedules").await.0), (401, 401));
    for right in [Right::CloseTickets, Right::PickLists, Right::Webhooks] {
        assert!(!scene.sandbox.deny(&[right]), "{right:?} cannot be taken by itself");
    }
    assert!(scene.sandbox.deny(&[]));
    let (status, gone) = read(scene.request("DELETE", &format!("/api/v1/tickets/{id}"))).await;
    assert_eq!((status, &gone["error"]), (401, &json!(NO_PERMISSION)), "the token may not delete");
}

#[tokio::test]
async fn the_minute_has_180_requests_and_no_header_says_so() {
    let scene = Scene::usual().await;
    for _ in 0..179 {
        assert_eq!(scene.get("/users").await.0, 200);
    }
    scene.clock.advance_secs(30);
    assert_eq!(scene.get("/users").await.0, 200);
    let refused = scene.request("GET", "/api/v1/users").send().await.unwrap();
    assert_eq!(refused.status().as_u16(), 429);
    let told = ["retry-after", "x-ratelimit-limit", "x-ratelimit-remaining"];
    assert!(told.iter().all(|name| !refused.headers().contains_key(*name)));
    let stranger = scene.http.get(format!("{}/api/v1/users", scene.sandbox.url()));
    assert_eq!(read(stranger).await.0, 429, "the limit is the address's, not the token's");
    scene.clock.advance_secs(30);
    for _ in 0..179 {
        assert_eq!(scene.get("/users").await.0, 200);
    }
    assert_eq!(scene.get("/users").await.0, 429, "the minute slides");
}

#[tokio::test]
async fn faults_speak_as_the_vendor_does() {
    let scene = Scene::usual().await;
    let body = json!({ "customer_id": scene.northwind().await, "subject": "Twice?" });
    let fault = |kind| scene.sandbox.fault(Fault::once("POST /api/v1/tickets", kind));
    fault(FaultKind::ErrorAfterCommit { status: 502 });
    let (status, page) = scene.post("/tickets", &body).await;
    assert!(status == 502 && page.as_str().unwrap().contains("<html>"));
    assert_eq!(scene.sandbox.ledger().len(), 1, "the work was done");
    fault(FaultKind::Refuse { message: "Subject is banned".to_owned() });
    let refused = json!({ "success": false, "message": ["Subject is banned"] });
    assert_eq!(scene.post("/tickets", &body).await, (422, refused));
    fault(FaultKind::HiddenError);
    let (status, hidden) = scene.post("/tickets", &body).await;
    assert_eq!((status, &hidden["success"]), (200, &json!(false)));
    fault(FaultKind::Empty403);
    assert_eq!(scene.post("/tickets", &body).await, (401, json!({ "error": NO_PERMISSION })));
    fault(FaultKind::SearchLag { ms: 60_000 });
    let (_, made) = scene.post("/tickets", &body).await;
    let (_, listed) = scene.get("/tickets").await;
    assert_eq!(listed["tickets"].as_array().unwrap().len(), 1, "not listed yet");
    assert_eq!(scene.get(&format!("/tickets/{}", made["ticket"]["id"])).await.0, 200);
    scene.clock.advance_secs(60);
    assert_eq!(scene.get("/tickets").await.1["tickets"].as_array().unwrap().len(), 2);
    assert_eq!(scene.sandbox.ledger().len(), 2);
}
