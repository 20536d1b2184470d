//! People sign in at the installation's identity provider, and see what is theirs.

use std::sync::atomic::Ordering;

use psa_gateway::{clock::Clock, organizations::last_seen};
use serde_json::{Value, json};

use crate::support::{IdentityProvider, TestApp, found_secrets, is_secret, text};

const WHO: &str = "{ viewer { name role isOperator permissions token { id } organization { slug }
    member { id name email role isEnabled isRoleFromProvider lastSeenAt organization { slug } } } }";

/// The provider, and settings that name it.
async fn provider(clock: &Clock) -> (IdentityProvider, Vec<(&'static str, String)>) {
    let provider = IdentityProvider::start(clock.clone()).await;
    let settings = vec![
        ("oidc_issuer", provider.issuer.clone()),
        ("oidc_audience", "psa-gateway".to_owned()),
        ("oidc_operator_value", "platform".to_owned()),
    ];
    (provider, settings)
}

async fn start() -> (TestApp, IdentityProvider) {
    let clock = Clock::manual(entity::Timestamp::from_secs(1_795_251_600));
    let (provider, settings) = provider(&clock).await;
    let pairs: Vec<_> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    (TestApp::start_by(clock, &pairs).await, provider)
}

async fn asks(app: &TestApp, url: &str, token: &str) -> (u16, Value) {
    let asked = app.http.post(url).bearer_auth(token).json(&json!({ "query": WHO })).send().await.unwrap();
    (asked.status().as_u16(), asked.json().await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dashboard_brings_the_providers_token_and_sees_its_organization() {
    let (app, provider) = start().await;
    app.msp("acme").await;
    app.msp("globex").await;
    let claims = json!({ "organization": "acme", "role": ["offline", "technician"], "name": "Dana Smith",
                         "email": "Dana@example.com", "email_verified": true });
    let token = provider.token("dana", &claims);
    is_secret(&token);

    let (status, answer) = asks(&app, &app.url("/graphql"), &token).await;
    assert_eq!(status, 200, "{answer:#}");
    let viewer = &answer["data"]["viewer"];
    assert_eq!(viewer["member"]["email"], "dana@example.com");
    assert_eq!(viewer["member"]["isRoleFromProvider"], true);
    assert_eq!(
        (&viewer["name"], &viewer["role"], &viewer["isOperator"], &viewer["token"]),
        (&json!("Dana Smith"), &json!("TECHNICIAN"), &json!(false), &Value::Null)
    );
    let seen = app.graphql_as(&token, "{ organizations(first: 10) { nodes { slug } } }", json!({})).await;
    assert_eq!(seen["data"]["organizations"]["nodes"], json!([{ "slug": "acme" }]));
    let made = app
        .graphql_as(
            &token,
            "mutation { organizationCreate(input: { slug: \"third\", name: \"Third\" }) { userErrors { code } } }",
            json!({}),
        )
        .await;
    assert_eq!(made["errors"][0]["extensions"]["code"], "FORBIDDEN");

    last_seen::write_down(&app.app.ground).await.unwrap();
    let (_, answer) = asks(&app, &app.url("/graphql"), &token).await;
    assert_eq!(answer["data"]["viewer"]["member"]["lastSeenAt"], "2026-11-21T09:00:00Z");
    let (_, operator) =
        asks(&app, &app.url("/graphql"), &provider.token("root", &json!({ "role": "platform" }))).await;
    assert_eq!(operator["data"]["viewer"]["isOperator"], true, "{operator:#}");
    assert_eq!(found_secrets(), Vec::<String>::new(), "log lines with tokens");
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_wrong_is_answered_alike() {
    let (app, provider) = start().await;
    app.msp("acme").await;
    let claims = |role: &str| json!({ "organization": "acme", "role": role });
    let expired =
        provider.token("dana", &json!({ "organization": "acme", "role": "viewer", "exp": 1_000_000 }));
    let good = provider.token("dana", &claims("viewer"));
    let (message, _) = good.rsplit_once('.').unwrap();
    let url = app.url("/graphql");
    let mut answers = Vec::new();
    for token in [
        expired,
        format!("{message}.AAAA"),
        provider.token("dana", &claims("king")),
        provider.token("dana", &json!({ "organization": "nowhere", "role": "viewer" })),
        provider.token("dana", &json!({})),
        "pgw_not-one-of-ours".to_owned(),
        "not a token".to_owned(),
    ] {
        let (status, mut answer) = asks(&app, &url, &token).await;
        assert_eq!(status, 401, "{answer:#}");
        answer["errors"][0]["extensions"]["requestId"] = Value::Null;
        answers.push(answer);
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:#?}");
    assert_eq!(answers[0]["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
    assert!(
        app.metrics()
            .await
            .contains("psa_gateway_refusals_total{door=\"graphql\",reason=\"unauthenticated\"} 7")
    );

    // That the provider is away is something else: it is worth trying again.
    let node = {
        let settings = [("oidc_issuer", provider.issuer.as_str()), ("oidc_audience", "psa-gateway")];
        provider.is_down.store(true, Ordering::SeqCst);
        app.another_node_with(&settings).await
    };
    let (status, answer) = asks(&app, &format!("http://{}/graphql", node.address()), &good).await;
    assert_eq!((status, &answer["errors"][0]["extensions"]["code"]), (503, &json!("SERVICE_UNAVAILABLE")));
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_switched_off_on_one_node_is_out_on_the_other_at_once() {
    let (app, provider) = start().await;
    let acme = app.msp("acme").await;
    let settings = [("oidc_issuer", provider.issuer.as_str()), ("oidc_audience", "psa-gateway")];
    let other = app.another_node_with(&settings).await;
    let urls = [app.url("/graphql"), format!("http://{}/graphql", other.address())];
    let claims = json!({ "organization": "acme", "role": "administrator" });
    let (dana, otto) = (provider.token("dana", &claims), provider.token("otto", &claims));
    for url in &urls {
        assert_eq!(asks(&app, url, &dana).await.0, 200);
        assert_eq!(asks(&app, url, &otto).await.0, 200);
    }
    let members = app
        .graphql(
            "query($id: ID!) { node(id: $id) { ... on Organization {
               members(first: 10, filter: { query: \"DAN\", role: { in: [ADMINISTRATOR] }, isPending: false }) {
                 totalCount nodes { id name subject } } } } }",
            json!({ "id": acme.organization }),
        )
        .await;
    assert_eq!(members["node"]["members"]["totalCount"], 1, "{members:#}");
    let id = text(&members, "/node/members/nodes/0/id");
    let update = "mutation($input: MemberUpdateInput!) { memberUpdate(input: $input) {
                    member { isEnabled } userErrors { field code message } } }";
    app.graphql(update, json!({ "input": { "id": id, "isEnabled": false } })).await;
    for url in &urls {
        assert_eq!(asks(&app, url, &dana).await.0, 401);
    }

    // The last one who holds the organization cannot lock everybody out.
    let (_, answer) = asks(&app, &urls[0], &otto).await;
    let own = answer["data"]["viewer"]["member"]["id"].clone();
    let refused = app.graphql_as(&otto, update, json!({ "input": { "id": own, "isEnabled": false } })).await;
    let problem = &refused["data"]["memberUpdate"]["userErrors"][0];
    assert_eq!(problem["code"], "WRONG_STATE", "{refused:#}");
    assert_eq!(problem["field"], json!(["input", "isEnabled"]));
    other.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_provider_knows_no_organizations_people_are_invited() {
    let (app, provider) = start().await;
    let acme = app.msp("acme").await;
    let claims = json!({ "email": "dana@example.com", "email_verified": true, "name": "Dana Smith" });
    let token = provider.token("dana", &claims);
    assert_eq!(asks(&app, &app.url("/graphql"), &token).await.0, 401);
    let member = acme.invites("Dana@Example.com", "BILLING").await;
    let (_, answer) = asks(&app, &app.url("/graphql"), &token).await;
    let viewer = &answer["data"]["viewer"];
    assert_eq!((&viewer["role"], &viewer["member"]["id"]), (&json!("BILLING"), &json!(member)), "{answer:#}");
    assert_eq!(viewer["member"]["isRoleFromProvider"], false);
}
