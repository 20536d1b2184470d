//! Maintenance windows that come back every week, by the clocks of a place.

use entity::Timestamp;
use psa_gateway::{clock::Clock, sandbox::frame::Sandbox as _};
use serde_json::{Value, json};

use crate::support::{Msp, TestApp, finding, text};

const HOUR: i64 = 3_600;

fn at(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(text).unwrap()
}

fn nights(msp: &Msp<'_>) -> Value {
    json!({
        "organizationId": msp.organization, "name": "Patch nights",
        "startsAt": "2027-03-01T00:00:00Z", "endsAt": "2027-09-01T00:00:00Z",
        "weekly": { "days": ["SATURDAY"], "from": "22:00", "until": "06:00", "timeZone": "Europe/Berlin" },
    })
}

/// The names of an MSP's windows that are open, or that are not.
async fn open(app: &TestApp, msp: &Msp<'_>, is_open: bool) -> Vec<String> {
    let query = "query($id: ID!, $isOpen: Boolean) { node(id: $id) { ... on Organization {
        maintenanceWindows(first: 5, filter: { isOpen: $isOpen }) { nodes { name isOpen } } } } }";
    let found = app.graphql(query, json!({ "id": msp.organization, "isOpen": is_open })).await;
    let nodes = found["node"]["maintenanceWindows"]["nodes"].as_array().unwrap().clone();
    assert!(nodes.iter().all(|node| node["isOpen"] == json!(is_open)), "{nodes:?}");
    nodes.iter().map(|node| text(node, "/name")).collect()
}

