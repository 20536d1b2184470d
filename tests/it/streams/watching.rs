//! What watchers are told, and what they are not.

use std::collections::BTreeSet;

use psa_gateway::db::news::{self, Happened, What};
use serde_json::{Value, json};

use super::{DELIVERIES, TICKETS};
use crate::support::{Msp, PRODUCT, Socket, TestApp, finding, text};

/// Everything of the schema that can be watched. A field that is new in the schema and not in this list fails
/// the test.
const SUBSCRIPTIONS: &[&str] = &[
    "billingEntryChanged",
    "psaConnectionHealthChanged",
    "syncRunProgressed",
    "ticketOperationAttempted",
    "ticketUpdated",
    "webhookDeliveryReceived",
];

async fn socket(app: &TestApp, msp: &Msp<'_>) -> Socket {
    Socket::signed_in(app.app.address(), &msp.token("VIEWER").await).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_is_told_of_from_its_plan_to_its_number() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.ready().await;
    let mut wall = socket(&app, &acme).await;
    let fragment = "subscription { ...Watched } fragment Watched on Subscription {
        ticketUpdated(filter: { state: { in: [OPEN] } }) { eventId occurredAt ticket { state externalId company { name }
          findings(first: 1) { nodes { title } } } } }";
    wall.watches("open", fragment, json!({})).await;
    acme.posts(&finding("CVE-2024-3094")).await.is_accepted();
    app.drain().await;

    let event = wall.event("open").await["ticketUpdated"].clone();
    assert_eq!(event["occurredAt"], "2026-11-21T09:00:00Z");
    assert_eq!(event["ticket"]["state"], "OPEN");
    assert_eq!(event["ticket"]["externalId"], acme.tickets().await[0]["externalId"]);
    assert_eq!(event["ticket"]["company"]["name"], "Northwind Dental");
    assert!(text(&event, "/ticket/findings/nodes/0/title").contains("CVE-2024-3094"));
    assert!(!text(&event, "/eventId").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_becomes_of_a_quantity_is_told_to_who_bills_and_to_nobody_else() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.connected().await;
    acme.customer("Northwind Dental", "northwind").await;
    acme.bills(PRODUCT).await;
    acme.reports(21.0).await;
    let settled = "subscription { billingEntryChanged(filter: { state: { eq: SETTLED } }) {
        billingEntry { state proposed readBack } } }";
    let mut desk = Socket::signed_in(app.app.address(), &acme.token("BILLING").await).await;
    desk.watches("billed", settled, json!({})).await;
    let mut wall = socket(&app, &acme).await;
    wall.subscribes("billed", settled, json!({})).await;
    let refused = wall.hears().await;
    assert_eq!(
        (&refused["type"], super::code(&refused["payload"])),
        (&json!("error"), "FORBIDDEN"),
        "{refused:#}"
    );
    acme.pushes().await;
    let event = desk.event("billed").await["billingEntryChanged"]["billingEntry"].clone();
    assert_eq!(event, json!({ "state": "SETTLED", "proposed": 21.0, "readBack": 21.0 }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_and_the_attempt_that_it_leads_to_are_told_of_once() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.ready().await;
    let mut wall = socket(&app, &acme).await;
    let attempts = "subscription { ticketOperationAttempted(filter: { kind: { in: [CREATE] } }) {
        ticketOperation { kind state attempts(first: 5) { nodes { outcome } } } } }";
    wall.watches("deliveries", DELIVERIES, json!({})).await;
    wall.watches("attempts", attempts, json!({})).await;
    let event = finding("CVE-2024-3094");
    let posted = acme.posts_as("msg_1", &event).await;
    assert_eq!(
        wall.event("deliveries").await["webhookDeliveryReceived"]["webhookDelivery"]["state"],
        "RECEIVED"
    );
    // Sent again it is no other delivery.
    assert_eq!(acme.posts_as("msg_1", &event).await.delivery(), posted.delivery());
    app.drain().await;
    let operation = wall.event("attempts").await["ticketOperationAttempted"]["ticketOperation"].clone();
    assert_eq!((&operation["kind"], &operation["state"]), (&json!("CREATE"), &json!("DONE")));
    assert_eq!(operation["attempts"]["nodes"][0]["outcome"], "done", "{operation:#}");
    wall.settles().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reading_is_followed_to_its_end() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.connected().await;
    let mut wall = socket(&app, &acme).await;
    let query =
        "mutation($input: PsaConnectionSyncCompaniesInput!) { psaConnectionSyncCompanies(input: $input) {
                   syncRun { id status } userErrors { message } } }";
    let asked = app.graphql(query, json!({ "input": { "id": acme.connection() } })).await;
    let run = text(&asked, "/psaConnectionSyncCompanies/syncRun/id");
    let watched = "subscription($id: ID!) { syncRunProgressed(id: $id) { syncRun { id status progress { done total } } } }";
    wall.subscribes("1", watched, json!({ "id": run })).await;
    let first = wall.event("1").await["syncRunProgressed"]["syncRun"].clone();
    assert_eq!((&first["id"], &first["status"]), (&json!(run), &json!("QUEUED")));
    app.drain().await;
    let last = loop {
        let message = wall.hears().await;
        if message["type"] == "complete" {
            break None;
        }
        let run = message["payload"]["data"]["syncRunProgressed"]["syncRun"].clone();
        if run["status"] == "SUCCEEDED" {
            break Some(run);
        }
    };
    let last = last.expect("its success is told before the end");
    assert!(last["progress"]["done"].as_i64() > Some(0), "{last:#}");
    assert_eq!(wall.hears().await, json!({ "id": "1", "type": "complete" }));
    // One that is over is told of, and that is all.
    wall.subscribes("2", watched, json!({ "id": run })).await;
    assert_eq!(wall.event("2").await["syncRunProgressed"]["syncRun"]["status"], "SUCCEEDED");
    assert_eq!(wall.hears().await, json!({ "id": "2", "type": "complete" }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_switched_off_or_changed_is_told_of() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.connected().await;
    let mut wall = socket(&app, &acme).await;
    let watched =
        "subscription { psaConnectionHealthChanged { psaConnection { id isEnabled health { status } } } }";
    wall.watches("1", watched, json!({})).await;
    let query = "mutation($input: PsaConnectionUpdateInput!) { psaConnectionUpdate(input: $input) {
                   psaConnection { id } userErrors { message } } }";
    app.graphql(query, json!({ "input": { "id": acme.connection(), "name": "Renamed" } })).await;
    app.graphql(query, json!({ "input": { "id": acme.connection(), "isEnabled": false } })).await;
    let connection = wall.event("1").await["psaConnectionHealthChanged"]["psaConnection"].clone();
    assert_eq!(
        connection,
        json!({ "id": acme.connection(), "isEnabled": false, "health": { "status": "HEALTHY" } })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_neighbour_hears_nothing_and_an_operator_hears_both_or_one() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.ready().await;
    let globex = app.msp("globex").await.ready().await;
    let mut neighbour = socket(&app, &globex).await;
    let mut operator = Socket::signed_in(app.app.address(), &app.token).await;
    neighbour.watches("1", DELIVERIES, json!({})).await;
    operator.watches("all", DELIVERIES, json!({})).await;
    let one =
        "subscription($id: ID!) { webhookDeliveryReceived(filter: { organization: { id: { eq: $id } } }) {
                 webhookDelivery { id } } }";
    operator.watches("one", one, json!({ "id": globex.organization })).await;
    let delivery = |event: &Value| text(event, "/webhookDeliveryReceived/webhookDelivery/id");

    acme.posts(&finding("CVE-2024-3094")).await.is_accepted();
    let acmes = delivery(&operator.event("all").await);
    globex.posts(&finding("CVE-2021-44228")).await.is_accepted();
    let globexs = delivery(&neighbour.event("1").await);
    assert_ne!(acmes, globexs, "what the neighbour hears first is its own");
    let heard: BTreeSet<(String, String)> = [operator.hears().await, operator.hears().await]
        .iter()
        .map(|message| (text(message, "/id"), delivery(&message["payload"]["data"])))
        .collect();
    assert_eq!(heard, BTreeSet::from([("all".to_owned(), globexs.clone()), ("one".to_owned(), globexs)]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_strangers_things_cannot_be_watched_by_their_ids_either() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.ready().await;
    let globex = app.msp("globex").await.ready().await;
    let mut neighbour = socket(&app, &globex).await;
    let runs =
        "query($id: ID!) { node(id: $id) { ... on PsaConnection { syncRuns(first: 1) { nodes { id } } } } }";
    let run = text(&app.graphql(runs, json!({ "id": acme.connection() })).await, "/node/syncRuns/nodes/0/id");
    let watched = "subscription($id: ID!) { syncRunProgressed(id: $id) { eventId } }";
    neighbour.subscribes("run", watched, json!({ "id": run })).await;
    let refused = neighbour.hears().await;
    assert_eq!((&refused["type"], super::code(&refused["payload"])), (&json!("error"), "NOT_FOUND"));

    let filter = json!({ "filter": { "organization": { "id": { "eq": acme.organization } } } });
    neighbour.watches("theirs", TICKETS, filter).await;
    neighbour.watches("own", TICKETS, json!({})).await;
    acme.posts(&finding("CVE-2024-3094")).await.is_accepted();
    app.drain().await;
    globex.posts(&finding("CVE-2021-44228")).await.is_accepted();
    app.drain().await;
    assert!(text(&neighbour.event("own").await, "/ticketUpdated/ticket/title").contains("CVE-2021-44228"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watcher_that_missed_something_is_told_so_and_the_rest_of_its_socket_goes_on() {
    let app = TestApp::start().await;
    let mut wall = Socket::signed_in(app.app.address(), &app.token).await;
    wall.watches("1", DELIVERIES, json!({})).await;
    let flood = app.app.ground.db.write::<(), sea_orm::DbErr, _>(|_| {
        Box::pin(async {
            for id in 0..5_000_u128 {
                let (organization_id, id) = (uuid::Uuid::nil(), uuid::Uuid::from_u128(id));
                let (what, at) = (What::DeliveryReceived, entity::Timestamp(0));
                news::tell(Happened { what, organization_id, id, at });
            }
            Ok(())
        })
    });
    flood.await.unwrap();
    let end = wall.hears().await;
    assert_eq!((&end["type"], super::code(&end["payload"])), (&json!("error"), "SLOW_CONSUMER"), "{end:#}");
    wall.watches("1", DELIVERIES, json!({})).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_that_can_be_watched_is_tried_here() {
    let app = TestApp::start().await;
    let query = "{ __schema { subscriptionType { fields { name } } } }";
    let data = app.graphql(query, json!({})).await;
    let fields = data["__schema"]["subscriptionType"]["fields"].as_array().unwrap();
    let names: Vec<String> = fields.iter().map(|field| text(field, "/name")).collect();
    assert_eq!(BTreeSet::from_iter(names), SUBSCRIPTIONS.iter().map(|&name| name.to_owned()).collect());
}
