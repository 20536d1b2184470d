//! What goes wrong on demand, in the vendor's own words.

use serde_json::{Value, json};

use super::{Scene, reason, ticket};
use crate::sandbox::frame::{Fault, FaultKind, Sandbox as _};

const CREATE: &str = "POST /ATServicesRest/V1.0/Tickets";

#[tokio::test]
async fn a_new_ticket_is_found_later_than_it_is_there() {
    let scene = Scene::usual().await;
    scene.autotask.fault(Fault::once(CREATE, FaultKind::SearchLag { ms: 90_000 }));
    let id = scene.ticket("m-1").await;
    assert_eq!(scene.find("Tickets", "eq", "externalID", json!("m-1")).await.1["items"], json!([]));
    assert_eq!(scene.item(&format!("Tickets/{id}")).await["externalID"], "m-1");
    scene.clock.advance_secs(90);
    assert_eq!(scene.find("Tickets", "eq", "externalID", json!("m-1")).await.1["items"][0]["id"], id);
}

#[tokio::test]
async fn failures_come_as_the_vendor_words_them() {
    let scene = Scene::usual().await;
    scene.autotask.fault(Fault::once(CREATE, FaultKind::ErrorBeforeCommit { status: 503 }));
    let (status, page) = scene.post("Tickets", ticket()).await;
    assert_eq!((status, page.as_str().is_some_and(|page| page.contains("<html>"))), (503, true));
    scene.autotask.fault(Fault::once(CREATE, FaultKind::ExpiredToken { status: 401 }));
    assert_eq!(scene.post("Tickets", ticket()).await, (401, Value::Null));
    scene.autotask.fault(Fault::once(CREATE, FaultKind::RateLimited { retry_after: Some(7) }));
    let limited = scene.request("POST", "Tickets").json(&ticket()).send().await.unwrap();
    assert_eq!((limited.status().as_u16(), limited.headers()["retry-after"].to_str().unwrap()), (429, "7"));
    scene.autotask.fault(Fault::once(CREATE, FaultKind::Empty403));
    assert!(reason(&scene.post("Tickets", ticket()).await).contains("adequate permissions to create"));
    scene.autotask.fault(Fault::once(CREATE, FaultKind::Refuse { message: "No tickets today".to_owned() }));
    assert_eq!(reason(&scene.post("Tickets", ticket()).await), "No tickets today");
    scene.autotask.fault(Fault::once(CREATE, FaultKind::HiddenError));
    let (status, answer) = scene.post("Tickets", ticket()).await;
    assert_eq!((status, answer["itemId"].is_null(), answer["errors"].is_array()), (200, true, true));
    scene.autotask.fault(Fault::once(CREATE, FaultKind::DropAfterCommit));
    assert!(scene.request("POST", "Tickets").json(&ticket()).send().await.is_err());
    assert_eq!(scene.autotask.ledger().len(), 1);
}
