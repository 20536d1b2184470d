//! A client that does not know whether its request arrived asks again under the same key, and nothing is doubled.

use serde_json::{Value, json};

use crate::support::{TestApp, is_secret, text};

const COMPANY: &str = "mutation($input: CompanyCreateInput!) { companyCreate(input: $input) {
    company { id name } userErrors { code field message } } }";
const TOKEN: &str = "mutation($input: AccessTokenCreateInput!) { accessTokenCreate(input: $input) {
    accessToken { id } token userErrors { code field message } } }";
const ROTATE: &str = "mutation($input: WebhookEndpointRotateSecretInput!) { webhookEndpointRotateSecret(input: $input) {
    webhookEndpoint { id secrets { id } } signingSecret previousSecretExpiresAt userErrors { code message } } }";

fn code(answer: &Value) -> &str {
    answer["errors"][0]["extensions"]["code"].as_str().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_request_gives_the_first_answer_and_does_nothing_more_for_a_day() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await;
    let input = |name: &str| json!({ "input": { "organizationId": acme.organization, "name": name, "idempotencyKey": "k-1" } });
    let first = app.graphql(COMPANY, input("Bakery")).await;
    // Written otherwise, and with other fields asked for: the same request.
    let inline = format!(
        "mutation {{ again: companyCreate(input: {{ idempotencyKey: \"k-1\", name: \"Bakery\", organizationId: \"{}\" }}) {{ company {{ id }} }} }}",
        acme.organization
    );
    let again = app.graphql(&inline, json!({})).await;
    assert_eq!(again["again"]["company"]["id"], first["companyCreate"]["company"]["id"]);

    let other = app.graphql_as(&app.token, COMPANY, input("Mill")).await;
    assert_eq!(code(&other), "IDEMPOTENCY_CONFLICT", "{other:#}");
    assert_eq!(other["data"]["companyCreate"], Value::Null);
    let elsewhere = json!({ "input": { "slug": "third", "name": "Third", "idempotencyKey": "k-1" } });
    let query = "mutation($input: OrganizationCreateInput!) { organizationCreate(input: $input) { organization { id } } }";
    let conflict = app.graphql_as(&app.token, query, elsewhere).await;
    assert_eq!(code(&conflict), "IDEMPOTENCY_CONFLICT", "another mutation is another request");

    // Somebody of the organization has keys of their own.
    let admin = acme.token("ADMINISTRATOR").await;
    let theirs = app.graphql_as(&admin, COMPANY, input("Mill")).await;
    assert!(theirs["data"]["companyCreate"]["company"]["id"].is_string(), "{theirs:#}");

    app.clock.advance_secs(24 * 3_600 + 1);
    app.drain().await;
    let next_day = app.graphql_as(&app.token, COMPANY, input("Cellar")).await;
    assert!(next_day["data"]["companyCreate"]["company"]["id"].is_string(), "{next_day:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_refused_can_be_mended_under_the_same_key() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await;
    let ask = async |name: &str, key: &str| {
        let input = json!({ "organizationId": acme.organization, "name": name, "idempotencyKey": key });
        app.graphql_as(&app.token, COMPANY, json!({ "input": input })).await["data"]["companyCreate"].clone()
    };
    assert_eq!(ask(" ", "k-1").await["userErrors"][0]["code"], "REQUIRED");
    assert_eq!(ask("Bakery", "k-1").await["userErrors"], json!([]));
    assert_eq!(ask("Bakery", "k-2").await["userErrors"][0]["code"], "TAKEN");
    assert_eq!(ask("Mill", "k-2").await["userErrors"], json!([]));
    for wrong in ["", "with a space", &"x".repeat(201)] {
        let refused = ask("Cellar", wrong).await;
        assert_eq!(
            refused["userErrors"][0]["field"],
            json!(["input", "idempotencyKey"]),
            "{wrong}: {refused:#}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_is_shown_again_to_who_asked_first_and_to_nobody_else() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await;
    let (admin, other) = (acme.token("ADMINISTRATOR").await, acme.token("ADMINISTRATOR").await);
    let viewer = acme.token("VIEWER").await;
    let input = json!({ "input": {
        "organizationId": acme.organization, "name": "dashboard", "role": "VIEWER", "idempotencyKey": "k-1",
    } });
    let first = app.graphql_as(&admin, TOKEN, input.clone()).await["data"]["accessTokenCreate"].clone();
    let secret = text(&first, "/token");
    is_secret(&secret);
    let again = app.graphql_as(&admin, TOKEN, input.clone()).await["data"]["accessTokenCreate"].clone();
    assert_eq!(again, first);

    let colleague = app.graphql_as(&other, TOKEN, input.clone()).await["data"]["accessTokenCreate"].clone();
    assert_eq!(colleague["accessToken"], first["accessToken"]);
    assert_eq!(colleague["token"], Value::Null);
    let stranger = app.graphql_as(&viewer, TOKEN, input.clone()).await;
    assert_eq!(code(&stranger), "FORBIDDEN", "{stranger:#}");

    // Operators of the installation have keys that belong to no organization, secrets included.
    let everywhere = json!({ "input": { "name": "everywhere", "role": "VIEWER", "idempotencyKey": "k-1" } });
    let first = app.graphql(TOKEN, everywhere.clone()).await;
    is_secret(&text(&first, "/accessTokenCreate/token"));
    assert_eq!(app.graphql(TOKEN, everywhere).await, first);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_at_once_one_does_it_and_the_others_get_its_answer() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.listening().await;
    let query = "query($id: ID!) { node(id: $id) { ... on Organization {
        webhookEndpoints(first: 1) { nodes { id secrets { id } } } } } }";
    let before = app.graphql(query, json!({ "id": acme.organization })).await;
    let endpoint = text(&before, "/node/webhookEndpoints/nodes/0/id");
    let input = json!({ "input": { "id": endpoint, "overlapSeconds": 60, "idempotencyKey": "rotate" } });
    let ask = || app.graphql(ROTATE, input.clone());
    let (a, b, c, d) = tokio::join!(ask(), ask(), ask(), ask());
    is_secret(&text(&a, "/webhookEndpointRotateSecret/signingSecret"));
    assert_eq!([&b, &c, &d], [&a, &a, &a]);
    assert_eq!(a["webhookEndpointRotateSecret"]["webhookEndpoint"]["secrets"].as_array().unwrap().len(), 2);
    assert!(a["webhookEndpointRotateSecret"]["previousSecretExpiresAt"].is_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn many_at_once_give_their_outcomes_again_what_was_wrong_included() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await;
    let query = "mutation($input: CompanyCreateManyInput!) { companyCreateMany(input: $input) {
        results { index company { id } userErrors { code field message } } userErrors { message } } }";
    let ask = async |names: [&str; 2], key: &str| {
        let companies = names.map(|name| json!({ "name": name }));
        let input =
            json!({ "organizationId": acme.organization, "companies": companies, "idempotencyKey": key });
        app.graphql(query, json!({ "input": input })).await["companyCreateMany"].clone()
    };
    let first = ask(["Bakery", " "], "k-1").await;
    assert_eq!(first["results"][1]["userErrors"][0]["code"], "REQUIRED");
    assert_eq!(ask(["Bakery", " "], "k-1").await, first);

    // Nothing of it could be done: nothing is remembered, and the same key is free.
    let refused = ask(["Bakery", " "], "k-2").await;
    assert!(refused["results"].as_array().unwrap().iter().all(|row| row["company"].is_null()), "{refused:#}");
    let mended = ask(["Mill", "Cellar"], "k-2").await;
    assert!(mended["results"].as_array().unwrap().iter().all(|row| row["company"].is_object()), "{mended:#}");
}
