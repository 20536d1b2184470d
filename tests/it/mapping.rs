//! Nothing reaches the wrong customer: what is not mapped is held, seen, and goes on once it is mapped.

use psa_gateway::sandbox::frame::Sandbox as _;
use serde_json::json;

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

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_whose_values_do_not_belong_together_is_refused_naming_the_field() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.connected().await;
    let tries = async |priority: &str, team: &str, status: &str| {
        let answer = app
            .graphql_as(
                &app.token,
                "mutation($input: TicketProfileCreateInput!) { ticketProfileCreate(input: $input) {
                   ticketProfile { id } userErrors { field message code } } }",
                json!({ "input": {
                    "psaConnectionId": acme.connection(), "name": "Requests",
                    "fields": [
                        { "key": "ticket_type", "value": "3" }, { "key": "sla", "value": "1" },
                        { "key": "priority", "value": priority }, { "key": "team", "value": team },
                    ],
                    "statusOnCreate": status, "statusOnClose": "9",
                } }),
            )
            .await;
        answer["data"]["ticketProfileCreate"].clone()
    };

    // Priority 6 is one of SLA 2 alone, no service request is put on hold (28), and nobody knows the team.
    let refused = tries("6", "Nobody's Team", "28").await;
    assert!(refused["ticketProfile"].is_null(), "{refused:#}");
    let wrong: Vec<_> = refused["userErrors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| {
            let path = error["field"].as_array().unwrap();
            (path.last().unwrap().as_str().unwrap(), error["code"].as_str().unwrap())
        })
        .collect();
    let wanted = ["priority", "team", "statusOnCreate"].map(|field| (field, "NOT_IN_PICK_LIST"));
    assert_eq!(wrong, wanted, "{refused:#}");

    let made = tries("4", "1st Line Support", "2").await;
    assert_eq!(made["userErrors"], json!([]), "{made:#}");
}
