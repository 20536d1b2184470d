//! Our own callback, and the keys that callbacks are signed with.

use std::sync::Mutex;

use super::*;

const URL: &str = "https://gateway.example/webhooks/k3y";
const KEY_NAME: &str = "3f8a1c9e-52d7-4be0-a1b6-9c0d5e7f2a41";

fn wanted(external_id: Option<&str>) -> WebhookWanted {
    WebhookWanted {
        url: URL.into(),
        name: "PSA Gateway".repeat(20),
        scheme: "connectwise_callback".into(),
        secret: None,
        external_id: external_id.map(ToOwned::to_owned),
    }
}

fn registered(id: i64, url: &str, inactive: bool) -> Value {
    json!({"id": id, "url": url, "objectId": 1, "type": "ticket", "level": "owner", "inactiveFlag": inactive,
        "isSelfSuppressedFlag": true, "payloadVersion": "3.0.0"})
}

/// A ConnectWise that keeps callbacks.
async fn with_callbacks(rows: Vec<Value>) -> Canned {
    let rows = Mutex::new(rows);
    connectwise(move |asked, path| {
        let mut rows = rows.lock().unwrap();
        match (asked.method.as_str(), path) {
            ("GET", "/system/callbacks") => Some(Play::json(200, &json!(*rows))),
            ("POST", "/system/callbacks") => {
                let mut row = asked.json();
                row["id"] = json!(26552);
                row["objectId"] = json!(1);
                rows.push(row.clone());
                Some(Play::json(201, &row))
            }
            ("PATCH", path) => {
                let id: i64 = path.rsplit('/').next()?.parse().ok()?;
                let row = rows.iter_mut().find(|row| row["id"] == json!(id))?;
                for change in asked.json().as_array()? {
                    row[change["path"].as_str()?] = change["value"].clone();
                }
                Some(Play::json(200, row))
            }
            ("DELETE", "/system/callbacks/26552") => Some(Play::text(204, "")),
            _ => None,
        }
    })
    .await
}

#[tokio::test]
async fn a_callback_is_registered_once_for_all_tickets() {
    let server = with_callbacks(vec![registered(1, "https://other.example/?recordId=", false)]).await;
    let psa = connect(&server);
    let kept = psa.keep_webhook(&wanted(None)).await.unwrap();
    assert_eq!(kept, WebhookKept { external_id: "26552".into(), mended: None, problem: None });
    let sent = calls(&server, "POST", "/system/callbacks")[0].json();
    assert_eq!(sent["url"], json!(format!("{URL}?recordId=")));
    assert_eq!(
        (&sent["type"], &sent["level"], &sent["objectId"]),
        (&json!("ticket"), &json!("owner"), &json!(0))
    );
    assert_eq!((&sent["isSelfSuppressedFlag"], &sent["inactiveFlag"]), (&json!(true), &json!(false)));
    assert_eq!(sent["description"].as_str().unwrap().len(), 100);
    assert_eq!(psa.keep_webhook(&wanted(Some("26552"))).await.unwrap(), kept);
    assert_eq!(psa.keep_webhook(&wanted(None)).await.unwrap(), kept, "found by its address");
    assert_eq!(calls(&server, "POST", "/system/callbacks").len(), 1);
    psa.remove_webhook("26552").await.unwrap();
    psa.remove_webhook("999").await.unwrap();
}

#[tokio::test]
async fn what_was_changed_in_connectwise_is_mended_and_said() {
    let url = format!("{URL}?recordId=");
    let mut for_board = registered(7, &url, false);
    for_board["level"] = json!("Board");
    for (row, words, field) in [
        (registered(7, &url, true), "switched off", "inactiveFlag"),
        (registered(7, URL, false), "another address", "url"),
        (registered(7, "https://old.example/webhooks/k3y?recordId=", false), "another address", "url"),
        (for_board, "not about all tickets", "level"),
    ] {
        let server = with_callbacks(vec![registered(1, "https://other.example/", true), row]).await;
        let kept = connect(&server).keep_webhook(&wanted(Some("7"))).await.unwrap();
        assert_eq!((kept.external_id.as_str(), &kept.problem), ("7", &None));
        assert!(kept.mended.unwrap().contains(words), "{words}");
        assert_eq!(calls(&server, "PATCH", "/system/callbacks/7")[0].json()[0]["path"], json!(field));
        assert!(calls(&server, "POST", "/system/callbacks").is_empty());
        assert!(calls(&server, "PATCH", "/system/callbacks/1").is_empty(), "what is not ours is not touched");
    }
}

