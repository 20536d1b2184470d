//! Keys, logins, permissions, verbs and faults.

use serde_json::{Value, json};

use super::{Scene, read};
use crate::sandbox::{
    frame::{Fault, FaultKind, Right, Sandbox},
    nable::{Claim, NableOptions},
};

#[tokio::test]
async fn a_key_or_a_login_opens_and_nothing_else() {
    let scene = Scene::usual().await;
    assert!(scene.key.len() > 200, "keys are long");
    let url = format!("{}/odata/Tickets", scene.sandbox.url());
    let denied = (401, json!({ "Message": "Authorization has been denied for this request." }));
    let (name, password) = scene.sandbox.with(|world| world.login());
    assert_eq!(read(scene.http.get(&url)).await, denied);
    assert_eq!(read(scene.http.get(&url).header("x-api-key", "AAAA")).await, denied);
    assert_eq!(read(scene.http.get(&url).bearer_auth(&scene.key)).await, denied);
    assert_eq!(read(scene.http.get(format!("{url}/nothing/at/all"))).await, denied, "before anything else");
    assert_eq!(read(scene.http.get(&url).basic_auth(&name, Some("wrong"))).await, denied);
    assert_eq!(read(scene.http.get(&url).basic_auth(&name, Some(&password))).await.0, 200);
    assert_eq!(scene.get("/Tickets").await.0, 200);
    let (status, page) = read(scene.http.get(format!("{}/Tickets", scene.sandbox.url()))).await;
    assert!(status == 404 && page.as_str().unwrap().contains("<html>"));

    let options = NableOptions { basic_login_works: Claim::Fails, ..NableOptions::default() };
    let scene = Scene::start(options).await;
    let (name, password) = scene.sandbox.with(|world| world.login());
    let url = format!("{}/odata/Tickets", scene.sandbox.url());
    assert_eq!(read(scene.http.get(&url).basic_auth(&name, Some(&password))).await, denied);
}

#[tokio::test]
async fn a_role_can_lose_tickets_and_little_else() {
    let scene = Scene::usual().await;
    let id = scene.ticket("Disk full").await;
    assert!(scene.sandbox.deny(&[Right::ReadTickets]));
    for path in ["/Tickets", "/ticketsview", "/ticketsresponses", &format!("/tickets/{id}")] {
        assert_eq!(scene.get(path).await.0, 403, "{path}");
    }
    assert_eq!(scene.get("/customers").await.0, 200);
    assert!(scene.sandbox.deny(&[Right::WriteTickets]));
    assert_eq!(scene.get("/Tickets").await.0, 200);
    assert_eq!(
        (
            scene.post("/Tickets", &json!({})).await.0,
            scene.put(&format!("/Tickets/{id}"), &json!({})).await.0
        ),
        (403, 403)
    );
    for right in [Right::Companies, Right::CloseTickets, Right::Webhooks, Right::Billing] {
        assert!(!scene.sandbox.deny(&[right]), "{right:?}");
    }
    assert!(!scene.sandbox.set_up_webhook("http://127.0.0.1:9/", None), "there are no webhooks");
    let options = NableOptions { customers_can_be_denied: Claim::Holds, ..NableOptions::default() };
    let scene = Scene::start(options).await;
    assert!(scene.sandbox.deny(&[Right::Companies]));
    assert_eq!((scene.get("/customers").await.0, scene.get("/Tickets").await.0), (403, 200));
}

#[tokio::test]
async fn paths_mind_no_case_but_verbs_and_names_must_exist() {
    let scene = Scene::usual().await;
    let id = scene.ticket("Disk full").await;
    for path in ["/Tickets", "/tickets", "/TICKETSVIEW", "/TicketsView", "/serviceitems", "/Locations"] {
        assert_eq!(scene.get(path).await.0, 200, "{path}");
    }
    let upper =
        scene.http.get(format!("{}/OData/Users", scene.sandbox.url())).header("x-api-key", &scene.key);
    assert_eq!(read(upper).await.0, 200);
    assert_eq!(scene.get(&format!("/TICKETS/{id}")).await.1["TicketNumber"], 4242);
    assert_eq!(scene.get("/Tickets/3f2b0c1e-1111-2222-3333-444455556666").await, (404, Value::Null));
    for path in ["/Assets", "/TicketStatuses", "/Tickets/4242", &format!("/Tickets({id})")] {
        assert_eq!(scene.get(path).await.0, 404, "{path}");
    }
    for (method, path) in [
        ("PATCH", format!("/Tickets/{id}")),
        ("POST", "/ticketsresponses".to_owned()),
        ("POST", "/ServiceItems".to_owned()),
        ("PUT", "/ticketsview".to_owned()),
        ("PUT", "/Tickets".to_owned()),
    ] {
        let (status, told) = read(scene.request(method, &path).json(&json!({}))).await;
        let words = format!("The requested resource does not support http method '{method}'.");
        assert_eq!((status, &told["Message"]), (405, &json!(words)), "{method} {path}");
    }
    let (_, root) = scene.get("").await;
    assert_eq!(root["value"][0]["name"], "Customers");
}

