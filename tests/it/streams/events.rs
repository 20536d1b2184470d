//! Server-sent events, for those whose proxies let no socket through.

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::{DELIVERIES, TICKETS, code, revoke, token};
use crate::support::{Events, TestApp, finding, text};

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_goes_on_until_its_token_is_revoked() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.ready().await;
    let (id, token) = token(&app, &acme, None).await;
    let mut events = Events::open(&app, &token, DELIVERIES, json!({})).await;
    // Open once the first is heard: there is no other sign of it.
    crate::support::wait_until("the subscription has begun", async || {
        app.app.ground.db.news().is_watched(psa_gateway::db::news::What::DeliveryReceived)
    })
    .await;
    let posted = acme.posts(&finding("CVE-2024-3094")).await;
    posted.is_accepted();
    let (name, event) = events.next().await.expect("an event");
    assert_eq!(name, "next");
    assert_eq!(event["data"]["webhookDeliveryReceived"]["webhookDelivery"]["state"], "RECEIVED");
    revoke(&app, &id).await;
    assert_eq!(events.next().await, None, "cut off, not completed: the client connects again and learns why");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_result_is_an_event_and_the_end_and_so_is_a_refusal() {
    let app = TestApp::start().await;
    let mut events = Events::open(&app, &app.token, "{ viewer { name } }", json!({})).await;
    let (name, result) = events.next().await.expect("a result");
    assert_eq!((name.as_str(), &result["data"]["viewer"]["name"]), ("next", &json!("first administrator")));
    assert_eq!(events.next().await, Some(("complete".to_owned(), Value::Null)));
    assert_eq!(events.next().await, None);

    let wrong = TICKETS.replace("title", "nothing");
    for (query, expected) in [("{", "GRAPHQL_PARSE_FAILED"), (wrong.as_str(), "GRAPHQL_VALIDATION_FAILED")] {
        let mut events = Events::open(&app, &app.token, query, json!({})).await;
        let (name, refused) = events.next().await.expect("a refusal");
        assert_eq!((name.as_str(), code(&refused["errors"])), ("next", expected));
        assert!(refused.get("data").is_none());
        assert_eq!(events.next().await, Some(("complete".to_owned(), Value::Null)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_request_is_answered_without_a_stream() {
    let app = TestApp::start_with(&[("graphql_sockets_per_token", "1")]).await;
    let url = app.url("/graphql/stream");
    let body = json!({ "query": "{ viewer { name } }" });
    let asking = |method: Method| app.http.request(method, &url).bearer_auth(&app.token);
    let cases: Vec<(&str, RequestBuilder, u16)> = vec![
        ("no token", app.http.post(&url).json(&body), 401),
        ("another method", asking(Method::PUT).json(&body), 405),
        ("JSON wanted", asking(Method::POST).header("accept", "application/json").json(&body), 406),
        ("no JSON sent", asking(Method::POST).header("content-type", "text/plain").body("x"), 415),
        ("a mutation by GET", asking(Method::GET).query(&[("query", "mutation { __typename }")]), 405),
        ("nothing asked", asking(Method::POST).json(&json!({})), 400),
        ("a query by GET", asking(Method::GET).query(&[("query", "{ viewer { name } }")]), 200),
    ];
    for (what, request, status) in cases {
        let answer = request.send().await.expect("an answer");
        assert_eq!(answer.status(), status, "{what}");
        let text = answer.text().await.expect("a body");
        if status == 200 {
            assert!(text.starts_with(":\n\nevent: next\ndata: {\"data\":"), "{text}");
            assert!(text.ends_with("\n\nevent: complete\ndata: \n\n"), "{text}");
        } else {
            let answer: Value = serde_json::from_str(&text).expect("JSON");
            assert!(answer["errors"][0]["message"].is_string(), "{what}: {answer:#}");
        }
    }

    let held = Events::open(&app, &app.token, DELIVERIES, json!({})).await;
    let second = asking(Method::POST).json(&body).send().await.expect("an answer");
    assert_eq!((second.status().as_u16(), &second.headers()["retry-after"]), (429, &"5".parse().unwrap()));
    assert_eq!(text(&second.json().await.unwrap(), "/errors/0/extensions/code"), "THROTTLED");
    drop(held);
    crate::support::wait_until("the place is free", async || {
        asking(Method::POST).json(&body).send().await.expect("an answer").status() == 200
    })
    .await;
}
