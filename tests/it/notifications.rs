//! Others are told what becomes of tickets: signed, in order, again where it did not arrive, and nobody else.

use psa_gateway::sandbox::frame::{Deed, Sandbox as _};
use serde_json::{Value, json};

use crate::support::{Msp, Receiver, TestApp, data, finding, found_secrets, is_secret, text};

/// A subscriber of an MSP's, and its first secret.
struct Subscriber {
    id: String,
    secret: String,
}

impl Msp<'_> {
    /// Has somebody told; `more` is what else is said of them.
    async fn tells(&self, app: &TestApp, receiver: &Receiver, more: Value) -> Subscriber {
        let mut input =
            json!({ "organizationId": self.organization, "name": "Scanner", "url": receiver.url });
        input.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        let made = asks(
            app,
            "webhookSubscriberCreate",
            "webhookSubscriber { id health { status } } signingSecret",
            input,
        );
        let made = made.await;
        assert_eq!(made["webhookSubscriber"]["health"]["status"], "UNTRIED", "{made:#}");
        let secret = text(&made, "/signingSecret");
        is_secret(&secret);
        Subscriber { id: text(&made, "/webhookSubscriber/id"), secret }
    }

    /// A subscriber with what it was told, the first thing first.
    async fn sees(&self, app: &TestApp, subscriber: &str) -> Value {
        let query = "query($id: ID!) { node(id: $id) { ... on WebhookSubscriber { isEnabled
            health { status consecutiveFailureCount failingSince lastFailureMessage disabledReason }
            secrets { hint isUsed expiresAt }
            notifications(first: 50, orderBy: { field: CREATED_AT, direction: ASC }) { totalCount nodes {
              id messageId kind state payload attemptCount lastResponseStatus lastError ticket { externalId }
              attempts(first: 20) { nodes { number outcome responseStatus message finishedAt } } } } } } }";
        app.graphql(query, json!({ "id": subscriber })).await["node"].clone()
    }
}

/// Asks for a mutation that must be done; its payload.
async fn asks(app: &TestApp, mutation: &str, selection: &str, input: Value) -> Value {
    data(&refusable(app, mutation, selection, input).await)[mutation].clone()
}

/// Asks for a mutation; the whole answer.
async fn refusable(app: &TestApp, mutation: &str, selection: &str, input: Value) -> Value {
    let name = format!("{}{}Input", mutation[..1].to_uppercase(), &mutation[1..]);
    let query = format!(
        "mutation($input: {name}!) {{ {mutation}(input: $input) {{ {selection} userErrors {{ field code message }} }} }}"
    );
    app.graphql_as(&app.token, &query, json!({ "input": input })).await
}

