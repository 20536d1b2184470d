//! What a sender meets at the webhook door.

use psa_gateway::sandbox::frame::Sandbox as _;
use reqwest::StatusCode;
use serde_json::json;

use crate::support::{TestApp, finding};

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_signature_is_refused_and_nothing_is_stored() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.ready().await;

    let posted =
        acme.posts_signed_with("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", &finding("CVE-1")).await;

    assert_eq!(posted.status, StatusCode::UNAUTHORIZED);
    assert!(acme.deliveries().await.is_empty());
    assert!(app.metrics().await.contains("unauthorized"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_signature_is_refused_by_the_clock_of_the_gateway() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.ready().await;
    let request = acme.signed(&finding("CVE-1"));
    app.clock.advance_secs(301);
    assert_eq!(request.send().await.unwrap().status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test(flavor = "multi_thread")]
async fn svix_names_of_the_headers_are_taken_too() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.ready().await;
    acme.posts_with_svix_names(&finding("CVE-1")).await.is_accepted();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_nobody_has_is_404_and_other_methods_are_405() {
    let app = TestApp::start().await;
    let answer = app.http.post(app.url("/webhooks/nobody")).body("{}").send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::NOT_FOUND);
    let answer = app.http.get(app.url("/webhooks/nobody")).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test(flavor = "multi_thread")]
async fn too_long_and_compressed_bodies_are_named_as_such() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.ready().await;
    let long = app.http.post(acme.webhook_url()).body(vec![b' '; 2 * 1024 * 1024]).send().await.unwrap();
    assert_eq!(long.status(), StatusCode::PAYLOAD_TOO_LARGE);
    let packed =
        app.http.post(acme.webhook_url()).header("content-encoding", "gzip").body("x").send().await.unwrap();
    assert_eq!(packed.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_trickles_is_cut_off() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let app = TestApp::start_with(&[("webhook_body_timeout_secs", "1")]).await;
    let mut socket = tokio::net::TcpStream::connect(app.app.address()).await.unwrap();
    let head = "POST /webhooks/x HTTP/1.1\r\nhost: gateway\r\ncontent-length: 100\r\n\r\n{";
    socket.write_all(head.as_bytes()).await.unwrap();
    let mut answer = vec![0; 64];
    let read = socket.read(&mut answer).await.unwrap();
    assert!(String::from_utf8_lossy(&answer[..read]).starts_with("HTTP/1.1 408"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_accepted_and_says_what_was_wrong_where() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.ready().await;

    acme.posts_raw(b"{ not json").await.is_accepted();
    acme.posts_raw(json!([{"kind": "finding.opened"}, finding("CVE-1").json()]).to_string().as_bytes())
        .await
        .is_accepted();
    acme.posts_raw(json!({"kind": "finding.exploded", "finding_key": "x"}).to_string().as_bytes())
        .await
        .is_accepted();
    app.drain().await;

    let deliveries = acme.deliveries().await;
    let states: Vec<_> = deliveries.iter().map(|delivery| delivery["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["DEAD", "UNDERSTOOD", "UNDERSTOOD"]);
    assert!(
        deliveries[0]["problem"].as_str().is_some_and(|words| words.contains("line 1")),
        "{:#}",
        deliveries[0]
    );
    assert_eq!(acme.outcomes().await, ["INVALID", "INVALID", "OPENED", "IGNORED"]);
    let explanation = acme.events().await[1]["explanation"].as_str().unwrap().to_owned();
    assert!(explanation.contains("/0"), "says where: {explanation}");
    assert_eq!(app.halo.ledger().len(), 1, "a bad neighbour hides nobody");
}

#[tokio::test(flavor = "multi_thread")]
async fn both_secrets_work_while_they_overlap_and_only_the_new_one_after() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.ready().await;
    let old = acme.secret();
    let new = acme.rotates_secret(3_600).await;
    assert_ne!(old, new);

    acme.posts_signed_with(&old, &finding("CVE-1")).await.is_accepted();
    acme.posts_signed_with(&new, &finding("CVE-2")).await.is_accepted();
    app.clock.advance_secs(3_601);
    assert_eq!(acme.posts_signed_with(&old, &finding("CVE-3")).await.status, StatusCode::UNAUTHORIZED);
    acme.posts_signed_with(&new, &finding("CVE-4")).await.is_accepted();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_away_is_503_and_the_sender_is_told_to_come_again() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.ready().await;
    acme.posts(&finding("CVE-1")).await.is_accepted();
    app.app.ground.db.clone().close().await.unwrap();

    let posted = acme.posts(&finding("CVE-2")).await;
    assert_eq!(posted.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(posted.retry_after.as_deref(), Some("5"));
    let ready = app.http.get(app.url("/health/ready")).send().await.unwrap();
    assert_eq!(ready.status(), StatusCode::SERVICE_UNAVAILABLE);
    let live = app.http.get(app.url("/health/live")).send().await.unwrap();
    assert_eq!(live.status(), StatusCode::OK);
}
