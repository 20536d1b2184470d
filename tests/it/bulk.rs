//! Many things at once: each has its own outcome, and a wrong one leaves the others done.

use psa_gateway::sandbox::frame::{Fault, FaultKind, Sandbox as _};
use serde_json::{Value, json};

use crate::support::{Msp, TestApp, finding, text};

const MAP: &str = "mutation($input: CompanyMappingSetManyInput!) { companyMappingSetMany(input: $input) {
    results { index companyMapping { id psaCompany { name } isTicketingEnabled } userErrors { code field message } }
    userErrors { code field message } } }";

const CREATE: &str = "mutation($input: CompanyCreateManyInput!) { companyCreateMany(input: $input) {
    results { index company { id name aliases { source value } } userErrors { code field message } }
    userErrors { code field message } } }";

async fn asks(app: &TestApp, query: &str, input: Value) -> Value {
    let answer = app.graphql_as(&app.token, query, json!({ "input": input })).await;
    assert!(answer.get("errors").is_none(), "{answer:#}");
    let (_, payload) = answer["data"].as_object().unwrap().iter().next().unwrap();
    payload.clone()
}

async fn companies(app: &TestApp, msp: &Msp<'_>, names: &[&str]) -> Vec<String> {
    let input = json!({
        "organizationId": msp.organization,
        "companies": names.iter().map(|name| json!({ "name": name })).collect::<Vec<_>>(),
    });
    let made = asks(app, CREATE, input).await;
    let results = made["results"].as_array().unwrap();
    results.iter().map(|result| text(result, "/company/id")).collect()
}

async fn psa_companies(app: &TestApp, msp: &Msp<'_>, count: usize) -> Vec<String> {
    let query = "query($id: ID!, $first: Int!) { node(id: $id) { ... on PsaConnection {
        psaCompanies(first: $first) { nodes { id } } } } }";
    let data = app.graphql(query, json!({ "id": msp.connection(), "first": count })).await;
    data["node"]["psaCompanies"]["nodes"].as_array().unwrap().iter().map(|row| text(row, "/id")).collect()
}

fn errors(result: &Value) -> Vec<(String, String)> {
    let one = |error: &Value| {
        let path: Vec<_> =
            error["field"].as_array().unwrap().iter().map(|part| part.as_str().unwrap()).collect();
        (text(error, "/code"), path.join("."))
    };
    result["userErrors"].as_array().unwrap().iter().map(one).collect()
}

fn error(code: &str, path: &str) -> Vec<(String, String)> {
    vec![(code.to_owned(), path.to_owned())]
}

#[tokio::test(flavor = "multi_thread")]
async fn mappings_set_at_once_stand_though_some_are_wrong_and_the_wrong_ones_say_where() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.ready().await;
    let ours = companies(&app, &acme, &["One", "Two", "Three"]).await;
    let theirs = psa_companies(&app, &acme, 3).await;
    let input = json!({ "mappings": [
        { "companyId": ours[0], "psaCompanyId": theirs[0] },
        { "companyId": ours[1], "psaCompanyId": acme.organization },
        { "companyId": ours[2], "psaCompanyId": theirs[2], "isTicketingEnabled": false },
        { "companyId": ours[0], "psaCompanyId": theirs[1] },
    ] });
    let answer = asks(&app, MAP, input).await;
    assert_eq!(answer["userErrors"], json!([]), "{answer:#}");
    let results = answer["results"].as_array().unwrap();
    assert_eq!(results.iter().map(|row| row["index"].as_i64().unwrap()).collect::<Vec<_>>(), [0, 1, 2, 3]);
    assert!(results[0]["companyMapping"]["id"].is_string(), "{answer:#}");
    assert_eq!(errors(&results[1]), error("INVALID", "input.mappings.1.psaCompanyId"));
    assert_eq!(results[2]["companyMapping"]["isTicketingEnabled"], false);
    assert_eq!(errors(&results[3]), error("TAKEN", "input.mappings.3.companyId"));

    // Mapped anew, it is the same mapping; what is not said stays.
    let again = json!({ "mappings": [{ "companyId": ours[2], "psaCompanyId": theirs[1] }] });
    let moved = asks(&app, MAP, again).await;
    let mapping = &moved["results"][0]["companyMapping"];
    assert_eq!(mapping["id"], results[2]["companyMapping"]["id"]);
    assert_eq!(mapping["isTicketingEnabled"], false);

    let row = json!({ "companyId": ours[0], "psaCompanyId": theirs[0] });
    let too_many = asks(&app, MAP, json!({ "mappings": vec![row; 101] })).await;
    assert_eq!(too_many["results"], Value::Null);
    assert_eq!(errors(&too_many), error("TOO_LONG", "input.mappings"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_held_for_several_customers_goes_on_when_they_are_mapped_at_once() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.ready().await;
    for customer in ["harbor", "mill"] {
        acme.posts(&finding(&format!("CVE-{customer}")).of(customer)).await.is_accepted();
    }
    app.drain().await;
    assert_eq!(app.halo.ledger().len(), 0);

    let made = asks(
        &app,
        CREATE,
        json!({ "organizationId": acme.organization, "companies": [
        { "name": "Harbour", "aliases": [{ "value": "harbor" }, { "value": "hbr", "source": "nessus" }] },
        { "name": "Mill", "aliases": [{ "value": "mill" }] },
        { "name": "Northwind Dental" },
        { "name": "Thief", "aliases": [{ "value": "free" }, { "value": "northwind" }] },
        { "name": "  ", "aliases": [{ "value": "" }] },
        { "name": "Mill" },
    ] }),
    )
    .await;
    let results = made["results"].as_array().unwrap();
    assert_eq!(results[0]["company"]["aliases"].as_array().unwrap().len(), 2, "{made:#}");
    assert_eq!(errors(&results[2]), error("TAKEN", "input.companies.2.name"));
    assert_eq!(errors(&results[3]), error("TAKEN", "input.companies.3.aliases.1.value"));
    let blank: Vec<_> = errors(&results[4]).into_iter().map(|(_, path)| path).collect();
    assert_eq!(blank, ["input.companies.4.name", "input.companies.4.aliases.0.value"]);
    assert_eq!(errors(&results[5]), error("TAKEN", "input.companies.5.name"));

    let theirs = psa_companies(&app, &acme, 2).await;
    let mappings: Vec<_> = (0..2)
        .map(|at| json!({ "companyId": results[at]["company"]["id"], "psaCompanyId": theirs[at] }))
        .collect();
    asks(&app, MAP, json!({ "mappings": mappings })).await;
    app.drain().await;
    assert_eq!(app.halo.ledger().len(), 2, "both customers' findings have their ticket");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_mappings_take_as_many_statements_as_ten() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.ready().await;
    let names: Vec<String> = (0..100).map(|n| format!("Company {n:03}")).collect();
    let ours = companies(&app, &acme, &names.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let theirs = psa_companies(&app, &acme, 100).await;
    let statements = async |range: std::ops::Range<usize>| {
        let rows: Vec<_> =
            range.map(|at| json!({ "companyId": ours[at], "psaCompanyId": theirs[at] })).collect();
        let count = rows.len();
        let before = app.app.ground.db.statements();
        let query = "mutation($input: CompanyMappingSetManyInput!) { companyMappingSetMany(input: $input) {
            results { companyMapping { id } userErrors { message } } } }";
        let answer = asks(&app, query, json!({ "mappings": rows })).await;
        let done =
            answer["results"].as_array().unwrap().iter().filter(|row| row["companyMapping"].is_object());
        assert_eq!(done.count(), count, "{answer:#}");
        app.app.ground.db.statements() - before
    };
    let (ten, hundred) = (statements(0..10).await, statements(0..100).await);
    assert_eq!(ten, hundred);
}

