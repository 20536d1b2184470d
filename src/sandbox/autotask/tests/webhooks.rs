//! Webhooks of tickets: registering, telling, trying again, giving up.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha1::Sha1;

use super::{Scene, reason, receiver::Receiver};
use crate::sandbox::{
    autotask::AutotaskOptions,
    frame::{Deed, Right, Sandbox as _},
};

const SECRET: &str = "kat-secret-key";

fn webhook(receiver: &Receiver) -> Value {
    json!({
        "name": "Gateway", "webhookUrl": format!("{}/hook", receiver.url),
        "deactivationUrl": format!("{}/off", receiver.url), "secretKey": SECRET, "isActive": true,
        "isSubscribedToCreateEvents": false, "isSubscribedToUpdateEvents": true,
        "isSubscribedToDeleteEvents": true,
    })
}

/// Registers: status and completion are subscribed, the external id is always told.
async fn subscribe(scene: &Scene, receiver: &Receiver) -> i64 {
    let (status, answer) = scene.post("TicketWebhooks", webhook(receiver)).await;
    assert_eq!(status, 200, "{answer}");
    let id = answer["itemId"].as_i64().unwrap();
    for (field, is_subscribed) in [(103, true), (114, true), (108, false), (119, false)] {
        let named = json!({
            "webhookID": id, "fieldID": field, "isSubscribedField": is_subscribed, "isDisplayAlwaysField": true,
        });
        assert_eq!(scene.post(&format!("TicketWebhooks/{id}/Fields"), named).await.0, 200);
    }
    id
}

fn close(scene: &Scene, ticket: i64, who: &str) {
    scene.autotask.deed(&ticket.to_string(), who, &Deed::Close { text: String::new() }).unwrap();
}

fn reopen(scene: &Scene, ticket: i64) {
    scene.autotask.deed(&ticket.to_string(), "Dana Smith", &Deed::Reopen).unwrap();
}

fn signature(message: &str) -> String {
    let mut mac = Hmac::<Sha1>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(message.as_bytes());
    format!("sha1={}", STANDARD.encode(mac.finalize().into_bytes()))
}

