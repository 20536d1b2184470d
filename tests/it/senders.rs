//! Senders that do not sign by Standard Webhooks: what they show, what they ask before they send, and that what
//! they show stays secret.

use std::sync::{Arc, Mutex};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use entity::{webhook_delivery, webhook_endpoint, webhook_secret};
use psa_gateway::scanners::signature::sns::Fetch;
use reqwest::{Method, RequestBuilder, StatusCode, Url};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, sea_query::Expr};
use serde_json::{Value, json};

use crate::support::{Msp, TestApp, finding, found_secrets, is_secret, text};

/// An endpoint for the gateway's own events that is authenticated in another way.
struct Endpoint {
    id: String,
    url: String,
    secret: String,
}

async fn endpoint(app: &TestApp, msp: &Msp<'_>, scheme: &str, more: Value) -> Endpoint {
    let mut input = json!({
        "organizationId": msp.organization, "name": scheme, "sender": "events", "scheme": scheme,
    });
    for (name, value) in more.as_object().into_iter().flatten() {
        input[name] = value.clone();
    }
    let made = app
        .graphql(
            "mutation($input: WebhookEndpointCreateInput!) { webhookEndpointCreate(input: $input) {
               webhookEndpoint { id url } signingSecret userErrors { field message } } }",
            json!({ "input": input }),
        )
        .await;
    Endpoint {
        id: text(&made, "/webhookEndpointCreate/webhookEndpoint/id"),
        url: text(&made, "/webhookEndpointCreate/webhookEndpoint/url"),
        secret: made["webhookEndpointCreate"]["signingSecret"].as_str().unwrap_or_default().to_owned(),
    }
}