/// Posts one and gives what became of it.
async fn becomes(app: &TestApp, msp: &Msp<'_>, key: &str) -> (String, String) {
    msp.posts(&finding(key).now()).await.is_accepted();
    app.drain().await;
    let events = msp.events().await;
    let last = events.last().expect("an event");
    (text(last, "/outcome"), text(last, "/reason"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_weekly_window_is_open_by_the_clocks_of_its_place_when_they_are_put_forward() {
    // An hour and a half before it opens, in the night in which clocks are put forward.
    let clock = Clock::manual(at("2027-03-27T19:30:00Z"));
    let app = TestApp::start_by(clock, &[]).await;
    let acme = app.msp("acme").await.ready().await;
    let selection = "maintenanceWindow { id isOpen weekly { days from until timeZone explanation }
        nextOccurrence { startsAt endsAt } }";
    let made =
        app.does("maintenanceWindowCreate", selection, nights(&acme)).await["maintenanceWindow"].clone();
    assert_eq!(made["weekly"]["explanation"], "every Saturday from 22:00 to 06:00 (Europe/Berlin)");
    assert_eq!((&made["weekly"]["days"], &made["isOpen"]), (&json!(["SATURDAY"]), &json!(false)));
    // Seven hours and not eight.
    let short = json!({ "startsAt": "2027-03-27T21:00:00Z", "endsAt": "2027-03-28T04:00:00Z" });
    assert_eq!(made["nextOccurrence"], short);
    assert_eq!(open(&app, &acme, false).await, ["Patch nights"]);

    assert_eq!(becomes(&app, &acme, "CVE-0").await.0, "OPENED", "it is not open yet");
    app.pass(2 * HOUR).await;
    assert_eq!(app.clock.now(), at("2027-03-27T21:30:00Z"));
    assert_eq!(open(&app, &acme, true).await, ["Patch nights"]);
    assert_eq!(open(&app, &acme, false).await, [""; 0]);
    let waits = ("WAITING".to_owned(), "maintenance".to_owned());
    assert_eq!(becomes(&app, &acme, "CVE-1").await, waits);
    assert_eq!(becomes(&app, &acme, "CVE-2").await, waits);
    let why = text(acme.events().await.last().unwrap(), "/explanation");
    assert!(why.contains("\"Patch nights\" is open until 2027-03-28T04:00:00Z"), "{why}");
    app.pass(6 * HOUR).await;
    acme.posts(&finding("CVE-2").resolved().now()).await.is_accepted();
    app.pass(1_500).await;
    assert_eq!(app.clock.now(), at("2027-03-28T03:55:00Z"));
    assert_eq!(app.halo.ledger().len(), 1, "still open, in summer time");
    app.pass(600).await;
    let tickets: Vec<_> = app.halo.ledger().into_iter().map(|ticket| ticket.summary).collect();
    assert_eq!(tickets.len(), 2, "{tickets:?}");
    assert!(tickets[1].contains("CVE-1"), "what is still there, by itself: {tickets:?}");

    // A week later it is an hour earlier, where clocks were not put forward.
    let query = "query($id: ID!) { node(id: $id) { ... on MaintenanceWindow { nextOccurrence { startsAt endsAt } } } }";
    let next = app.graphql(query, json!({ "id": made["id"] })).await["node"]["nextOccurrence"].clone();
    assert_eq!(next, json!({ "startsAt": "2027-04-03T20:00:00Z", "endsAt": "2027-04-04T04:00:00Z" }));
    assert_eq!(becomes(&app, &acme, "CVE-3").await.0, "OPENED");
    app.clock.advance_secs(at("2027-04-03T20:00:00Z").as_secs() - app.clock.now().as_secs());
    assert_eq!(becomes(&app, &acme, "CVE-4").await, waits);
    app.pass(8 * HOUR + 300).await;
    assert_eq!(app.halo.ledger().len(), 4);

    // Taken away while it is open, it is over.
    app.clock.advance_secs(at("2027-04-10T21:00:00Z").as_secs() - app.clock.now().as_secs());
    assert_eq!(becomes(&app, &acme, "CVE-5").await, waits);
    app.does("maintenanceWindowDelete", "deletedMaintenanceWindowId", json!({ "id": made["id"] })).await;
    app.drain().await;
    assert_eq!(app.halo.ledger().len(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_weekly_window_is_said_where_it_stands() {
    let app = TestApp::start_by(Clock::manual(at("2027-03-27T19:30:00Z")), &[]).await;
    let acme = app.msp("acme").await;
    let fields = async |mutation: &str, input: Value| -> Vec<Value> {
        let refused = app.asks(mutation, "maintenanceWindow { id }", input).await;
        let errors = refused["data"][mutation]["userErrors"].as_array().unwrap().clone();
        errors.iter().map(|error| error["field"].clone()).collect()
    };
    let with = |key: &str, value: Value| {
        let mut input = nights(&acme);
        input[key] = value;
        input
    };
    let wrong = json!({ "days": [], "from": "25:00", "until": "6", "timeZone": "Middle/Earth" });
    assert_eq!(
        fields("maintenanceWindowCreate", with("weekly", wrong)).await,
        [
            json!(["input", "weekly", "days"]),
            json!(["input", "weekly", "from"]),
            json!(["input", "weekly", "until"]),
            json!(["input", "weekly", "timeZone"]),
        ]
    );
    let ends = [json!(["input", "endsAt"])];
    for end in ["2028-09-01T00:00:00Z", "2027-03-27T20:30:00Z"] {
        assert_eq!(fields("maintenanceWindowCreate", with("endsAt", json!(end))).await, ends, "{end}");
    }
    assert_eq!(
        fields("maintenanceWindowCreate", with("weekly", Value::Null)).await,
        ends,
        "half a year at a stretch"
    );
    let made = app.does("maintenanceWindowCreate", "maintenanceWindow { id version }", nights(&acme)).await;
    let id = &made["maintenanceWindow"]["id"];
    assert_eq!(fields("maintenanceWindowUpdate", json!({ "id": id, "weekly": Value::Null })).await, ends);
    let other =
        json!({ "id": id, "weekly": { "days": ["MONDAY", "FRIDAY"], "from": "01:00", "until": "01:00" } });
    let selection =
        "maintenanceWindow { weekly { explanation timeZone } nextOccurrence { startsAt endsAt } }";
    let changed = app.does("maintenanceWindowUpdate", selection, other).await["maintenanceWindow"].clone();
    assert_eq!(changed["weekly"]["explanation"], "every Monday and Friday from 01:00 to 01:00 (UTC)");
    let day = json!({ "startsAt": "2027-03-29T01:00:00Z", "endsAt": "2027-03-30T01:00:00Z" });
    assert_eq!(changed["nextOccurrence"], day, "until the same time of the next day");
}
