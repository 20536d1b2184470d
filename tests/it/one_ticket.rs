//! One problem is one ticket, however often and by whomever it is told.

use psa_gateway::sandbox::frame::{Fault, FaultKind, Sandbox as _};

use serde_json::json;

use crate::support::{TestApp, drain, finding};

#[tokio::test(flavor = "multi_thread")]
async fn a_finding_opens_one_ticket_however_often_the_scanner_repeats_it() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.ready().await;

    for minute in 0..5 {
        acme.posts(&finding("CVE-2024-3094").at(minute)).await.is_accepted();
        app.drain().await;
    }

    let ledger = app.halo.ledger();
    assert_eq!(ledger.len(), 1);
    assert_eq!(ledger[0].company, "Northwind Dental");
    assert!(!ledger[0].closed);
    assert!(ledger[0].summary.contains("CVE-2024-3094"));
    assert_eq!(ledger[0].notes.len(), 1, "one note an hour at the most: {:?}", ledger[0].notes);
    assert_eq!(acme.outcomes().await, ["OPENED", "NOTED", "DUPLICATE", "DUPLICATE", "DUPLICATE"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_problem_that_gets_another_key_keeps_its_ticket_and_is_known_by_both() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.ready().await;
    acme.posts(&finding("v1/CVE-2024-3094")).await.is_accepted();
    app.drain().await;

    // The scanner is updated; one of its sensors is not yet.
    let renamed = finding("v2/CVE-2024-3094").with("former_keys", json!(["v1/CVE-2024-3094"]));
    acme.posts(&renamed.clone().at(1)).await.is_accepted();
    acme.posts(&finding("v1/CVE-2024-3094").at(2)).await.is_accepted();
    app.drain().await;
    assert_eq!(app.halo.ledger().len(), 1);

    acme.posts(&finding("v2/CVE-2024-3094").at(3).resolved()).await.is_accepted();
    app.drain().await;
    assert_eq!(app.halo.ledger().len(), 1);
    assert!(app.halo.ledger()[0].closed, "its new key alone closes it");
    let unreadable = renamed.at(4).with("former_keys", json!("v1/CVE-2024-3094"));
    acme.posts(&unreadable).await.is_accepted();
    app.drain().await;
    let events = acme.events().await;
    let refused = events.iter().find(|event| event["outcome"] == "INVALID").expect("it is refused");
    assert_eq!(
        refused["explanation"],
        "at /former_keys: send a list of the keys that this problem had before"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_webhook_sent_again_is_one_delivery() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.ready().await;
    let event = finding("CVE-2024-3094");

    let first = acme.posts_as("msg_1", &event).await;
    let again = acme.posts_as("msg_1", &event).await;
    app.drain().await;

    first.is_accepted();
    again.is_accepted();
    assert_eq!(first.delivery(), again.delivery());
    assert_eq!(app.halo.ledger().len(), 1);
    assert_eq!(acme.outcomes().await, ["OPENED"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_webhooks_of_one_finding_at_the_same_moment_are_one_ticket() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.ready().await;
    let second = app.another_node().await;

    let event = finding("CVE-2024-3094");
    let events: Vec<_> = (0..20).map(|n| event.clone().at(n)).collect();
    for posted in futures_util::future::join_all(events.iter().map(|event| acme.posts(event))).await {
        posted.is_accepted();
    }
    tokio::join!(app.drain(), drain(&second), app.drain(), drain(&second));
    second.stop().await;

    assert_eq!(app.halo.ledger().len(), 1);
    assert_eq!(acme.tickets().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_findings_are_two_tickets_and_two_customers_keep_theirs_apart() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.ready().await;
    acme.customer("Harbour Legal", "harbor").await;

    acme.posts(&finding("CVE-2024-3094")).await.is_accepted();
    acme.posts(&finding("CVE-2021-44228")).await.is_accepted();
    acme.posts(&finding("CVE-2024-3094").of("harbor")).await.is_accepted();
    app.drain().await;

    let mut companies: Vec<_> = app.halo.ledger().into_iter().map(|ticket| ticket.company).collect();
    companies.sort();
    assert_eq!(companies, ["Harbour Legal", "Northwind Dental", "Northwind Dental"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_lost_after_the_psa_created_the_ticket_makes_no_second_one() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.ready().await;
    app.halo.fault(Fault::once("POST /api/Tickets", FaultKind::DropAfterCommit));

    acme.posts(&finding("CVE-2024-3094")).await.is_accepted();
    app.drain().await;
    assert_eq!(acme.tickets().await[0]["state"], "UNKNOWN");
    app.pass(600).await;

    assert_eq!(app.halo.ledger().len(), 1);
    let ticket = &acme.tickets().await[0];
    assert_eq!(ticket["state"], "OPEN");
    assert_eq!(ticket["externalId"], app.halo.ledger()[0].id.to_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_error_after_the_psa_created_the_ticket_makes_no_second_one() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.ready().await;
    app.halo.fault(Fault::once("POST /api/Tickets", FaultKind::ErrorAfterCommit { status: 504 }));

    acme.posts(&finding("CVE-2024-3094")).await.is_accepted();
    app.drain().await;
    app.pass(600).await;

    assert_eq!(app.halo.ledger().len(), 1);
    assert_eq!(acme.tickets().await[0]["state"], "OPEN");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_the_search_does_not_show_yet_is_waited_for_and_not_made_twice() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.ready().await;
    app.halo.fault(Fault::always("POST /api/Tickets", FaultKind::SearchLag { ms: 45_000 }));
    app.halo.fault(Fault::once("POST /api/Tickets", FaultKind::DropAfterCommit));

    acme.posts(&finding("CVE-2024-3094")).await.is_accepted();
    app.drain().await;
    app.clock.advance_secs(20);
    app.drain().await;
    assert_eq!(app.halo.ledger().len(), 1, "not asked again while it may still appear");
    app.pass(900).await;

    assert_eq!(app.halo.ledger().len(), 1);
    assert_eq!(acme.tickets().await[0]["state"], "OPEN");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_cut_before_the_psa_did_anything_is_made_again_once_that_is_certain() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.ready().await;
    app.halo.fault(Fault::once("POST /api/Tickets", FaultKind::DropBeforeCommit));

    acme.posts(&finding("CVE-2024-3094")).await.is_accepted();
    app.drain().await;
    assert_eq!(app.halo.ledger().len(), 0);
    app.pass(900).await;

    assert_eq!(app.halo.ledger().len(), 1);
    assert_eq!(acme.tickets().await[0]["state"], "OPEN");
}