/// A webhook that shows the secret where its scheme wants it.
fn showing(app: &TestApp, scheme: &str, url: &str, secret: &str) -> RequestBuilder {
    match scheme {
        "basic" => {
            let (user, password) = secret.split_once(':').unwrap();
            app.http.post(url).basic_auth(user, Some(password))
        }
        "secret_path" => app.http.post(format!("{url}/{secret}")),
        "in the query" => app.http.post(format!("{url}?access_token={secret}")),
        _ => app.http.post(url).bearer_auth(secret),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_is_shown_opens_its_own_endpoint_and_is_seen_nowhere() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.ready().await;
    let mut seen = String::new();
    let mut secrets = Vec::new();
    for (number, way) in ["static_token", "in the query", "basic", "secret_path"].into_iter().enumerate() {
        let scheme = if way == "in the query" { "static_token" } else { way };
        let Endpoint { url, secret, .. } = endpoint(&app, &acme, scheme, json!({})).await;
        let wrong = format!("{secret}-but-wrong");
        for text in [secret.as_str(), wrong.as_str()] {
            let hidden = text.split_once(':').map_or(text, |(_, password)| password);
            is_secret(hidden);
            secrets.push(hidden.to_owned());
        }
        let body = finding(&format!("CVE-{number}")).json().to_string();
        let refused = showing(&app, way, &url, &wrong).body(body.clone()).send().await.unwrap();
        assert_eq!(refused.status(), StatusCode::UNAUTHORIZED, "{way}");
        seen.push_str(&refused.text().await.unwrap());
        let bare = app.http.post(&url).body(body.clone()).send().await.unwrap();
        assert_eq!(bare.status(), StatusCode::UNAUTHORIZED, "{way}");
        let taken = showing(&app, way, &url, &secret).body(body.clone()).send().await.unwrap();
        assert_eq!(taken.status(), StatusCode::ACCEPTED, "{way}");
        // What is sent again at once is the same statement.
        let first: Value = taken.json().await.unwrap();
        let again = showing(&app, way, &url, &secret).body(body).send().await.unwrap();
        assert_eq!(again.json::<Value>().await.unwrap(), first, "{way}");
    }
    app.drain().await;
    assert_eq!(acme.outcomes().await, ["OPENED"; 4]);

    seen.push_str(&app.metrics().await);
    let everything = app
        .graphql(
            "query($id: ID!) { node(id: $id) { ... on Organization {
               webhookEndpoints(first: 10) { nodes { url settings scheme { key help } secrets { hint } } }
               webhookDeliveries(first: 10) { nodes { payload headers { name value } } } } } }",
            json!({ "id": acme.organization }),
        )
        .await;
    seen.push_str(&everything.to_string());
    let db = app.app.ground.db.reader();
    let deliveries = webhook_delivery::Entity::find().all(db).await.unwrap();
    let kept = webhook_secret::Entity::find().all(db).await.unwrap();
    seen.push_str(&[format!("{deliveries:?}"), format!("{kept:?}")].concat());
    for secret in &secrets {
        assert!(!seen.contains(secret.as_str()), "{secret} is seen in {seen}");
    }
    assert_eq!(found_secrets(), Vec::<String>::new(), "log lines with secrets");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_way_in_is_not_opened_by_another() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.ready().await;
    let token = endpoint(&app, &acme, "static_token", json!({})).await;
    for way in ["basic", "secret_path"] {
        let secret = if way == "basic" { format!("user:{}", token.secret) } else { token.secret.clone() };
        let posted = showing(&app, way, &token.url, &secret).body("{}").send().await.unwrap();
        assert_eq!(posted.status(), StatusCode::UNAUTHORIZED, "{way}");
    }
    let posted =
        showing(&app, "static_token", acme.webhook_url(), &acme.secret()).body("{}").send().await.unwrap();
    assert_eq!(posted.status(), StatusCode::UNAUTHORIZED, "a signing secret is not shown");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_rotated_like_any_other_secret() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.ready().await;
    let Endpoint { id, url, secret } = endpoint(&app, &acme, "static_token", json!({})).await;
    let rotated = app
        .graphql(
            "mutation($input: WebhookEndpointRotateSecretInput!) { webhookEndpointRotateSecret(input: $input) {
               signingSecret userErrors { message } } }",
            json!({ "input": { "id": id, "overlapSeconds": 60 } }),
        )
        .await;
    let new = text(&rotated, "/webhookEndpointRotateSecret/signingSecret");
    let post = async |secret: &str, body: &'static str| {
        showing(&app, "static_token", &url, secret).body(body).send().await.unwrap().status()
    };
    assert_eq!(post(&secret, "[1]").await, StatusCode::ACCEPTED);
    assert_eq!(post(&new, "[2]").await, StatusCode::ACCEPTED);
    app.clock.advance_secs(61);
    assert_eq!(post(&secret, "[3]").await, StatusCode::UNAUTHORIZED);
    assert_eq!(post(&new, "[4]").await, StatusCode::ACCEPTED);
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_say_how_a_sender_signs_and_are_checked_before_they_are_kept() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.ready().await;
    let create = "mutation($input: WebhookEndpointCreateInput!) { webhookEndpointCreate(input: $input) {
                    webhookEndpoint { settings } userErrors { field message } } }";
    let input = |settings: Value| {
        json!({ "input": { "organizationId": acme.organization, "name": "custom", "sender": "events",
                           "scheme": "custom_hmac", "settings": settings } })
    };
    let wrong = app.graphql_as(&app.token, create, input(json!({ "signature": {} }))).await;
    let error = &wrong["data"]["webhookEndpointCreate"]["userErrors"][0];
    assert_eq!(error["field"], json!(["input", "settings"]), "{wrong:#}");
    let settings = json!({ "signature": { "header": "X-Signature" } });
    let made = app.graphql(create, input(settings.clone())).await;
    assert_eq!(made["webhookEndpointCreate"]["webhookEndpoint"]["settings"], settings);

    let change = "mutation($input: WebhookEndpointUpdateInput!) { webhookEndpointUpdate(input: $input) {
                    webhookEndpoint { settings } userErrors { field message } } }";
    let plain = endpoint(&app, &acme, "static_token", json!({})).await;
    let strange = json!({ "input": { "id": plain.id, "settings": { "surprise": true } } });
    let refused = app.graphql_as(&app.token, change, strange).await;
    assert_eq!(
        refused["data"]["webhookEndpointUpdate"]["userErrors"][0]["field"],
        json!(["input", "settings"]),
        "{refused:#}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_of_cloud_events_may_ask_whether_it_may_send() {
    let app = TestApp::start_with(&[("limit_per_endpoint_per_sec", "2")]).await;
    let acme = app.msp("acme").await.ready().await;
    let ask = async |url: &str, rate: Option<&str>| {
        let mut request = app.http.request(Method::OPTIONS, url);
        request = request.header("WebHook-Request-Origin", "eventemitter.example.com");
        request = request.header("WebHook-Request-Callback", app.url("/health/live"));
        if let Some(rate) = rate {
            request = request.header("WebHook-Request-Rate", rate);
        }
        let answer = request.send().await.unwrap();
        let header = |name: &str| answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        (answer.status(), header("webhook-allowed-origin"), header("webhook-allowed-rate"))
    };
    let origin = Some("eventemitter.example.com".to_owned());
    let granted = ask(acme.webhook_url(), Some("60")).await;
    assert_eq!(granted, (StatusCode::OK, origin.clone(), Some("60".to_owned())));
    let (_, _, rate) = ask(acme.webhook_url(), Some("100000")).await;
    assert_eq!(rate.as_deref(), Some("120"), "no more than the endpoint takes");

    let (status, allowed, _) = ask(&app.url("/webhooks/nobody"), None).await;
    assert_eq!((status, allowed), (StatusCode::NOT_FOUND, None));
    let secret = endpoint(&app, &acme, "secret_path", json!({})).await;
    let (status, allowed, _) = ask(&format!("{}/{}", secret.url, secret.secret), None).await;
    assert_eq!((status, allowed), (StatusCode::OK, origin));
    let (status, allowed, _) = ask(&format!("{}/a-wrong-secret", secret.url), None).await;
    assert_eq!((status, allowed), (StatusCode::UNAUTHORIZED, None));
    let nothing = app.http.request(Method::OPTIONS, acme.webhook_url()).send().await.unwrap();
    assert!(nothing.headers().get("webhook-allowed-origin").is_none(), "nobody asked");
}

