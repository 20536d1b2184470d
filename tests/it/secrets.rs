//! Secrets go in and never come out: not in a log, an error, an answer of GraphQL, a metric or the database.

use serde_json::json;

use crate::support::{TestApp, finding, found_secrets, is_secret};

#[tokio::test(flavor = "multi_thread")]
async fn planted_secrets_show_nowhere() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.ready().await.hears_halo().await;
    let canaries = [app.halo.client_secret(), acme.secret(), app.token.clone()];
    let mut seen = String::new();

    // What works, what fails and what is refused.
    acme.posts(&finding("CVE-1")).await.is_accepted();
    let wrong = app
        .graphql_as(
            &app.token,
            "mutation($input: PsaConnectionUpdateInput!) { psaConnectionUpdate(input: $input) {
               psaConnection { settings { key value } credentialsHint } userErrors { field message } } }",
            json!({ "input": { "id": acme.connection(), "credentials": [
                { "key": "client_secret", "value": "canary-wrong-secret-4711-canary" } ] } }),
        )
        .await;
    seen.push_str(&wrong.to_string());
    is_secret("canary-wrong-secret-4711-canary");
    let verified = app
        .graphql_as(
            &app.token,
            "mutation($input: PsaConnectionVerifyInput!) { psaConnectionVerify(input: $input) {
               psaConnection { health { status message } } steps { key outcome message field } userErrors { message } } }",
            json!({ "input": { "id": acme.connection() } }),
        )
        .await;
    seen.push_str(&verified.to_string());
    assert!(verified.to_string().contains("client_id"), "says which field is wrong: {verified:#}");
    app.drain().await;
    app.pass(1_800).await;
    seen.push_str(
        &acme
            .posts_signed_with("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", &finding("CVE-2"))
            .await
            .body
            .to_string(),
    );
    seen.push_str(&app.graphql_as("pgw_wrong", "{ __typename }", json!({})).await.to_string());
    seen.push_str(&app.metrics().await);
    let everything = app
        .graphql(
            "query($id: ID!) { node(id: $id) { ... on Organization {
               psaConnections(first: 10) { nodes { settings { key value } credentialsHint health { message } } }
               webhookEndpoints(first: 10) { nodes { url secrets { hint } } }
               webhookDeliveries(first: 10) { nodes { payload headers { name value } trace { result explanation } } } } } }",
            json!({ "id": acme.organization }),
        )
        .await;
    seen.push_str(&everything.to_string());

    for secret in canaries.iter().map(String::as_str).chain(["canary-wrong-secret-4711-canary"]) {
        assert!(!seen.contains(secret), "an answer holds {secret}: {seen}");
    }
    assert_eq!(found_secrets(), Vec::<String>::new(), "log lines with secrets");
    let file = app.place.dir().join("gateway.db");
    if let Ok(stored) = std::fs::read(&file) {
        let wal = std::fs::read(app.place.dir().join("gateway.db-wal")).unwrap_or_default();
        for secret in &canaries {
            let needle = secret.as_bytes();
            let is_there = |bytes: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
            assert!(!is_there(&stored) && !is_there(&wal), "the database holds {secret} in the clear");
        }
    }
}
