//! A login that is changed is verified by the gateway itself.

use psa_gateway::sandbox::frame::{Fault, FaultKind, Sandbox as _};
use serde_json::{Value, json};

use crate::support::{Msp, TestApp, finding};

async fn types_in(app: &TestApp, acme: &Msp<'_>, secret: &str) -> Value {
    let changed = app
        .graphql(
            "mutation($input: PsaConnectionUpdateInput!) { psaConnectionUpdate(input: $input) {
               psaConnection { health { status } } userErrors { field message } } }",
            json!({ "input": { "id": acme.connection(),
                               "credentials": [{ "key": "client_secret", "value": secret }] } }),
        )
        .await;
    changed["psaConnectionUpdate"]["psaConnection"]["health"]["status"].clone()
}

async fn connection(app: &TestApp, acme: &Msp<'_>) -> Value {
    let asked = app
        .graphql(
            "query($id: ID!) { node(id: $id) { ... on PsaConnection {
               health { status message checkedAt }
               verification { steps { key label outcome message field } discovered { key value } } } } }",
            json!({ "id": acme.connection() }),
        )
        .await;
    asked["node"].clone()
}

fn outcomes(connection: &Value) -> Vec<(&str, &str)> {
    let steps = connection["verification"]["steps"].as_array().expect("steps");
    steps.iter().map(|step| (step["key"].as_str().unwrap(), step["outcome"].as_str().unwrap())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_login_is_verified_without_anybody_asking_for_it() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.ready().await;
    app.drain().await;

    assert_eq!(types_in(&app, &acme, "a-secret-with-a-typing-error").await, "UNVERIFIED");
    app.drain().await;
    let failing = connection(&app, &acme).await;
    assert_eq!(failing["health"]["status"], "FAILING", "{failing:#}");
    assert!(outcomes(&failing).contains(&("sign_in", "FAILED")), "{failing:#}");
    assert!(failing["health"]["checkedAt"].is_string());
    // Nothing is sent through a login that is known not to work.
    acme.posts(&finding("CVE-1")).await.is_accepted();
    app.drain().await;
    assert_eq!(app.halo.ledger().len(), 0);

    assert_eq!(types_in(&app, &acme, &app.client_secret()).await, "UNVERIFIED");
    app.drain().await;
    let healthy = connection(&app, &acme).await;
    assert_eq!(healthy["health"]["status"], "HEALTHY", "{healthy:#}");
    assert!(outcomes(&healthy).contains(&("sign_in", "PASSED")), "{healthy:#}");
    assert_eq!(app.halo.ledger().len(), 1, "what waited goes on at once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_psa_that_is_away_when_its_login_is_changed_is_asked_again_later() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.ready().await;
    app.drain().await;

    app.halo.fault(Fault::once("GET /api/Client", FaultKind::ErrorBeforeCommit { status: 503 }));
    types_in(&app, &acme, &app.client_secret()).await;
    app.drain().await;
    let away = connection(&app, &acme).await;
    assert_eq!(away["health"]["status"], "FAILING", "{away:#}");
    app.pass(900).await;
    let back = connection(&app, &acme).await;
    assert_eq!(back["health"]["status"], "HEALTHY", "{back:#}");
    assert!(outcomes(&back).contains(&("companies", "PASSED")), "{back:#}");
}
