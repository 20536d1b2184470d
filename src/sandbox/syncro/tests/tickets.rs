//! Tickets and their comments.

use serde_json::{Value, json};

use super::{Scene, read};
use crate::sandbox::{
    frame::{Deed, Sandbox},
    syncro::SyncroOptions,
};

#[tokio::test]
async fn the_description_is_the_first_comment() {
    let scene = Scene::usual().await;
    let mark = format!("PSAGW-{}", "A7".repeat(10));
    let body = json!({
        "customer_id": scene.northwind().await, "subject": "Disk full", "status": "New",
        "priority": "1 High", "ticket_type_id": 702, "tag_list": [mark],
        "properties": { "External Reference": "x-1", "Unknown": "y" }, "line_items": [{ "name": "Labor" }],
        "comments_attributes": [
            { "subject": "Initial Issue", "body": "All of it", "hidden": false, "do_not_email": true },
            { "subject": "More", "body": "And this", "hidden": true, "do_not_email": true },
        ],
    });
    let (status, made) = scene.post("/tickets", &body).await;
    let ticket = &made["ticket"];
    assert_eq!((status, &ticket["number"], &ticket["line_items"]), (200, &json!(4242), &json!([])));
    assert_ne!(ticket["id"], ticket["number"]);
    assert_eq!(
        ticket["properties"],
        json!({ "External Reference": "x-1" }),
        "what the type does not have goes"
    );
    assert_eq!(ticket["comments"][0]["body"], "All of it");
    assert_eq!(ticket["comments"][0].get("do_not_email"), None, "it can only be written");
    let (_, list) = scene.get("/tickets").await;
    let row = &list["tickets"][0];
    assert_eq!(row["comments"].as_array().unwrap().len(), 1, "lists carry the first alone");
    assert_eq!(
        (&row["ticket_type_name"], &row["customer_business_then_name"]),
        (&json!("Security"), &json!("Northwind Dental"))
    );
    assert_eq!(list["meta"], json!({ "total_pages": 1, "page": 1 }));
    let told = scene.sandbox.ledger().remove(0);
    assert_eq!((told.marker.as_deref(), told.body.as_str()), (Some(mark.as_str()), "All of it"));
    assert_eq!((told.notes.len(), &told.more["mails"]), (1, &json!(0)));
    assert_eq!(
        scene.get("/tickets/4242").await,
        (404, json!({ "message": "Not found" })),
        "ids, not numbers"
    );
}

#[tokio::test]
async fn what_is_missing_or_not_in_the_settings_is_refused() {
    let scene = Scene::usual().await;
    let northwind = scene.northwind().await;
    let customer = json!({ "error": "Customer required field" });
    assert_eq!(scene.post("/tickets", &json!({ "subject": "x" })).await, (422, customer.clone()));
    assert_eq!(
        scene.post("/tickets", &json!({ "subject": "x", "customer_id": 1 })).await,
        (422, customer.clone())
    );
    let blank = json!({ "success": false, "message": ["Subject can't be blank"] });
    assert_eq!(scene.post("/tickets", &json!({ "customer_id": northwind })).await, (422, blank));
    for (field, value) in [
        ("status", json!("Closed")),
        ("status", json!("Not Closed")),
        ("status", json!("")),
        ("priority", json!("High")),
        ("problem_type", json!("virus")),
        ("ticket_type_id", json!(1)),
        ("user_id", json!(1)),
        ("contact_id", json!(1)),
        ("asset_ids", json!([1])),
        ("sla_id", json!(1)),
        ("subject", json!("x".repeat(256))),
        ("tag_list", json!("one")),
        ("due_date", json!("tomorrow")),
        ("customer_id", json!(northwind.to_string())),
        ("comments_attributes", json!([{ "body": "no subject" }])),
    ] {
        let mut body = json!({ "customer_id": northwind, "subject": "x" });
        body[field] = value;
        let (status, refused) = scene.post("/tickets", &body).await;
        assert_eq!(status, 422, "{field}: {refused}");
    }
    let form = scene.request("POST", "/api/v1/tickets").header("content-type", "text/plain");
    let form = form.body(json!({ "customer_id": northwind, "subject": "x" }).to_string());
    assert_eq!(read(form).await, (422, customer), "nothing but JSON is looked into");
    let torn = scene.request("POST", "/api/v1/tickets").header("content-type", "application/json").body("{");
    assert_eq!(read(torn).await.0, 400);
    assert!(scene.sandbox.ledger().is_empty());

    let strict = SyncroOptions { require_ticket_type: true, any_priority: true, ..SyncroOptions::default() };
    let scene = Scene::start(strict).await;
    let mut body = json!({ "customer_id": scene.northwind().await, "subject": "x", "priority": "Low" });
    let (status, refused) = scene.post("/tickets", &body).await;
    assert_eq!((status, &refused["message"]), (422, &json!(["Ticket type can't be blank"])));
    body["ticket_type_id"] = json!(701);
    assert_eq!(scene.post("/tickets", &body).await.1["ticket"]["priority"], "Low");
}

