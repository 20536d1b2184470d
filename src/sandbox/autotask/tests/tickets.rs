//! Creating, changing, closing tickets and what is written below and around them.

use serde_json::{Value, json};

use super::{Scene, reason, ticket};
use crate::sandbox::{
    autotask::AutotaskOptions,
    frame::{Deed, Sandbox as _},
};

async fn refused(scene: &Scene, field: &str, value: Value) -> String {
    let mut body = ticket();
    body[field] = value;
    reason(&scene.post("Tickets", body).await).to_owned()
}

#[tokio::test]
async fn a_ticket_is_made_from_keys_in_any_case_and_read_in_camel_case() {
    let scene = Scene::usual().await;
    let body = json!({
        "CompanyID": 175, "TITLE": "Disk full", "Status": 1, "Priority": 4, "QueueID": 29_683_354,
        "dueDateTime": "2026-11-24T18:00:00+01:00", "externalId": "OUR-1", "workType": 3,
        "userDefinedFields": [{ "name": "our ref", "value": "PSAGW-ABCDEFGHIJ0123456789" }],
    });
    let (status, answer) = scene.post("Tickets", body).await;
    assert_eq!((status, &answer), (200, &json!({ "itemId": 4242 })));
    let made = scene.item("Tickets/4242").await;
    assert_eq!((&made["ticketNumber"], &made["externalID"]), (&json!("T20261121.0001"), &json!("OUR-1")));
    assert_eq!(
        (&made["createDate"], &made["dueDateTime"]),
        (&json!("2026-11-21T10:00:00"), &json!("2026-11-24T17:00:00"))
    );
    assert_eq!((&made["ticketType"], &made["completedDate"]), (&json!(1), &json!(null)));
    let filter =
        json!([{ "op": "eq", "field": "Our Ref", "udf": true, "value": "psagw-abcdefghij0123456789" }]);
    let (_, found) = scene.post("Tickets/query", json!({ "filter": filter })).await;
    assert_eq!(found["items"][0]["id"], 4242);
    scene.ticket("OUR-2").await;
    assert_eq!(scene.item("Tickets/4243").await["ticketNumber"], "T20261121.0002");
    let ledger = scene.autotask.ledger();
    assert_eq!(ledger[0].marker.as_deref(), Some("PSAGW-ABCDEFGHIJ0123456789"));
    assert_eq!((ledger[0].company.as_str(), ledger[0].closed), ("Northwind Dental", false));
}

#[tokio::test]
async fn what_a_ticket_needs_is_asked_for_and_what_it_cannot_have_is_refused() {
    let scene = Scene::usual().await;
    let (status, answer) = scene.post("Tickets", json!({ "title": " " })).await;
    let texts: Vec<_> =
        answer["errors"].as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect();
    assert_eq!(status, 500);
    for name in ["companyID", "priority", "status", "title"] {
        let text = format!("Value does not exist for the required field {name}");
        assert!(texts.contains(&text.as_str()), "{texts:?}");
    }
    assert!(texts.contains(&"queueID is required") && texts.contains(&"dueDateTime is required"));
    assert_eq!(
        refused(&scene, "priority", json!(99)).await,
        "Picklist value [99] does not exist for priority."
    );
    assert_eq!(refused(&scene, "status", json!(13)).await, "Picklist value [13] does not exist for status.");
    assert!(refused(&scene, "status", json!("1")).await.starts_with("Error converting value \"1\""));
    assert_eq!(
        refused(&scene, "companyID", json!(1)).await,
        "Value does not reference an existing entity for companyID . "
    );
    assert!(refused(&scene, "companyID", json!(191)).await.contains("is invalid"), "a company that has left");
    assert!(refused(&scene, "title", json!("x".repeat(256))).await.contains("maximum length of 255"));
    assert!(refused(&scene, "externalID", json!("é".repeat(51))).await.contains("maximum length of 50"));
    assert!(refused(&scene, "description", json!("x".repeat(8001))).await.contains("8000"));
    assert!(refused(&scene, "completedDate", json!("2026-11-21")).await.contains("read-only"));
    assert!(refused(&scene, "assignedResourceID", json!(29_682_885)).await.contains("you must assign both"));
    assert_eq!(
        refused(&scene, "subIssueType", json!(160)).await,
        "Value does not exist for child picklist: subIssueType"
    );
    assert_eq!(
        refused(&scene, "contactID", json!(30_682_176)).await,
        "contactID is not associated to the companyID or its Parent Company"
    );
    assert!(scene.autotask.ledger().is_empty());
    let mut body = ticket();
    body["issueType"] = json!(13);
    body["subIssueType"] = json!(160);
    body["assignedResourceID"] = json!(29_682_886);
    body["assignedResourceRoleID"] = json!(29_682_834);
    assert!(
        reason(&scene.post("Tickets", body.clone()).await).contains("combination is not currently defined")
    );
    body["assignedResourceRoleID"] = json!(29_683_392);
    assert_eq!(scene.post("Tickets", body).await.0, 200);
}