#[tokio::test(flavor = "multi_thread")]
async fn mappings_are_removed_deliveries_redriven_and_operations_retried_at_once() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.ready().await;
    app.halo.fault(Fault::always("POST /api/Tickets", FaultKind::Refuse { message: "no".to_owned() }));
    for n in 0..2 {
        acme.posts(&finding(&format!("CVE-{n}"))).await.is_accepted();
    }
    app.drain().await;
    let failed = "query($id: ID!) { node(id: $id) { ... on Organization {
        ticketOperations(first: 10) { nodes { id state } } webhookDeliveries(first: 10) { nodes { id } }
        companies(first: 1) { nodes { mappings(first: 1) { nodes { id } } } } } } }";
    let data = app.graphql(failed, json!({ "id": acme.organization })).await;
    let operations = data["node"]["ticketOperations"]["nodes"].as_array().unwrap().clone();
    assert!(operations.iter().all(|operation| operation["state"] == "FAILED"), "{operations:#?}");
    app.halo.clear_faults();

    let retry = "mutation($input: TicketOperationRetryManyInput!) { ticketOperationRetryMany(input: $input) {
        results { ticketOperation { id state } userErrors { code field message } } userErrors { message } } }";
    let ids = json!([operations[0]["id"], acme.organization, operations[1]["id"], operations[0]["id"]]);
    let answer = asks(&app, retry, json!({ "ids": ids })).await;
    let results = &answer["results"];
    assert_eq!(results[0]["ticketOperation"]["state"], "READY", "{answer:#}");
    assert_eq!(errors(&results[1]), error("INVALID", "input.ids.1"));
    assert_eq!(results[2]["ticketOperation"]["state"], "READY");
    assert_eq!(errors(&results[3]), error("WRONG_STATE", "input.ids.3"));
    app.drain().await;
    assert_eq!(app.halo.ledger().len(), 2);

    let redrive = "mutation($input: WebhookDeliveryRedriveManyInput!) { webhookDeliveryRedriveMany(input: $input) {
        results { webhookDelivery { id state } userErrors { code field message } } userErrors { message } } }";
    let deliveries = data["node"]["webhookDeliveries"]["nodes"].as_array().unwrap();
    let ids = json!([deliveries[0]["id"], deliveries[1]["id"]]);
    let answer = asks(&app, redrive, json!({ "ids": ids })).await;
    for row in answer["results"].as_array().unwrap() {
        assert_eq!(row["webhookDelivery"]["state"], "RECEIVED", "{answer:#}");
    }
    app.drain().await;
    assert_eq!(app.halo.ledger().len(), 2, "no ticket is doubled");

    let remove =
        "mutation($input: CompanyMappingRemoveManyInput!) { companyMappingRemoveMany(input: $input) {
        results { deletedCompanyMappingId userErrors { code field message } } userErrors { message } } }";
    let mapping = text(&data, "/node/companies/nodes/0/mappings/nodes/0/id");
    let answer = asks(&app, remove, json!({ "ids": [mapping, mapping] })).await;
    assert_eq!(answer["results"][0]["deletedCompanyMappingId"], json!(mapping), "{answer:#}");
    assert_eq!(errors(&answer["results"][1]), error("NOT_FOUND", "input.ids.1"));
}