#[tokio::test]
async fn a_change_touches_what_was_sent_and_resolving_stamps() {
    let scene = Scene::usual().await;
    let path = format!("/tickets/{}", scene.ticket("Disk full").await);
    scene.clock.advance_secs(60);
    let (status, done) = scene.put(&path, &json!({ "status": "Resolved" })).await;
    assert_eq!((status, &done["ticket"]["subject"]), (200, &json!("Disk full")));
    assert_eq!(done["ticket"]["resolved_at"], "2026-09-21T14:14:20.000Z");
    scene.clock.advance_secs(60);
    let (_, billed) = scene.put(&path, &json!({ "status": "Invoiced" })).await;
    assert_eq!(billed["ticket"]["resolved_at"], done["ticket"]["resolved_at"]);
    let (_, open) = scene.put(&path, &json!({ "status": "In Progress" })).await;
    assert_eq!(
        (&open["ticket"]["resolved_at"], &open["ticket"]["problem_type"]),
        (&Value::Null, &json!("Virus"))
    );
    assert_eq!(scene.put(&path, &json!({ "subject": " " })).await.0, 422);
    assert_eq!(scene.put("/tickets/7", &json!({ "status": "New" })).await.0, 404);
}

#[tokio::test]
async fn lists_are_narrowed_by_what_the_vendor_reads() {
    let scene = Scene::usual().await;
    let first = scene.ticket("Disk full").await;
    scene.clock.advance_secs(60);
    let second = scene.ticket("Virus found").await;
    scene.clock.advance_secs(60);
    scene.put(&format!("/tickets/{first}"), &json!({ "status": "Resolved" })).await;
    let northwind = scene.northwind().await;
    let found = async |query: &str| {
        let (status, list) = scene.get(&format!("/tickets?{query}")).await;
        assert_eq!(status, 200, "{query}");
        list["tickets"].as_array().unwrap().iter().map(|row| row["id"].as_i64().unwrap()).collect::<Vec<_>>()
    };
    for (query, wanted) in [
        ("", vec![second, first]),
        ("status=Not Closed", vec![second]),
        ("status=Resolved", vec![first]),
        ("status=not closed", vec![]),
        ("number=4243", vec![second]),
        ("customer_id=1", vec![]),
        ("created_after=2026-09-21T14:13:50Z", vec![second]),
        ("created_after=2026-09-21T14:14:20.000Z", vec![]),
        ("created_after=2026-09-21T06:13:50-08:00", vec![second]),
        ("since_updated_at=2026-09-21T14:15:00Z", vec![first]),
        ("resolved_after=2026-09-21", vec![first]),
        // Dates alone are midnight in the account's zone: 08:00 in UTC.
        ("created_after=2026-09-22", vec![]),
        ("query=full disk", vec![first]),
        ("query=all of it", vec![second, first]),
        ("page=2", vec![]),
        ("tag=unknown", vec![second, first]),
    ] {
        assert_eq!(found(query).await, wanted, "{query}");
    }
    assert_eq!(found(&format!("customer_id={northwind}&status=New")).await, [second]);
    assert_eq!(scene.get("/tickets?since_updated_at=yesterday").await.0, 422);
    let local = Scene::start(SyncroOptions { local_times: true, ..SyncroOptions::default() }).await;
    let path = format!("/tickets/{}", local.ticket("Disk full").await);
    assert_eq!(local.get(&path).await.1["ticket"]["updated_at"], "2026-09-21T06:13:20.000-08:00");
}

