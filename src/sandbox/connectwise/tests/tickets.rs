//! Tickets, their notes and their configurations.

use serde_json::{Value, json};

use super::{Scene, ids};
use crate::sandbox::frame::{Deed, Fault, FaultKind, LedgerId, Sandbox};

/// The fields that a refusal names.
fn complaints(body: &Value) -> Vec<(String, String)> {
    let errors = body["errors"].as_array().unwrap_or_else(|| panic!("{body}"));
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    errors.iter().map(|error| (text(&error["code"]), text(&error["field"]))).collect()
}

#[tokio::test]
async fn a_ticket_is_found_by_its_mark_and_shows_its_references() {
    let scene = Scene::usual().await;
    let mark = "PSAGW-ABCDEFGHIJKLMNOPQRST";
    let body = json!({
        "summary": "Disk full", "company": { "identifier": "NorthwindDental" }, "board": { "name": "Service Desk" },
        "priority": { "id": 15 }, "type": { "id": 30 }, "subType": { "id": 40 }, "item": { "id": 50 },
        "externalXRef": mark, "initialDescription": "97 % of C:", "contactEmailLookup": "robin@northwinddental.example",
    });
    let (status, made) = scene.post("/service/tickets?fields=id,status/name", &body).await;
    assert_eq!((status, &made), (201, &json!({ "id": 4242, "status": { "name": "New" } })));
    let condition = format!("externalXRef=\"{mark}\"");
    let (_, found) = scene.list("/service/tickets", &[("conditions", &condition), ("pageSize", "2")]).await;
    assert_eq!(ids(&found), [4242]);
    let (_, searched) = scene.post("/service/tickets/search", &json!({ "conditions": condition })).await;
    assert_eq!(searched, found);
    let ticket = &found[0];
    assert_eq!(ticket["company"]["name"], "Northwind Dental");
    assert_eq!(ticket["contact"]["name"], "Robin Keeper");
    assert_eq!((&ticket["closedFlag"], &ticket["recordType"]), (&json!(false), &json!("ServiceTicket")));
    assert!(ticket["_info"]["lastUpdated"].as_str().unwrap().ends_with('Z'));
    assert!(ticket.get("initialDescription").is_none() && ticket.get("closedDate").is_none());
    let told = &scene.psa.ledger()[0];
    assert_eq!((told.marker.as_deref(), told.body.as_str()), (Some(mark), "97 % of C:"));
    assert_eq!((told.id.clone(), told.notes.len()), (LedgerId::Number(4242), 0));
}

