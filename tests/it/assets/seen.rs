//! Devices that events name: made assets where that is switched on, known again, and told to the PSA as others are.

use entity::asset;
use psa_gateway::sandbox::frame::Sandbox as _;
use sea_orm::{ActiveModelTrait as _, EntityTrait as _, IntoActiveModel as _, sea_query::Expr};
use serde_json::{Value, json};
use uuid::Uuid;

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
    let ticket = psa.ledger();
    let ticket = ticket.iter().find(|ticket| ticket.summary.contains("CVE-2026-1")).expect("a ticket");
    assert_eq!(ticket.more["configurations"], json!([id]), "{ticket:#?}");
}

/// What became of the devices that events of this title name.
async fn turned_away(app: &TestApp, msp: &Msp<'_>, title: &str) -> Vec<String> {
    let query = "query($id: ID!, $title: String!) { node(id: $id) { ... on Organization {
        events(first: 1, filter: { query: $title }) { nodes { steps { step result } } } } } }";
    let found = app.graphql(query, json!({ "id": msp.organization, "title": title })).await;
    let steps = found["node"]["events"]["nodes"][0]["steps"].as_array().expect("an event").clone();
    let of = steps.iter().filter(|step| step["step"] == "device");
    of.map(|step| text(step, "/result")).collect()
}

async fn is_known(app: &TestApp, msp: &Msp<'_>, name: &str) -> bool {
    let query = "query($id: ID!, $name: String!) { node(id: $id) { ... on Organization {
        assets(first: 1, filter: { query: $name }) { nodes { name } } } } }";
    let found = app.graphql(query, json!({ "id": msp.organization, "name": name })).await;
    !found["node"]["assets"]["nodes"].as_array().expect("assets").is_empty()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_that_makes_names_up_fills_no_company_with_devices() {
    let app = TestApp::start().await;
    let psa = connectwise(&app).await;
    let acme = app.msp_with(&psa, "acme").await.ready().await;
    assert_eq!(sets(&app, acme.connection(), json!({ "takesAssetsFromEvents": true })).await, json!([]));
    sees(&app, &acme, "CVE-2026-1", json!({ "name": "PC-1" })).await;
    let db = app.app.ground.db.reader();
    let first = asset::Entity::find().one(db).await.unwrap().expect("an asset");
    let more: Vec<_> = (2..5_000_u128)
        .map(|number| asset::Model {
            id: Uuid::from_u128(number),
            name: format!("PC-{number}"),
            name_key: format!("pc-{number}"),
            ..first.clone()
        })
        .collect();
    for rows in more.chunks(256) {
        let rows = rows.iter().map(|row| row.clone().into_active_model().reset_all());
        asset::Entity::insert_many(rows).exec_without_returning(db).await.unwrap();
    }

    // One more is kept, of what comes together and of what comes after; each has its ticket all the same.
    let both: Vec<Value> = ["CVE-2026-2", "CVE-2026-3"]
        .map(|key| finding(key).now().with("asset", json!({ "name": format!("HOST-OF-{key}") })).json())
        .to_vec();
    acme.posts_raw(json!(both).to_string().as_bytes()).await.is_accepted();
    app.drain().await;
    sees(&app, &acme, "CVE-2026-4", json!({ "name": "HOST-OF-CVE-2026-4" })).await;
    assert!(is_known(&app, &acme, "HOST-OF-CVE-2026-2").await);
    assert_eq!(turned_away(&app, &acme, "CVE-2026-2").await, Vec::<String>::new());
    for key in ["CVE-2026-3", "CVE-2026-4"] {
        assert!(!is_known(&app, &acme, &format!("HOST-OF-{key}")).await);
        let why = turned_away(&app, &acme, key).await;
        assert!(why.len() == 1 && why[0].contains("is not kept as an asset: of 5000 devices"), "{why:?}");
    }
    assert_eq!(psa.ledger().len(), 4);

    // What is known goes on being seen, and an inventory may name as many as there are.
    sees(&app, &acme, "CVE-2026-5", json!({ "name": "PC-1", "serial_number": "SN-1" })).await;
    assert_eq!(turned_away(&app, &acme, "CVE-2026-5").await, Vec::<String>::new());
    assert!(is_known(&app, &acme, "SN-1").await);
    let company = super::company(&acme).await;
    says(&app, &acme, json!([{ "companyId": company, "name": "HOST-OF-CVE-2026-3" }])).await;
    assert!(is_known(&app, &acme, "HOST-OF-CVE-2026-3").await);

    // What nothing has named for a long time leaves its place.
    let long_ago = Expr::value(first.seen_at.plus_secs(-91 * 86_400));
    asset::Entity::update_many().col_expr(asset::Column::SeenAt, long_ago).exec(db).await.unwrap();
    sees(&app, &acme, "CVE-2026-6", json!({ "name": "HOST-OF-CVE-2026-4" })).await;
    assert!(is_known(&app, &acme, "HOST-OF-CVE-2026-4").await);
}
