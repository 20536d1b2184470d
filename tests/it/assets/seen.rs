//! Devices that events name: made assets where that is switched on, known again, and told to the PSA as others are.

use serde_json::{Value, json};

use super::{links, pushes, says};
use crate::{
    configurations::{connectwise, sets},
    support::{Msp, TestApp, finding, text},
};

async fn sees(app: &TestApp, msp: &Msp<'_>, key: &str, device: Value) {
    msp.posts(&finding(key).now().with("asset", device)).await.is_accepted();
    app.drain().await;
}

async fn assets(app: &TestApp, msp: &Msp<'_>) -> Vec<Value> {
    let query = "query($id: ID!) { node(id: $id) { ... on Organization { assets(first: 50) { nodes {
        name serialNumber osType kind seenAt changedAt company { name } } } } } }";
    let found = app.graphql(query, json!({ "id": msp.organization })).await;
    found["node"]["assets"]["nodes"].as_array().expect("assets").clone()
}

fn names(rows: &[Value]) -> Vec<String> {
    rows.iter().map(|row| text(row, "/name")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_events_name_becomes_one_asset_of_its_company_where_that_is_switched_on() {
    let app = TestApp::start().await;
    let psa = connectwise(&app).await;
    let acme = app.msp_with(&psa, "acme").await.ready().await;
    let pc = json!({ "uid": "7", "name": "PC-17", "type": "host", "os": "Windows 11" });
    sees(&app, &acme, "CVE-2026-1", pc.clone()).await;
    assert_eq!(assets(&app, &acme).await, Vec::<Value>::new(), "nobody asked for it");

    assert_eq!(sets(&app, acme.connection(), json!({ "takesAssetsFromEvents": true })).await, json!([]));
    sees(&app, &acme, "CVE-2026-2", pc.clone()).await;
    // The same by other words: in DNS, by its serial number, by what its sender calls it.
    let dns = json!({ "fqdn": "pc-17.northwind.example", "serial_number": "SN-17" });
    sees(&app, &acme, "CVE-2026-3", dns).await;
    sees(&app, &acme, "CVE-2026-4", json!({ "uid": "8", "name": "other", "serial_number": "sn-17" })).await;
    sees(&app, &acme, "CVE-2026-5", json!({ "uid": "7", "name": "renamed" })).await;
    // What is no device, has no name, or is nobody's.
    sees(&app, &acme, "CVE-2026-6", json!({ "name": "web", "type": "container" })).await;
    sees(&app, &acme, "CVE-2026-7", json!({ "uid": "99", "name": "10.0.0.4" })).await;
    acme.posts(&finding("CVE-2026-8").of("nobody").with("asset", json!({ "name": "PC-99" })))
        .await
        .is_accepted();
    app.drain().await;
    let seen = assets(&app, &acme).await;
    assert_eq!(names(&seen), ["PC-17"], "{seen:#?}");
    assert_eq!(
        (&seen[0]["serialNumber"], &seen[0]["osType"], &seen[0]["company"]["name"]),
        (&json!("SN-17"), &json!("Windows 11"), &json!("Northwind Dental"))
    );

    // What is said again changes nothing but, once an hour, when it was seen; a new name stays out for a day.
    sees(&app, &acme, "CVE-2026-9", pc).await;
    assert_eq!(assets(&app, &acme).await, seen);
    app.pass(90_000).await;
    sees(&app, &acme, "CVE-2026-10", json!({ "uid": "7", "name": "PC-18" })).await;
    let renamed = assets(&app, &acme).await;
    assert_eq!(names(&renamed), ["PC-18"], "{renamed:#?}");
    assert_ne!(renamed[0]["seenAt"], seen[0]["seenAt"]);

    // What an inventory says of it stays.
    let company = super::company(&acme).await;
    says(&app, &acme, json!([{ "companyId": company, "name": "Front desk", "serialNumber": "SN-17" }])).await;
    app.pass(90_000).await;
    sees(&app, &acme, "CVE-2026-11", json!({ "uid": "7", "name": "PC-19", "os": "Windows 12" })).await;
    let told = assets(&app, &acme).await;
    assert_eq!((names(&told), &told[0]["osType"]), (vec!["Front desk".to_owned()], &json!("Windows 11")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_seen_becomes_a_configuration_and_the_next_ticket_has_it() {
    let app = TestApp::start().await;
    let psa = connectwise(&app).await;
    let acme = app.msp_with(&psa, "acme").await.ready().await;
    app.does("psaConnectionSyncConfigurations", "syncRun { id }", json!({ "id": acme.connection() })).await;
    app.drain().await;
    let on = json!({ "isWritten": true, "writtenTypes": [{ "value": "17" }], "takesAssetsFromEvents": true });
    assert_eq!(sets(&app, acme.connection(), on).await, json!([]));
    let many: Vec<Value> = (0..40)
        .map(|number| {
            finding(&format!("CVE-{number}"))
                .with("asset", json!({ "name": format!("NEW-{}", number % 20) }))
                .json()
        })
        .collect();
    acme.posts_raw(json!(many).to_string().as_bytes()).await.is_accepted();
    app.drain().await;
    assert_eq!(assets(&app, &acme).await.len(), 20);
    let pushed = pushes(&app, acme.connection()).await;
    assert_eq!(
        (&pushed["status"], &pushed["counts"]["created"]),
        (&json!("SUCCEEDED"), &json!(20)),
        "{pushed:#}"
    );
    let linked = links(&app, &acme).await;
    let link = linked.iter().find(|asset| asset["name"] == "NEW-7").expect("an asset");
    let id: i64 = text(link, "/links/0/externalId").parse().expect("a number");
    sees(&app, &acme, "CVE-2026-1", json!({ "fqdn": "new-7.northwind.example" })).await;
    let ticket = psa_gateway::sandbox::frame::Sandbox::ledger(&psa);
    let ticket = ticket.iter().find(|ticket| ticket.summary.contains("CVE-2026-1")).expect("a ticket");
    assert_eq!(ticket.more["configurations"], json!([id]), "{ticket:#?}");
}
