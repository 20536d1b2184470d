//! Tickets, their view and their thread.

use serde_json::{Value, json};

use super::{Scene, read};
use crate::sandbox::{
    frame::{Deed, Sandbox},
    nable::{Claim, NableOptions},
};

#[tokio::test]
async fn a_ticket_hangs_on_a_service_item() {
    let scene = Scene::usual().await;
    let item = scene.service_item("Harbour Legal").await;
    let mark = format!("PSAGW-{}", "A7".repeat(10));
    let body = json!({
        "title": "Disk full", "serviceItemId": item, "description": format!("All of it\n{mark}"),
        "TicketPriorityCode": 3, "IsBillable": false, "IsTaxable": false,
    });
    let (status, made) = scene.post("/Tickets", &body).await;
    assert_eq!((status, &made["TicketNumber"], &made["TicketStatusCode"]), (201, &json!(4242), &json!(1)));
    assert_eq!((&made["CreatedDate"], made.get("CustomerId")), (&json!("2026-09-21T14:13:20Z"), None));
    let (_, view) = scene.get(&format!("/ticketsview?$filter=contains(TicketDescription,'{mark}')")).await;
    let row = &view["value"][0];
    assert_eq!((&row["TicketTitle"], row.get("Title")), (&json!("Disk full"), None));
    assert_eq!((&row["CustomerName"], &row["TicketPriorityName"]), (&json!("Harbour Legal"), &json!("High")));
    let told = scene.sandbox.ledger().remove(0);
    assert_eq!((told.marker.as_deref(), told.company.as_str()), (Some(mark.as_str()), "Harbour Legal"));
    let (_, fields) = scene.get(&format!("/tickets/{}/customfields", told.id)).await;
    assert_eq!(fields["value"][0]["Name"], "External Reference");
}

#[tokio::test]
async fn what_is_missing_wrong_or_unknown_is_refused() {
    let scene = Scene::usual().await;
    let (_, refused) = scene.post("/Tickets", &json!({ "Description": "x" })).await;
    assert_eq!(refused["Message"], "The request is invalid.");
    let state = refused["ModelState"].as_object().unwrap();
    assert_eq!(state["ticket.Title"], json!(["The Title field is required."]));
    assert_eq!(state["ticket.ServiceItemId"], json!(["The ServiceItemId field is required."]));
    let item = scene.service_item("Northwind Dental").await;
    let (_, strangers) = scene.get("/contacts?$skip=1&$top=1").await;
    for (name, value) in [
        ("Title", json!("x".repeat(251))),
        ("Title", json!(7)),
        ("ServiceItemId", json!("3f2b0c1e-1111-2222-3333-444455556666")),
        ("ServiceItemId", json!("one")),
        ("TicketStatusCode", json!(6)),
        ("TicketPriorityCode", json!(0)),
        ("TicketPriorityCode", json!("3")),
        ("ContactId", strangers["value"][0]["ContactId"].clone()),
        ("IssueTypeId", item.clone()),
        ("DueDate", json!("2026-11-01")),
        ("CustomerId", json!("3f2b0c1e-1111-2222-3333-444455556666")),
        ("TicketNumber", json!(1)),
        ("CompletedDate", json!("2026-11-01T00:00:00Z")),
    ] {
        let mut body = json!({ "Title": "x", "ServiceItemId": item });
        body[name] = value;
        let (status, refused) = scene.post("/Tickets", &body).await;
        assert_eq!(status, 400, "{name}: {refused}");
    }
    let body = json!({ "Title": "x", "ServiceItemId": item }).to_string();
    let plain = scene.request("POST", "/Tickets").header("content-type", "text/plain").body(body.clone());
    assert_eq!(read(plain).await.0, 415);
    assert!(scene.sandbox.ledger().is_empty());
    let odata = "application/json;odata.metadata=minimal;odata.streaming=true";
    let fine = scene.request("POST", "/Tickets").header("content-type", odata).body(body);
    assert_eq!(read(fine).await.0, 201);
}

