//! Devices that scanners know: taken in, known again, and told to PSAs without making anything twice.

mod linked;
mod owners;
mod posted;
mod seen;

use psa_gateway::sandbox::frame::{Fault, FaultKind, Sandbox};
use serde_json::{Value, json};

use crate::{
    configurations::{connectwise, sets, syncro},
    support::{Msp, TestApp, drain, text},
    syncs::run,
};

/// The first customer's id.
pub async fn company(msp: &Msp<'_>) -> String {
    msp.first_customer().await.0
}

async fn says(app: &TestApp, msp: &Msp<'_>, assets: Value) -> Vec<Value> {
    let input = json!({ "organizationId": msp.organization, "assets": assets });
    let selection = "results { asset { id name serialNumber key kind links {
        externalId isWritten problem psaConnection { id } } } userErrors { field message } }";
    app.does("assetUpsert", selection, input).await["results"].as_array().expect("results").clone()
}

async fn pushes(app: &TestApp, connection: &str) -> Value {
    let asked = app.does("psaConnectionPushAssets", "syncRun { id }", json!({ "id": connection })).await;
    app.drain().await;
    run(app, &text(&asked, "/syncRun/id")).await
}

async fn links(app: &TestApp, msp: &Msp<'_>) -> Vec<Value> {
    let query = "query($id: ID!) { node(id: $id) { ... on Organization { assets(first: 50) { nodes {
        name serialNumber links { externalId isWritten problem } } } } } }";
    let found = app.graphql(query, json!({ "id": msp.organization })).await;
    found["node"]["assets"]["nodes"].as_array().expect("assets").clone()
}

/// Calls that change configurations.
fn writes(psa: &dyn Sandbox) -> usize {
    let calls = psa.requests();
    let is_write = |method: &str| matches!(method, "POST" | "PUT" | "PATCH");
    let is_asset = |path: &str| path.contains("/company/configurations") || path.contains("/customer_assets");
    calls.iter().filter(|call| is_write(&call.method) && is_asset(&call.path)).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_is_known_again_by_key_serial_and_name_and_what_is_said_twice_is_not_written() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.connected().await;
    acme.customer("Northwind Dental", "northwind").await;
    let of = company(&acme).await;
    let one = json!([{ "companyId": of, "key": "agent-7", "name": "PC-17", "serialNumber": "SN17" },
        { "companyId": of, "name": "", "purchasedOn": "soon" }]);
    let first = says(&app, &acme, one).await;
    assert_eq!(text(&first[0], "/asset/name"), "PC-17");
    assert_eq!(first[1]["asset"], Value::Null, "{first:#?}");
    assert_eq!(first[1]["userErrors"].as_array().map(Vec::len), Some(2), "{first:#?}");
    let renamed = says(&app, &acme, json!([{ "companyId": of, "key": "agent-7", "name": "PC-18" }])).await;
    let anew = says(
        &app,
        &acme,
        json!([{ "companyId": of, "key": "agent-8", "name": "X", "serialNumber": "sn17" }]),
    );
    let anew = anew.await;
    let named = says(&app, &acme, json!([{ "companyId": of, "name": "x", "kind": "Server" }])).await;
    let id = &first[0]["asset"]["id"];
    assert_eq!((&renamed[0]["asset"]["id"], &anew[0]["asset"]["id"]), (id, id), "{renamed:#?} {anew:#?}");
    assert_eq!((&named[0]["asset"]["id"], &named[0]["asset"]["serialNumber"]), (id, &json!("sn17")));
    let other = says(&app, &acme, json!([{ "companyId": of, "name": "x", "serialNumber": "SN99" }])).await;
    assert_ne!(&other[0]["asset"]["id"], id, "another serial number is another device");
    assert_eq!(links(&app, &acme).await.len(), 2);

    let neighbour = app.msp("neighbour").await;
    let stranger = neighbour.token("ADMINISTRATOR").await;
    let query = "query($id: ID!) { node(id: $id) { ... on CompanyAsset { name } } }";
    assert_eq!(app.graphql_as(&stranger, query, json!({ "id": id })).await["data"]["node"], Value::Null);
    let theirs =
        json!({ "organizationId": neighbour.organization, "assets": [{ "companyId": of, "name": "PC" }] });
    let refused = app.asks("assetUpsert", "results { userErrors { code } }", theirs).await;
    assert_eq!(refused["data"]["assetUpsert"]["results"][0]["userErrors"][0]["code"], "NOT_FOUND");
}

