//! Configurations: what PSAs keep of assets, copied for mapped companies, mapped onto our words and never written twice.

mod measured;

use psa_gateway::{
    clock::Chance,
    sandbox::{
        connectwise::{ConnectWiseOptions, ConnectWiseSandbox},
        frame::{Fault, FaultKind, Ground, Right, Sandbox},
        syncro::{SyncroOptions, SyncroSandbox},
    },
};
use serde_json::{Value, json};

use crate::{
    psa_contract::on_every_platform,
    support::{Msp, TestApp, drain, text},
    syncs::run,
};

fn ground(app: &TestApp) -> Ground {
    Ground { clock: app.clock.clone(), chance: Chance::system() }
}

fn keeps_secrets(psa: &dyn Sandbox, secrets: &[&str]) {
    for (key, value) in psa.credentials() {
        if secrets.contains(&key) {
            crate::support::is_secret(&value);
        }
    }
}

pub async fn connectwise(app: &TestApp) -> ConnectWiseSandbox {
    let options = ConnectWiseOptions::default();
    let psa = ConnectWiseSandbox::start(ground(app), "127.0.0.1:0", options).await.expect("a sandbox");
    keeps_secrets(&psa, &["private_key"]);
    psa
}

pub async fn syncro(app: &TestApp) -> SyncroSandbox {
    let options = SyncroOptions::default();
    let psa = SyncroSandbox::start(ground(app), "127.0.0.1:0", options).await.expect("a sandbox");
    keeps_secrets(&psa, &["api_key"]);
    psa
}

/// Reads configurations, and the run as it ended.
pub async fn syncs(app: &TestApp, connection: &str) -> Value {
    let input = json!({ "id": connection });
    let asked = app.does("psaConnectionSyncConfigurations", "syncRun { id }", input).await;
    app.drain().await;
    run(app, &text(&asked, "/syncRun/id")).await
}

pub async fn sets(app: &TestApp, connection: &str, change: Value) -> Value {
    let mut input = json!({ "psaConnectionId": connection });
    input.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    app.asks("configurationSyncSet", "psaConnection { configurationSync { isEnabled } }", input).await["data"]
        ["configurationSyncSet"]["userErrors"]
        .clone()
}

async fn list(app: &TestApp, msp: &Msp<'_>, filter: Value, order: Value) -> Vec<Value> {
    let query = "query($id: ID!, $filter: ConfigurationFilter, $order: ConfigurationOrder) { node(id: $id) {
        ... on Organization { configurations(first: 100, filter: $filter, orderBy: $order) { totalCount nodes {
          id externalId name configurationType status isActive serialNumber purchasedOn expiresOn ram osType manufacturer
          ageDays warranty { state daysLeft } fields { key value } missingSince changedAt syncedAt
          psaCompany { name } psaConnection { id } } } } } }";
    let asked = json!({ "id": msp.organization, "filter": filter, "order": order });
    let found = app.graphql(query, asked).await;
    found["node"]["configurations"]["nodes"].as_array().expect("nodes").clone()
}

pub async fn all(app: &TestApp, msp: &Msp<'_>) -> Vec<Value> {
    list(app, msp, Value::Null, Value::Null).await
}

async fn setup(app: &TestApp, connection: &str) -> Value {
    let query = "query($id: ID!) { node(id: $id) { ... on PsaConnection { configurationSync {
        isOffered isEnabled hasInactive syncedAt fieldsReadAt hasAllCompanies
        fields { key label isDownloaded problem } maps { target fieldKeys isUsual problem }
        types { value label isChosen } statuses { value label isChosen } } } } }";
    app.graphql(query, json!({ "id": connection })).await["node"]["configurationSync"].clone()
}

async fn health(app: &TestApp, msp: &Msp<'_>) -> Value {
    let query = "query($id: ID!) { node(id: $id) { ... on PsaConnection { health { status } } } }";
    app.graphql(query, json!({ "id": msp.connection() })).await["node"]["health"]["status"].clone()
}