#[tokio::test]
async fn a_put_overwrites_and_codes_seven_and_nine_close() {
    let scene = Scene::usual().await;
    let path = format!("/Tickets/{}", scene.ticket("Disk full").await);
    let (_, ticket) = scene.get(&path).await;
    let (status, refused) = scene.put(&path, &json!({ "TicketStatusCode": 7 })).await;
    assert_eq!(status, 400);
    let required: Vec<_> = refused["ModelState"].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(required.len(), 3, "{required:?}");
    let mut body = json!({
        "Title": "Disk full", "ServiceItemId": ticket["ServiceItemId"], "TicketStatusCode": 7,
        "TicketPriorityCode": 2, "Description": "All of it",
    });
    scene.clock.advance_secs(60);
    assert_eq!(scene.put(&path, &body).await, (204, Value::Null));
    let (_, closed) = scene.get(&path).await;
    assert_eq!(
        (&closed["CompletedDate"], &closed["Description"]),
        (&json!("2026-09-21T14:14:20Z"), &json!("All of it"))
    );
    assert!(scene.sandbox.ledger()[0].closed);
    let filter = "CompletedDate ge 2026-09-21T14:14:20Z and (TicketStatusCode eq 7 or TicketStatusCode eq 9)";
    let (_, found) = scene.get(&format!("/ticketsview?$filter={filter}")).await;
    assert_eq!(found["value"][0]["TicketStatusName"], "Complete");
    body["TicketStatusCode"] = json!(3);
    body.as_object_mut().unwrap().remove("Description");
    scene.put(&path, &body).await;
    let (_, open) = scene.get(&path).await;
    assert_eq!(
        (&open["CompletedDate"], &open["Description"]),
        (&Value::Null, &Value::Null),
        "not sent is emptied"
    );
    assert_eq!(scene.sandbox.ledger()[0].body, "All of it", "the ledger keeps the first text");
    assert_eq!(scene.put("/Tickets/3f2b0c1e-1111-2222-3333-444455556666", &body).await.0, 404);
    assert_eq!(read(scene.request("DELETE", &path)).await.0, 204);
    assert_eq!(scene.get(&path).await.0, 404);

    let scene =
        Scene::start(NableOptions { completed_date_is_set: Claim::Fails, ..NableOptions::default() }).await;
    let id = scene.ticket("Disk full").await;
    scene.sandbox.deed(&id, "Dana Smith", &Deed::Close { text: String::new() }).unwrap();
    let (_, closed) = scene.get(&format!("/Tickets/{id}")).await;
    assert_eq!((&closed["TicketStatusCode"], &closed["CompletedDate"]), (&json!(7), &Value::Null));
}

#[tokio::test]
async fn people_work_on_tickets_and_only_polling_tells() {
    let scene = Scene::usual().await;
    let id = scene.ticket("Disk full").await;
    scene.clock.advance_secs(60);
    let does = |who: &str, deed: Deed| scene.sandbox.deed(&id, who, &deed);
    does("Dana Smith", Deed::Close { text: "Cleaned up".to_owned() }).unwrap();
    let filter =
        "UpdatedDate ge 2026-09-21T14:14:00Z&$orderby=UpdatedDate asc&$select=TicketId,TicketStatusCode";
    let (_, changed) = scene.get(&format!("/ticketsview?$filter={filter}")).await;
    assert_eq!(changed["value"], json!([{ "TicketId": id, "TicketStatusCode": 7 }]));
    let (_, thread) = scene.get(&format!("/ticketsresponses?$filter=TicketId eq {id}")).await;
    assert_eq!(
        (&thread["value"][0]["Description"], &thread["value"][0]["FromDisplay"]),
        (&json!("Cleaned up"), &json!("Dana Smith"))
    );
    does("Sam Lee", Deed::Reopen).unwrap();
    does("Sam Lee", Deed::Status { status: "9".to_owned() }).unwrap();
    does("Sam Lee", Deed::Note { text: "Private".to_owned(), private: true }).unwrap();
    assert!(does("Sam Lee", Deed::Status { status: "6".to_owned() }).is_err());
    assert!(does("Nobody", Deed::Reopen).is_err());
    let told = scene.sandbox.ledger().remove(0);
    assert_eq!((told.status.as_str(), told.notes.len(), told.notes[1].private), ("Cancelled", 2, true));
    assert_eq!(scene.sandbox.webhooks_sent().await, 0);
    does("Dana Smith", Deed::Delete).unwrap();
    assert_eq!(scene.get("/Tickets").await.1["value"], json!([]));
}
