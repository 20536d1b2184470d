//! A small server that plays the key-value engine.

use std::sync::{Arc, Mutex};

use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use super::*;

/// Answers every request alike; keeps the heads of what it was asked.
async fn engine(status: u16, body: Value) -> (Url, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1/secret/data/psa-gateway", listener.local_addr().unwrap());
    let heads = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&heads);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(stream.read_u8().await.unwrap());
            }
            kept.lock().unwrap().push(String::from_utf8(head).unwrap());
            let text = body.to_string();
            let head =
                format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\nlocation: /v1/x\r\n\r\n", text.len());
            stream.write_all(format!("{head}{text}").as_bytes()).await.unwrap();
        }
    });
    (url.parse().unwrap(), heads)
}

fn server(url: Url) -> KeyServer {
    KeyServer {
        url,
        token: "hvs.canary-token".to_owned().into(),
        namespace: None,
        field: "master_key".to_owned(),
        previous_fields: Vec::new(),
        authority: None,
    }
}

fn hex(digit: char) -> String {
    digit.to_string().repeat(64)
}

fn id(digit: char) -> String {
    MasterKey::parse(&hex(digit).into()).unwrap().id().to_owned()
}

#[tokio::test]
async fn both_versions_of_the_engine_give_their_keys() {
    let second = json!({
        "request_id": "r", "lease_id": "", "renewable": false, "lease_duration": 0,
        "data": {
            "data": { "master_key": format!("{}\n", hex('a')), "older": hex('b') },
            "metadata": { "version": 3, "destroyed": false, "deletion_time": "" },
        },
    });
    let (url, asked) = engine(200, second).await;
    let keys = read(&KeyServer {
        namespace: Some("admin/msp".to_owned()),
        previous_fields: vec!["older".to_owned()],
        ..server(url.clone())
    })
    .await
    .unwrap();
    assert_eq!(keys.current().id(), id('a'));
    assert_eq!(keys.all().map(MasterKey::id).collect::<Vec<_>>(), [id('a'), id('b')]);
    assert_eq!(keys.current().origin(), format!("field master_key of {url}"));
    let head = asked.lock().unwrap().remove(0).to_lowercase();
    assert!(head.starts_with("get /v1/secret/data/psa-gateway http/1.1"), "{head}");
    for line in ["x-vault-token: hvs.canary-token", "x-vault-namespace: admin/msp", "x-vault-request: true"] {
        assert!(head.contains(line), "{line}: {head}");
    }

    // In the first version a field may be called data.
    let first = json!({ "lease_duration": 2_764_800, "data": { "master_key": hex('c'), "data": "x" } });
    let (url, asked) = engine(200, first).await;
    assert_eq!(read(&server(url)).await.unwrap().current().id(), id('c'));
    assert!(!asked.lock().unwrap()[0].to_lowercase().contains("namespace"));
}

#[tokio::test]
async fn what_goes_wrong_is_told_with_the_next_step_and_without_token_or_key() {
    let deleted =
        json!({ "data": { "data": null, "metadata": { "deletion_time": "2026-11-01T00:00:00Z" } } });
    let metadata = json!({ "version": 1 });
    for (status, body, word) in [
        (403, json!({ "errors": ["permission denied"] }), "(permission denied): the token may not read"),
        (404, json!({ "errors": [] }), "/data/ after the mount"),
        (404, deleted.clone(), "there is no such secret"),
        (200, deleted, "undelete it"),
        (307, json!({}), "not followed"),
        (503, json!({ "errors": ["Vault is sealed"] }), "unseal it"),
        (200, json!("hello"), "is master_key_vault_url right?"),
        (
            200,
            json!({ "data": { "data": { "other": "canary" }, "metadata": metadata } }),
            "the secret has: other",
        ),
        (200, json!({ "data": { "master_key": 7 } }), "it is no text"),
        (200, json!({ "data": { "master_key": "canary" } }), "64 hexadecimal digits"),
        (200, json!({ "data": { "master_key": "canary".repeat(20_000) } }), "longer than 65536 bytes"),
    ] {
        let (url, _asked) = engine(status, body.clone()).await;
        let server = server(url);
        let error = read(&server).await.unwrap_err().to_string();
        assert!(error.contains(word), "{body:.200}: {error}");
        assert!(!error.contains("canary") && !format!("{server:?}").contains("canary"), "{error}");
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let closed = format!("http://{}/v1/kv/x", listener.local_addr().unwrap());
    drop(listener);
    let error = read(&server(closed.parse().unwrap())).await.unwrap_err().to_string();
    assert!(error.contains("127.0.0.1 gives no master key: no connection"), "{error}");
    let lost = KeyServer { authority: Some("/nowhere/ca.pem".into()), ..server(closed.parse().unwrap()) };
    assert!(read(&lost).await.unwrap_err().to_string().contains("/nowhere/ca.pem"));
}
