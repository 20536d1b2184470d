//! Secrets go in and never come out: not in a log, an error, an answer of GraphQL, a metric or the database.

use std::fmt::Debug;

use entity::{
    access_token, attempt, data_key, psa_connection, ticket_operation, webhook_delivery, webhook_secret,
};
use sea_orm::{DatabaseConnection, EntityTrait};
use serde_json::json;

use crate::support::{TestApp, finding, found_secrets, is_secret};

#[tokio::test(flavor = "multi_thread")]
async fn planted_secrets_show_nowhere() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.ready().await.hears_halo().await;
    let canaries = [app.client_secret(), acme.secret(), app.token.clone()];
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
    let mut kept = at_rest(app.app.ground.db.reader()).await;
    if app.app.ground.db.is_sqlite() {
        // Pages that are free again and the log of writes, too.
        let dir = app.place.dir();
        kept.push(("the file", std::fs::read(dir.join("gateway.db")).expect("the database's file")));
        kept.push(("the log", std::fs::read(dir.join("gateway.db-wal")).unwrap_or_default()));
    }
    for secret in canaries.iter().map(String::as_str).chain(["canary-wrong-secret-4711-canary"]) {
        let needle = secret.as_bytes();
        for (place, bytes) in &kept {
            let is_there = bytes.windows(needle.len()).any(|window| window == needle);
            assert!(!is_there, "{place} holds {secret} in the clear");
        }
    }
}

/// What stands in the tables that secrets come near to.
async fn at_rest(db: &DatabaseConnection) -> Vec<(&'static str, Vec<u8>)> {
    let mut kept = Vec::new();
    kept.extend(rows::<psa_connection::Entity>("psa_connection", db, |row| &row.sealed_credentials).await);
    kept.extend(rows::<webhook_secret::Entity>("webhook_secret", db, |row| &row.sealed).await);
    kept.extend(rows::<access_token::Entity>("access_token", db, |row| &row.digest).await);
    kept.extend(rows::<data_key::Entity>("data_key", db, |row| &row.wrapped).await);
    kept.extend(rows::<webhook_delivery::Entity>("webhook_delivery", db, |row| &row.body).await);
    kept.extend(rows::<attempt::Entity>("attempt", db, |_| &[]).await);
    kept.extend(rows::<ticket_operation::Entity>("ticket_operation", db, |_| &[]).await);
    kept
}

/// Every row of a table: its columns as they are written for people, and the bytes of its binary one.
async fn rows<E>(
    table: &'static str,
    db: &DatabaseConnection,
    binary: fn(&E::Model) -> &[u8],
) -> Vec<(&'static str, Vec<u8>)>
where
    E: EntityTrait<Model: Debug>,
{
    let rows = E::find().all(db).await.unwrap_or_else(|error| panic!("{table}: {error}"));
    assert!(!rows.is_empty(), "{table} has rows to be searched");
    rows.iter()
        .flat_map(|row| [(table, format!("{row:?}").into_bytes()), (table, binary(row).to_vec())])
        .collect()
}