fn names(rows: &[Value]) -> Vec<String> {
    rows.iter().map(|row| text(row, "/name")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn assets_of_mapped_companies_are_copied_and_a_second_sync_writes_nothing() {
    on_every_platform("configurations", async |app, psa| {
        let msp = app.msp_with(psa, "msp").await.connected().await;
        msp.customer("Northwind Dental", "northwind").await;
        let before = setup(app, msp.connection()).await;
        if before["isOffered"] == false {
            let asked = json!({ "id": msp.connection() });
            let refused = app.asks("psaConnectionSyncConfigurations", "syncRun { id }", asked).await;
            let code = &refused["data"]["psaConnectionSyncConfigurations"]["userErrors"][0]["code"];
            assert_eq!((psa.key(), code), ("nable", &json!("WRONG_STATE")), "{refused:#}");
            assert_eq!(
                sets(app, msp.connection(), json!({ "isEnabled": true })).await[0]["code"],
                "WRONG_STATE"
            );
            return;
        }
        // Off: what the PSA has is asked, and nothing copied.
        let looked = syncs(app, msp.connection()).await;
        assert_eq!(looked["status"], "SUCCEEDED", "{looked:#}");
        assert_eq!(all(app, &msp).await, Vec::<Value>::new());
        let known = setup(app, msp.connection()).await;
        assert!(known["types"].as_array().is_some_and(|types| !types.is_empty()), "{known:#}");

        assert_eq!(sets(app, msp.connection(), json!({ "isEnabled": true })).await, json!([]));
        let first = syncs(app, msp.connection()).await;
        assert_eq!(first["status"], "SUCCEEDED", "{first:#}");
        let copied = all(app, &msp).await;
        assert!(!copied.is_empty(), "{first:#}");
        assert!(copied.iter().all(|row| row["psaCompany"]["name"] == "Northwind Dental"), "{copied:#?}");
        assert!(copied.iter().all(|row| text(row, "/serialNumber").starts_with("SN")), "{copied:#?}");
        assert_eq!(first["counts"]["created"], json!(copied.len()), "{first:#}");

        // A login that may not see them keeps the copy, and tickets their way.
        if psa.deny(&[Right::Configurations]) {
            let refused = syncs(app, msp.connection()).await;
            assert_eq!(refused["status"], "FAILED", "{refused:#}");
            assert!(text(&refused, "/problem").contains("permission"), "{refused:#}");
            assert_eq!(health(app, &msp).await, "HEALTHY");
            assert_eq!(all(app, &msp).await, copied);
            psa.deny(&[]);
        }

        app.pass(600).await;
        let second = syncs(app, msp.connection()).await;
        let unchanged = json!({ "created": 0, "updated": 0, "unchanged": copied.len(), "failed": 0 });
        assert_eq!(second["counts"], unchanged, "{second:#}");
        let same = all(app, &msp).await;
        assert_eq!(same[0]["syncedAt"], copied[0]["syncedAt"], "nothing was written");
        assert!(setup(app, msp.connection()).await["syncedAt"].is_string());

        // A company that is mapped later joins by itself.
        msp.customer("Harbour Legal", "harbour").await;
        syncs(app, msp.connection()).await;
        assert!(all(app, &msp).await.len() > copied.len(), "the second company's joined");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_downloaded_and_mapped_is_chosen_and_what_cannot_be_is_explained() {
    let app = TestApp::start().await;
    let psa = connectwise(&app).await;
    let acme = app.msp_with(&psa, "acme").await.connected().await;
    acme.customer("Northwind Dental", "northwind").await;
    sets(&app, acme.connection(), json!({ "isEnabled": true })).await;
    syncs(&app, acme.connection()).await;

    let rows = all(&app, &acme).await;
    assert_eq!(names(&rows), ["NW-DC01", "NW-FRONT-02"]);
    assert_eq!(
        (&rows[0]["purchasedOn"], &rows[0]["expiresOn"]),
        (&json!("2023-03-01"), &json!("2026-12-24"))
    );
    assert_eq!(rows[0]["warranty"]["state"], "ENDING", "{rows:#?}");
    assert_eq!((&rows[0]["ram"], &rows[0]["osType"]), (&json!("64 GB"), &json!("Windows")));
    assert!(rows[0]["ageDays"].as_i64().is_some_and(|days| days > 1_000), "{rows:#?}");
    assert_eq!(rows[1]["purchasedOn"], "2024-05-06", "the day of installation stands in");
    assert_eq!(rows[1]["warranty"], json!({ "state": "UNKNOWN", "daysLeft": null }));

    // What people have made there is offered, and mapped once it is downloaded.
    let known = setup(&app, acme.connection()).await;
    let rack = known["fields"].as_array().unwrap().iter().find(|field| field["key"] == "custom:Rack");
    assert_eq!(rack.map(|field| &field["isDownloaded"]), Some(&json!(false)), "{known:#}");
    let map = |keys: &[&str]| json!({ "maps": [{ "target": "MANUFACTURER", "fieldKeys": keys }] });
    let refused = sets(&app, acme.connection(), map(&["custom:Rack"])).await;
    assert!(text(&refused, "/0/message").contains("is not downloaded; add custom:Rack"), "{refused:#}");
    let refused = sets(&app, acme.connection(), json!({ "fieldKeys": ["nonsense"] })).await;
    assert!(text(&refused, "/0/message").contains("the PSA has no field nonsense"), "{refused:#}");
    let mut change = map(&["custom:Rack"]);
    change["fieldKeys"] = json!(["serialNumber", "custom:Rack"]);
    assert_eq!(sets(&app, acme.connection(), change).await, json!([]));
    let known = setup(&app, acme.connection()).await;
    let purchase =
        known["maps"].as_array().unwrap().iter().find(|map| map["target"] == "PURCHASE_DATE").unwrap();
    assert!(text(purchase, "/problem").contains("is not downloaded"), "{known:#}");
    syncs(&app, acme.connection()).await;
    let rows = all(&app, &acme).await;
    assert_eq!((&rows[0]["manufacturer"], &rows[0]["purchasedOn"]), (&json!("R2-U17"), &Value::Null));
    assert_eq!(rows[1]["manufacturer"], Value::Null);

    // Types, and companies that are chosen.
    let server =
        known["types"].as_array().unwrap().iter().find(|kind| kind["value"] == "24").unwrap().clone();
    assert_eq!(sets(&app, acme.connection(), json!({ "typeIn": [server["value"]] })).await, json!([]));
    syncs(&app, acme.connection()).await;
    let missing = list(&app, &acme, json!({ "isMissing": true }), Value::Null).await;
    assert_eq!(names(&missing), ["NW-FRONT-02"], "it is no longer among what is downloaded");
    sets(&app, acme.connection(), json!({ "typeIn": null, "hasAllCompanies": false })).await;
    syncs(&app, acme.connection()).await;
    assert_eq!(list(&app, &acme, json!({ "isMissing": false }), Value::Null).await.len(), 0);
    let query = "query($id: ID!) { node(id: $id) { ... on Organization {
        companyMappings(first: 1) { nodes { company { id } psaCompany { id } } } } } }";
    let found = app.graphql(query, json!({ "id": acme.organization })).await;
    let of = |name: &str| text(&found, &format!("/node/companyMappings/nodes/0/{name}/id"));
    let chosen = json!({
        "companyId": of("company"), "psaCompanyId": of("psaCompany"), "isConfigurationsEnabled": true,
    });
    app.does("companyMappingSet", "companyMapping { id }", chosen).await;
    syncs(&app, acme.connection()).await;
    assert_eq!(list(&app, &acme, json!({ "isMissing": false }), Value::Null).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_is_filtered_sorted_and_taken_along_as_a_table() {
    let app = TestApp::start().await;
    let psa = connectwise(&app).await;
    let acme = app.msp_with(&psa, "acme").await.connected().await;
    acme.customer("Northwind Dental", "northwind").await;
    acme.customer("Harbour Legal", "harbour").await;
    sets(&app, acme.connection(), json!({ "isEnabled": true })).await;
    syncs(&app, acme.connection()).await;
    let found = async |filter: Value, order: Value| names(&list(&app, &acme, filter, order).await);
    let by = |field: &str| json!({ "field": field, "direction": "DESC" });
    assert_eq!(found(Value::Null, by("PURCHASED_ON")).await[..2], ["NW-FRONT-02", "NW-DC01"]);
    assert_eq!(found(json!({ "warrantyIn": ["ENDING"] }), Value::Null).await, ["NW-DC01"]);
    assert_eq!(found(json!({ "warrantyIn": ["ENDING", "UNKNOWN"] }), Value::Null).await.len(), 3);
    assert_eq!(found(json!({ "purchasedOn": { "lt": "2024-01-01" } }), Value::Null).await, ["NW-DC01"]);
    assert_eq!(found(json!({ "query": "sn18218" }), Value::Null).await, ["NW-FRONT-02"]);

    let query = "query($id: ID!, $after: String) { node(id: $id) { ... on Organization {
        configurationExport(first: 2, after: $after) { csv endCursor hasNextPage } } } }";
    let first =
        app.graphql(query, json!({ "id": acme.organization })).await["node"]["configurationExport"].clone();
    assert_eq!(first["hasNextPage"], true);
    let after = json!({ "id": acme.organization, "after": first["endCursor"] });
    let second = app.graphql(query, after).await["node"]["configurationExport"].clone();
    let csv = text(&first, "/csv") + &text(&second, "/csv");
    let lines: Vec<_> = csv.lines().collect();
    assert_eq!(lines.len(), 4, "{csv}");
    assert!(lines[0].starts_with("name,company,type,"), "{csv}");

    // The neighbour finds none of them, by whatever way he looks.
    let one = list(&app, &acme, Value::Null, Value::Null).await[0]["id"].clone();
    let neighbour = app.msp_with(&psa, "neighbour").await.token("ADMINISTRATOR").await;
    let by_id = "query($id: ID!) { node(id: $id) { ... on Configuration { name } ... on PsaConnection {
        configurations(first: 1) { nodes { name } } configurationSync { isEnabled } } ... on Organization {
        configurations(first: 1) { nodes { name } } configurationExport(first: 1) { csv } } } }";
    for id in [one, json!(acme.connection()), json!(acme.organization)] {
        let seen = app.graphql_as(&neighbour, by_id, json!({ "id": id })).await;
        assert_eq!(seen["data"]["node"], Value::Null, "{seen:#}");
    }
    let server = lines.iter().find(|line| line.starts_with("NW-DC01,")).unwrap();
    assert!(server.contains(",2023-03-01,2026-12-24,") && server.contains(",ending,"), "{csv}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_cut_off_goes_on_at_its_page_and_a_scheduled_one_comes() {
    let app = TestApp::start().await;
    let psa = syncro(&app).await;
    let acme = app.msp_with(&psa, "acme").await.connected().await;
    acme.customer("Northwind Dental", "northwind").await;
    let key = psa.credentials().into_iter().find(|(name, _)| *name == "api_key").unwrap().1;
    let northwind = northwind(&app, &acme).await;
    for number in 0..70 {
        let asset = json!({ "name": format!("PC-{number:03}"), "customer_id": northwind,
            "asset_type_name": "Server", "asset_serial": format!("SN-{number}") });
        let made =
            app.http.post(format!("{}/api/v1/customer_assets", psa.url())).bearer_auth(&key).json(&asset);
        assert!(made.send().await.expect("an answer").status().is_success());
    }
    app.clock.advance_secs(120);
    sets(&app, acme.connection(), json!({ "isEnabled": true })).await;
    // The first page is looked at for fields, too.
    psa.fault(Fault {
        on: "GET /api/v1/customer_assets".to_owned(),
        kind: FaultKind::ErrorBeforeCommit { status: 503 },
        times: Some(1),
        skip: 3,
    });
    let half = syncs(&app, acme.connection()).await;
    assert_eq!((&half["status"], &half["progress"]["done"]), (&json!("RUNNING"), &json!(50)), "{half:#}");
    app.clock.advance_secs(1_000);
    let other = app.another_node().await;
    drain(&other).await;
    let whole = run(&app, &text(&half, "/id")).await;
    assert_eq!(whole["status"], "SUCCEEDED", "{whole:#}");
    let pages: Vec<_> = psa
        .requests()
        .into_iter()
        .filter(|call| call.method == "GET" && call.path == "/api/v1/customer_assets")
        .map(|call| call.query)
        .collect();
    assert_eq!(pages.iter().filter(|query| query.contains("page=2")).count(), 1, "{pages:#?}");
    let rows = all(&app, &acme).await;
    assert_eq!(rows.len(), 73);
    assert_eq!(
        rows.iter().filter(|row| row["purchasedOn"] == "2024-02-29").count(),
        3,
        "by its field's name"
    );

    let daily = json!({ "psaConnectionId": acme.connection(), "kind": "CONFIGURATIONS",
        "cadence": { "dailyAt": "03:00" } });
    app.does("syncScheduleSet", "syncSchedule { nextRunAt }", daily).await;
    app.pass(86_400).await;
    app.drain().await;
    let query = "query($id: ID!) { node(id: $id) { ... on PsaConnection {
        lastSyncRun(kind: CONFIGURATIONS) { isScheduled status counts { unchanged } } } } }";
    let last = app.graphql(query, json!({ "id": acme.connection() })).await["node"]["lastSyncRun"].clone();
    assert_eq!((&last["isScheduled"], &last["status"]), (&json!(true), &json!("SUCCEEDED")), "{last:#}");
    assert_eq!(last["counts"]["unchanged"], 73, "{last:#}");
}

/// Syncro's id of the customer.
async fn northwind(app: &TestApp, msp: &Msp<'_>) -> i64 {
    let found = crate::syncs::psa_company(msp, app, "Northwind Dental").await;
    text(&found, "/externalId").parse().expect("a number")
}
