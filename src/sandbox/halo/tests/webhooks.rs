//! Webhooks, received by a real listener.

use std::sync::{Arc, Mutex};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::Scene;
use crate::sandbox::{
    frame::{Deed, Mail, Sandbox as _},
    halo::Payload,
};

/// Head and body of what came, as raw bytes.
type Received = Arc<Mutex<Vec<(String, Vec<u8>)>>>;

/// Answers everything with 200 and keeps it.
async fn receiver() -> (String, Received) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let received = Received::default();
    let kept = Arc::clone(&received);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut bytes = Vec::new();
            loop {
                let mut chunk = [0; 4096];
                let read = stream.read(&mut chunk).await.unwrap();
                bytes.extend_from_slice(&chunk[..read]);
                let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
                let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
                let length = head.split("content-length: ").nth(1).unwrap().lines().next().unwrap();
                if bytes.len() == end + 4 + length.parse::<usize>().unwrap() {
                    kept.lock().unwrap().push((
                        String::from_utf8_lossy(&bytes[..end]).into_owned(),
                        bytes[end + 4..].to_vec(),
                    ));
                    break;
                }
            }
            let ok = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
            stream.write_all(ok).await.unwrap();
        }
    });
    (url, received)
}

async fn subscribe(scene: &Scene, url: &str, events: &[i64]) -> Value {
    let webhook = json!([{
        "name": "Gateway", "url": url, "active": true, "type": 0, "method": 0,
        "content_type": "application/json", "authentication_type": 3, "authentication_header": "Token",
        "basic_password": "s3cret", "algorithm": 0, "events": [{ "eventno": 3 }],
    }]);
    let (status, made) = scene.post("/api/Webhook", &webhook).await;
    assert_eq!((status, &made["events"]), (201, &json!([])));
    let (status, twice) = scene.post("/api/Webhook", &webhook).await;
    assert_eq!((status, &twice["Message"]), (400, &json!("Name must be unique")));
    for event in events {
        let conditions =
            if *event == 61 { json!([{ "fieldname": "symptom", "type": 1 }]) } else { json!([]) };
        let bound = json!([{
            "guid": null, "webhook_id": made["id"], "eventno": event, "type": -2, "delivery_method": 6,
            "agent_id": 0, "name": format!("Gateway {event}"), "conditions": conditions, "filter_type": 2,
        }]);
        assert_eq!(scene.post("/api/Notification", &bound).await.0, 201);
    }
    made
}

fn bodies(received: &Received) -> Vec<Value> {
    received.lock().unwrap().iter().map(|(_, body)| serde_json::from_slice(body).unwrap()).collect()
}

#[tokio::test]
async fn a_delivery_is_signed_over_its_very_bytes() {
    let scene = Scene::usual().await;
    let (url, received) = receiver().await;
    let webhook = subscribe(&scene, &url, &[3, 22, 39, 61]).await;
    let id = scene.ticket("m-1").await;
    assert_eq!(scene.halo.webhooks_sent().await, 1);
    let (head, body) = received.lock().unwrap()[0].clone();
    let mut mac = Hmac::<Sha256>::new_from_slice(b"s3cret").unwrap();
    mac.update(&body);
    let proof = STANDARD.encode(mac.finalize().into_bytes());
    assert!(head.to_lowercase().contains("app: halo psa"), "{head}");
    assert!(head.contains(&format!("oken: {proof}")), "{head}");
    let told: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!((&told["object_id"], &told["agent_id"]), (&json!(id), &json!(2)));
    assert_eq!((&told["event"], &told["webhook_id"]), (&json!("new ticket logged"), &webhook["id"]));
    assert_eq!(told["timestamp"].as_str().unwrap().len(), "2026-11-21T00:00:00.0000000Z".len());
    assert_eq!(told["ticket"]["supplier_reference"], "m-1");

    scene.halo.deed(&id.to_string(), "Dana Smith", &Deed::Close { text: String::new() }).unwrap();
    assert_eq!(scene.halo.webhooks_sent().await, 4);
    let told = bodies(&received);
    let events: Vec<_> = told[1..].iter().map(|body| body["event"].as_str().unwrap()).collect();
    assert_eq!(events, ["ticket updated", "ticket status changed", "ticket closed"]);
    assert_eq!((&told[3]["agent_id"], &told[3]["ticket"]["status_id"]), (&json!(3), &json!(9)));
    let (_, log) =
        scene.get(&format!("/api/WebhookEvent?webhook_id={}", webhook["id"].as_str().unwrap())).await;
    assert_eq!((log.as_array().unwrap().len(), &log[0]["responsestatus"]), (4, &json!(200)));
}