#[tokio::test]
async fn a_comment_needs_subject_and_body_and_is_mailed_unless_declined() {
    let scene = Scene::usual().await;
    let id = scene.ticket("Disk full").await;
    let path = format!("/tickets/{id}/comment");
    let refused = json!({ "success": false, "message": ["Body can't be blank", "Subject can't be blank"] });
    assert_eq!(scene.post(&path, &json!({})).await, (422, refused));
    assert_eq!(scene.post(&path, &json!({ "body": "x" })).await.0, 422);
    assert_eq!(scene.post("/tickets/7/comment", &json!({})).await.0, 404);
    assert_eq!(
        scene.post(&format!("/tickets/{id}/comments"), &json!({})).await.0,
        404,
        "the path is singular"
    );
    for (hidden, quiet) in [(true, true), (true, false), (false, true), (false, false)] {
        let body = json!({ "subject": "Update", "body": "x", "hidden": hidden, "do_not_email": quiet });
        let (status, made) = scene.post(&path, &body).await;
        assert_eq!((status, &made["comment"]["ticket_id"]), (200, &json!(id)));
    }
    assert_eq!(scene.sandbox.ledger()[0].more["mails"], 1);
    scene.post(&path, &json!({ "subject": "Update", "body": "no flags" })).await;
    assert_eq!(scene.sandbox.ledger()[0].more["mails"], 2, "to mail is what happens by itself");
    assert_eq!(scene.sandbox.ledger()[0].notes.iter().filter(|note| note.private).count(), 2);
}

#[tokio::test]
async fn comments_come_ten_a_page_with_the_newest_first() {
    let scene = Scene::usual().await;
    let id = scene.ticket("Disk full").await;
    for number in 0..11 {
        scene.clock.advance_secs(1);
        let body = json!({ "subject": "Update", "body": format!("{number}"), "do_not_email": true });
        scene.post(&format!("/tickets/{id}/comment"), &body).await;
    }
    let (_, list) = scene.get(&format!("/tickets/{id}/comments")).await;
    assert_eq!(
        (&list["comments"][0]["body"], list["comments"].as_array().unwrap().len()),
        (&json!("10"), 10)
    );
    assert_eq!(list["meta"], json!({ "total_pages": 2, "page": 1, "per_page": 10 }));
    let query = "sort_by=created_at&sort_direction=ASC&per_page=100&created_after=2026-09-21T14:13:23Z";
    let (_, list) = scene.get(&format!("/tickets/{id}/comments?{query}")).await;
    assert_eq!((&list["comments"][0]["body"], list["comments"].as_array().unwrap().len()), (&json!("3"), 8));
    assert_eq!(list["comments"][0]["user"]["full_name"], "Gateway Token");
}

#[tokio::test]
async fn people_work_on_tickets_too() {
    let scene = Scene::usual().await;
    let id = scene.ticket("Disk full").await;
    let path = format!("/tickets/{id}");
    let does = |who: &str, deed: Deed| scene.sandbox.deed(&id.to_string(), who, &deed);
    does("Dana Smith", Deed::Close { text: "Cleaned up".to_owned() }).unwrap();
    let (_, closed) = scene.get(&path).await;
    assert_eq!(
        (&closed["ticket"]["status"], &closed["ticket"]["comments"][1]["tech"]),
        (&json!("Resolved"), &json!("Dana Smith"))
    );
    does("Sam Lee", Deed::Reopen).unwrap();
    does("Sam Lee", Deed::Status { status: "Waiting on Customer".to_owned() }).unwrap();
    assert_eq!(scene.get(&path).await.1["ticket"]["status"], "Waiting on Customer");
    assert!(does("Sam Lee", Deed::Status { status: "Closed".to_owned() }).is_err());
    assert!(does("Nobody", Deed::Reopen).is_err());
    assert_eq!(scene.sandbox.ledger()[0].more["mails"], 0, "only the API's mails are counted");
    does("Dana Smith", Deed::Delete).unwrap();
    assert_eq!(scene.get(&path).await.0, 404);
    assert!(scene.sandbox.ledger()[0].deleted);
}