#[tokio::test]
async fn a_callback_that_cannot_be_mended_says_what_to_do() {
    let url = format!("{URL}?recordId=");
    let server = connectwise(move |asked, path| match (asked.method.as_str(), path) {
        ("GET", "/system/callbacks") => Some(Play::json(200, &json!([registered(7, &url, true)]))),
        ("PATCH", _) => Some(Play::json(400, &json!({"code": "InvalidObject", "message": "no"}))),
        _ => None,
    })
    .await;
    let kept = connect(&server).keep_webhook(&wanted(None)).await.unwrap();
    assert!(kept.mended.is_none() && kept.problem.as_ref().unwrap().contains("switched off"), "{kept:?}");
}

#[tokio::test]
async fn one_that_exists_and_is_not_shown_is_not_registered_twice() {
    let exists: Value = serde_json::from_str(include_str!("../fixtures/error_exists.json")).unwrap();
    let server = connectwise(move |asked, path| match (asked.method.as_str(), path) {
        ("GET", "/system/callbacks") => Some(Play::json(200, &json!([]))),
        ("POST", "/system/callbacks") => Some(Play::json(400, &exists)),
        _ => None,
    })
    .await;
    let error = connect(&server).keep_webhook(&wanted(None)).await.unwrap_err();
    assert!(error.to_string().contains("already exists"), "{error}");
}

#[tokio::test]
async fn a_signing_key_is_fetched_from_the_connections_own_site_without_the_login() {
    let path = "/v2025_1//system/callbackkey/index.rails";
    let server = Canned::start(move |asked| match asked.path.as_str() {
        "/login/companyinfo/acme" => Play::json(200, &companyinfo("v2025_1/")),
        p if p == path && asked.query("id") == Some(KEY_NAME) => {
            Play::json(200, &json!({"signing_key": "n0tAReal-Key"}))
        }
        p if p == path => Play::text(200, "null"),
        _ => Play::text(404, ""),
    })
    .await;
    let psa = connect(&server);
    assert_eq!(psa.webhook_key(&KEY_NAME.to_uppercase()).await.unwrap().expose_secret(), "n0tAReal-Key");
    let asked = &server.calls("GET", path)[0];
    assert_eq!(
        (asked.query("companyName"), asked.header("authorization"), asked.header("clientid")),
        (Some("acme"), None, None)
    );
    let unknown = psa.webhook_key("00000000-0000-4000-8000-000000000000").await;
    assert!(matches!(unknown, Err(PsaError::Rejected { .. })), "{:?}", unknown.err());
    let before = server.asked().len();
    for hostile in ["", "../../x", "https://evil.example/", "3f8a1c9e&companyName=rival"] {
        assert!(matches!(psa.webhook_key(hostile).await, Err(PsaError::Rejected { .. })), "{hostile}");
    }
    assert_eq!(server.asked().len(), before);
}

#[tokio::test]
async fn a_key_that_is_refused_without_is_asked_for_with_the_client_id() {
    let server = Canned::start(|asked| match (asked.path.as_str(), asked.header("clientid")) {
        ("/login/companyinfo/acme", _) => Play::json(200, &companyinfo("v2025_1/")),
        (_, None) => Play::json(401, &json!({"code": "Unauthorized", "message": "no"})),
        (_, Some(_)) => Play::json(200, &json!({"signing_key": "k"})),
    })
    .await;
    assert_eq!(connect(&server).webhook_key(KEY_NAME).await.unwrap().expose_secret(), "k");
    assert!(server.asked().iter().all(|asked| asked.header("authorization").is_none()));
}
