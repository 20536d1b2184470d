//! The life of a ticket.

use serde_json::{Value, json};

use super::Scene;
use crate::sandbox::{
    frame::{Deed, Sandbox as _},
    halo::HaloOptions,
};

#[tokio::test]
async fn a_post_is_an_array_of_json_or_nothing() {
    let scene = Scene::usual().await;
    let (status, answer) = scene.post("/api/Tickets", &json!({ "summary": "x" })).await;
    assert_eq!(status, 400);
    assert!(answer[""][0].as_str().unwrap().contains("requires a JSON array"));
    let form = scene.request("POST", "/api/Tickets").body("summary=x").send().await.unwrap();
    assert_eq!(form.status(), 415);
    assert_eq!(scene.request("PUT", "/api/Tickets").json(&json!([])).send().await.unwrap().status(), 405);
    assert_eq!(scene.post("/api/Tickets/4242", &json!([{ "status_id": 9 }])).await.0, 405);
}

#[tokio::test]
async fn wrong_types_are_named_by_their_path() {
    let scene = Scene::usual().await;
    let (status, answer) = scene.post("/api/Tickets", &json!([{ "summary": "x", "client_id": "abc" }])).await;
    assert_eq!(status, 400);
    let message = answer["[0].client_id"][0].as_str().unwrap();
    let start =
        "Error converting value \"abc\" to type 'System.Int32'. Path '[0].client_id', line 1, position ";
    assert!(message.starts_with(start), "{message}");
    let float = scene.request("POST", "/api/Tickets").header("content-type", "application/json");
    let (status, answer) =
        super::read(float.body(r#"[{"summary":"x","client_id":95.0}]"#).send().await.unwrap()).await;
    assert_eq!((status, answer["[0].client_id"].is_array()), (400, true));
    assert!(scene.halo.ledger().is_empty());
}

#[tokio::test]
async fn a_ticket_is_spelled_one_way_when_read_and_another_when_written() {
    let scene = Scene::usual().await;
    let (_, written) = scene.post("/api/Tickets", &json!([{ "summary": "Just this" }])).await;
    assert_eq!(written["client_id"], 1);
    assert!(written.get("lastupdate").is_some() && written.get("last_update").is_none());
    let (_, read) = scene.get(&format!("/api/tickets/{}?includedetails=true", written["id"])).await;
    assert!(read.get("last_update").is_some() && read.get("lastupdate").is_none());
    assert_eq!(read["dateclosed"], "1900-01-01T00:00:00");
    assert_eq!(read["status_name"], "New");
    assert!(!read["last_update"].as_str().unwrap().ends_with('Z'));
    assert_eq!(scene.get("/api/Tickets/1").await.0, 404);
}

#[tokio::test]
async fn closing_and_reopening_leave_their_traces() {
    let scene = Scene::usual().await;
    let id = scene.ticket("m-1").await;
    let (status, answer) = scene.post("/api/Tickets", &json!([{ "id": id, "status_id": 9 }])).await;
    assert_eq!((status, &answer["hasbeenclosed"]), (201, &json!(true)));
    assert_ne!(answer["dateclosed"], "1900-01-01T00:00:00");
    scene.post("/api/Tickets", &json!([{ "id": id, "status_id": 2 }])).await;
    let (_, read) = scene.get(&format!("/api/Tickets/{id}")).await;
    assert_eq!((&read["status_id"], &read["hasbeenclosed"]), (&json!(2), &json!(true)));
    assert_eq!(read["dateclosed"], "1900-01-01T00:00:00");
    let (status, refused) = scene.post("/api/Tickets", &json!([{ "id": id, "status_id": 20 }])).await;
    assert_eq!((status, &refused["ClassName"]), (400, &json!("System.Exception")));
    let (status, missing) = scene.post("/api/Tickets", &json!([{ "id": 77, "status_id": 9 }])).await;
    assert_eq!((status, &missing["Message"]), (400, &json!("Record not found")));
}

#[tokio::test]
async fn a_strict_instance_wants_type_and_client_again() {
    let scene = Scene::start(HaloOptions { strict_update: true, ..HaloOptions::default() }).await;
    let id = scene.ticket("m-1").await;
    assert_eq!(scene.post("/api/Tickets", &json!([{ "id": id, "status_id": 9 }])).await.0, 400);
    let whole = json!([{ "id": id, "status_id": 9, "tickettype_id": 21, "client_id": 12 }]);
    assert_eq!(scene.post("/api/Tickets", &whole).await.0, 201);
}

#[tokio::test]
async fn tickets_are_found_by_marker_client_date_and_state() {
    let scene = Scene::usual().await;
    let id = scene.ticket("psagw-abc-1").await;
    scene.clock.advance_secs(60);
    let other = scene.ticket("psagw-abc-12").await;
    let count = async |query: &str| {
        scene.get(&format!("/api/Tickets?{query}")).await.1["record_count"].as_i64().unwrap()
    };
    // The filter looks for a part: the caller compares.
    assert_eq!(count("search_supplier_reference=psagw-abc-1").await, 2);
    assert_eq!(count("search_supplier_reference=psagw-abc-12").await, 1);
    assert_eq!(count("client_id=13").await, 0);
    assert_eq!(count(&format!("ticketids={id},{other}")).await, 2);
    scene.post("/api/Tickets", &json!([{ "id": id, "status_id": 9 }])).await;
    assert_eq!(count("").await, 1);
    assert_eq!(count("includeclosed=true").await, 2);
    assert_eq!(count("closed_only=true&datesearch=dateclosed&startdate=2026-01-01").await, 1);
    assert_eq!(count("lastupdatefromdate=2099-01-01T00:00:00").await, 0);
    let (_, page) = scene.get("/api/Tickets?includeclosed=true&order=id&orderdesc=true&count=1").await;
    assert_eq!(page["tickets"][0]["id"], other);
    assert_eq!(scene.request("DELETE", &format!("/api/Tickets/{id}")).send().await.unwrap().status(), 200);
    assert_eq!(scene.get(&format!("/api/Tickets/{id}")).await.0, 404);
}

#[tokio::test]
async fn a_note_needs_an_outcome_that_the_agent_may_use() {
    let scene = Scene::usual().await;
    let id = scene.ticket("m-1").await;
    let (status, answer) = scene.post("/api/Actions", &json!([{ "ticket_id": id, "note": "Seen" }])).await;
    assert_eq!(status, 400);
    assert_eq!(answer["Message"], "An Outcome must be entered for this Action");
    let note = json!([{ "ticket_id": id, "note": "Seen again", "outcome_id": 7 }]);
    let (status, action) = scene.post("/api/Actions", &note).await;
    assert_eq!((status, &action["id"], &action["who_agentid"]), (201, &json!(1), &json!(2)));
    let second = scene.ticket("m-2").await;
    let close = json!([{ "ticket_id": second, "note": "Gone", "outcome": "Internal Note", "new_status": 9 }]);
    assert_eq!(scene.post("/api/Actions", &close).await.1["id"], 1);
    let ledger = scene.halo.ledger();
    assert_eq!((ledger[0].notes[0].text.as_str(), ledger[0].notes[0].private), ("Seen again", true));
    assert!(ledger[1].closed);
    let (_, listed) = scene.get(&format!("/api/Actions?ticket_id={id}&excludesys=true")).await;
    assert_eq!(listed["record_count"], 1);
    scene.halo.with(|world| world.deny_outcomes(&[7]));
    let (_, refused) = scene.post("/api/Actions", &note).await;
    assert_eq!(refused["Message"], "You do not have access to this Action at the moment");
}

#[tokio::test]
async fn the_ledger_and_the_technician_are_reached_over_http_too() {
    let scene = Scene::usual().await;
    let id = scene.ticket("m-1").await;
    let path = format!("/_technician/tickets/{id}");
    let note = json!({ "do": "note", "who": "Dana Smith", "text": "On it", "private": true });
    assert_eq!(scene.post(&path, &note).await.0, 204);
    assert_eq!(scene.post(&path, &json!({ "do": "close", "who": "Dana Smith" })).await.0, 204);
    assert_eq!(scene.post(&path, &json!({ "do": "close", "who": "Nobody" })).await.0, 400);
    let answer = scene.http.get(format!("{}/_ledger/tickets", scene.halo.url())).send().await.unwrap();
    let text = answer.text().await.unwrap();
    assert!(text.starts_with("[{"));
    let ledger: Value = serde_json::from_str(&text).unwrap();
    let ticket = &ledger[0];
    assert_eq!(ticket["id"], id);
    assert_eq!(ticket["marker"], "m-1");
    assert_eq!(ticket["company"], "Northwind Dental");
    assert_eq!(ticket["summary"], "Disk full");
    assert_eq!((&ticket["status"], &ticket["closed"]), (&json!("Closed"), &json!(true)));
    assert!(ticket["created_at"].as_str().unwrap().ends_with('Z'));
    let note = &ticket["notes"][0];
    assert_eq!(
        (&note["text"], &note["who"], &note["private"]),
        (&json!("On it"), &json!("Dana Smith"), &json!(true))
    );
    scene.halo.deed(&id.to_string(), "Dana Smith", &Deed::Reopen).unwrap();
    assert!(!scene.halo.ledger()[0].closed);
}
