//! Importing companies: loaded and compared, looked through, and nothing is applied before somebody says so.

use serde_json::{Value, json};

use crate::{
    support::{Msp, TestApp, text},
    syncs::{in_halo, psa_company, small_pages},
};

const ITEM: &str = "id psaCompany { id name } standing action state problem companyName company { id name }
    suggestions { company { name } score reasons }";

async fn makes_company(app: &TestApp, msp: &Msp<'_>, name: &str) -> String {
    let input = json!({ "organizationId": msp.organization, "name": name });
    text(&app.does("companyCreate", "company { id }", input).await, "/company/id")
}

async fn import(app: &TestApp, id: &str) -> Value {
    let query = "query($id: ID!) { node(id: $id) { ... on CompanyImport { state askedBy
        loadRun { status progress { done total } counts { created unchanged } }
        finishRun { status progress { done total } counts { created updated failed } errors(first: 5) { nodes { name message } } } } } }";
    app.graphql(query, json!({ "id": id })).await["node"].clone()
}

async fn items(app: &TestApp, id: &str, filter: Value) -> Vec<Value> {
    let query = format!(
        "query($id: ID!, $filter: CompanyImportItemFilter) {{ node(id: $id) {{ ... on CompanyImport {{
           items(first: 100, filter: $filter) {{ nodes {{ {ITEM} }} }} }} }} }}"
    );
    let found = app.graphql(&query, json!({ "id": id, "filter": filter })).await;
    found["node"]["items"]["nodes"].as_array().unwrap().clone()
}

async fn item(app: &TestApp, id: &str, name: &str) -> Value {
    let found = items(app, id, json!({ "query": name })).await;
    assert_eq!(found.len(), 1, "{name}: {found:#?}");
    found[0].clone()
}

async fn starts(app: &TestApp, msp: &Msp<'_>) -> String {
    let input = json!({ "psaConnectionId": msp.connection() });
    let started = app.does("companyImportStart", "companyImport { id state }", input).await;
    app.drain().await;
    text(&started, "/companyImport/id")
}

