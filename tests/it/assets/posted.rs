//! Inventories that post devices to an endpoint of their own.

use psa_gateway::scanners::signature;
use serde_json::{Value, json};

use super::links;
use crate::{
    configurations::connectwise,
    support::{Msp, TestApp, is_secret, text},
};

/// Where devices are posted to.
struct Door {
    url: String,
    secret: String,
}

impl Door {
    async fn new(app: &TestApp, msp: &Msp<'_>) -> Self {
        let input = json!({ "organizationId": msp.organization, "name": "inventory", "sender": "assets",
            "scheme": "standard_webhooks" });
        let made = app.does("webhookEndpointCreate", "webhookEndpoint { url } signingSecret", input).await;
        let secret = text(&made, "/signingSecret");
        is_secret(&secret);
        Self { url: text(&made, "/webhookEndpoint/url"), secret }
    }

    async fn posts(&self, app: &TestApp, id: &str, body: &str) -> u16 {
        let signed =
            signature::sign(&self.secret, id, app.clock.now(), body.as_bytes()).expect("a signature");
        let mut request = app.http.post(&self.url).body(body.to_owned());
        for (name, value) in signed.pairs() {
            request = request.header(name, value);
        }
        let status = request.send().await.expect("an answer").status().as_u16();
        app.drain().await;
        status
    }
}

async fn names(app: &TestApp, msp: &Msp<'_>) -> Vec<String> {
    links(app, msp).await.iter().map(|asset| text(asset, "/name")).collect()
}

/// The events of devices, each as outcome and title.
async fn events(app: &TestApp, msp: &Msp<'_>) -> Vec<(String, String)> {
    let query = "query($id: ID!) { node(id: $id) { ... on Organization { events(first: 50) { nodes {
        kind title outcome explanation } } } } }";
    let found = app.graphql(query, json!({ "id": msp.organization })).await;
    let rows = found["node"]["events"]["nodes"].as_array().expect("events").clone();
    assert!(rows.iter().all(|row| row["kind"] == "asset.reported"), "{rows:#?}");
    let mut rows: Vec<_> = rows.iter().map(|row| (text(row, "/outcome"), text(row, "/title"))).collect();
    rows.sort();
    rows
}

fn pair(outcome: &str, title: &str) -> (String, String) {
    (outcome.to_owned(), title.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn posted_devices_become_assets_and_what_is_wrong_or_waits_is_shown() {
    let app = TestApp::start().await;
    let psa = connectwise(&app).await;
    let acme = app.msp_with(&psa, "acme").await.connected().await;
    acme.customer("Northwind Dental", "northwind").await;
    let door = Door::new(&app, &acme).await;
    let device =
        |whose: &str, name: &str| json!({ "source": "inventory", "client_ref": whose, "name": name });
    let mut bought = device("northwind", "PC-2");
    bought["purchased_on"] = json!("soon");
    let mut misspelt = device("northwind", "PC-3");
    misspelt["serial"] = json!("SN3");
    let mut first = device("northwind", "PC-1");
    first["serial_number"] = json!("SN1");
    let body = json!([first, bought, misspelt, device("harbour", "PC-4"), device("northwind", "PC-5")]);
    assert_eq!(door.posts(&app, "msg_1", &body.to_string()).await, 202);
    assert_eq!(names(&app, &acme).await, ["PC-1", "PC-5"]);
    let shown = events(&app, &acme).await;
    assert_eq!(shown, [pair("HELD", "PC-4"), pair("INVALID", ""), pair("INVALID", "PC-2")]);
    assert!(acme.tickets().await.is_empty() && acme.findings().await.is_empty());

    // The same once more; then newer words, which an older delivery that is looked at again does not undo.
    assert_eq!(door.posts(&app, "msg_1", &body.to_string()).await, 202);
    let renamed =
        json!({ "source": "inventory", "client_ref": "northwind", "name": "FRONT", "serial_number": "sn1" });
    assert_eq!(door.posts(&app, "msg_2", &renamed.to_string()).await, 202);
    acme.customer("Harbour Legal", "harbour").await;
    app.drain().await;
    app.pass(200).await;
    assert_eq!(names(&app, &acme).await, ["FRONT", "PC-4", "PC-5"]);
    let shown = events(&app, &acme).await;
    assert_eq!(shown, [pair("IGNORED", "PC-4"), pair("INVALID", ""), pair("INVALID", "PC-2")]);

    // Nor does one that somebody has decided again.
    for delivery in acme.deliveries().await {
        app.does("webhookDeliveryRedrive", "webhookDelivery { id }", json!({ "id": delivery["id"] })).await;
    }
    app.drain().await;
    assert_eq!(names(&app, &acme).await, ["FRONT", "PC-4", "PC-5"]);

    // More than one transaction takes; a body that is none at all; and one that nobody signed.
    let many: Vec<Value> = (0..600).map(|number| device("northwind", &format!("N-{number:04}"))).collect();
    assert_eq!(door.posts(&app, "msg_3", &json!(many).to_string()).await, 202);
    let query =
        "query($id: ID!) { node(id: $id) { ... on Organization { assets(first: 1) { totalCount } } } }";
    let found = app.graphql(query, json!({ "id": acme.organization })).await;
    assert_eq!(found["node"]["assets"]["totalCount"], 603);
    assert_eq!(door.posts(&app, "msg_4", "no devices").await, 202);
    let dead = acme.deliveries().await.iter().filter(|delivery| delivery["state"] == "DEAD").count();
    assert_eq!(dead, 1, "{:#?}", acme.deliveries().await);
    let unsigned = app.http.post(&door.url).body("[]").send().await.expect("an answer");
    assert_eq!(unsigned.status().as_u16(), 401);
}
