use actix_web::test::TestRequest;

use super::*;
use crate::{
    fixtures,
    graphql::{Registered, registered},
};

const QUERY: &str = "query Who { viewer { name } }";

fn body(query: Option<&str>, hash: &str) -> TestRequest {
    let mut body = json!({ "extensions": { "persistedQuery": { "version": 1, "sha256Hash": hash } } });
    if let Some(query) = query {
        body["query"] = json!(query);
    }
    raw(&body)
}

fn raw(body: &Value) -> TestRequest {
    TestRequest::post().uri("/graphql").insert_header(("authorization", "Bearer operator")).set_json(body)
}

fn by_get(hash: &str) -> TestRequest {
    let extensions = json!({ "persistedQuery": { "version": 1, "sha256Hash": hash } }).to_string();
    let uri = format!(
        "/graphql?extensions={}",
        percent_encoding::utf8_percent_encode(&extensions, percent_encoding::NON_ALPHANUMERIC)
    );
    TestRequest::get().uri(&uri).insert_header(("authorization", "Bearer operator"))
}

#[actix_web::test]
async fn apollos_clients_send_a_hash_then_the_text_then_only_the_hash() {
    let ground = fixtures::ground().await;
    let door = door(&ground, Settings::default());
    let hash = registered::hash(QUERY);
    for request in [body(None, &hash), by_get(&hash)] {
        let unknown = call(&door, request).await;
        assert_eq!(unknown.code(), "PERSISTED_QUERY_NOT_FOUND");
        assert_eq!(
            unknown.json()["errors"][0]["message"],
            "PersistedQueryNotFound",
            "older clients look here"
        );
        assert_eq!(unknown.status.as_u16(), 200);
    }
    for request in [body(Some(QUERY), &hash), body(None, &hash), by_get(&hash)] {
        let answer = call(&door, request).await.json();
        assert_eq!(answer["data"]["viewer"]["name"], "operator", "{answer:#}");
    }
    let document = json!({ "documentId": format!("sha256:{hash}") });
    assert_eq!(call(&door, raw(&document)).await.json()["data"]["viewer"]["name"], "operator");

    // Nobody else's hash, nor a text under another's.
    let stranger =
        body(None, &hash).insert_header(("authorization", format!("Bearer {}", Uuid::from_u128(7))));
    assert_eq!(call(&door, stranger).await.code(), "PERSISTED_QUERY_NOT_FOUND");
    let poisoned = call(&door, body(Some("{ platforms { key } }"), &hash)).await;
    assert_eq!((poisoned.status.as_u16(), poisoned.code().as_str()), (400, "BAD_USER_INPUT"));
}

#[actix_web::test]
async fn what_does_not_fit_the_schema_is_not_kept() {
    let ground = fixtures::ground().await;
    let door = door(&ground, Settings::default());
    let hash = registered::hash("{ nothing }");
    assert_eq!(call(&door, body(Some("{ nothing }"), &hash)).await.code(), "GRAPHQL_VALIDATION_FAILED");
    assert_eq!(call(&door, body(None, &hash)).await.code(), "PERSISTED_QUERY_NOT_FOUND");
}

#[actix_web::test]
async fn only_registered_documents_run_where_there_are_any() {
    let ground = fixtures::ground().await;
    let name = format!("documents-{}.json", ground.chance.alphanumeric(12));
    let file = std::env::temp_dir().join(name);
    std::fs::write(&file, json!({ "who-1": QUERY }).to_string()).unwrap();
    let documents = Some(Arc::new(Registered::load(&file).unwrap()));
    std::fs::remove_file(&file).unwrap();
    let door = door(&ground, Settings { documents, ..Settings::default() });

    let hash = registered::hash(QUERY);
    for request in [
        post(QUERY, &json!({})),
        body(None, &hash),
        body(None, "who-1"),
        by_get(&hash),
        raw(&json!({ "documentId": "who-1" })),
        raw(&json!({ "documentId": format!("sha256:{hash}") })),
    ] {
        let answer = call(&door, request).await.json();
        assert_eq!(answer["data"]["viewer"]["name"], "operator", "{answer:#}");
    }
    let other = "{ viewer { role } }";
    for request in [
        post(other, &json!({})),
        post(&format!("{QUERY} "), &json!({})),
        body(Some(other), &registered::hash(other)),
        body(None, &registered::hash(other)),
        raw(&json!({ "documentId": "who-2" })),
    ] {
        let refused =
            call(&door, request.insert_header(("accept", "application/graphql-response+json"))).await;
        assert_eq!((refused.status.as_u16(), refused.code().as_str()), (403, "PERSISTED_QUERY_NOT_IN_LIST"));
    }
}