async fn mapping_count(app: &TestApp, msp: &Msp<'_>) -> i64 {
    let query = "query($id: ID!) { node(id: $id) { ... on Organization {
        companies(first: 1) { totalCount } companyMappings(first: 1) { totalCount } } } }";
    let found = app.graphql(query, json!({ "id": msp.organization })).await;
    found["node"]["companyMappings"]["totalCount"].as_i64().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn companies_are_loaded_compared_looked_through_and_applied_when_somebody_says_so() {
    let app = TestApp::start().await;
    let psa = small_pages(&app).await;
    let acme = app.msp_with(&psa, "acme").await.ready().await;
    let exact = makes_company(&app, &acme, "harbour legal").await;
    makes_company(&app, &acme, "Bluestone Veterinary GmbH & Co. KG").await;
    let fuzzy = makes_company(&app, &acme, "Larkspur Acountants").await;
    makes_company(&app, &acme, "Granite Printing North").await;
    makes_company(&app, &acme, "Granite Printing South").await;

    let id = starts(&app, &acme).await;
    let staged = import(&app, &id).await;
    assert_eq!((&staged["state"], &staged["loadRun"]["status"]), (&json!("STAGED"), &json!("SUCCEEDED")));
    assert_eq!(mapping_count(&app, &acme).await, 1, "nothing is applied");
    assert_eq!(item(&app, &id, "Northwind Dental").await["standing"], "MAPPED");

    let same = item(&app, &id, "Harbour Legal").await;
    assert_eq!((&same["standing"], &same["action"]), (&json!("EXACT"), &json!("MAP")), "{same:#}");
    assert_eq!(same["company"]["id"], json!(exact));
    let legal = item(&app, &id, "Bluestone Veterinary").await;
    assert_eq!((&legal["standing"], &legal["action"]), (&json!("SUGGESTED"), &json!("NONE")), "{legal:#}");
    assert_eq!(legal["suggestions"][0]["score"], 0.95);
    assert_eq!(legal["suggestions"][0]["reasons"][0], "the same name but for legal form and spelling");
    let alike = item(&app, &id, "Larkspur Accountants").await;
    assert_eq!(alike["standing"], "SUGGESTED", "{alike:#}");
    let several = item(&app, &id, "Granite Printing").await;
    assert_eq!(
        (&several["standing"], &several["action"]),
        (&json!("AMBIGUOUS"), &json!("NONE")),
        "{several:#}"
    );
    assert_eq!(several["suggestions"].as_array().unwrap().len(), 2, "the best and its runner-up");

    let second = app
        .asks("companyImportStart", "companyImport { id }", json!({ "psaConnectionId": acme.connection() }))
        .await;
    assert_eq!(second["data"]["companyImportStart"]["userErrors"][0]["code"], "WRONG_STATE", "one at a time");

    let taken = json!({ "id": id, "choice": "TAKE_SUGGESTIONS", "minimumScore": 0.9 });
    let taken = app.does("companyImportChooseAll", "itemCount", taken).await;
    assert_eq!(taken["itemCount"], 1, "only what is sure enough, and nothing ambiguous");
    let chosen = json!({ "id": id, "items": [
        { "id": alike["id"], "choice": { "companyId": fuzzy } },
        { "id": several["id"], "choice": { "createNamed": "Granite Printing" } },
        { "id": item(&app, &id, "Cedar Hill Logistics").await["id"], "choice": { "createNamed": "Harbour Legal" } },
        // Somebody takes it out again.
        { "id": same["id"], "choice": { "nothing": true } },
    ] });
    app.does("companyImportChoose", "items { id }", chosen).await;
    makes_company(&app, &acme, "Harbour Legal").await;
    let all = app
        .does("companyImportChooseAll", "itemCount", json!({ "id": id, "choice": "CREATE_UNMATCHED" }))
        .await;
    let unmatched = all["itemCount"].as_i64().unwrap();
    assert!(unmatched > 100, "{all:#}");
    assert_eq!(mapping_count(&app, &acme).await, 1, "still nothing");

    app.does("companyImportFinish", "companyImport { state }", json!({ "id": id })).await;
    app.drain().await;
    let done = import(&app, &id).await;
    assert_eq!(done["state"], "FINISHED", "{done:#}");
    assert_eq!(
        done["finishRun"]["counts"],
        json!({ "created": unmatched + 1, "updated": 2, "failed": 1 }),
        "{done:#}"
    );
    assert_eq!(mapping_count(&app, &acme).await, 1 + unmatched + 1 + 2);
    assert_eq!(item(&app, &id, "Harbour Legal").await["action"], "NONE", "it was taken out");
    let query = "query($id: ID!) { node(id: $id) { ... on Organization {
        companyMappings(first: 3, filter: { query: \"Bluestone Vet\" }) { nodes { origin confidence mappedAt isStale } } } } }";
    let mapped = app.graphql(query, json!({ "id": acme.organization })).await;
    let mapped = &mapped["node"]["companyMappings"]["nodes"][0];
    assert_eq!((&mapped["origin"], &mapped["confidence"]), (&json!("SUGGESTED"), &json!(0.95)), "{mapped:#}");
    assert_eq!(mapped["isStale"], false);

    // One row failed by itself, says why, and is mended.
    let failed = items(&app, &id, json!({ "stateIn": ["FAILED"] })).await;
    assert_eq!(failed.len(), 1, "{failed:#?}");
    assert!(text(&failed[0], "/problem").contains("is named Harbour Legal"), "{failed:#?}");
    assert_eq!(done["finishRun"]["errors"]["nodes"][0]["name"], "Cedar Hill Logistics");
    let mended = json!({ "id": id, "items": [{ "id": failed[0]["id"], "choice": { "create": true } }] });
    app.does("companyImportChoose", "companyImport { state }", mended).await;
    app.does("companyImportFinish", "companyImport { state }", json!({ "id": id })).await;
    app.drain().await;
    assert_eq!(item(&app, &id, "Cedar Hill Logistics").await["state"], "APPLIED");

    let again = starts(&app, &acme).await;
    let unmapped =
        items(&app, &again, json!({ "standingIn": ["UNMATCHED", "SUGGESTED", "EXACT", "AMBIGUOUS"] })).await;
    assert!(unmapped.iter().all(|item| item["psaCompany"]["name"] == "Harbour Legal"), "{unmapped:#?}");
    app.does("companyImportDiscard", "companyImport { state }", json!({ "id": again })).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_two_have_is_nobodys_and_a_domain_tells_who_is_meant() {
    let app = TestApp::start().await;
    let psa = small_pages(&app).await;
    let acme = app.msp_with(&psa, "acme").await.connected().await;
    makes_company(&app, &acme, "Harbour Legal").await;
    let known = makes_company(&app, &acme, "Company 4711").await;
    let alias = json!({ "companyId": known, "source": "mail", "value": "it@ferncliff.example.com" });
    app.does("companyAliasAdd", "company { id }", alias).await;
    let last = psa_company(&acme, &app, "Westhaven").await;
    let id: i64 = text(&last, "/externalId").parse().unwrap();
    in_halo(&app, &psa, json!({ "id": id, "name": "Harbour Legal" })).await;
    let ferncliff = psa_company(&acme, &app, "Ferncliff").await;
    let of_domain: i64 = text(&ferncliff, "/externalId").parse().unwrap();
    in_halo(&app, &psa, json!({ "id": of_domain, "website": "https://www.ferncliff.example.com/" })).await;

    let id = starts(&app, &acme).await;
    let twice = items(&app, &id, json!({ "query": "Harbour Legal" })).await;
    assert_eq!(twice.len(), 2);
    assert!(
        twice.iter().all(|item| item["standing"] == "AMBIGUOUS" && item["action"] == "NONE"),
        "{twice:#?}"
    );
    let by_domain = items(&app, &id, json!({ "query": text(&ferncliff, "/name") })).await;
    assert_eq!(by_domain[0]["suggestions"][0]["company"]["name"], "Company 4711", "{by_domain:#?}");
    assert!(by_domain[0]["suggestions"][0]["reasons"][0].as_str().unwrap().contains("ferncliff.example.com"));
}

/// Memory of this process that is in use, in MiB.
fn resident_mib() -> u64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    text.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or_default() / 256
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement of a minute: cargo test --test it fifty_thousand -- --ignored --nocapture"]
async fn fifty_thousand_companies_are_compared_page_by_page() {
    use entity::{company_import, organization, psa_connection};
    use psa_gateway::{
        organizations::{
            companies::{NewCompany, create_many},
            viewer::Viewer,
        },
        sync::{
            imports::{comparing, lookups, start},
            remote::{CompanyFilter, RemoteCompany},
            store_companies,
        },
    };
    use sea_orm::EntityTrait as _;

    const ALL: usize = 50_000;
    const STEMS: [&str; 20] = [
        "Northwind",
        "Harbour",
        "Cedar",
        "Bluestone",
        "Larkspur",
        "Mill",
        "Fern",
        "Granite",
        "Silver",
        "Meadow",
        "King",
        "Ash",
        "Lake",
        "Redwood",
        "Pinnacle",
        "Oak",
        "Summit",
        "River",
        "Thorn",
        "East",
    ];
    let name =
        |number: usize| format!("{} {} {}", STEMS[number % 20], STEMS[number / 20 % 20], 10_000 + number);
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.connected().await;
    let ground = app.app.ground.clone();
    let db = ground.db.reader();
    let organization = organization::Entity::find().one(db).await.unwrap().unwrap();
    let connection = psa_connection::Entity::find().one(db).await.unwrap().unwrap();
    assert!(!acme.connection().is_empty());
    let viewer = Viewer::gateway();
    for page in 0..ALL / 500 {
        let new = (page * 500..(page + 1) * 500).map(|n| NewCompany { name: name(n), aliases: Vec::new() });
        create_many(&viewer, &ground, organization.id, new.collect()).await.unwrap();
    }
    let before = resident_mib();
    let began = std::time::Instant::now();
    let import = start(&viewer, &ground, connection.id, CompanyFilter::default()).await.unwrap();
    lookups::refresh(&ground, organization.id).await.unwrap();
    let indexed = began.elapsed();
    for page in 0..ALL / 500 {
        let rows: Vec<_> = (page * 500..(page + 1) * 500)
            .map(|n| RemoteCompany {
                external_id: format!("x{n}"),
                // Most are the same, some have a legal form, some are misspelt.
                name: match n % 4 {
                    0 => format!("{} GmbH", name(n)),
                    1 => name(n).replacen('o', "", 1),
                    _ => name(n),
                },
                is_active: true,
                ..RemoteCompany::default()
            })
            .collect();
        let (ground_of, import): (_, company_import::Model) = (ground.clone(), import.clone());
        let stored = ground.db.write::<_, psa_gateway::error::Error, _>(move |tx| {
            Box::pin(async move {
                let stored =
                    store_companies(tx, &ground_of, import.organization_id, import.psa_connection_id, &rows)
                        .await?;
                comparing::add(tx, &ground_of, &import, &stored.rows).await?;
                Ok(())
            })
        });
        stored.await.unwrap();
    }
    println!(
        "import: {ALL} against {ALL}: looked up by words after {indexed:?}, compared after {:?}; memory {before} MiB before, {} MiB after",
        began.elapsed(),
        resident_mib()
    );
    let items = |standing: &str| json!({ "standingIn": [standing] });
    let id = text(&app.graphql("query($id: ID!) { node(id: $id) { ... on PsaConnection { companyImports(first: 1) { nodes { id } } } } }",
        json!({ "id": acme.connection() })).await, "/node/companyImports/nodes/0/id");
    let count = async |standing: &str| {
        let query =
            "query($id: ID!, $filter: CompanyImportItemFilter) { node(id: $id) { ... on CompanyImport {
            items(first: 1, filter: $filter) { totalCount } } } }";
        app.graphql(query, json!({ "id": id, "filter": items(standing) })).await["node"]["items"]["totalCount"].clone()
    };
    for standing in ["EXACT", "SUGGESTED", "AMBIGUOUS", "UNMATCHED"] {
        println!("import: {standing}: {}", count(standing).await);
    }
}
