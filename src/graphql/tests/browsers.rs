//! What a browser can be made to send, and what it is told.

use actix_web::{
    http::{Method, header},
    test::TestRequest,
};

use super::*;
use crate::{fixtures, graphql::cors::Origins};

const DASHBOARD: &str = "https://dashboard.example.com";

fn preflight(origin: &str) -> TestRequest {
    TestRequest::with_uri("/graphql")
        .method(Method::OPTIONS)
        .insert_header((header::ORIGIN, origin))
        .insert_header(("access-control-request-method", "POST"))
        .insert_header(("access-control-request-headers", "authorization,content-type"))
}

fn settings(origins: &[&str]) -> Settings {
    Settings { origins: Origins::new(origins.iter().map(|&origin| origin.to_owned())), ..Settings::default() }
}

#[actix_web::test]
async fn pages_of_other_origins_may_not_ask_unless_they_are_named() {
    let ground = fixtures::ground().await;
    let closed = door(&ground, Settings::default());
    let answer = call(&closed, preflight(DASHBOARD)).await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (403, "FORBIDDEN"));
    assert!(answer.body.contains("cors_origins"), "{}", answer.body);
    assert_eq!(answer.header("access-control-allow-origin"), "");
    let asked = post("{ __typename }", &json!({})).insert_header((header::ORIGIN, DASHBOARD));
    assert_eq!(call(&closed, asked).await.header("access-control-allow-origin"), "");

    let open = door(&ground, settings(&[DASHBOARD]));
    let answer = call(&open, preflight(DASHBOARD)).await;
    assert_eq!(answer.status.as_u16(), 204);
    assert_eq!(answer.header("access-control-allow-origin"), DASHBOARD);
    assert_eq!(answer.header("access-control-allow-methods"), "GET, POST");
    assert!(answer.header("access-control-allow-headers").contains("Authorization"));
    assert!(answer.header("vary").contains("Origin"));
    assert_eq!(answer.header("access-control-allow-credentials"), "", "none are used");
    assert_eq!(call(&open, preflight("https://evil.example")).await.status.as_u16(), 403);

    let asked = || post("{ __typename }", &json!({})).insert_header((header::ORIGIN, DASHBOARD));
    let answer = call(&open, asked()).await;
    assert_eq!(answer.header("access-control-allow-origin"), DASHBOARD);
    assert!(answer.header("access-control-expose-headers").contains("Retry-After"));
    assert_eq!(answer.header("vary"), "Accept, Origin");
    let refused = call(&open, asked().insert_header(("authorization", "Bearer nobody"))).await;
    assert_eq!(refused.status.as_u16(), 401);
    assert_eq!(refused.header("access-control-allow-origin"), DASHBOARD, "a page may read why it failed");

    let any = door(&ground, settings(&["*"]));
    assert_eq!(call(&any, preflight(DASHBOARD)).await.header("access-control-allow-origin"), "*");
}

#[actix_web::test]
async fn what_a_foreign_page_can_send_without_asking_is_refused_before_anything_is_looked_at() {
    let ground = fixtures::ground().await;
    let door = door(&ground, Settings::default());
    let before = ground.db.statements();
    for content_type in [
        "text/plain",
        "text/plain; charset=utf-8",
        "multipart/form-data; boundary=x",
        "application/x-www-form-urlencoded",
        "application/graphql",
        "application/json; charset=latin1",
        "",
    ] {
        let body = "{\"query\":\"mutation { __typename }\"}";
        let request = TestRequest::post().uri("/graphql").set_payload(body);
        let request = if content_type.is_empty() {
            request
        } else {
            request.insert_header(("content-type", content_type))
        };
        // Without a token: the type is looked at first.
        let answer = call(&door, request).await;
        assert_eq!(answer.status.as_u16(), 415, "{content_type}");
        assert_eq!(answer.header("accept"), "application/json");
    }
    assert_eq!(ground.db.statements(), before);
}

#[actix_web::test]
async fn the_other_methods_that_http_knows_are_answered() {
    let ground = fixtures::ground().await;
    let door = door(&ground, Settings::default());
    let options = call(&door, TestRequest::with_uri("/graphql").method(Method::OPTIONS)).await;
    assert_eq!((options.status.as_u16(), options.header("allow")), (204, "GET, HEAD, POST, OPTIONS"));
    let ask = |method, query: &str| {
        let uri = format!("/graphql?query={query}");
        TestRequest::with_uri(&uri).method(method).insert_header(("authorization", "Bearer operator"))
    };
    let head = call(&door, ask(Method::HEAD, "%7B__typename%7D")).await;
    assert_eq!(head.status.as_u16(), 200);
    let head = call(&door, ask(Method::HEAD, "mutation%7B__typename%7D")).await;
    assert_eq!((head.status.as_u16(), head.header("allow")), (405, "POST"));
    for method in [Method::PUT, Method::PATCH, Method::DELETE, Method::TRACE] {
        let answer = call(&door, ask(method, "%7B__typename%7D")).await;
        assert_eq!((answer.status.as_u16(), answer.header("allow")), (405, "GET, HEAD, POST, OPTIONS"));
    }
}
