//! Webhooks, as they left.

use serde_json::{Value, json};

use super::Scene;
use crate::sandbox::frame::{Deed, Letter, Mail, Sandbox};

/// Nobody listens at the discard port: what left is looked at, and nothing is tried again.
const ADDRESS: &str = "http://127.0.0.1:9/hooks/3f9a";

fn body(letter: &Letter) -> Value {
    serde_json::from_slice(&letter.body).unwrap()
}

#[tokio::test]
async fn a_set_tells_of_creation_status_and_replies_without_a_signature() {
    let scene = Scene::usual().await;
    assert!(!scene.sandbox.set_up_webhook(ADDRESS, Some("s3cret")), "there is no field for a secret");
    assert!(scene.sandbox.set_up_webhook(ADDRESS, None));
    let id = scene.ticket("Disk <full>").await;
    assert_eq!(scene.sandbox.webhooks_sent().await, 2, "a new ticket's status counts as changed");
    let letter = scene.sandbox.letters().remove(0);
    assert_eq!((letter.url.as_str(), letter.tries), (ADDRESS, 1));
    assert_eq!(letter.headers, [("content-type".to_owned(), "application/json".to_owned())]);
    let told = body(&letter);
    let mut names: Vec<_> = told.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["attributes", "html", "link", "text"], "and no name of the event");
    assert_eq!(told["link"], format!("https://quayside-it.syncromsp.com/tickets/{id}"));
    assert!(told["html"].as_str().unwrap().contains("Disk &lt;full&gt;"));
    let ticket = &told["attributes"];
    assert_eq!(
        (&ticket["id"], &ticket["number"], &ticket["status"]),
        (&json!(id), &json!(4242), &json!("New"))
    );
    assert_eq!(ticket["customer_business_then_name"], "Northwind Dental");

    let path = format!("/tickets/{id}");
    scene.put(&path, &json!({ "subject": "Disk" })).await;
    assert_eq!(scene.sandbox.webhooks_sent().await, 2, "no event is ticked for that");
    scene.put(&path, &json!({ "status": "Resolved" })).await;
    assert_eq!(scene.sandbox.webhooks_sent().await, 3, "the API's own writes are told too");
    let note = json!({ "subject": "Update", "body": "x", "hidden": true, "do_not_email": true });
    scene.post(&format!("{path}/comment"), &note).await;
    assert_eq!(scene.sandbox.webhooks_sent().await, 4);
}

#[tokio::test]
async fn people_are_told_of_once_and_nothing_is_tried_again() {
    let scene = Scene::usual().await;
    let id = scene.ticket("Disk full").await.to_string();
    assert!(scene.sandbox.set_up_webhook(ADDRESS, None));
    scene.sandbox.set_mail(Mail::Hold);
    scene.sandbox.deed(&id, "Dana Smith", &Deed::Close { text: "Done".to_owned() }).unwrap();
    assert_eq!(scene.sandbox.webhooks_sent().await, 0);
    scene.sandbox.set_mail(Mail::Send);
    assert_eq!(scene.sandbox.webhooks_sent().await, 2);
    let status = |letter: &Letter| body(letter)["attributes"]["status"].clone();
    let told: Vec<_> = scene.sandbox.letters().iter().map(status).collect();
    assert_eq!(told, ["New", "Resolved"], "the reply, then the status");
    scene.sandbox.deed(&id, "Dana Smith", &Deed::Delete).unwrap();
    scene.clock.advance_secs(86_400);
    assert_eq!(scene.sandbox.webhooks_sent().await, 2);
}
