//! Callbacks, received by a real listener.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU16, Ordering},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{Scene, read};
use crate::sandbox::{
    connectwise::{ConnectWiseOptions, Payload},
    frame::{Deed, Sandbox},
};

/// Head and body of a request.
type Came = (String, Vec<u8>);

/// Keeps what comes, and answers with a status of the test's choice.
#[derive(Clone)]
struct Receiver {
    url: String,
    status: Arc<AtomicU16>,
    came: Arc<Mutex<Vec<Came>>>,
}

impl Receiver {
    async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook?recordId=", listener.local_addr().unwrap());
        let receiver = Self { url, status: Arc::new(AtomicU16::new(204)), came: Arc::default() };
        let own = receiver.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut bytes = Vec::new();
                loop {
                    let mut chunk = [0; 4096];
                    let read = stream.read(&mut chunk).await.unwrap();
                    bytes.extend_from_slice(&chunk[..read]);
                    let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
                    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
                    let lower = head.to_lowercase();
                    let length = lower.split("content-length: ").nth(1).unwrap().lines().next().unwrap();
                    if bytes.len() == end + 4 + length.parse::<usize>().unwrap() {
                        own.came.lock().unwrap().push((head, bytes[end + 4..].to_vec()));
                        break;
                    }
                }
                let status = own.status.load(Ordering::SeqCst);
                let answer =
                    format!("HTTP/1.1 {status} Said\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        });
        receiver
    }

    fn says(&self, status: u16) {
        self.status.store(status, Ordering::SeqCst);
    }

    fn messages(&self) -> Vec<Value> {
        self.came.lock().unwrap().iter().map(|(_, body)| serde_json::from_slice(body).unwrap()).collect()
    }
}

fn entry(url: &str, more: &Value) -> Value {
    let mut entry = json!({ "url": url, "objectId": 0, "type": "ticket", "level": "owner" });
    entry.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    entry
}

#[tokio::test]
async fn a_message_is_signed_with_a_key_that_its_own_address_gives_out() {
    let scene = Scene::usual().await;
    let receiver = Receiver::start().await;
    let (status, made) = scene.post("/system/callbacks", &entry(&receiver.url, &json!({}))).await;
    assert_eq!((status, &made["objectId"], &made["memberId"]), (201, &json!(1), &json!(243)));
    let id = scene.ticket("m-1").await;
    assert_eq!(scene.psa.webhooks_sent().await, 1);

    let (head, body) = receiver.came.lock().unwrap()[0].clone();
    assert!(head.starts_with(&format!("POST /hook?recordId={id}&action=added HTTP")), "{head}");
    let message: Value = serde_json::from_slice(&body).unwrap();
    let key_url = message["Metadata"]["key_url"].as_str().unwrap();
    assert!(key_url.starts_with(&format!("{}/v2025_1//system/callbackkey/index.rails?", scene.psa.url())));
    let (_, key) = read(scene.http.get(key_url).send().await.unwrap()).await;
    let key = Sha256::digest(key["signing_key"].as_str().unwrap().as_bytes());
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
    mac.update(&body);
    let proof = STANDARD.encode(mac.finalize().into_bytes());
    assert!(head.contains(&format!("ignature: {proof}")), "{head}");
    let stranger = key_url.replace("northstar", "elsewhere");
    assert_eq!(read(scene.http.get(stranger).send().await.unwrap()).await.0, 404);

    assert_eq!((&message["ID"], &message["Type"]), (&json!(id), &json!("ticket")));
    assert_eq!((&message["MemberId"], &message["CompanyId"]), (&json!("PSAGateway"), &json!("northstar")));
    assert_eq!(message["CallbackObjectRecId"], made["id"]);
    let entity: Value = serde_json::from_str(message["Entity"].as_str().unwrap()).unwrap();
    assert_eq!((&entity["closedFlag"], &entity["externalXRef"]), (&json!(false), &json!("m-1")));

    scene.psa.deed(&id.to_string(), "Sam Lee", &Deed::Close { text: String::new() }).unwrap();
    scene.psa.deed(&id.to_string(), "Sam Lee", &Deed::Delete).unwrap();
    assert_eq!(scene.psa.webhooks_sent().await, 3);
    let told = receiver.messages();
    let closed: Value = serde_json::from_str(told[1]["Entity"].as_str().unwrap()).unwrap();
    assert_eq!((&told[1]["MemberId"], &closed["closedFlag"]), (&json!("slee"), &json!(true)));
    assert_eq!((&told[2]["Action"], &told[2]["Entity"]), (&json!("deleted"), &Value::Null));
}

#[tokio::test]
async fn callbacks_are_registered_once_and_for_objects_that_exist() {
    let scene = Scene::usual().await;
    let url = "http://127.0.0.1:9/hook?recordId=";
    let register = async |more: Value| scene.post("/system/callbacks", &entry(url, &more)).await;
    let (status, made) = register(json!({ "level": "board", "objectId": 12 })).await;
    assert_eq!(status, 201);
    let (status, again) = register(json!({ "level": "Board", "objectId": 12 })).await;
    assert_eq!((status, &again["errors"][0]["code"]), (400, &json!("ObjectExists")));
    assert_eq!(register(json!({ "level": "board", "objectId": 99 })).await.0, 400);
    assert_eq!(register(json!({ "type": "note" })).await.0, 400);
    assert_eq!(register(json!({ "url": "hook" })).await.0, 400);
    assert_eq!(register(json!({ "description": "x".repeat(101) })).await.0, 400);
    assert_eq!(register(json!({ "objectId": null })).await.1["errors"][0]["field"], "objectId");
    let query = [("conditions", "url contains \"127.0.0.1\"")];
    assert_eq!(scene.list("/system/callbacks", &query).await.1[0]["id"], made["id"]);
    let path = format!("/system/callbacks/{}", made["id"]);
    let off = json!([{ "op": "replace", "path": "inactiveFlag", "value": true }]);
    assert_eq!(scene.patch(&path, &off).await.1["inactiveFlag"], true);
    assert_eq!(scene.request("DELETE", &path).send().await.unwrap().status(), 204);
    assert_eq!(scene.get(&path).await.0, 404);
}