#[tokio::test]
async fn what_a_new_ticket_lacks_or_gets_wrong_is_named() {
    let scene = Scene::usual().await;
    let refused = async |body: Value| {
        let (status, answer) = scene.post("/service/tickets", &body).await;
        assert_eq!(status, 400, "{body} gave {answer}");
        complaints(&answer).into_iter().map(|(code, field)| format!("{code} {field}")).collect::<Vec<_>>()
    };
    let on = |more: Value| {
        let mut body = json!({ "summary": "s", "company": { "id": 19 } });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    assert_eq!(refused(json!({})).await, ["MissingRequiredField summary", "MissingRequiredField company"]);
    assert_eq!(refused(on(json!({ "summary": "x".repeat(101) }))).await, ["InvalidField summary"]);
    assert_eq!(refused(on(json!({ "company": 19 }))).await, ["InvalidField company"]);
    assert_eq!(refused(on(json!({ "company": { "id": 9999 } }))).await, ["NotFound company/id"]);
    // Seed: number 22 is on credit hold, number 40 is deleted.
    assert_eq!(refused(on(json!({ "company": { "id": 41 } }))).await, ["InvalidField company/id"]);
    assert_eq!(refused(on(json!({ "company": { "id": 59 } }))).await, ["NotFound company/id"]);
    assert_eq!(refused(on(json!({ "status": { "name": "Triage" } }))).await, ["NotFound status/name"]);
    assert_eq!(refused(on(json!({ "status": { "id": 26 } }))).await, ["NotFound status/id"]);
    assert_eq!(refused(on(json!({ "type": { "id": 130 } }))).await, ["NotFound type/id"]);
    assert_eq!(refused(on(json!({ "subType": { "id": 40 } }))).await, ["InvalidField subType/id"]);
    let apart = json!({ "type": { "id": 32 }, "subType": { "id": 40 } });
    assert_eq!(refused(on(apart)).await, ["InvalidField subType/id"]);
    assert_eq!(refused(on(json!({ "board": { "id": 20 } }))).await, ["NotFound board/id"]);
    assert_eq!(refused(on(json!({ "board": { "id": 31 } }))).await, ["NotFound board/id"]);
    assert_eq!(refused(on(json!({ "contact": { "id": 2020 } }))).await, ["NotFound contact/id"]);
    assert_eq!(refused(on(json!({ "severity": "Severe" }))).await, ["InvalidField severity"]);
    assert_eq!(refused(on(json!({ "externalXref": "x" }))).await, ["InvalidField externalXref"]);
    assert_eq!(refused(on(json!({ "integratorTags": ["ours"] }))).await, ["NotFound integratorTags"]);
    assert_eq!(refused(json!([])).await, ["InvalidField "]);
    assert!(scene.psa.ledger().is_empty());
}

#[tokio::test]
async fn a_status_that_closes_closes_and_another_opens_again() {
    let scene = Scene::usual().await;
    let id = scene.ticket("m-1").await;
    scene.clock.advance_secs(60);
    let (_, closed) = scene.set_status(id, 25).await;
    assert_eq!((&closed["closedFlag"], &closed["closedBy"]), (&json!(true), &json!("PSAGateway")));
    assert_eq!(closed["closedDate"], closed["_info"]["lastUpdated"]);
    // Its name promises what only the other board's status of that name does.
    let (_, open) = scene.set_status(id, 24).await;
    assert_eq!((&open["closedFlag"], open.get("closedDate")), (&json!(false), None));
    let flag = json!([{ "op": "replace", "path": "closedFlag", "value": true }]);
    let (status, same) = scene.patch(&format!("/service/tickets/{id}"), &flag).await;
    assert_eq!((status, &same["closedFlag"]), (200, &json!(false)));
    scene.psa.deed(&id.to_string(), "Dana Smith", &Deed::Close { text: "Done".to_owned() }).unwrap();
    let told = &scene.psa.ledger()[0];
    assert_eq!((told.closed, told.more["closedBy"].as_str()), (true, Some("dsmith")));
    assert_eq!((told.notes[0].who.as_str(), told.notes[0].private), ("Dana Smith", false));
}

#[tokio::test]
async fn a_patch_is_an_array_of_operations_on_whole_fields() {
    let scene = Scene::usual().await;
    let id = scene.ticket("m-1").await;
    let path = format!("/service/tickets/{id}");
    let (status, body) = scene.patch(&path, &json!({ "summary": "New" })).await;
    assert_eq!((status, &body["message"]), (400, &json!("patchOperations object is invalid")));
    let bad = json!([{ "op": "replace", "path": "Summary", "value": "New" }]);
    assert_eq!(scene.patch(&path, &bad).await.0, 400);
    let bad = json!([{ "op": "set", "path": "summary", "value": "New" }]);
    assert_eq!(scene.patch(&path, &bad).await.0, 400);
    let into = json!([{ "op": "replace", "path": "company/identifier", "value": "HarbourLegal" }]);
    let (status, same) = scene.patch(&path, &into).await;
    assert_eq!((status, &same["company"]["id"]), (200, &json!(19)));
    let several = json!([
        { "op": "replace", "path": "/summary", "value": "New" },
        { "op": "add", "path": "poNumber", "value": "7" },
        { "op": "remove", "path": "externalXRef" },
        { "op": "replace", "path": "customFields", "value": [{ "id": 12, "value": "abc" }] },
    ]);
    let (_, changed) = scene.patch(&path, &several).await;
    assert_eq!((&changed["summary"], &changed["poNumber"]), (&json!("New"), &json!("7")));
    assert_eq!((changed.get("externalXRef"), &changed["customFields"][0]["value"]), (None, &json!("abc")));
    let custom = [("customFieldConditions", "caption=\"Reference\" AND value=\"abc\"")];
    assert_eq!(ids(&scene.list("/service/tickets", &custom).await.1), [id]);
    let moved = json!([{ "op": "replace", "path": "board", "value": { "id": 12 } }]);
    let (_, body) = scene.patch(&path, &moved).await;
    assert_eq!(body["errors"][0]["message"], "Service Status New not found for Service Board 12");
    let moved = json!([
        { "op": "replace", "path": "board", "value": { "id": 12 } },
        { "op": "replace", "path": "status", "value": { "id": 502 } },
        { "op": "remove", "path": "team" },
    ]);
    assert_eq!(scene.patch(&path, &moved).await.1["status"]["name"], "Triage");
}

#[tokio::test]
async fn a_note_stands_on_a_tab() {
    let scene = Scene::usual().await;
    let id = scene.ticket("m-1").await;
    let path = format!("/service/tickets/{id}/notes");
    let (_, body) = scene.post(&path, &json!({ "text": "Seen again", "internalFlag": true })).await;
    assert_eq!(complaints(&body), [("InvalidField".to_owned(), "detailDescriptionFlag".to_owned())]);
    assert_eq!(scene.post(&path, &json!({ "internalAnalysisFlag": true })).await.0, 400);
    let inner = json!({ "text": "Seen again", "internalAnalysisFlag": true });
    let (status, note) = scene.post(&path, &inner).await;
    assert_eq!((status, &note["ticketId"], &note["createdBy"]), (201, &json!(id), &json!("PSAGateway")));
    scene.post(&path, &json!({ "text": "Hello", "detailDescriptionFlag": true })).await;
    assert_eq!(scene.get(&format!("{path}/count")).await.1["count"], 2);
    let (_, public) = scene.list(&path, &[("conditions", "detailDescriptionFlag=true")]).await;
    assert_eq!(public[0]["text"], "Hello");
    let told: Vec<_> = scene.psa.ledger()[0].notes.iter().map(|note| note.private).collect();
    assert_eq!(told, [true, false]);
}

#[tokio::test]
async fn configurations_are_attached_by_id() {
    let scene = Scene::usual().await;
    let id = scene.ticket("m-1").await;
    let path = format!("/service/tickets/{id}/configurations");
    let (_, body) = scene.post(&path, &json!({ "deviceIdentifier": "DEV-18217" })).await;
    assert_eq!(complaints(&body), [("MissingRequiredField".to_owned(), "id".to_owned())]);
    assert_eq!(scene.post(&path, &json!({ "id": 18_230 })).await.0, 400, "another company's");
    assert_eq!(scene.post(&path, &json!({ "id": 18_217 })).await.0, 201);
    assert_eq!(scene.post(&path, &json!({ "id": 18_217 })).await.1["errors"][0]["code"], "ObjectExists");
    assert_eq!(scene.get(&path).await.1[0]["deviceIdentifier"], "DEV-18217");
    assert_eq!(scene.psa.ledger()[0].more["configurations"], json!([18_217]));
}

#[tokio::test]
async fn project_tickets_share_the_lists_and_not_the_path() {
    let scene = Scene::usual().await;
    let id = scene.ticket("m-1").await;
    let (_, all) = scene.list("/service/tickets", &[("fields", "id,recordType")]).await;
    assert_eq!(ids(&all), [4240, 4241, id]);
    let own = [("conditions", "recordType=\"ServiceTicket\"")];
    assert_eq!(ids(&scene.list("/service/tickets", &own).await.1), [id]);
    assert_eq!(scene.get("/service/tickets/4240").await.1["message"], "Ticket 4240 not found");
    assert_eq!(scene.get("/project/tickets/4240").await.0, 200);
    assert_eq!(scene.get(&format!("/project/tickets/{id}")).await.0, 404);
}

#[tokio::test]
async fn lists_may_lag_behind_and_deleted_tickets_are_gone() {
    let scene = Scene::usual().await;
    scene.psa.fault(Fault::once("POST */service/tickets", FaultKind::SearchLag { ms: 5_000 }));
    let id = scene.ticket("m-1").await;
    let mark = [("conditions", "externalXRef=\"m-1\"")];
    assert_eq!(scene.list("/service/tickets", &mark).await.1, json!([]));
    assert_eq!(scene.get(&format!("/service/tickets/{id}")).await.0, 200);
    scene.clock.advance_secs(5);
    assert_eq!(ids(&scene.list("/service/tickets", &mark).await.1), [id]);
    let deleted = scene.request("DELETE", &format!("/service/tickets/{id}")).send().await.unwrap();
    assert_eq!(deleted.status(), 204);
    assert_eq!(scene.get(&format!("/service/tickets/{id}")).await.0, 404);
    assert_eq!(scene.get("/service/tickets/count").await.1["count"], 2);
    assert!(scene.psa.ledger()[0].deleted);
}
