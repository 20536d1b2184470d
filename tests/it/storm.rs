//! One customer's storm is not the others' weather.

use psa_gateway::sandbox::frame::Sandbox as _;
use serde_json::json;

use crate::support::{Finding, TestApp, data, finding};

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_at_one_organization_does_not_keep_the_others_waiting_and_none_of_it_is_lost() {
    let app = TestApp::start().await;
    let (acme, globex) = (app.msp("acme").await.ready().await, app.msp("globex").await.ready().await);
    let query =
        "query($id: ID!) { node(id: $id) { ... on Organization { policies(first: 1) { nodes { id } } } } }";
    let found = app.graphql(query, json!({ "id": acme.organization })).await;
    let policy = &found["node"]["policies"]["nodes"][0]["id"];
    let query =
        "mutation($input: PolicyUpdateInput!) { policyUpdate(input: $input) { userErrors { message } } }";
    let cap = json!({ "input": { "id": policy, "handling": { "stormCap": 3 } } });
    data(&app.graphql_as(&app.token, query, cap).await);

    let storm: Vec<Finding> = (0..300).map(|number| finding(&format!("CVE-{number}"))).collect();
    for some in storm.chunks(50) {
        let posted = futures_util::future::join_all(some.iter().map(|event| acme.posts(event))).await;
        for posted in posted {
            posted.is_accepted();
        }
    }
    globex.posts(&finding("CVE-1")).await.is_accepted();

    // Whoever's turn it is first: the other's comes next, with most of the storm still to come.
    for _ in 0..2 {
        assert!(app.app.workers.decide_some().await.expect("decided"));
    }
    assert_eq!(globex.outcomes().await, ["OPENED"]);
    assert!(acme.events().await.len() < 300);

    app.drain().await;
    let ledger = app.halo.ledger();
    assert_eq!(ledger.len(), 3 + 1 + 1, "three, one for all the others, and the neighbour's");
    let query =
        "query($id: ID!) { node(id: $id) { ... on Organization { eventCounts: events(first: 1) { totalCount }
        findings(first: 1) { totalCount } } } }";
    let counts = app.graphql(query, json!({ "id": acme.organization })).await;
    assert_eq!(counts["node"]["eventCounts"]["totalCount"], 300);
    assert_eq!(counts["node"]["findings"]["totalCount"], 300);
}
