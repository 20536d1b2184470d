//! Pages, clients and the values to choose from.

use std::collections::BTreeSet;

use serde_json::json;

use super::Scene;

#[tokio::test]
async fn pages_are_cut_at_a_hundred_while_the_count_stays_true() {
    let scene = Scene::usual().await;
    let path = "/api/Client?includeinactive=true&pageinate=true&page_size=999&page_no=";
    let (_, first) = scene.get(&format!("{path}1")).await;
    let (_, second) = scene.get(&format!("{path}2")).await;
    assert_eq!(first["record_count"], 131);
    assert_eq!(first["clients"].as_array().unwrap().len(), 100);
    assert_eq!(second["clients"].as_array().unwrap().len(), 31);
    let rows = [&first, &second].map(|page| page["clients"].as_array().unwrap().clone()).concat();
    let names: BTreeSet<_> = rows.iter().map(|client| client["name"].as_str().unwrap()).collect();
    assert_eq!(names.len(), 131);
    let active = scene.get("/api/Client?pageinate=true&page_size=1&page_no=1").await.1;
    assert!(active["record_count"].as_i64().unwrap() < 131);
    assert_eq!(active["clients"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn clients_are_searched_read_and_made() {
    let scene = Scene::usual().await;
    let (_, found) = scene.get("/api/Client?search=northwind%20dental&search_name_only=true").await;
    assert_eq!((&found["record_count"], &found["clients"][0]["id"]), (&json!(1), &json!(12)));
    assert_eq!(scene.get("/api/Client/1").await.1["name"], "Unknown");
    assert_eq!(scene.get("/api/Client/9999").await.0, 404);

    assert_eq!(scene.post("/api/Client", &json!([{ "name": "New Co" }])).await.0, 400);
    let whole = json!([{ "name": "New Co", "toplevel_id": 12, "newclient_sitename": "Main" }]);
    let (status, made) = scene.post("/api/Client", &whole).await;
    assert_eq!(status, 201);
    assert_eq!(scene.get(&format!("/api/Client/{}", made["id"])).await.1["name"], "New Co");
}

#[tokio::test]
async fn pick_lists_have_halos_shapes() {
    let scene = Scene::usual().await;
    let (_, rows) = scene.get("/api/Priority").await;
    let rows = rows.as_array().unwrap();
    assert_eq!(rows.iter().filter(|row| row["priorityid"] == 1).count(), 2);
    assert!(rows.iter().all(|row| row["id"].as_str().is_some_and(|id| id.len() == 36)));
    assert_eq!(scene.get("/api/Priority?slaid=2").await.1.as_array().unwrap().len(), 5);
    assert_eq!(scene.get("/api/Priority/1").await.0, 404);
    assert_eq!(scene.get("/api/Agent/me").await.1["isapiagent"], true);
    let (_, statuses) = scene.get("/api/Status?tickettype_id=3&excludeclosed=true").await;
    assert_eq!(statuses.as_array().unwrap().len(), 3);
    assert_eq!(scene.get("/api/Outcome/7").await.1["outcome"], "Internal Note");
    let (status, map) = scene.get("/api/Lookup?lookupid=abc").await;
    assert_eq!((status, map["lookupid"].is_array()), (400, true));
    for path in [
        "TicketType?showall=true",
        "SLA?showpriorities=true",
        "Team",
        "Category?type_id=1",
        "Lookup?lookupid=64",
    ] {
        assert!(!scene.get(&format!("/api/{path}")).await.1.as_array().unwrap().is_empty(), "{path}");
    }
}

#[tokio::test]
async fn what_a_ticket_type_allows_stands_in_its_details_alone() {
    let scene = Scene::usual().await;
    let (_, rows) = scene.get("/api/TicketType?showall=true").await;
    assert!(rows.as_array().unwrap().iter().all(|row| row.get("allowed_status").is_none()));
    let (_, kind) = scene.get("/api/TicketType/3?includedetails=true").await;
    let allowed: Vec<_> = kind["allowed_status"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["status_id"].as_i64().unwrap())
        .collect();
    assert_eq!((&kind["allowall_status"], allowed), (&json!(false), vec![1, 2, 4, 9]));
    assert_eq!(scene.get("/api/TicketType/5?includedetails=true").await.0, 200, "hidden from lists only");
}
