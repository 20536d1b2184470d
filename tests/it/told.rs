//! Policies that want no ticket: others are told of a problem, once when it is there and once when it is over.

use psa_gateway::sandbox::frame::Sandbox as _;
use serde_json::{Value, json};

use crate::support::{Msp, Receiver, TestApp, finding, is_secret, text};

/// Has somebody told everything of an MSP's.
async fn tells(app: &TestApp, msp: &Msp<'_>, receiver: &Receiver, more: Value) -> String {
    let mut input = json!({ "organizationId": msp.organization, "name": "Vendor", "url": receiver.url });
    input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let made = app.does("webhookSubscriberCreate", "webhookSubscriber { id } signingSecret", input).await;
    is_secret(&text(&made, "/signingSecret"));
    text(&made, "/webhookSubscriber/id")
}

/// A policy before all others that wants no ticket; its id.
async fn tells_only(app: &TestApp, msp: &Msp<'_>, name: &str, more: Value) -> String {
    let mut input =
        json!({ "organizationId": msp.organization, "name": name, "place": 1, "opensTickets": false });
    input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    text(&app.does("policyCreate", "policy { id }", input).await, "/policy/id")
}

fn of_kind(kind: &str) -> Value {
    json!({ "conditions": { "text": { "field": { "of": "KIND" }, "is": { "oneOf": [kind] } } } })
}

/// Outcome and reason of each event, the oldest first.
async fn became(msp: &Msp<'_>) -> Vec<(String, String)> {
    let events = msp.events().await;
    events.iter().map(|event| (text(event, "/outcome"), text(event, "/reason"))).collect()
}