#[tokio::test]
async fn a_patch_changes_what_it_names_and_a_put_empties_the_rest() {
    let scene = Scene::usual().await;
    let id = scene.ticket("m-1").await;
    let (status, answer) = scene.send("PATCH", "Tickets", json!({ "ID": id, "status": 8 })).await;
    assert_eq!((status, answer), (200, json!({ "itemId": id })));
    let row = scene.item(&format!("Tickets/{id}")).await;
    assert_eq!((&row["status"], &row["externalID"]), (&json!(8), &json!("m-1")));
    let mut whole = ticket();
    whole["id"] = json!(id);
    assert_eq!(scene.send("PUT", "Tickets", whole).await.0, 200);
    let row = scene.item(&format!("Tickets/{id}")).await;
    assert_eq!((&row["externalID"], &row["ticketType"]), (&json!(null), &json!(null)));
    assert_eq!(row["ticketNumber"], "T20261121.0001");
    assert_eq!(scene.send("PATCH", "Tickets", json!({ "status": 8 })).await.0, 500);
    assert_eq!(scene.send("PATCH", "Tickets", json!({ "id": 1, "status": 8 })).await.0, 500);
    assert_eq!(scene.send("PATCH", "Tickets", json!({ "id": id, "title": null })).await.0, 500);
}

#[tokio::test]
async fn completion_is_dated_by_the_server_and_taken_back() {
    let options = AutotaskOptions { needs_resolution: true, ..AutotaskOptions::default() };
    let scene = Scene::start(options).await;
    let id = scene.ticket("m-1").await;
    scene.clock.advance_secs(60);
    let refusal = scene.send("PATCH", "Tickets", json!({ "id": id, "status": 5 })).await;
    assert_eq!(reason(&refusal), "resolution is required");
    let closing = json!({ "id": id, "status": 5, "resolution": "Cleaned up" });
    assert_eq!(scene.send("PATCH", "Tickets", closing).await.0, 200);
    let row = scene.item(&format!("Tickets/{id}")).await;
    assert_eq!(
        (&row["completedDate"], &row["completedByResourceID"]),
        (&json!("2026-11-21T10:01:00"), &json!(30_691_780))
    );
    let ledger = &scene.autotask.ledger()[0];
    assert_eq!(
        (ledger.status.as_str(), ledger.closed_at.as_deref()),
        ("Complete", Some("2026-11-21T10:01:00Z"))
    );
    scene.autotask.deed(&id.to_string(), "Dana Smith", &Deed::Reopen).unwrap();
    assert_eq!(scene.item(&format!("Tickets/{id}")).await["completedDate"], json!(null));
}

#[tokio::test]
async fn notes_are_written_below_their_ticket_and_found_by_it() {
    let scene = Scene::usual().await;
    let id = scene.ticket("m-1").await;
    let path = format!("Tickets/{id}/Notes");
    let note = json!({ "title": "Scan", "description": "Again", "noteType": 1, "publish": 2 });
    let (status, answer) = scene.post(&path, note.clone()).await;
    assert_eq!((status, &answer), (200, &json!({ "itemId": 30_777_658 })));
    for (field, value) in
        [("publish", json!(3)), ("noteType", json!(99)), ("title", json!(null)), ("description", json!(""))]
    {
        let mut wrong = note.clone();
        wrong[field] = value;
        assert_eq!(scene.post(&path, wrong).await.0, 500, "{field}");
    }
    assert_eq!(scene.post("Tickets/1/Notes", note.clone()).await.0, 500);
    let (_, found) = scene.find("TicketNotes", "eq", "ticketID", json!(id)).await;
    assert_eq!(found["items"][0]["publish"], 2);
    assert_eq!(scene.get(&path).await.1["items"].as_array().unwrap().len(), 1);
    scene
        .autotask
        .deed(&id.to_string(), "Sam Lee", &Deed::Note { text: "Called".into(), private: false })
        .unwrap();
    let notes = &scene.autotask.ledger()[0].notes;
    assert_eq!((notes[0].private, notes[1].private, notes[1].who.as_str()), (true, false, "Sam Lee"));
}

#[tokio::test]
async fn companies_contacts_devices_and_quantities_have_rules_of_their_own() {
    let scene = Scene::usual().await;
    let company =
        json!({ "companyName": "Newcomer", "companyType": 1, "ownerResourceID": 29_682_885, "phone": "555" });
    let (_, made) = scene.post("Companies", company).await;
    let id = made["itemId"].as_i64().unwrap();
    assert_eq!(scene.item(&format!("Companies/{id}")).await["isActive"], true);
    assert_eq!(scene.post("Companies", json!({ "companyName": "Newcomer" })).await.0, 500);
    assert_eq!(scene.send("PATCH", "Companies", json!({ "id": 0, "phone": "556" })).await.0, 200);
    let contact = json!({ "firstName": "Kim", "lastName": "Ash", "isActive": 1 });
    assert_eq!(scene.post("Contacts", contact.clone()).await.0, 404);
    assert_eq!(scene.post(&format!("Companies/{id}/Contacts"), contact).await.0, 200);
    let boolean = json!({ "firstName": "Kim", "lastName": "Ash", "isActive": true });
    assert_eq!(scene.post(&format!("Companies/{id}/Contacts"), boolean).await.0, 500);
    let device = json!({ "companyID": id, "productID": 1, "isActive": true, "installDate": "2026-11-21", "serialNumber": "S1" });
    assert_eq!(scene.post("ConfigurationItems", device.clone()).await.0, 200);
    let mut audited = device;
    audited["rmmDeviceAuditHostname"] = json!("host");
    assert_eq!(scene.post("ConfigurationItems", audited).await.0, 500);
    let more = json!({ "contractServiceID": 500, "unitChange": 3, "effectiveDate": "2026-12-01" });
    for _ in 0..2 {
        assert_eq!(scene.post("Contracts/300/ServiceAdjustments", more.clone()).await.0, 200);
    }
    let (_, units) = scene.find("ContractServiceUnits", "eq", "contractServiceID", json!(500)).await;
    assert_eq!(units["items"][0]["units"], 16, "an adjustment is a difference, each time");
}
