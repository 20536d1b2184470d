//! Nothing reaches the wrong customer: what is not mapped is held, seen, and goes on once it is mapped.

use crate::support::{TestApp, finding};

#[tokio::test(flavor = "multi_thread")]
async fn an_unmapped_customers_finding_is_held_and_opens_its_ticket_once_mapped() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.ready().await;

    acme.posts(&finding("CVE-1").of("harbor")).await.is_accepted();
    app.drain().await;
    assert_eq!(app.halo.ledger().len(), 0);
    let event = acme.events().await[0].clone();
    assert_eq!(
        (event["outcome"].as_str(), event["reason"].as_str()),
        (Some("HELD"), Some("unmapped_company"))
    );

    acme.customer("Harbour Legal", "harbor").await;
    app.drain().await;

    let ledger = app.halo.ledger();
    assert_eq!(ledger.len(), 1);
    assert_eq!(ledger[0].company, "Harbour Legal");
    assert_eq!(acme.outcomes().await, ["OPENED"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_held_and_resolved_meanwhile_opens_nothing_that_stays_open() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.ready().await;
    acme.posts(&finding("CVE-1").of("harbor")).await.is_accepted();
    acme.posts(&finding("CVE-1").of("harbor").resolved().at(5)).await.is_accepted();
    app.drain().await;

    acme.customer("Harbour Legal", "harbor").await;
    app.drain().await;

    assert!(app.halo.ledger().iter().all(|ticket| ticket.closed));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_profile_it_is_held_too_and_goes_on_when_there_is_one() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.connected().await.listening().await;
    acme.customer("Northwind Dental", "northwind").await;
    acme.posts(&finding("CVE-1")).await.is_accepted();
    app.drain().await;
    assert_eq!(acme.events().await[0]["reason"], "no_profile");

    acme.makes_default_profile().await;
    app.drain().await;
    assert_eq!(app.halo.ledger().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_with_ticketing_off_gets_none() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.ready().await;
    acme.customer_without_ticketing("Harbour Legal", "harbor").await;
    acme.posts(&finding("CVE-1").of("harbor")).await.is_accepted();
    app.drain().await;
    assert_eq!(acme.outcomes().await, ["SUPPRESSED"]);
    assert_eq!(app.halo.ledger().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_finding_below_the_policys_severity_gets_none_and_says_why() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.ready().await;
    acme.posts(&finding("CVE-1").severity("info")).await.is_accepted();
    app.drain().await;
    let event = acme.events().await[0].clone();
    assert_eq!((event["outcome"].as_str(), event["reason"].as_str()), (Some("IGNORED"), Some("no_policy")));
    assert_eq!(app.halo.ledger().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_redriven_again_and_again_doubles_no_ticket() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.ready().await;
    let posted = acme.posts(&finding("CVE-1")).await;
    app.drain().await;
    for _ in 0..3 {
        acme.redrives(posted.delivery()).await;
        app.drain().await;
    }
    assert_eq!(app.halo.ledger().len(), 1);
    assert_eq!(acme.outcomes().await, ["OPENED"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trace_leads_from_the_bytes_to_the_psas_ticket() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.ready().await;
    let posted = acme.posts(&finding("CVE-1")).await;
    app.drain().await;

    let stages = acme.trace_stages(posted.delivery()).await;
    for stage in [
        "RECEIVED",
        "VERIFIED",
        "COMPANY",
        "FINDING",
        "POLICY",
        "PROFILE",
        "MAPPING",
        "TICKET",
        "OPERATION",
        "ATTEMPT",
    ] {
        assert!(stages.contains(&stage.to_owned()), "{stage} is missing in {stages:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_ticket_is_created_read_back_and_closed_and_each_step_is_reported() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.ready().await;
    let steps = acme.sends_test_ticket().await;
    assert_eq!(
        steps,
        [("CREATE", "DONE"), ("READ_BACK", "DONE"), ("CLOSE", "DONE")]
            .map(|(a, b)| (a.to_owned(), b.to_owned()))
    );
    assert!(app.halo.ledger()[0].closed);
}