#[tokio::test(flavor = "multi_thread")]
async fn microsoft_graph_hears_its_token_from_an_address_that_proves_itself_and_nowhere_else() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.ready().await;
    let secret = endpoint(&app, &acme, "secret_path", json!({})).await;
    let right = format!("{}/{}", secret.url, secret.secret);
    let ask = async |url: &str, token: &str| {
        let request = app.http.post(url).query(&[("validationToken", token)]);
        request.header("content-type", "text/plain; charset=utf-8").send().await.unwrap()
    };
    let token = "Validation: Testing client application reachability <script>alert(1)</script> ü&+";
    let answer = ask(&right, token).await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(answer.headers()["content-type"], "text/plain; charset=utf-8");
    assert_eq!(answer.headers()["x-content-type-options"], "nosniff");
    assert_eq!(answer.text().await.unwrap(), token);
    assert!(acme.deliveries().await.is_empty(), "a question is no delivery");

    assert_eq!(ask(&right, &"x".repeat(2_049)).await.status(), StatusCode::BAD_REQUEST);
    let wrong = ask(&format!("{}/a-wrong-secret", secret.url), token).await;
    assert_eq!(wrong.status(), StatusCode::UNAUTHORIZED);
    assert!(!wrong.text().await.unwrap().contains("<script>"));
    let signed = ask(acme.webhook_url(), token).await;
    assert_eq!(signed.status(), StatusCode::UNAUTHORIZED, "another kind of endpoint echoes nothing");
    assert!(!signed.text().await.unwrap().contains("<script>"));
}

/// Amazon: gives the certificate, and keeps what else it is asked.
#[derive(Debug, Default)]
struct Amazon {
    is_away: Mutex<bool>,
    confirmed: Mutex<Vec<String>>,
}

#[async_trait::async_trait]
impl Fetch for Amazon {
    async fn get(&self, url: Url) -> Result<(u16, Vec<u8>), String> {
        const PEM: &str = include_str!("../../src/scanners/signature/tests/fixtures/certificate.pem");
        if *self.is_away.lock().unwrap() {
            return Err("no connection".to_owned());
        }
        if std::path::Path::new(url.path()).extension().is_some_and(|end| end == "pem") {
            return Ok((200, PEM.as_bytes().to_vec()));
        }
        self.confirmed.lock().unwrap().push(url.to_string());
        Ok((200, b"<ConfirmSubscriptionResponse/>".to_vec()))
    }
}

fn signed_by_amazon(mut message: Value, names: &[&str]) -> String {
    use ring::{rand::SystemRandom, signature};
    const KEY: &str = include_str!("../../src/scanners/signature/tests/fixtures/key.b64");
    let lines: String = names
        .iter()
        .fold(String::new(), |text, name| text + name + "\n" + message[name].as_str().unwrap() + "\n");
    let der = BASE64_STANDARD.decode(KEY.replace('\n', "")).unwrap();
    let pair = signature::RsaKeyPair::from_pkcs8(&der).unwrap();
    let mut signed = vec![0; pair.public().modulus_len()];
    pair.sign(&signature::RSA_PKCS1_SHA256, &SystemRandom::new(), lines.as_bytes(), &mut signed).unwrap();
    message["Signature"] = json!(BASE64_STANDARD.encode(signed));
    message.to_string()
}