#[test]
fn the_signature_is_that_of_the_known_answer() {
    assert_eq!(signature(r#"{"id":123,"title":"Server down"}"#), "sha1=wql/x7lvZIcIN10rO/5dWem76B0=");
}

#[tokio::test]
async fn registering_wants_the_right_an_address_and_a_field_and_takes_a_moment() {
    let scene = Scene::usual().await;
    let receiver = Receiver::start().await;
    scene.autotask.deny(&[Right::Webhooks]);
    let refusal = scene.post("TicketWebhooks", webhook(&receiver)).await;
    assert!(reason(&refusal).contains("adequate permissions to create"));
    scene.autotask.deny(&[]);
    let mut plain = webhook(&receiver);
    plain["webhookUrl"] = json!("http://receiver.example/hook");
    assert!(reason(&scene.post("TicketWebhooks", plain).await).contains("https"));
    let mut bare = webhook(&receiver);
    bare["deactivationUrl"] = json!(null);
    assert_eq!(scene.post("TicketWebhooks", bare).await.0, 500);

    let (_, answer) = scene.post("TicketWebhooks", webhook(&receiver)).await;
    let path = format!("TicketWebhooks/{}", answer["itemId"]);
    scene.clock.advance_secs(3);
    let row = scene.item(&path).await;
    assert_eq!(
        (&row["isReady"], &row["secretKey"], &row["ownerResourceID"]),
        (&json!(false), &json!(null), &json!(30_691_780))
    );
    let named = json!({ "webhookID": answer["itemId"], "fieldID": 114, "isSubscribedField": true, "isDisplayAlwaysField": false });
    assert_eq!(scene.post(&format!("{path}/Fields"), named.clone()).await.0, 200);
    assert_eq!(scene.post(&format!("{path}/Fields"), named).await.0, 500, "twice");
    assert_eq!(scene.item(&path).await["isReady"], true);
    assert_eq!(row["webhookGUID"].as_str().unwrap().len(), 36);
    let deleted = scene.send("DELETE", &path, json!({})).await;
    assert_eq!((deleted.0, &deleted.1), (200, &answer));
    assert_eq!(scene.send("DELETE", &path, json!({})).await.0, 500);
    assert_eq!(scene.find("TicketWebhookFields", "exist", "id", json!(null)).await.1["items"], json!([]));
}

#[tokio::test]
async fn a_payload_is_escaped_as_dotnet_does_and_signed_over_its_very_bytes() {
    let scene = Scene::usual().await;
    let receiver = Receiver::start().await;
    let webhook = subscribe(&scene, &receiver).await;
    let id = scene.ticket("m-1").await;
    let title = "Société <R&D> \"x\" + 🔥";
    scene.send("PATCH", "Tickets", json!({ "id": id, "title": title })).await;
    close(&scene, id, "Dana Smith");
    assert_eq!(scene.autotask.webhooks_sent().await, 0, "not ready yet");
    reopen(&scene, id);
    scene.clock.advance_secs(3);
    close(&scene, id, "Dana Smith");
    assert_eq!(scene.autotask.webhooks_sent().await, 1);
    let (_, head, body) = receiver.received.lock().unwrap()[0].clone();
    assert!(head.to_lowercase().contains(&format!("x-hook-signature: {}", signature(&body).to_lowercase())));
    assert!(head.contains(&signature(&body)), "{head}");
    let escaped = r#""Title":"Soci\u00E9t\u00E9 \u003CR\u0026D\u003E \u0022x\u0022 \u002B \uD83D\uDD25""#;
    assert!(body.is_ascii() && body.contains(escaped), "{body}");
    let guid = scene.item(&format!("TicketWebhooks/{webhook}")).await["webhookGUID"].clone();
    let told: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(
        told,
        json!({
            "Action": "Update", "Guid": guid, "EntityType": "Ticket", "Id": id,
            "Fields": { "CompletedDate": "2026-11-21T10:00:03", "ExternalID": "m-1", "Status": "5", "Title": title },
            "EventTime": "2026-11-21T10:00:03Z", "SequenceNumber": 1, "PersonId": 29_682_885,
        })
    );
    scene.autotask.deed(&id.to_string(), "Sam Lee", &Deed::Delete).unwrap();
    scene.autotask.webhooks_sent().await;
    let told = &receiver.bodies("/hook")[1];
    assert_eq!((&told["Action"], told.get("Fields")), (&json!("Delete"), None));
    assert!(scene.autotask.ledger()[0].deleted);
}

#[tokio::test]
async fn text_may_go_out_plain_while_the_signature_is_over_the_escaped_form() {
    let scene = Scene::start(AutotaskOptions { plain_payload: true, ..AutotaskOptions::default() }).await;
    let receiver = Receiver::start().await;
    subscribe(&scene, &receiver).await;
    let id = scene.ticket("réf").await;
    scene.clock.advance_secs(3);
    close(&scene, id, "Dana Smith");
    scene.autotask.webhooks_sent().await;
    let (_, head, body) = receiver.received.lock().unwrap()[0].clone();
    assert!(body.contains("réf"));
    assert!(head.contains(&signature(&body.replace('é', "\\u00E9"))));
}

#[tokio::test]
async fn own_changes_echo_unless_the_login_is_excluded() {
    let scene = Scene::usual().await;
    let receiver = Receiver::start().await;
    let webhook = subscribe(&scene, &receiver).await;
    scene.clock.advance_secs(3);
    let id = scene.ticket("m-1").await;
    scene.send("PATCH", "Tickets", json!({ "id": id, "status": 8 })).await;
    scene.send("PATCH", "Tickets", json!({ "id": id, "priority": 1 })).await;
    assert_eq!(scene.autotask.webhooks_sent().await, 1, "a priority is not subscribed to");
    let me = scene.find("Resources", "eq", "userName", json!(scene.logins["username"])).await;
    let me = me.1["items"][0]["id"].clone();
    let excluded = json!({ "webhookID": webhook, "resourceID": me });
    assert_eq!(scene.post(&format!("TicketWebhooks/{webhook}/ExcludedResources"), excluded).await.0, 200);
    scene.send("PATCH", "Tickets", json!({ "id": id, "status": 7 })).await;
    assert_eq!(scene.autotask.webhooks_sent().await, 1);
    close(&scene, id, "Sam Lee");
    assert_eq!(scene.autotask.webhooks_sent().await, 2);
    // A twin tells nothing more.
    subscribe(&scene, &receiver).await;
    scene.clock.advance_secs(3);
    reopen(&scene, id);
    assert_eq!(scene.autotask.webhooks_sent().await, 3);
}

#[tokio::test]
async fn a_refused_payload_is_tried_five_times_in_order_and_then_logged() {
    let scene = Scene::usual().await;
    let receiver = Receiver::start().await;
    subscribe(&scene, &receiver).await;
    scene.clock.advance_secs(3);
    let id = scene.ticket("m-1").await;
    receiver.answer(503);
    close(&scene, id, "Dana Smith");
    assert_eq!(scene.autotask.webhooks_sent().await, 1);
    reopen(&scene, id);
    assert_eq!(scene.autotask.webhooks_sent().await, 1, "the second waits for the first");
    for tries in 2..5 {
        scene.clock.advance_secs(29);
        assert_eq!(scene.autotask.webhooks_sent().await, tries - 1);
        scene.clock.advance_secs(1);
        assert_eq!(scene.autotask.webhooks_sent().await, tries);
    }
    receiver.answer(200);
    scene.clock.advance_secs(30);
    assert_eq!(scene.autotask.webhooks_sent().await, 6);
    let sequence: Vec<_> =
        receiver.bodies("/hook").iter().map(|body| body["SequenceNumber"].clone()).collect();
    assert_eq!(sequence, [1, 1, 1, 1, 1, 2]);

    receiver.answer(500);
    close(&scene, id, "Dana Smith");
    for _ in 0..5 {
        scene.autotask.webhooks_sent().await;
        scene.clock.advance_secs(30);
    }
    assert_eq!(scene.autotask.webhooks_sent().await, 11);
    let (_, log) = scene.find("WebhookEventErrorLogs", "exist", "id", json!(null)).await;
    assert_eq!(
        (&log["items"][0]["sequenceNumber"], &log["items"][0]["errorMessage"]),
        (&json!(3), &json!("HTTP 500"))
    );
}

#[tokio::test]
async fn after_twenty_five_failures_the_webhook_is_off_and_says_so() {
    let scene = Scene::usual().await;
    let receiver = Receiver::start().await;
    let webhook = subscribe(&scene, &receiver).await;
    scene.clock.advance_secs(3);
    let id = scene.ticket("m-1").await;
    receiver.answer(500);
    for round in 0..5 {
        if round % 2 == 0 {
            close(&scene, id, "Dana Smith");
        } else {
            reopen(&scene, id);
        }
        for _ in 0..5 {
            scene.autotask.webhooks_sent().await;
            scene.clock.advance_secs(30);
        }
    }
    scene.autotask.webhooks_sent().await;
    assert_eq!((receiver.bodies("/hook").len(), receiver.bodies("/off").len()), (25, 1));
    assert_eq!(receiver.bodies("/off")[0]["Action"], "Deactivated");
    let path = format!("TicketWebhooks/{webhook}");
    assert_eq!(scene.item(&path).await["isActive"], false);
    reopen(&scene, id);
    scene.autotask.webhooks_sent().await;
    assert_eq!(receiver.bodies("/hook").len(), 25);
    receiver.answer(200);
    assert_eq!(
        scene.send("PATCH", "TicketWebhooks", json!({ "id": webhook, "isActive": true })).await.0,
        200
    );
    close(&scene, id, "Dana Smith");
    scene.autotask.webhooks_sent().await;
    assert_eq!(receiver.bodies("/hook").len(), 26);
}