#[tokio::test(flavor = "multi_thread")]
async fn devices_become_configurations_once_and_what_is_the_psas_own_is_not_touched() {
    let app = TestApp::start().await;
    let psa = connectwise(&app).await;
    let acme = app.msp_with(&psa, "acme").await.connected().await;
    acme.customer("Northwind Dental", "northwind").await;
    let of = company(&acme).await;
    let looked = app
        .does("psaConnectionSyncConfigurations", "syncRun { id }", json!({ "id": acme.connection() }))
        .await;
    app.drain().await;
    assert_eq!(run(&app, &text(&looked, "/syncRun/id")).await["status"], "SUCCEEDED");
    let refused = sets(&app, acme.connection(), json!({ "isWritten": true })).await;
    assert!(text(&refused, "/0/message").contains("which type"), "{refused:#}");
    let on = json!({ "isWritten": true, "writtenTypes": [{ "value": "17" }] });
    assert_eq!(sets(&app, acme.connection(), on).await, json!([]));
    // One that is there by serial number, one by name and of a type that is the PSA's own, and one that is new.
    let said = json!([
        { "companyId": of, "name": "front desk", "serialNumber": "SN18218", "ram": "16 GB" },
        { "companyId": of, "name": "nw-dc01" },
        { "companyId": of, "name": "PC-17", "serialNumber": "SN-17", "expiresOn": "2028-01-31" },
    ]);
    says(&app, &acme, said).await;
    // Its answer is lost: the PSA has it all the same.
    psa.fault(Fault {
        on: "POST /*/company/configurations".to_owned(),
        kind: FaultKind::ErrorAfterCommit { status: 502 },
        times: Some(1),
        skip: 0,
    });
    let pushed = pushes(&app, acme.connection()).await;
    assert_eq!(pushed["status"], "RUNNING", "{pushed:#}");
    app.pass(1_000).await;
    drain(&app.app).await;
    let ended = run(&app, &text(&pushed, "/id")).await;
    assert_eq!(ended["status"], "SUCCEEDED", "{ended:#}");
    let found = links(&app, &acme).await;
    let link = |name: &str| {
        let asset = found.iter().find(|asset| asset["name"] == name).unwrap_or_else(|| panic!("{found:#?}"));
        (asset["links"][0]["externalId"].clone(), asset["links"][0]["isWritten"].clone())
    };
    assert_eq!(link("front desk"), (json!("18218"), json!(true)));
    assert_eq!(link("nw-dc01"), (json!("18217"), json!(false)), "a server is the PSA's own to keep");
    assert_eq!(link("PC-17").1, json!(true));

    // What stands there now is what was said, once.
    assert_eq!(sets(&app, acme.connection(), json!({ "isEnabled": true })).await, json!([]));
    let copied = crate::configurations::syncs(&app, acme.connection()).await;
    assert_eq!(copied["status"], "SUCCEEDED", "{copied:#}");
    let rows = crate::configurations::all(&app, &acme).await;
    let names: Vec<_> = rows.iter().map(|row| text(row, "/name")).collect();
    assert_eq!(names, ["NW-DC01", "PC-17", "front desk"], "{rows:#?}");
    assert_eq!(rows[1]["expiresOn"], "2028-01-31");
    assert_eq!(rows[2]["ram"], "16 GB");

    // Nothing changed, so nothing is sent; what changed is, and that alone.
    let before = writes(&psa);
    app.pass(600).await;
    let again = pushes(&app, acme.connection()).await;
    assert_eq!((&again["status"], writes(&psa) - before), (&json!("SUCCEEDED"), 0), "{again:#}");
    assert_eq!(again["counts"]["unchanged"], 3, "{again:#}");
    says(&app, &acme, json!([{ "companyId": of, "name": "PC-17", "ram": "32 GB" }])).await;
    let changed = pushes(&app, acme.connection()).await;
    assert_eq!((&changed["counts"]["updated"], writes(&psa) - before), (&json!(1), 1), "{changed:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn syncro_is_told_of_properties_too_and_a_type_that_it_lacks_is_a_problem_of_one() {
    let app = TestApp::start().await;
    let psa = syncro(&app).await;
    let acme = app.msp_with(&psa, "acme").await.connected().await;
    acme.customer("Northwind Dental", "northwind").await;
    let of = company(&acme).await;
    app.does("psaConnectionSyncConfigurations", "syncRun { id }", json!({ "id": acme.connection() })).await;
    app.drain().await;
    let on = json!({ "isWritten": true, "isEnabled": true, "writtenTypes": [{ "value": "Server" }] });
    assert_eq!(sets(&app, acme.connection(), on).await, json!([]));
    let said = json!([{ "companyId": of, "name": "NEW-1", "serialNumber": "SN-NEW-1", "ram": "64 GB",
        "manufacturer": "Lenovo" }]);
    says(&app, &acme, said).await;
    let pushed = pushes(&app, acme.connection()).await;
    assert_eq!(
        (&pushed["status"], &pushed["counts"]["created"]),
        (&json!("SUCCEEDED"), &json!(1)),
        "{pushed:#}"
    );
    crate::configurations::syncs(&app, acme.connection()).await;
    let rows = crate::configurations::all(&app, &acme).await;
    let made = rows.iter().find(|row| row["name"] == "NEW-1").unwrap_or_else(|| panic!("{rows:#?}"));
    assert_eq!((&made["ram"], &made["manufacturer"]), (&json!("64 GB"), &json!("Lenovo")));
    assert_eq!((&made["serialNumber"], &made["configurationType"]), (&json!("SN-NEW-1"), &json!("Server")));
}
