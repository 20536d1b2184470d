//! One customer's storm is not the others' weather.

use psa_gateway::sandbox::frame::Sandbox as _;
use sea_orm::ConnectionTrait as _;
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

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_that_cannot_be_decided_keeps_none_of_its_neighbours() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.ready().await;
    let db = app.app.ground.db.reader();
    let (spoil, mend): (&[&str], &str) = if app.app.ground.db.is_sqlite() {
        let rule = "CREATE TRIGGER spoiled BEFORE INSERT ON event WHEN NEW.finding_key = 'spoiled'
                    BEGIN SELECT RAISE(ABORT, 'spoiled'); END";
        (&[rule], "DROP TRIGGER spoiled")
    } else {
        let fails = "CREATE FUNCTION spoiled() RETURNS trigger LANGUAGE plpgsql AS $$
                     BEGIN RAISE EXCEPTION 'spoiled'; END $$";
        let rule = "CREATE TRIGGER spoiled BEFORE INSERT ON event FOR EACH ROW
                    WHEN (NEW.finding_key = 'spoiled') EXECUTE FUNCTION spoiled()";
        (&[fails, rule], "DROP TRIGGER spoiled ON event")
    };
    for rule in spoil {
        db.execute_unprepared(rule).await.expect("a database that takes no such event");
    }
    for key in ["CVE-1", "CVE-2", "spoiled", "CVE-3", "CVE-1"] {
        acme.posts(&finding(key)).await.is_accepted();
    }
    assert!(app.app.workers.decide_some().await.expect("a step"));
    assert_eq!(
        acme.outcomes().await,
        ["OPENED", "OPENED", "OPENED", "DUPLICATE"],
        "each of the others, once"
    );
    app.drain().await;
    assert_eq!(app.halo.ledger().len(), 3);

    db.execute_unprepared(mend).await.expect("a sound database");
    app.pass(10).await;
    assert_eq!(acme.outcomes().await, ["OPENED", "OPENED", "OPENED", "DUPLICATE", "OPENED"]);
    assert_eq!(app.halo.ledger().len(), 4, "it was kept, and is tried again");
}