fn is(outcome: &str, reason: &str) -> (String, String) {
    (outcome.to_owned(), reason.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_problem_seen_five_times_is_told_once_and_once_more_when_it_is_over() {
    let app = TestApp::start().await;
    // No PSA is needed: only the customer has to be known.
    let acme = app.msp("acme").await.listening().await;
    let vendor = Receiver::start().await;
    tells(&app, &acme, &vendor, json!({})).await;
    let company = json!({ "organizationId": acme.organization, "name": "Northwind Dental" });
    let company = text(&app.does("companyCreate", "company { id }", company).await, "/company/id");
    let alias = json!({ "companyId": company, "value": "northwind" });
    app.does("companyAliasAdd", "company { id }", alias).await;
    let policy = tells_only(&app, &acme, "Tell the vendor", json!({})).await;

    for minute in 0..5 {
        acme.posts(&finding("CVE-1").at(minute)).await.is_accepted();
        app.pass(60).await;
    }
    assert_eq!(vendor.kinds(), ["finding.matched"]);
    let about = vendor.told()[0].body["data"].clone();
    assert_eq!(about["policy"], json!({ "id": policy, "name": "Tell the vendor" }));
    assert_eq!(about["company"]["name"], "Northwind Dental");
    assert_eq!(about["company"]["aliases"], json!([{ "source": "*", "value": "northwind" }]));
    let told = &about["finding"];
    assert_eq!(
        (&told["key"], &told["state"], &told["asset"]["name"], &told["seen_count"]),
        (&json!("CVE-1"), &json!("OPEN"), &json!("web-1"), &json!(1))
    );
    let mut wanted = vec![is("TOLD", "told")];
    wanted.extend(std::iter::repeat_n(is("DUPLICATE", "told_before"), 4));
    assert_eq!(became(&acme).await, wanted);
    let trace =
        "query($id: ID!) { node(id: $id) { ... on WebhookDelivery { trace { stage result explanation } } } }";
    let first = acme.deliveries().await[0]["id"].clone();
    let trace = app.graphql(trace, json!({ "id": first })).await["node"]["trace"].clone();
    let words = trace.to_string();
    assert!(
        words.contains("no ticket wanted by the policy \\\"Tell the vendor\\\": told to 1 subscriber"),
        "{words}"
    );
    assert!(words.contains("TOLD: told") || words.contains("told: told"), "{words}");

    acme.posts(&finding("CVE-1").resolved().at(6)).await.is_accepted();
    app.pass(60).await;
    assert_eq!(vendor.kinds(), ["finding.matched", "finding.resolved"]);
    let over = &vendor.told()[1].body["data"];
    assert_eq!(over["policy"]["id"], json!(policy));
    assert_eq!((&over["finding"]["state"], &over["finding"]["id"]), (&json!("RESOLVED"), &told["id"]));
    assert_eq!(over["finding"]["resolved_at"], "2026-11-21T09:06:00Z");
    assert_eq!(became(&acme).await.last().unwrap(), &is("TOLD", "told_over"));
    acme.posts(&finding("CVE-1").resolved().at(7)).await.is_accepted();
    app.pass(60).await;
    assert_eq!(vendor.told().len(), 2);

    // Back again, it is told again.
    acme.posts(&finding("CVE-1").at(8)).await.is_accepted();
    app.pass(600).await;
    assert_eq!(vendor.kinds()[2..], ["finding.matched"]);
    assert_eq!(app.halo.ledger().len(), 0);
    assert!(acme.tickets().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn policies_that_tell_and_policies_that_open_tickets_stand_side_by_side() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.ready().await;
    let (all, leaks, nobody) = (Receiver::start().await, Receiver::start().await, Receiver::start().await);
    let policy = tells_only(&app, &acme, "Leaks", of_kind("secret.leaked")).await;
    tells(&app, &acme, &all, json!({})).await;
    tells(&app, &acme, &leaks, json!({ "name": "Leaks", "policyIds": [policy] })).await;
    tells(&app, &acme, &nobody, json!({ "name": "Closes", "kinds": ["TICKET_CLOSED"] })).await;
    acme.posts(&finding("CVE-1")).await.is_accepted();
    acme.posts(&finding("LEAK-1").kind("secret.leaked")).await.is_accepted();
    app.pass(60).await;
    let mut kinds = all.kinds();
    kinds.sort();
    assert_eq!(kinds, ["finding.matched", "ticket.opened"]);
    assert_eq!((leaks.kinds(), nobody.told().len()), (vec!["finding.matched".to_owned()], 0));
    assert_eq!(app.halo.ledger().len(), 1);

    // The switch of ticketing is for tickets.
    app.does(
        "organizationUpdate",
        "organization { id }",
        json!({ "id": acme.organization, "isTicketingEnabled": false }),
    )
    .await;
    acme.posts(&finding("CVE-2")).await.is_accepted();
    acme.posts(&finding("LEAK-2").kind("secret.leaked")).await.is_accepted();
    app.pass(60).await;
    let last: Vec<_> = became(&acme).await.split_off(2);
    assert!(
        last.contains(&is("SUPPRESSED", "ticketing_off_everywhere")) && last.contains(&is("TOLD", "told")),
        "{last:?}"
    );
    assert_eq!(leaks.told().len(), 2);

    // Who wants a ticket after all gets one when it is seen again, and the end of both.
    app.does(
        "organizationUpdate",
        "organization { id }",
        json!({ "id": acme.organization, "isTicketingEnabled": true }),
    )
    .await;
    app.does("policyUpdate", "policy { id }", json!({ "id": policy, "opensTickets": true })).await;
    acme.posts(&finding("LEAK-1").kind("secret.leaked").at(10)).await.is_accepted();
    app.pass(60).await;
    assert_eq!(app.halo.ledger().len(), 2);
    acme.posts(&finding("LEAK-1").resolved().at(20)).await.is_accepted();
    app.pass(600).await;
    assert!(app.halo.ledger()[1].closed);
    assert_eq!(nobody.kinds(), ["ticket.closed"]);
    let of_leaks = leaks.kinds();
    assert_eq!(of_leaks.iter().filter(|kind| *kind == "finding.resolved").count(), 1, "{of_leaks:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_wants_to_know_says_so_and_what_is_muted_or_settling_is_not_told() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.ready().await;
    let policy = tells_only(
        &app,
        &acme,
        "Tell",
        json!({ "handling": { "settleSeconds": 600, "ageSeconds": 86_400 } }),
    )
    .await;
    acme.posts(&finding("CVE-1").now()).await.is_accepted();
    app.pass(60).await;
    assert_eq!(became(&acme).await, [is("WAITING", "settling")]);
    app.pass(600).await;
    assert_eq!(became(&acme).await, [is("IGNORED", "nobody_listens")]);
    let why = text(&acme.events().await[0], "/explanation");
    assert!(
        why.contains("webhookSubscriberCreate") && why.contains("no ticket wanted by the policy \"Tell\""),
        "{why}"
    );

    let vendor = Receiver::start().await;
    tells(&app, &acme, &vendor, json!({})).await;
    acme.posts(&finding("CVE-2").now()).await.is_accepted();
    app.pass(300).await;
    acme.posts(&finding("CVE-2").resolved().now()).await.is_accepted();
    acme.posts(&finding("CVE-1").now()).await.is_accepted();
    app.pass(900).await;
    let keys = |receiver: &Receiver| -> Vec<String> {
        receiver.told().iter().map(|told| text(&told.body, "/data/finding/key")).collect()
    };
    assert_eq!(keys(&vendor), ["CVE-1"], "CVE-2 was over before it had settled");
    let cve =
        acme.findings().await.into_iter().find(|found| text(found, "/title").starts_with("CVE-2")).unwrap();
    let until = app.clock.now().plus_secs(3_600).rfc3339();
    let mute = json!({ "of": { "findingId": cve["id"] }, "until": until, "reason": "known" });
    app.does("findingMute", "mute { id }", mute).await;
    acme.posts(&finding("CVE-2").now()).await.is_accepted();
    app.pass(1_800).await;
    assert_eq!(keys(&vendor), ["CVE-1"]);
    app.pass(1_900).await;
    assert_eq!(keys(&vendor), ["CVE-1", "CVE-2"], "once the mute has ended");

    // A sender that never says what is over: not seen for a day.
    app.clock.advance_secs(86_400);
    app.drain().await;
    let mut kinds = vendor.kinds().split_off(2);
    kinds.sort();
    assert_eq!(kinds, ["finding.resolved", "finding.resolved"]);
    assert_eq!(vendor.told()[3].body["data"]["finding"]["close_reason"], "expired");

    let refused =
        app.asks("policyUpdate", "policy { id }", json!({ "id": policy, "notifies": "NOBODY" })).await;
    let error = &refused["data"]["policyUpdate"]["userErrors"][0];
    assert_eq!(error["field"], json!(["input", "notifies"]), "{refused:#}");
    let query = "query($id: ID!) { node(id: $id) { ... on Policy { opensTickets explanation } } }";
    let shown = app.graphql(query, json!({ "id": policy })).await["node"].clone();
    assert_eq!(shown["opensTickets"], false);
    let words = text(&shown, "/explanation");
    assert!(words.starts_with("Tells subscribers, without a ticket, of every event"), "{words}");
    assert!(words.contains("told once while it is there, and once when it is over"), "{words}");
    assert_eq!(app.halo.ledger().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_that_no_longer_names_what_was_told_tells_that_it_is_over() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.ready().await;
    let vendor = Receiver::start().await;
    tells(&app, &acme, &vendor, json!({ "kinds": ["FINDING_MATCHED", "FINDING_RESOLVED"] })).await;
    let preset = json!({ "organizationId": acme.organization, "preset": "low_told_only" });
    let made = app.does("policyCreateFromPreset", "policy { opensTickets }", preset).await;
    assert_eq!(made["policy"]["opensTickets"], false);
    for (key, severity) in [("CVE-1", "low"), ("CVE-2", "info"), ("CVE-3", "high")] {
        let seen = finding(key).severity(severity).with("scope_key", json!("nightly"));
        acme.posts(&seen).await.is_accepted();
        app.pass(60).await;
    }
    assert_eq!(vendor.kinds(), ["finding.matched", "finding.matched"]);
    assert_eq!(app.halo.ledger().len(), 1, "what is high has its ticket");
    let snapshot = finding("snapshot")
        .kind("scan.snapshot")
        .with("scope_key", json!("nightly"))
        .with("present", json!(["CVE-2", "CVE-3"]))
        .at(30);
    acme.posts(&snapshot).await.is_accepted();
    app.pass(60).await;
    assert_eq!(vendor.kinds()[2..], ["finding.resolved"]);
    assert_eq!(vendor.told()[2].body["data"]["finding"]["key"], "CVE-1");
    assert_eq!(became(&acme).await.last().unwrap(), &is("TOLD", "told_over"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waited_and_is_held_when_its_time_comes_is_told_too() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.ready().await;
    let vendor = Receiver::start().await;
    tells(&app, &acme, &vendor, json!({ "kinds": ["EVENT_HELD"] })).await;
    let window = json!({ "organizationId": acme.organization, "name": "Move",
        "startsAt": app.clock.now().rfc3339(), "endsAt": app.clock.now().plus_secs(3_600).rfc3339() });
    app.does("maintenanceWindowCreate", "maintenanceWindow { id }", window).await;
    let list = json!([finding("CVE-1").now().json(), finding("CVE-2").now().json()]);
    acme.posts_raw(list.to_string().as_bytes()).await.is_accepted();
    app.pass(60).await;
    let query = "query($id: ID!) { node(id: $id) { ... on Organization { companies(first: 1) { nodes {
        mappings(first: 1) { nodes { id } } } } } } }";
    let found = app.graphql(query, json!({ "id": acme.organization })).await;
    let mapping = found["node"]["companies"]["nodes"][0]["mappings"]["nodes"][0]["id"].clone();
    app.does("companyMappingRemove", "deletedCompanyMappingId", json!({ "id": mapping })).await;
    app.pass(3_900).await;
    assert_eq!(became(&acme).await, [is("HELD", "unmapped_company"), is("HELD", "unmapped_company")]);
    assert_eq!(vendor.kinds(), ["event.held"], "both together, and once");
    let about = &vendor.told()[0].body["data"];
    assert_eq!((&about["reason"], &about["event_count"]), (&json!("unmapped_company"), &json!(2)));
    assert_eq!(about["webhook_delivery_id"], acme.deliveries().await[0]["id"]);
}
