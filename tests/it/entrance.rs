//! How often the doors let somebody in, and from where.

use psa_gateway::organizations::last_seen;
use reqwest::{RequestBuilder, StatusCode};
use serde_json::{Value, json};

use crate::support::{TestApp, finding, text};

const QUERY: &str = "{ viewer { name } }";

fn query(app: &TestApp, token: &str) -> RequestBuilder {
    app.http.post(app.url("/graphql")).bearer_auth(token).json(&json!({ "query": QUERY }))
}

/// Sends the same until it is not let in any more: how often it was, and the refusal.
async fn until_throttled(request: impl Fn() -> RequestBuilder) -> (u32, reqwest::Response) {
    for count in 0..1_000 {
        let answer = request().send().await.unwrap();
        if answer.status() == StatusCode::TOO_MANY_REQUESTS {
            return (count, answer);
        }
    }
    panic!("there is no limit");
}

fn retry_after(answer: &reqwest::Response) -> i64 {
    answer.headers()["retry-after"].to_str().unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_asks_too_often_waits_and_is_told_how_long() {
    let app = TestApp::start_with(&[("limit_per_address_per_sec", "2"), ("limit_burst_secs", "10")]).await;
    let (count, refused) = until_throttled(|| query(&app, &app.token)).await;
    assert_eq!(count, 20);
    let wait = retry_after(&refused);
    let request_id = refused.headers()["x-request-id"].to_str().unwrap().to_owned();
    let body: Value = refused.json().await.unwrap();
    let extensions = &body["errors"][0]["extensions"];
    assert_eq!(
        (&extensions["code"], &extensions["retryAfterSeconds"], &extensions["requestId"]),
        (&json!("THROTTLED"), &json!(wait), &json!(request_id))
    );
    assert!(body.get("data").is_none());

    // Whoever looks after the gateway is not shut out with it.
    for path in ["/health/live", "/health/ready", "/metrics"] {
        assert_eq!(app.http.get(app.url(path)).send().await.unwrap().status(), StatusCode::OK, "{path}");
    }
    assert!(
        app.metrics().await.contains("psa_gateway_refusals_total{door=\"graphql\",reason=\"throttled\"} 1")
    );
    app.clock.advance_secs(wait);
    assert_eq!(query(&app, &app.token).send().await.unwrap().status(), StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn guessing_tokens_is_dear() {
    let app = TestApp::start_with(&[("limit_per_address_per_sec", "10"), ("limit_burst_secs", "10")]).await;
    let (guesses, _) = until_throttled(|| query(&app, "pgw_guess")).await;
    assert_eq!(guesses, 10, "where a hundred good requests would have been let in");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_asks_too_often_waits_and_others_do_not() {
    let app = TestApp::start_with(&[("limit_per_token_per_sec", "1"), ("limit_burst_secs", "20")]).await;
    let acme = app.msp("acme").await;
    let (busy, quiet) = (acme.token("VIEWER").await, acme.token("VIEWER").await);
    let (count, refused) = until_throttled(|| query(&app, &busy)).await;
    assert_eq!(count, 20);
    assert_eq!(retry_after(&refused), 1);
    let body: Value = refused.json().await.unwrap();
    assert_eq!(body["errors"][0]["extensions"]["code"], "THROTTLED");
    assert_eq!(query(&app, &quiet).send().await.unwrap().status(), StatusCode::OK);
    app.clock.advance_secs(1);
    assert_eq!(query(&app, &busy).send().await.unwrap().status(), StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_gets_too_much_sends_it_back_and_nothing_accepted_is_lost() {
    let app = TestApp::start_with(&[("limit_per_endpoint_per_sec", "1"), ("limit_burst_secs", "3")]).await;
    let acme = app.msp("acme").await.ready().await;
    let next_door = app.msp("neighbour").await.ready().await;
    let mut accepted = 0;
    let refused = loop {
        let posted = acme.posts(&finding(&format!("CVE-{accepted}"))).await;
        if posted.status != StatusCode::ACCEPTED {
            break posted;
        }
        accepted += 1;
    };
    assert_eq!((accepted, refused.status), (3, StatusCode::TOO_MANY_REQUESTS));
    assert_eq!(refused.retry_after.as_deref(), Some("1"));
    next_door.posts(&finding("CVE-1")).await.is_accepted();
    // As a sender does that is told to come again.
    app.clock.advance_secs(1);
    acme.posts(&finding("CVE-3")).await.is_accepted();
    app.drain().await;
    assert_eq!(acme.outcomes().await, ["OPENED"; 4]);
    assert!(
        app.metrics().await.contains("psa_gateway_webhooks_total{result=\"throttled\",sender=\"events\"} 1")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_takes_webhooks_from_its_addresses_only_behind_a_proxy_too() {
    let app = TestApp::start_with(&[("trusted_proxies", "127.0.0.1")]).await;
    let acme = app.msp("acme").await.ready().await;
    let update = "mutation($input: WebhookEndpointUpdateInput!) { webhookEndpointUpdate(input: $input) {
                    webhookEndpoint { allowedAddresses } userErrors { field code message } } }";
    let endpoints = app
        .graphql(
            "query($id: ID!) { node(id: $id) { ... on Organization { webhookEndpoints(first: 1) { nodes { id } } } } }",
            json!({ "id": acme.organization }),
        )
        .await;
    let id = text(&endpoints, "/node/webhookEndpoints/nodes/0/id");
    let wrong =
        app.graphql_as(&app.token, update, json!({ "input": { "id": id, "allowedAddresses": ["office"] } }));
    assert_eq!(
        wrong.await["data"]["webhookEndpointUpdate"]["userErrors"][0]["field"],
        json!(["input", "allowedAddresses"])
    );
    let input = json!({ "id": id, "allowedAddresses": ["192.0.2.9/24", "2001:db8::/32"] });
    let changed = app.graphql(update, json!({ "input": input })).await;
    assert_eq!(
        changed["webhookEndpointUpdate"]["webhookEndpoint"]["allowedAddresses"],
        json!(["192.0.2.0/24", "2001:db8::/32"])
    );

    let posts = async |forwarded: &str| {
        let request = acme.signed(&finding("CVE-1")).header("x-forwarded-for", forwarded);
        request.send().await.unwrap().status()
    };
    assert_eq!(posts("192.0.2.77").await, StatusCode::ACCEPTED);
    assert_eq!(posts("2001:db8::7").await, StatusCode::ACCEPTED);
    assert_eq!(posts("198.51.100.1").await, StatusCode::FORBIDDEN);
    // What the caller itself writes counts for nothing.
    assert_eq!(posts("192.0.2.77, 198.51.100.1").await, StatusCode::FORBIDDEN);
    assert_eq!(acme.posts(&finding("CVE-2")).await.status, StatusCode::FORBIDDEN, "the proxy's own address");
    assert!(app.metrics().await.contains("result=\"address_refused\",sender=\"events\"} 3"));
    assert_eq!(acme.deliveries().await.len(), 2);
    app.graphql(update, json!({ "input": { "id": id, "allowedAddresses": null } })).await;
    acme.posts(&finding("CVE-2")).await.is_accepted();
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_believed_about_where_they_are_who_is_no_proxy_of_ours() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await;
    let made = app
        .graphql(
            "mutation($input: AccessTokenCreateInput!) { accessTokenCreate(input: $input) {
               token accessToken { id allowedAddresses scopes } userErrors { field message } } }",
            json!({ "input": { "organizationId": acme.organization, "name": "office", "role": "ADMINISTRATOR",
                               "allowedAddresses": ["192.0.2.0/24"], "scopes": ["OPERATE"] } }),
        )
        .await;
    let token = text(&made, "/accessTokenCreate/token");
    assert_eq!(made["accessTokenCreate"]["accessToken"]["scopes"], json!(["OPERATE"]));
    let forged =
        query(&app, &token).header("x-forwarded-for", "192.0.2.9").header("forwarded", "for=192.0.2.9");
    assert_eq!(forged.send().await.unwrap().status(), StatusCode::UNAUTHORIZED);

    let update = "mutation($input: AccessTokenUpdateInput!) { accessTokenUpdate(input: $input) {
                    accessToken { allowedAddresses } userErrors { field message } } }";
    let id = text(&made, "/accessTokenCreate/accessToken/id");
    app.graphql(update, json!({ "input": { "id": id, "allowedAddresses": ["127.0.0.0/8"] } })).await;
    let asked =
        app.graphql_as(&token, "{ viewer { permissions token { id } member { id } } }", json!({})).await;
    assert_eq!(asked["data"]["viewer"]["permissions"], json!(["READ", "OPERATE"]));
    assert_eq!(asked["data"]["viewer"]["token"]["id"], json!(id));

    last_seen::write_down(&app.app.ground).await.unwrap();
    let used = "query($id: ID!) { node(id: $id) { ... on AccessToken { lastUsedAt lastUsedFrom } } }";
    let used = app.graphql(used, json!({ "id": id })).await;
    assert_eq!(used["node"], json!({ "lastUsedAt": "2026-11-21T09:00:00Z", "lastUsedFrom": "127.0.0.1" }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotated_token_works_on_under_both_texts_for_a_while() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await;
    let old = acme.token("VIEWER").await;
    let tokens = app
        .graphql(
            "query($id: ID!) { node(id: $id) { ... on Organization { accessTokens(first: 1) { nodes { id } } } } }",
            json!({ "id": acme.organization }),
        )
        .await;
    let id = text(&tokens, "/node/accessTokens/nodes/0/id");
    let rotated = app
        .graphql(
            "mutation($input: AccessTokenRotateInput!) { accessTokenRotate(input: $input) {
               token previousTokenExpiresAt accessToken { id } userErrors { field message } } }",
            json!({ "input": { "id": id, "overlapSeconds": 600 } }),
        )
        .await;
    assert_eq!(rotated["accessTokenRotate"]["previousTokenExpiresAt"], "2026-11-21T09:10:00Z");
    let new = text(&rotated, "/accessTokenRotate/token");
    let status = async |token: &str| query(&app, token).send().await.unwrap().status();
    assert_eq!((status(&old).await, status(&new).await), (StatusCode::OK, StatusCode::OK));
    app.clock.advance_secs(600);
    assert_eq!((status(&old).await, status(&new).await), (StatusCode::UNAUTHORIZED, StatusCode::OK));
}