#[tokio::test]
async fn a_callback_hears_only_of_its_object_and_may_leave_out_its_own_member() {
    let scene = Scene::usual().await;
    let (board, others, tagged) = (Receiver::start().await, Receiver::start().await, Receiver::start().await);
    scene.post("/system/callbacks", &entry(&board.url, &json!({ "level": "board", "objectId": 12 }))).await;
    scene.post("/system/callbacks", &entry(&others.url, &json!({ "isSelfSuppressedFlag": true }))).await;
    let (_, tag) = scene.post("/system/integratorTags", &json!({ "text": "ours" })).await;
    let level = json!({ "level": "IntegratorTag", "objectId": tag["id"] });
    scene.post("/system/callbacks", &entry(&tagged.url, &level)).await;
    let id = scene.ticket("m-1").await;
    let tags = json!([{ "op": "replace", "path": "integratorTags", "value": ["ours"] }]);
    scene.patch(&format!("/service/tickets/{id}"), &tags).await;
    let quiet = json!([
        { "op": "replace", "path": "summary", "value": "Other" },
        { "op": "replace", "path": "skipCallback", "value": true },
    ]);
    scene.patch(&format!("/service/tickets/{id}"), &quiet).await;
    let note = Deed::Note { text: "On it".to_owned(), private: true };
    scene.psa.deed(&id.to_string(), "Dana Smith", &note).unwrap();
    assert_eq!(scene.psa.webhooks_sent().await, 3);
    assert_eq!(board.messages().len(), 0);
    assert_eq!(others.messages()[0]["MemberId"], "dsmith");
    assert_eq!(tagged.messages().len(), 2);
}

#[tokio::test]
async fn only_four_statuses_are_tried_again_and_only_twice() {
    let scene = Scene::usual().await;
    let receiver = Receiver::start().await;
    scene.post("/system/callbacks", &entry(&receiver.url, &json!({}))).await;
    receiver.says(503);
    scene.ticket("lost").await;
    assert_eq!(scene.psa.webhooks_sent().await, 1);
    scene.clock.advance_secs(60);
    assert_eq!(scene.psa.webhooks_sent().await, 1);
    receiver.says(429);
    scene.ticket("again").await;
    assert_eq!(scene.psa.webhooks_sent().await, 2);
    scene.clock.advance_secs(1);
    assert_eq!(scene.psa.webhooks_sent().await, 2);
    scene.clock.advance_secs(1);
    assert_eq!(scene.psa.webhooks_sent().await, 3);
    scene.clock.advance_secs(3);
    assert_eq!(scene.psa.webhooks_sent().await, 3);
    scene.clock.advance_secs(1);
    assert_eq!(scene.psa.webhooks_sent().await, 4);
    scene.clock.advance_secs(600);
    assert_eq!(scene.psa.webhooks_sent().await, 4);
    let told = receiver.messages();
    assert_eq!(told[1]["MessageId"], told[3]["MessageId"]);
    assert_ne!(told[0]["MessageId"], told[1]["MessageId"]);
}

#[tokio::test]
async fn three_days_of_failures_switch_a_callback_off() {
    let scene = Scene::usual().await;
    let receiver = Receiver::start().await;
    let (_, made) = scene.post("/system/callbacks", &entry(&receiver.url, &json!({}))).await;
    let path = format!("/system/callbacks/{}", made["id"]);
    let flag = async || scene.get(&path).await.1["inactiveFlag"].clone();
    receiver.says(500);
    scene.ticket("a").await;
    scene.psa.webhooks_sent().await;
    scene.clock.advance_secs(3 * 86_400 - 1);
    scene.ticket("b").await;
    scene.psa.webhooks_sent().await;
    assert_eq!(flag().await, json!(false));
    scene.clock.advance_secs(1);
    scene.ticket("c").await;
    assert_eq!(scene.psa.webhooks_sent().await, 3);
    assert_eq!(flag().await, json!(true));
    receiver.says(204);
    scene.ticket("d").await;
    assert_eq!(scene.psa.webhooks_sent().await, 3);
    scene.patch(&path, &json!([{ "op": "replace", "path": "inactiveFlag", "value": false }])).await;
    scene.ticket("e").await;
    assert_eq!(scene.psa.webhooks_sent().await, 4);
}

#[tokio::test]
async fn old_payload_versions_say_less_in_other_words() {
    let options = ConnectWiseOptions { payload: Payload::Old, ..ConnectWiseOptions::default() };
    let scene = Scene::start(options).await;
    let receiver = Receiver::start().await;
    scene.post("/system/callbacks", &entry(&receiver.url, &json!({}))).await;
    scene.ticket("m-1").await;
    scene.psa.webhooks_sent().await;
    let message = &receiver.messages()[0];
    assert!(message.get("MessageId").is_none() && message.get("CallbackObjectRecId").is_none());
    let entity: Value = serde_json::from_str(message["Entity"].as_str().unwrap()).unwrap();
    assert_eq!((&entity["StatusName"], &entity["ClosedFlag"]), (&json!("New"), &json!(false)));
}