fn subscription(app: &TestApp, topic: &str) -> String {
    let url = format!(
        "https://sns.eu-central-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn={topic}&Token=t-1"
    );
    let message = json!({
        "Type": "SubscriptionConfirmation", "MessageId": format!("confirm {topic}").replace(' ', "-"), "Token": "t-1",
        "TopicArn": topic, "Message": "You have chosen to subscribe.", "SubscribeURL": url,
        "Timestamp": app.clock.now().rfc3339(), "SignatureVersion": "2",
        "SigningCertURL": "https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-1.pem",
    });
    signed_by_amazon(
        message,
        &["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"],
    )
}

fn notification(app: &TestApp, topic: &str, id: &str) -> String {
    let message = json!({
        "Type": "Notification", "MessageId": id, "TopicArn": topic, "Message": "{}",
        "Timestamp": app.clock.now().rfc3339(), "SignatureVersion": "2",
        "SigningCertURL": "https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-1.pem",
    });
    signed_by_amazon(message, &["Message", "MessageId", "Timestamp", "TopicArn", "Type"])
}

#[tokio::test(flavor = "multi_thread")]
async fn amazon_is_believed_by_its_certificate_and_confirmed_after_its_answer() {
    const OURS: &str = "arn:aws:sns:eu-central-1:123456789012:findings";
    const THEIRS: &str = "arn:aws:sns:eu-central-1:999999999999:findings";
    let amazon = Arc::new(Amazon::default());
    let app = TestApp::start_beside(amazon.clone()).await;
    let acme = app.msp("acme").await.ready().await;
    let made = endpoint(&app, &acme, "static_token", json!({})).await;
    let key = made.url.rsplit('/').next().unwrap();
    // No sender of this version's own format is behind SNS: the way in is what is told here.
    app.app
        .ground
        .db
        .write({
            let key = key.to_owned();
            move |tx| {
                Box::pin(async move {
                    webhook_endpoint::Entity::update_many()
                        .col_expr(webhook_endpoint::Column::Scheme, Expr::value("sns"))
                        .filter(webhook_endpoint::Column::Key.eq(key))
                        .exec(tx)
                        .await?;
                    Ok::<_, psa_gateway::error::Error>(())
                })
            }
        })
        .await
        .unwrap();
    app.app.ground.endpoints.forget();
    let post = async |body: String| {
        let answer =
            app.http.post(&made.url).header("content-type", "text/plain").body(body).send().await.unwrap();
        let again = answer.headers().get("retry-after").is_some();
        (answer.status(), again)
    };

    // Without the certificate nothing can be said: SNS comes again.
    *amazon.is_away.lock().unwrap() = true;
    assert_eq!(post(subscription(&app, OURS)).await, (StatusCode::SERVICE_UNAVAILABLE, true));
    *amazon.is_away.lock().unwrap() = false;
    app.clock.advance_secs(30);
    assert_eq!(post(notification(&app, OURS, "early")).await.0, StatusCode::UNAUTHORIZED);
    let forged = subscription(&app, OURS).replace("t-1", "t-2");
    assert_eq!(post(forged).await.0, StatusCode::UNAUTHORIZED);

    // It is stored, answered, and confirmed afterwards.
    assert_eq!(post(subscription(&app, OURS)).await.0, StatusCode::ACCEPTED);
    assert!(amazon.confirmed.lock().unwrap().is_empty(), "not while it waits");
    // A second topic that asks before the first was confirmed comes too late all the same.
    assert_eq!(post(subscription(&app, THEIRS)).await.0, StatusCode::ACCEPTED);
    app.drain().await;
    let confirmed = amazon.confirmed.lock().unwrap().clone();
    assert_eq!(confirmed.len(), 1, "{confirmed:?}");
    assert!(confirmed[0].contains(OURS), "{confirmed:?}");
    let states: Vec<_> = acme.deliveries().await.iter().map(|delivery| delivery["state"].clone()).collect();
    assert_eq!(states, [json!("UNDERSTOOD"), json!("DEAD")]);

    assert_eq!(post(subscription(&app, THEIRS)).await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(post(notification(&app, THEIRS, "theirs")).await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(post(notification(&app, OURS, "ours")).await.0, StatusCode::ACCEPTED);
    let shown = app
        .graphql(
            "query($id: ID!) { node(id: $id) { ... on WebhookEndpoint { settings } } }",
            json!({ "id": made.id }),
        )
        .await;
    assert_eq!(shown["node"]["settings"], json!({ "topicArn": OURS }));
}