/// A technician closes the only ticket, and the gateway sees it.
async fn dana_closes(app: &TestApp, ticket: usize) {
    app.clock.advance_secs(60);
    let close = Deed::Close { text: String::new() };
    app.halo.deed(&app.halo.ledger()[ticket].id.to_string(), "Dana Smith", &close).expect("closed");
    app.pass(900).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_scanners_vendor_learns_that_its_ticket_is_there_and_who_closed_it() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.ready().await;
    let vendor = Receiver::start().await;
    let subscriber = acme.tells(&app, &vendor, json!({})).await;
    acme.posts(&finding("CVE-2024-3094")).await.is_accepted();
    app.drain().await;

    let opened = vendor.told()[0].clone();
    assert!(opened.is_signed_with(&subscriber.secret));
    assert_eq!(opened.sent_at(), app.clock.now());
    assert!(!opened.is_signed_with("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="));
    assert_eq!((opened.kind(), &opened.body["timestamp"]), ("ticket.opened", &json!("2026-11-21T09:00:00Z")));
    let about = &opened.body["data"];
    assert_eq!(about["organization"]["id"], json!(acme.organization));
    assert_eq!(about["company"]["name"], "Northwind Dental");
    assert_eq!(about["company"]["aliases"], json!([{ "source": "*", "value": "northwind" }]));
    assert_eq!(about["ticket"]["external_id"], json!(app.halo.ledger()[0].id.to_string()));
    assert_eq!((&about["ticket"]["state"], &about["ticket"]["closed_by"]), (&json!("OPEN"), &Value::Null));
    assert_eq!(about["finding_count"], 1);
    assert_eq!(
        (&about["findings"][0]["source"], &about["findings"][0]["key"]),
        (&json!("scanner"), &json!("CVE-2024-3094"))
    );

    dana_closes(&app, 0).await;
    assert_eq!(vendor.kinds(), ["ticket.opened", "ticket.closed"]);
    let closed = vendor.told()[1].clone();
    assert!(closed.is_signed_with(&subscriber.secret));
    let ticket = &closed.body["data"]["ticket"];
    assert_eq!(ticket["closed_by"], json!({ "name": "Dana Smith", "kind": "person" }));
    assert_eq!((&ticket["state"], &ticket["closed_at"]), (&json!("CLOSED"), &json!("2026-11-21T09:01:00Z")));
    assert_eq!(ticket["id"], about["ticket"]["id"]);

    let seen = acme.sees(&app, &subscriber.id).await;
    assert_eq!(seen["health"]["status"], "HEALTHY");
    let first = &seen["notifications"]["nodes"][0];
    assert_eq!((&first["state"], &first["messageId"]), (&json!("DONE"), &json!(opened.id())));
    assert_eq!((&first["payload"], &first["kind"]), (&opened.body, &json!("TICKET_OPENED")));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_gateway_does_to_a_ticket_is_told_in_its_order() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.ready().await;
    let vendor = Receiver::start().await;
    acme.tells(&app, &vendor, json!({})).await;
    acme.posts(&finding("CVE-1")).await.is_accepted();
    acme.posts(&finding("CVE-1").resolved().at(1)).await.is_accepted();
    app.pass(600).await;
    assert_eq!(vendor.kinds(), ["ticket.opened", "ticket.noted", "ticket.closed"]);
    let told = vendor.told();
    let note = text(&told[1].body, "/data/note/text");
    assert!(note.contains("reports it as over"), "{note}");
    assert_eq!(
        told[2].body["data"]["ticket"]["closed_by"],
        json!({ "name": "PSA Gateway", "kind": "gateway" })
    );

    acme.posts(&finding("CVE-1").at(10)).await.is_accepted();
    app.drain().await;
    assert_eq!(vendor.kinds()[3..], ["ticket.reopened", "ticket.noted"]);
    assert_eq!(vendor.told()[3].body["data"]["ticket"]["state"], "OPEN");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_arrive_is_sent_again_with_the_same_id_and_nothing_overtakes_it() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.ready().await;
    let vendor = Receiver::start().await;
    let subscriber = acme.tells(&app, &vendor, json!({})).await;
    vendor.answers(500);
    acme.posts(&finding("CVE-1")).await.is_accepted();
    app.drain().await;
    dana_closes(&app, 0).await;
    assert!(vendor.kinds().iter().all(|kind| kind == "ticket.opened"), "{:?}", vendor.kinds());
    let tries = vendor.told().len();
    assert!((3..10).contains(&tries), "{tries} in a quarter of an hour");
    let seen = acme.sees(&app, &subscriber.id).await;
    assert_eq!(
        (&seen["health"]["status"], &seen["isEnabled"]),
        (&json!("FAILING"), &json!(true)),
        "{seen:#}"
    );
    assert_eq!(seen["health"]["lastFailureMessage"], "it answered 500");

    vendor.answers(200);
    app.pass(3_600).await;
    let told = vendor.told();
    assert_eq!(vendor.kinds()[tries..], ["ticket.opened", "ticket.closed"]);
    assert!(told[..=tries].iter().all(|one| one.id() == told[0].id()), "one id for all tries");
    assert!(told[..=tries].iter().all(|one| one.body == told[0].body));
    assert_ne!(told[0].id(), told[tries + 1].id());
    assert!(told[..=tries].iter().all(|one| one.is_signed_with(&subscriber.secret)), "signed anew each time");
    assert_ne!(told[0].sent_at(), told[tries].sent_at());
    let seen = acme.sees(&app, &subscriber.id).await;
    assert_eq!(
        (&seen["health"]["status"], &seen["health"]["failingSince"]),
        (&json!("HEALTHY"), &Value::Null)
    );
    let attempts = seen["notifications"]["nodes"][0]["attempts"]["nodes"].as_array().unwrap().clone();
    assert_eq!(attempts.len(), tries + 1);
    assert_eq!(
        (&attempts[0]["outcome"], &attempts[0]["responseStatus"]),
        (&json!("server_error"), &json!(500))
    );
    assert_eq!(attempts[tries]["outcome"], "done");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_secret_signs_beside_the_old_one_until_that_ends() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.ready().await;
    let vendor = Receiver::start().await;
    let subscriber = acme.tells(&app, &vendor, json!({})).await;
    let rotate = json!({ "id": subscriber.id, "overlapSeconds": 3_600 });
    let rotated =
        asks(&app, "webhookSubscriberRotateSecret", "signingSecret previousSecretExpiresAt", rotate).await;
    let second = text(&rotated, "/signingSecret");
    is_secret(&second);
    assert_eq!(rotated["previousSecretExpiresAt"], "2026-11-21T10:00:00Z");

    let test = async || {
        let input = json!({ "id": subscriber.id });
        asks(&app, "webhookSubscriberSendTest", "notification { kind state }", input).await;
        app.drain().await;
        vendor.told().last().expect("the test").clone()
    };
    let told = test().await;
    assert_eq!((told.kind(), told.signature_count()), ("webhook.test", 2));
    for secret in [&subscriber.secret, &second] {
        assert!(told.is_signed_with(secret));
    }
    app.clock.advance_secs(3_600);
    let told = test().await;
    assert_eq!(told.signature_count(), 1);
    assert!(told.is_signed_with(&second));
    assert!(!told.is_signed_with(&subscriber.secret));

    // Nothing but the answers that made them shows the secrets.
    let seen = acme.sees(&app, &subscriber.id).await;
    assert_eq!(seen["secrets"][0]["hint"], json!(second[second.len() - 4..]));
    assert_eq!((&seen["secrets"][0]["isUsed"], &seen["secrets"][1]["isUsed"]), (&json!(true), &json!(false)));
    for secret in [&subscriber.secret, &second] {
        assert!(!seen.to_string().contains(secret.as_str()));
        assert!(vendor.told().iter().all(|told| !told.body.to_string().contains(secret.as_str())));
    }
    assert_eq!(found_secrets(), Vec::<String>::new(), "log lines with secrets");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_gone_for_good_is_told_nothing_more_until_a_person_wants_it_again() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.ready().await;
    let vendor = Receiver::start().await;
    let subscriber = acme.tells(&app, &vendor, json!({})).await;
    vendor.answers(410);
    acme.posts(&finding("CVE-1")).await.is_accepted();
    app.drain().await;
    acme.posts(&finding("CVE-2")).await.is_accepted();
    app.pass(3_600).await;
    assert_eq!(vendor.told().len(), 1);
    let seen = acme.sees(&app, &subscriber.id).await;
    assert_eq!((&seen["isEnabled"], &seen["health"]["disabledReason"]), (&json!(false), &json!("GONE")));
    assert_eq!(seen["notifications"]["totalCount"], 1, "what happens meanwhile is never told");
    assert_eq!(seen["notifications"]["nodes"][0]["state"], "FAILED");
    let query = "query($id: ID!) { node(id: $id) { ... on Organization {
        auditLog(first: 1) { nodes { action actor { kind } after } } } } }";
    let log = app.graphql(query, json!({ "id": acme.organization })).await;
    let entry = &log["node"]["auditLog"]["nodes"][0];
    assert_eq!(
        (&entry["action"], &entry["actor"]["kind"]),
        (&json!("webhookSubscriberUpdate"), &json!("GATEWAY"))
    );
    assert_eq!(entry["after"], json!({ "isEnabled": false, "disabledBecause": "GONE" }));

    vendor.answers(200);
    let since = json!({ "webhookSubscriberId": subscriber.id, "since": "2026-11-21T00:00:00Z" });
    let redrive = json!({ "of": { "failed": since }, "idempotencyKey": "again-1" });
    let selection = "notificationCount hasMore";
    let refused = refusable(&app, "notificationRedrive", selection, redrive.clone()).await;
    assert_eq!(refused["data"]["notificationRedrive"]["userErrors"][0]["code"], "WRONG_STATE", "{refused:#}");
    let on = json!({ "id": subscriber.id, "isEnabled": true });
    let on =
        asks(&app, "webhookSubscriberUpdate", "webhookSubscriber { health { status disabledAt } }", on).await;
    assert_eq!(on["webhookSubscriber"]["health"]["disabledAt"], Value::Null);
    for _ in 0..2 {
        let again = asks(&app, "notificationRedrive", selection, redrive.clone()).await;
        assert_eq!((&again["notificationCount"], &again["hasMore"]), (&json!(1), &json!(false)), "{again:#}");
        app.drain().await;
    }
    let told = vendor.told();
    assert_eq!(told.len(), 2, "asked twice under one key, sent once");
    assert_eq!(told[0].id(), told[1].id());
    assert_eq!(acme.sees(&app, &subscriber.id).await["notifications"]["nodes"][0]["state"], "DONE");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_reached_for_five_days_is_switched_off() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await;
    let vendor = Receiver::start().await;
    let subscriber = acme.tells(&app, &vendor, json!({})).await;
    vendor.answers(404);
    let test = async || {
        let input = json!({ "id": subscriber.id });
        asks(&app, "webhookSubscriberSendTest", "notification { id }", input).await;
        app.drain().await;
    };
    test().await;
    for _ in 0..8 {
        app.clock.advance_secs(12 * 3_600);
        app.drain().await;
    }
    let seen = acme.sees(&app, &subscriber.id).await;
    assert_eq!(
        (&seen["isEnabled"], &seen["health"]["status"]),
        (&json!(true), &json!("FAILING")),
        "{seen:#}"
    );
    app.clock.advance_secs(26 * 3_600);
    test().await;
    let seen = acme.sees(&app, &subscriber.id).await;
    assert_eq!(
        (&seen["isEnabled"], &seen["health"]["disabledReason"]),
        (&json!(false), &json!("FAILING")),
        "{seen:#}"
    );
    let refused =
        refusable(&app, "webhookSubscriberSendTest", "notification { id }", json!({ "id": subscriber.id }));
    let refused = refused.await;
    assert_eq!(refused["data"]["webhookSubscriberSendTest"]["userErrors"][0]["code"], "WRONG_STATE");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_to_wait_is_left_alone_for_as_long() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await;
    let vendor = Receiver::start().await;
    let subscriber = acme.tells(&app, &vendor, json!({})).await;
    vendor.answers(429);
    vendor.asks_to_wait(600);
    let input = json!({ "id": subscriber.id });
    asks(&app, "webhookSubscriberSendTest", "notification { id }", input).await;
    app.drain().await;
    vendor.answers(200);
    app.clock.advance_secs(590);
    app.drain().await;
    assert_eq!(vendor.told().len(), 1, "not before the time it gave");
    app.clock.advance_secs(20);
    app.drain().await;
    assert_eq!(vendor.told().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_hears_what_they_want_to_know_of_their_own_organization_and_nothing_else() {
    let app = TestApp::start().await;
    let (acme, globex) = (app.msp("acme").await.ready().await, app.msp("globex").await.ready().await);
    let (all, closes, policies, theirs) =
        (Receiver::start().await, Receiver::start().await, Receiver::start().await, Receiver::start().await);
    let first = json!({ "organizationId": acme.organization, "name": "Quiet", "place": 1,
        "notifies": "NOBODY", "conditions": { "text": { "field": { "of": "TITLE" }, "is": { "contains": "quiet" } } } });
    asks(&app, "policyCreate", "policy { id notifies explanation }", first).await;
    let second = json!({ "organizationId": acme.organization, "name": "Leaks", "place": 1,
        "conditions": { "text": { "field": { "of": "KIND" }, "is": { "oneOf": ["secret.leaked"] } } } });
    let leaks = asks(&app, "policyCreate", "policy { id }", second).await["policy"]["id"].clone();
    acme.tells(&app, &all, json!({})).await;
    acme.tells(&app, &closes, json!({ "name": "Closes", "kinds": ["TICKET_CLOSED"] })).await;
    acme.tells(&app, &policies, json!({ "name": "Leaks", "policyIds": [leaks] })).await;
    globex.tells(&app, &theirs, json!({})).await;

    acme.posts(&finding("CVE-1")).await.is_accepted();
    acme.posts(&finding("LEAK-1").kind("secret.leaked")).await.is_accepted();
    acme.posts(&finding("CVE-3").with("title", json!("a quiet one"))).await.is_accepted();
    app.drain().await;
    assert_eq!(app.halo.ledger().len(), 3);
    assert_eq!(all.kinds(), ["ticket.opened", "ticket.opened"], "not of the quiet one");
    assert_eq!(policies.told().len(), 1);
    assert_eq!(policies.told()[0].body["data"]["findings"][0]["key"], "LEAK-1");
    assert_eq!(policies.told()[0].body["data"]["policy_id"], leaks);
    let of_cve = all.told().iter().position(|told| told.body["data"]["findings"][0]["key"] == "CVE-1");
    assert!(of_cve.is_some());
    acme.posts(&finding("CVE-1").resolved().at(5)).await.is_accepted();
    app.drain().await;
    assert_eq!(closes.kinds(), ["ticket.closed"]);
    assert_eq!(theirs.kinds(), [""; 0], "another organization's");

    let wrong = json!({ "organizationId": acme.organization, "name": "Wrong", "url": all.url,
        "kinds": ["TICKET_OPENED", "WEBHOOK_TEST"], "policyIds": [] });
    let refused = refusable(&app, "webhookSubscriberCreate", "signingSecret", wrong).await;
    let errors = refused["data"]["webhookSubscriberCreate"]["userErrors"].as_array().unwrap().clone();
    let fields: Vec<_> = errors.iter().map(|error| error["field"].clone()).collect();
    assert_eq!(fields, [json!(["input", "kinds", "1"]), json!(["input", "policyIds"])], "{refused:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_held_is_told_once_with_its_reason_and_what_becomes_of_it_then() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.ready().await;
    let vendor = Receiver::start().await;
    acme.tells(&app, &vendor, json!({})).await;
    let list = json!([finding("CVE-1").of("harbor").json(), finding("CVE-2").of("harbor").json()]);
    acme.posts_raw(list.to_string().as_bytes()).await.is_accepted();
    app.drain().await;
    assert_eq!(vendor.kinds(), ["event.held"], "two for one reason are told together");
    let about = vendor.told()[0].body["data"].clone();
    assert_eq!(
        (&about["reason"], &about["client_ref"], &about["event_count"]),
        (&json!("unmapped_company"), &json!("harbor"), &json!(2))
    );
    assert_eq!(about["events"][1]["key"], "CVE-2");
    let delivery = acme.deliveries().await[0].clone();
    assert_eq!(about["webhook_delivery_id"], delivery["id"]);
    acme.redrives(&text(&delivery, "/id")).await;
    app.drain().await;
    assert_eq!(vendor.told().len(), 1, "held for the same reason is no news");

    acme.customer("Harbour Legal", "harbor").await;
    app.pass(600).await;
    assert_eq!(vendor.kinds()[1..], ["ticket.opened", "ticket.opened"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_breaks_is_told_and_that_it_works_again() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.ready().await;
    let vendor = Receiver::start().await;
    acme.tells(&app, &vendor, json!({})).await;
    app.halo.with(|world| world.deny_resources(&["Tickets"]));
    acme.posts(&finding("CVE-1")).await.is_accepted();
    app.drain().await;
    app.pass(1_800).await;
    assert_eq!(vendor.kinds(), ["connection.broken"], "once, however often it is tried");
    let about = vendor.told()[0].body["data"].clone();
    assert_eq!(about["psa_connection"]["id"], json!(acme.connection()));
    assert_eq!(
        (&about["psa_connection"]["platform"], &about["health"]["status"]),
        (&json!("halo"), &json!("FAILING"))
    );

    app.halo.with(|world| world.deny_resources(&[]));
    app.pass(3_600).await;
    let mut kinds = vendor.kinds();
    kinds.sort();
    assert_eq!(kinds, ["connection.broken", "connection.recovered", "ticket.opened"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_must_not_be_called_is_refused_when_it_is_typed() {
    let app = TestApp::start_with(&[("psa_private_addresses", "psa.acme.example")]).await;
    let acme = app.msp("acme").await;
    for (url, words) in [
        ("http://hooks.example.com/in", "use https"),
        ("https://127.0.0.1/in", "this machine itself"),
        ("https://169.254.169.254/in", "metadata"),
        ("https://user:password@hooks.example.com/in", "user name or password"),
        ("ftp://hooks.example.com/in", "https"),
        ("hooks.example.com", "no address"),
        ("", "may not be empty"),
    ] {
        let input = json!({ "organizationId": acme.organization, "name": "Vendor", "url": url });
        let refused = refusable(&app, "webhookSubscriberCreate", "signingSecret", input).await;
        let error = &refused["data"]["webhookSubscriberCreate"]["userErrors"][0];
        assert_eq!(error["field"], json!(["input", "url"]), "{url}: {refused:#}");
        assert!(text(error, "/message").contains(words), "{url}: {refused:#}");
        assert_eq!(refused["data"]["webhookSubscriberCreate"]["signingSecret"], Value::Null);
    }
    let input = json!({ "organizationId": acme.organization, "name": "Vendor",
        "url": "https://hooks.example.com/in/canary-of-a-path" });
    let made = asks(&app, "webhookSubscriberCreate", "webhookSubscriber { id } signingSecret", input).await;
    is_secret(&text(&made, "/signingSecret"));
    // Whoever may not choose what others are told sees the host and no more.
    let query = "query($id: ID!) { node(id: $id) { ... on WebhookSubscriber { host url } } }";
    let technician = acme.token("TECHNICIAN").await;
    let seen = app.graphql_as(&technician, query, json!({ "id": made["webhookSubscriber"]["id"] })).await;
    assert_eq!(
        (&seen["data"]["node"]["host"], &seen["data"]["node"]["url"]),
        (&json!("hooks.example.com"), &Value::Null)
    );
    assert_eq!(seen["errors"][0]["extensions"]["code"], "FORBIDDEN", "{seen:#}");
}