#[tokio::test]
async fn webhooks_can_wait_get_lost_come_in_batches_and_say_little() {
    let scene = Scene::usual().await;
    let (url, received) = receiver().await;
    subscribe(&scene, &url, &[3]).await;
    scene.halo.set_mail(Mail::Hold);
    scene.halo.with(|world| world.set_payload(Payload::EventOnly, true));
    scene.ticket("a").await;
    scene.ticket("b").await;
    assert_eq!(scene.halo.webhooks_sent().await, 0);
    scene.halo.set_mail(Mail::Send);
    assert_eq!(scene.halo.webhooks_sent().await, 1);
    let batch = &bodies(&received)[0];
    assert_eq!(batch.as_array().unwrap().len(), 2);
    assert!(batch[0].get("ticket").is_none());
    scene.halo.set_mail(Mail::Drop);
    scene.ticket("c").await;
    scene.halo.set_mail(Mail::Send);
    assert_eq!(scene.halo.webhooks_sent().await, 1);
}

#[tokio::test]
async fn the_update_event_wants_a_condition_and_bindings_end_with_their_webhook() {
    let scene = Scene::usual().await;
    let (url, received) = receiver().await;
    let webhook = subscribe(&scene, &url, &[3]).await;
    let bare = json!([{ "webhook_id": webhook["id"], "eventno": 61, "type": -2, "delivery_method": 6 }]);
    assert_eq!(scene.post("/api/Notification", &bare).await.0, 400);
    let path = format!("/api/Webhook/{}", webhook["id"].as_str().unwrap());
    assert_eq!(scene.get(&path).await.1["events"].as_array().unwrap().len(), 1);
    assert!(scene.get(&path).await.1.get("basic_password").is_none());
    assert_eq!(scene.request("DELETE", &path).send().await.unwrap().status(), 200);
    assert_eq!(scene.get("/api/Notification").await.1, json!([]));
    scene.ticket("m-1").await;
    assert_eq!(scene.halo.webhooks_sent().await, 0);
    assert!(received.lock().unwrap().is_empty());
}

#[tokio::test]
async fn an_address_entered_by_hand_hears_of_updates_and_closing() {
    let scene = Scene::usual().await;
    let (url, received) = receiver().await;
    assert!(!scene.halo.set_up_webhook("not an address", None));
    assert!(scene.halo.set_up_webhook(&url, Some("s3cret")));
    assert!(scene.halo.set_up_webhook("http://127.0.0.1:9/", None), "a second one gets a name of its own");
    let id = scene.ticket("m-1").await;
    assert_eq!(scene.halo.webhooks_sent().await, 0);
    scene.halo.deed(&id.to_string(), "Sam Lee", &Deed::Close { text: "Done".to_owned() }).unwrap();
    assert_eq!(scene.halo.webhooks_sent().await, 4);
    let (head, body) = received.lock().unwrap()[1].clone();
    let told: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!((&told["event"], &told["ticket"]["id"]), (&json!("ticket closed"), &json!(id)));
    let mut mac = Hmac::<Sha256>::new_from_slice(b"s3cret").unwrap();
    mac.update(&body);
    assert!(head.contains(&STANDARD.encode(mac.finalize().into_bytes())), "{head}");
}
