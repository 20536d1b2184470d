//! What every client of the API meets, over a real connection.

use std::sync::atomic::{AtomicU32, Ordering};

use reqwest::{Method, StatusCode, header};
use sea_orm::ConnectionTrait as _;
use serde_json::json;
use tokio::io::AsyncWriteExt as _;

use crate::support::{TestApp, wait_until};

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_carries_the_headers_that_browsers_go_by() {
    let app = TestApp::start().await;
    for (method, path) in [
        (Method::GET, "/health/live"),
        (Method::GET, "/health/ready"),
        (Method::GET, "/metrics"),
        (Method::GET, "/nothing/here"),
        (Method::POST, "/webhooks/nobody"),
        (Method::GET, "/webhooks/nobody"),
        (Method::POST, "/graphql"),
        (Method::DELETE, "/graphql"),
    ] {
        let answer = app.http.request(method.clone(), app.url(path)).send().await.unwrap();
        let value = |name| answer.headers().get(name).map_or("", |value| value.to_str().unwrap());
        assert_eq!(value("x-content-type-options"), "nosniff", "{method} {path}");
        assert!(value("content-security-policy").contains("default-src 'none'"), "{method} {path}");
        assert_eq!(value("x-frame-options"), "DENY", "{method} {path}");
        assert_eq!(value("referrer-policy"), "no-referrer", "{method} {path}");
        assert_eq!(value("strict-transport-security"), "", "{method} {path}: it is reached without TLS");
        assert!(!value("x-request-id").is_empty(), "{method} {path}");
    }

    let app =
        TestApp::start_with(&[("public_url", "https://gateway.example.com"), ("graphiql", "true")]).await;
    let answer = app.http.get(app.url("/health/live")).send().await.unwrap();
    assert!(answer.headers()[header::STRICT_TRANSPORT_SECURITY].to_str().unwrap().starts_with("max-age="));
    let page = app.http.get(app.url("/graphql")).header(header::ACCEPT, "text/html").send().await.unwrap();
    let policy = page.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
    assert!(policy.contains("script-src 'nonce-"), "GraphiQL keeps a policy of its own: {policy}");
}