#[tokio::test]
async fn claims_can_be_turned_round() {
    let options = NableOptions {
        created_status: 200,
        put_answers_with_the_record: Claim::Holds,
        write_answers_are_camel_case: Claim::Holds,
        key_in_parentheses_works: Claim::Holds,
        patch_works: Claim::Holds,
        responses_can_be_posted: Claim::Holds,
        statuses_are_listed: Claim::Holds,
        custom_fields_come_bare: Claim::Holds,
        updated_date_can_be_filtered: Claim::Fails,
        count_is_answered: Claim::Fails,
        create_takes_a_customer: Claim::Holds,
        unknown_properties_are_refused: Claim::Fails,
        errors_are_plain_text: Claim::Holds,
        ..NableOptions::default()
    };
    let scene = Scene::start(options).await;
    let (_, customers) = scene.get("/customers").await;
    let body = json!({ "title": "Disk full", "customerId": customers["value"][0]["CustomerId"], "x": 1 });
    let (status, made) = scene.post("/tickets", &body).await;
    assert_eq!((status, &made["ticketNumber"]), (200, &json!(4242)));
    let without = json!({ "title": "Disk full", "customerId": customers["value"][3]["CustomerId"] });
    assert_eq!(scene.post("/tickets", &without).await.0, 400, "that customer has no service item");
    let id = made["ticketId"].as_str().unwrap();
    assert_eq!(scene.get(&format!("/Tickets({id})")).await.0, 200);
    let closing = scene.request("PATCH", &format!("/Tickets/{id}")).json(&json!({ "TicketStatusCode": 7 }));
    let (status, closed) = read(closing).await;
    assert_eq!(
        (status, &closed["title"], &closed["ticketStatusCode"]),
        (200, &json!("Disk full"), &json!(7))
    );
    let (status, note) =
        scene.post("/ticketsresponses", &json!({ "ticketId": id, "description": "Hi" })).await;
    assert_eq!((status, &note["fromDisplay"]), (200, &json!("Gateway Key")));
    assert_eq!(scene.sandbox.ledger()[0].notes[0].text, "Hi");
    assert_eq!(scene.get("/TicketStatuses").await.1["value"][5]["TicketStatusName"], "Complete");
    assert!(scene.get(&format!("/tickets/{id}/customfields")).await.1.is_array());
    assert_eq!(scene.get("/ticketsview?$filter=UpdatedDate ge 2026-01-01T00:00:00Z").await.0, 400);
    assert_eq!(scene.get("/ticketsview?$orderby=UpdatedDate&$select=UpdatedDate").await.0, 200);
    let (status, words) = scene.get("/Tickets?$count=true").await;
    assert!(status == 400 && words.is_string());
}

#[tokio::test]
async fn faults_speak_as_aspnet_does() {
    let scene = Scene::usual().await;
    let item = scene.service_item("Northwind Dental").await;
    let body = json!({ "Title": "Disk full", "ServiceItemId": item });
    let fault = |kind| scene.sandbox.fault(Fault::once("POST /odata/tickets", kind));
    fault(FaultKind::ErrorAfterCommit { status: 500 });
    assert_eq!(scene.post("/Tickets", &body).await, (500, json!({ "Message": "An error has occurred." })));
    assert_eq!(scene.sandbox.ledger().len(), 1, "the work was done");
    fault(FaultKind::ExpiredToken { status: 401 });
    assert_eq!(scene.post("/Tickets", &body).await.0, 401);
    fault(FaultKind::Refuse { message: "No.".to_owned() });
    assert_eq!(scene.post("/Tickets", &body).await.1["ModelState"]["record"], json!(["No."]));
    fault(FaultKind::HiddenError);
    let (status, hidden) = scene.post("/Tickets", &body).await;
    assert!(status == 200 && hidden["error"].is_object());
    fault(FaultKind::SearchLag { ms: 60_000 });
    let (_, made) = scene.post("/Tickets", &body).await;
    let id = made["TicketId"].as_str().unwrap();
    assert_eq!(scene.get("/ticketsview").await.1["value"].as_array().unwrap().len(), 1, "not listed yet");
    assert_eq!(scene.get(&format!("/Tickets/{id}")).await.0, 200);
    scene.clock.advance_secs(60);
    assert_eq!(scene.get("/ticketsview").await.1["value"].as_array().unwrap().len(), 2);
}
