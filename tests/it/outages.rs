//! The PSA, the database or this program goes away in the middle; nothing is lost and nothing doubled.

use psa_gateway::sandbox::frame::{Fault, FaultKind, Sandbox as _};

use crate::support::{TestApp, drain, finding};

#[tokio::test(flavor = "multi_thread")]
async fn halo_away_for_an_hour_loses_nothing() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.ready().await;
    app.halo.down(true);
    for n in 0..10 {
        acme.posts(&finding(&format!("CVE-2024-{n}"))).await.is_accepted();
    }
    app.drain().await;
    app.pass(3_600).await;
    assert_eq!(app.halo.ledger().len(), 0);

    app.halo.down(false);
    app.pass(1_800).await;

    assert_eq!(app.halo.ledger().len(), 10);
    assert!(acme.tickets().await.iter().all(|ticket| ticket["state"] == "OPEN"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_dies_between_the_psas_create_and_our_record_makes_no_second_ticket() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.ready().await;
    let doomed = app.another_node().await;
    app.halo.fault(Fault::once("POST /api/Tickets", FaultKind::DelayAnswer { ms: 60_000 }));
    acme.posts(&finding("CVE-2024-3094")).await.is_accepted();

    // The other node asks Halo, which does it and is slow to say so; then the node is gone.
    let work = tokio::spawn(async move { drain(&doomed).await });
    while app.halo.ledger().is_empty() {
        tokio::task::yield_now().await;
    }
    work.abort();
    app.drain().await;
    assert_eq!(app.halo.ledger().len(), 1);
    app.pass(1_200).await;

    assert_eq!(app.halo.ledger().len(), 1);
    assert_eq!(acme.tickets().await[0]["state"], "OPEN");
    let attempts = acme.attempts_of_creation().await;
    assert_eq!(attempts.first().map(String::as_str), Some("interrupted"));
    assert_eq!(attempts.last().map(String::as_str), Some("found"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rate_limit_is_waited_for() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.ready().await;
    app.halo.fault(Fault::once("POST /api/Tickets", FaultKind::RateLimited { retry_after: Some(120) }));
    acme.posts(&finding("CVE-2024-3094")).await.is_accepted();
    app.drain().await;
    app.clock.advance_secs(100);
    app.drain().await;
    assert_eq!(app.halo.ledger().len(), 0, "not before the time Halo gave");

    app.pass(60).await;
    assert_eq!(app.halo.ledger().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_ticket_says_why_and_is_opened_when_retried_after_mending() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.ready().await;
    app.halo.fault(Fault::once("POST /api/Tickets", FaultKind::ErrorBeforeCommit { status: 400 }));
    acme.posts(&finding("CVE-2024-3094")).await.is_accepted();
    app.drain().await;
    let ticket = acme.tickets().await[0].clone();
    assert_eq!(ticket["state"], "FAILED");
    assert!(ticket["reason"]["message"].as_str().is_some_and(|words| words.contains("retry")), "{ticket:#}");

    acme.retry_failed_operation().await;
    app.drain().await;

    assert_eq!(app.halo.ledger().len(), 1);
    assert_eq!(acme.tickets().await[0]["state"], "OPEN");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_permission_pauses_the_connection_and_shows_what_is_missing() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.ready().await;
    app.halo.with(|world| world.deny_resources(&["Tickets"]));
    acme.posts(&finding("CVE-2024-3094")).await.is_accepted();
    app.drain().await;
    let health = acme.connection_health().await;
    assert_eq!(health["status"], "FAILING");
    assert!(health["message"].as_str().is_some_and(|words| words.contains("permission")), "{health:#}");

    app.halo.with(|world| world.deny_resources(&[]));
    app.pass(3_600).await;
    assert_eq!(app.halo.ledger().len(), 1);
    assert_eq!(acme.connection_health().await["status"], "HEALTHY");
}