#[tokio::test(flavor = "multi_thread")]
async fn graphiql_is_for_developers_where_it_is_not_switched_on() {
    let app = TestApp::start_with(&[("introspection", "false")]).await;
    let acme = app.msp("acme").await;
    let form = app.http.get(app.url("/graphql")).header(header::ACCEPT, "text/html").send().await.unwrap();
    assert_eq!(form.status(), StatusCode::UNAUTHORIZED);
    assert!(form.text().await.unwrap().contains("Access token"));

    for (role, status, has_page) in
        [("DEVELOPER", StatusCode::OK, true), ("TECHNICIAN", StatusCode::FORBIDDEN, false)]
    {
        let token = acme.token(role).await;
        let posted = app.http.post(app.url("/graphql/graphiql")).form(&[("token", &token)]).send().await;
        let proxied = app
            .http
            .get(app.url("/graphql"))
            .header(header::ACCEPT, "text/html")
            .bearer_auth(&token)
            .send()
            .await;
        for answer in [posted.unwrap(), proxied.unwrap()] {
            assert_eq!(answer.status(), status, "{role}");
            let page = answer.text().await.unwrap();
            assert_eq!(page.contains("graphiql.min.js"), has_page, "{role}");
            assert!(!page.contains(&token), "the page holds the token");
        }
        let schema = app.graphql_as(&token, "{ __schema { queryType { name } } }", json!({})).await;
        assert_eq!(schema.get("errors").is_none(), has_page, "{role}: {schema}");
    }
    let wrong =
        app.http.post(app.url("/graphql/graphiql")).form(&[("token", "pgw_no")]).send().await.unwrap();
    assert_eq!(wrong.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_has_the_headers_of_a_get_and_no_body() {
    let app = TestApp::start().await;
    let ask = |method| {
        let url = app.url("/graphql?query=%7B__typename%7D");
        app.http.request(method, url).bearer_auth(&app.token).send()
    };
    let (get, head) = (ask(Method::GET).await.unwrap(), ask(Method::HEAD).await.unwrap());
    assert_eq!((get.status(), head.status()), (StatusCode::OK, StatusCode::OK));
    assert_eq!(get.headers()[header::CONTENT_TYPE], head.headers()[header::CONTENT_TYPE]);
    assert_eq!(head.text().await.unwrap(), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_says_it_is_too_long_is_not_read() {
    let app = TestApp::start_with(&[("graphql_max_body_bytes", "2048")]).await;
    let body = "x".repeat(1024 * 1024);
    let answer = app.http.post(app.url("/graphql")).bearer_auth(&app.token);
    let answer = answer.header(header::CONTENT_TYPE, "application/json").body(body).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::PAYLOAD_TOO_LARGE);
}

/// Makes reading organizations take hours, in the database.
async fn slow_organizations(app: &TestApp) {
    let db = app.app.ground.db.reader();
    for statement in [
        "ALTER TABLE organization RENAME TO organization_rows",
        "CREATE VIEW organization AS SELECT * FROM organization_rows WHERE (WITH RECURSIVE n (x) AS \
           (SELECT CAST(1 AS BIGINT) UNION ALL SELECT x + 1 FROM n WHERE x < 1000000000000) \
           SELECT MAX(x) FROM n) > 0",
    ] {
        db.execute_unprepared(statement).await.unwrap();
    }
}

/// How many of the database's connections for reading there are, and how many of those are free.
fn connections(app: &TestApp) -> (u32, usize) {
    let db = &app.app.ground.db;
    if let Some(pool) = db.postgres_pool() {
        return (pool.size(), pool.num_idle());
    }
    let pool = db.reader().get_sqlite_connection_pool();
    (pool.size(), pool.num_idle())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_waits_for_any_longer_stops_in_the_database() {
    let app = TestApp::start_with(&[("request_timeout_secs", "120")]).await;
    app.msp("acme").await;
    slow_organizations(&app).await;

    // As many clients as there are connections ask, and leave in the middle.
    let body = json!({ "query": "{ organizations { nodes { name } } }" }).to_string();
    let mut clients = Vec::new();
    for _ in 0..4 {
        let mut client = tokio::net::TcpStream::connect(app.app.address()).await.unwrap();
        let head = format!(
            "POST /graphql HTTP/1.1\r\nHost: gateway\r\nContent-Type: application/json\r\n\
             Authorization: Bearer {}\r\nContent-Length: {}\r\n\r\n",
            app.token,
            body.len()
        );
        client.write_all(head.as_bytes()).await.unwrap();
        client.write_all(body.as_bytes()).await.unwrap();
        clients.push(client);
    }
    let looks = AtomicU32::new(0);
    let is_busy_for_a_while = || {
        let is_busy = connections(&app) == (4, 0);
        let before =
            if is_busy { looks.fetch_add(1, Ordering::SeqCst) } else { looks.swap(0, Ordering::SeqCst) };
        std::future::ready(is_busy && before >= 10)
    };
    wait_until("every connection is busy for a while", is_busy_for_a_while).await;
    drop(clients);

    // Without a free connection the database would count as away.
    let answer = app.graphql("{ viewer { name } accessTokens { totalCount } }", json!({})).await;
    assert_eq!(answer["accessTokens"]["totalCount"], 1, "{answer:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_takes_too_long_stops_in_the_database_and_is_told() {
    let app = TestApp::start_with(&[("request_timeout_secs", "1")]).await;
    app.msp("acme").await;
    slow_organizations(&app).await;
    let query = "{ organizations { nodes { name } } }";
    let asked = (0..4).map(|_| app.graphql_as(&app.token, query, json!({})));
    for answer in futures_util::future::join_all(asked).await {
        assert_eq!(answer["errors"][0]["extensions"]["code"], "TIMEOUT", "{answer:#}");
        assert!(answer.get("data").is_none());
    }
    let answer = app.graphql("{ accessTokens { totalCount } }", json!({})).await;
    assert_eq!(answer["accessTokens"]["totalCount"], 1, "{answer:#}");
}
