//! What technicians do in the PSA: heard by webhook, and found by asking.

use psa_gateway::sandbox::frame::{Deed, Mail, Sandbox};
use serde_json::{Value, json};

use super::on_every_platform;
use crate::support::{Msp, TestApp, finding, text};

async fn closes(psa: &dyn Sandbox) -> String {
    let who = psa.people().first().expect("somebody works there").clone();
    let ticket = psa.ledger()[0].id.to_string();
    psa.deed(&ticket, &who, &Deed::Close { text: String::new() }).expect("it is closed");
    who
}

/// Who closed it: the person's name where the platform tells it.
fn is_closed_by_person(ticket: &Value, who: &str) {
    assert_eq!(ticket["state"], "CLOSED", "{ticket:#}");
    let by = text(ticket, "/closedBy");
    assert!(by == who || by == "somebody in the PSA", "closed by {by}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_technicians_close_is_heard_by_webhook() {
    on_every_platform("closed by a technician, by webhook", async |app, psa| {
        let msp = app.msp_with(psa, "msp").await.ready().await;
        if !msp.hears_psa().await {
            println!("contract: {:<12} has no webhooks", psa.key());
            return;
        }
        msp.posts(&finding("CVE-2024-3094").now()).await.is_accepted();
        app.drain().await;
        psa.webhooks_sent().await;
        app.drain().await;
        let who = closes(psa).await;
        assert!(psa.webhooks_sent().await > 0, "the PSA told somebody");
        app.drain().await;
        is_closed_by_person(&msp.tickets().await[0], &who);

        let ticket = psa.ledger()[0].id.to_string();
        app.clock.advance_secs(60);
        psa.deed(&ticket, &who, &Deed::Reopen).expect("it is opened");
        psa.webhooks_sent().await;
        app.drain().await;
        assert_eq!(msp.tickets().await[0]["state"], "OPEN", "opened again by hand");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_technicians_close_is_found_without_webhooks() {
    on_every_platform("closed by a technician, by poll only", async |app, psa| {
        let msp = app.msp_with(psa, "msp").await.ready().await;
        psa.set_mail(Mail::Drop);
        msp.posts(&finding("CVE-2024-3094").now()).await.is_accepted();
        app.pass(900).await;
        let who = closes(psa).await;
        app.pass(900).await;
        is_closed_by_person(&msp.tickets().await[0], &who);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_callback_that_comes_twice_is_taken_once() {
    on_every_platform("duplicate callbacks", async |app, psa| {
        let msp = app.msp_with(psa, "msp").await.ready().await;
        if !msp.hears_psa().await {
            return;
        }
        msp.posts(&finding("CVE-2024-3094").now()).await.is_accepted();
        app.drain().await;
        psa.webhooks_sent().await;
        app.drain().await;
        psa.set_mail(Mail::Twice);
        let who = closes(psa).await;
        psa.webhooks_sent().await;
        app.drain().await;
        is_closed_by_person(&msp.tickets().await[0], &who);
        let deliveries = msp.deliveries().await;
        let repeated = deliveries.iter().filter(|one| one["duplicateCount"].as_i64() > Some(0)).count();
        assert!(repeated > 0, "the second is known for what it is: {deliveries:#?}");
        assert_eq!(psa.ledger().len(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_callback_changes_nothing() {
    on_every_platform("foreign callback", async |app, psa| {
        let msp = app.msp_with(psa, "msp").await.ready().await;
        if !msp.hears_psa().await {
            return;
        }
        msp.posts(&finding("CVE-2024-3094").now()).await.is_accepted();
        app.drain().await;
        // The key a PSA signs with may have to be fetched after its first webhook.
        psa.webhooks_sent().await;
        app.pass(120).await;
        let who = closes(psa).await;
        psa.webhooks_sent().await;
        app.pass(120).await;
        let ticket = psa.ledger()[0].id.to_string();
        psa.deed(&ticket, &who, &Deed::Reopen).expect("it is opened");
        psa.webhooks_sent().await;
        app.pass(900).await;
        assert_eq!(msp.tickets().await[0]["state"], "OPEN");
        let letter = psa.letters().last().expect("a webhook").clone();

        let body = String::from_utf8(letter.body.clone()).unwrap();
        let forged = body.replacen('{', "{\"forged\":true,", 1);
        let platform = psa_gateway::psa::platform(psa.key()).unwrap();
        let scheme = platform.webhook_schemes()[0].key;
        let is_signed = !scheme.ends_with("_address");
        let status = sends(app, &letter.url, &letter.headers, &forged).await;
        assert_eq!(status == 401, is_signed, "a changed body is refused where it is signed: {status}");

        // The same to a neighbour's address: its own signature does not fit there, or says nothing of its tickets.
        let neighbour = TestApp::start_at_the_time_of(app).await;
        let other = neighbour.msp_with(psa, "other").await.ready().await;
        if other.hears_psa().await {
            let theirs = endpoint_url(&neighbour, &other).await;
            sends(&neighbour, &theirs, &letter.headers, &body).await;
            neighbour.drain().await;
            assert_eq!(other.tickets().await.len(), 0);
        }
        app.drain().await;
        assert_eq!(msp.tickets().await[0]["state"], "OPEN");
    })
    .await;
}

async fn sends(app: &TestApp, url: &str, headers: &[(String, String)], body: &str) -> u16 {
    let mut request = app.http.post(url).body(body.to_owned());
    for (name, value) in headers {
        request = request.header(name, value);
    }
    request.send().await.unwrap().status().as_u16()
}

async fn endpoint_url(app: &TestApp, msp: &Msp<'_>) -> String {
    let query = "query($id: ID!) { node(id: $id) { ... on PsaConnection {
           webhookEndpoints(first: 1) { nodes { url } } } } }";
    let data = app.graphql(query, json!({ "id": msp.connection() })).await;
    text(&data, "/node/webhookEndpoints/nodes/0/url")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_gateway_looks_after_its_own_webhook() {
    on_every_platform("webhook registered and shown", async |app, psa| {
        let msp = app.msp_with(psa, "msp").await.ready().await;
        let platform = psa_gateway::psa::platform(psa.key()).unwrap();
        if !platform.capabilities().webhook_registration {
            println!("contract: {:<12} registers no webhooks by API", psa.key());
            return;
        }
        assert!(msp.hears_psa().await);
        let health = async || {
            let query = "query($id: ID!) { node(id: $id) { ... on PsaConnection {
                   webhookHealth { registration message checkedAt lastReceivedAt } } } }";
            app.graphql(query, json!({ "id": msp.connection() })).await["node"]["webhookHealth"].clone()
        };
        let seen = health().await;
        assert_eq!(seen["registration"], "WORKING", "{seen:#}");
        msp.posts(&finding("CVE-2024-3094").now()).await.is_accepted();
        app.drain().await;
        closes(psa).await;
        psa.webhooks_sent().await;
        app.drain().await;
        let seen = health().await;
        assert_ne!(seen["lastReceivedAt"], Value::Null, "{seen:#}");

        let query = "mutation($input: PsaConnectionRemoveWebhookInput!) {
               psaConnectionRemoveWebhook(input: $input) { leftBehind userErrors { message } } }";
        let removed = app.graphql(query, json!({ "input": { "id": msp.connection() } })).await;
        assert_eq!(removed["psaConnectionRemoveWebhook"]["leftBehind"], Value::Null, "{removed:#}");
        let before = psa.webhooks_sent().await;
        let ticket = psa.ledger()[0].id.to_string();
        psa.deed(&ticket, &psa.people()[0], &Deed::Reopen).expect("it is opened");
        assert_eq!(psa.webhooks_sent().await, before, "nobody is told any more");
    })
    .await;
}
