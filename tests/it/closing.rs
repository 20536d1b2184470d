//! Tickets close when the problem is gone, and the gateway hears when a technician does it.

use psa_gateway::sandbox::frame::{Deed, Sandbox as _};

use crate::support::{TestApp, finding};

#[tokio::test(flavor = "multi_thread")]
async fn the_ticket_closes_when_the_finding_is_resolved() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.ready().await;
    acme.posts(&finding("CVE-2024-3094")).await.is_accepted();
    app.drain().await;

    acme.posts(&finding("CVE-2024-3094").resolved().at(5)).await.is_accepted();
    app.drain().await;

    let ledger = app.halo.ledger();
    assert_eq!(ledger.len(), 1);
    assert!(ledger[0].closed);
    assert!(ledger[0].notes.iter().any(|note| note.text.contains("reports it as over")));
    assert!(ledger[0].notes.iter().all(|note| note.private), "customers see none of our notes");
    let ticket = &acme.tickets().await[0];
    assert_eq!(
        (ticket["state"].as_str(), ticket["closedBy"].as_str()),
        (Some("CLOSED"), Some("PSA Gateway"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_back_soon_opens_its_ticket_again_and_later_a_new_one_that_names_it() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.ready().await;
    acme.posts(&finding("CVE-2024-3094")).await.is_accepted();
    acme.posts(&finding("CVE-2024-3094").resolved().at(1)).await.is_accepted();
    app.pass(3_600).await;

    acme.posts(&finding("CVE-2024-3094").at(60)).await.is_accepted();
    app.drain().await;
    assert_eq!(app.halo.ledger().len(), 1);
    assert!(!app.halo.ledger()[0].closed, "opened again inside the window");

    acme.posts(&finding("CVE-2024-3094").resolved().at(61)).await.is_accepted();
    app.drain().await;
    app.clock.advance_secs(30 * 86_400);
    acme.posts(&finding("CVE-2024-3094").at(30 * 1_440)).await.is_accepted();
    app.drain().await;

    let ledger = app.halo.ledger();
    assert_eq!(ledger.len(), 2, "after the window a new one");
    assert!(ledger[0].closed && !ledger[1].closed);
    let tickets = acme.tickets().await;
    let newest = tickets.iter().find(|ticket| ticket["state"] == "OPEN").expect("the new ticket");
    assert_eq!(newest["previousTicket"]["externalId"], ledger[0].id.to_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_dismissed_stays_closed_when_it_is_seen_again_until_it_is_reopened_by_name() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.ready().await;
    acme.posts(&finding("CVE-2024-3094")).await.is_accepted();
    acme.posts(&finding("CVE-2024-3094").kind("finding.dismissed").at(1)).await.is_accepted();
    app.drain().await;
    assert!(app.halo.ledger()[0].closed);

    app.clock.advance_secs(600);
    acme.posts(&finding("CVE-2024-3094").at(10)).await.is_accepted();
    app.drain().await;
    assert!(app.halo.ledger()[0].closed);
    assert_eq!(acme.outcomes().await.last().map(String::as_str), Some("SUPPRESSED"));

    acme.posts(&finding("CVE-2024-3094").kind("finding.reopened").at(11)).await.is_accepted();
    app.drain().await;
    assert!(!app.halo.ledger()[0].closed);
}

#[tokio::test(flavor = "multi_thread")]
async fn older_news_than_what_is_known_changes_nothing() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.ready().await;
    acme.posts(&finding("CVE-2024-3094")).await.is_accepted();
    app.clock.advance_secs(600);
    acme.posts(&finding("CVE-2024-3094").resolved().at(10)).await.is_accepted();
    app.drain().await;

    acme.posts(&finding("CVE-2024-3094").at(5)).await.is_accepted();
    app.drain().await;

    assert!(app.halo.ledger()[0].closed);
    assert_eq!(acme.outcomes().await.last().map(String::as_str), Some("STALE"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_technician_closing_the_ticket_in_halo_shows_with_who_and_when() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.ready().await.hears_halo().await;
    acme.posts(&finding("CVE-2024-3094")).await.is_accepted();
    app.drain().await;
    app.halo.webhooks_sent().await;
    app.drain().await;

    app.clock.advance_secs(120);
    let close = Deed::Close { text: String::new() };
    app.halo.deed(&app.halo.ledger()[0].id.to_string(), "Dana Smith", &close).expect("closed");
    app.halo.webhooks_sent().await;
    app.drain().await;

    let ticket = &acme.tickets().await[0];
    assert_eq!(ticket["state"], "CLOSED");
    assert_eq!(ticket["closedBy"], "Dana Smith");
    assert_eq!(ticket["closedAt"], "2026-11-21T09:02:00Z");

    app.clock.advance_secs(60);
    app.halo.deed(&app.halo.ledger()[0].id.to_string(), "Dana Smith", &Deed::Reopen).expect("reopened");
    app.halo.webhooks_sent().await;
    app.drain().await;
    assert_eq!(acme.tickets().await[0]["state"], "OPEN");
}

#[tokio::test(flavor = "multi_thread")]
async fn our_own_writes_coming_back_as_webhooks_change_nothing() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.ready().await.hears_halo().await;
    acme.posts(&finding("CVE-2024-3094")).await.is_accepted();
    app.drain().await;
    acme.posts(&finding("CVE-2024-3094").resolved().at(5)).await.is_accepted();
    app.drain().await;
    app.halo.webhooks_sent().await;
    app.drain().await;

    let ticket = &acme.tickets().await[0];
    assert_eq!(
        (ticket["state"].as_str(), ticket["closedBy"].as_str()),
        (Some("CLOSED"), Some("PSA Gateway"))
    );
    assert!(acme.outcomes().await.contains(&"ECHO".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_poll_finds_a_close_whose_webhook_was_lost() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.ready().await;
    acme.posts(&finding("CVE-2024-3094")).await.is_accepted();
    app.drain().await;

    app.clock.advance_secs(60);
    let close = Deed::Close { text: String::new() };
    app.halo.deed(&app.halo.ledger()[0].id.to_string(), "Dana Smith", &close).expect("closed");
    app.pass(900).await;

    let ticket = &acme.tickets().await[0];
    assert_eq!((ticket["state"].as_str(), ticket["closedBy"].as_str()), (Some("CLOSED"), Some("Dana Smith")));
}
