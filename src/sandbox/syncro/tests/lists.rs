//! Customers, contacts, lists of values, assets and recurring invoices.

use serde_json::{Value, json};

use super::Scene;
use crate::sandbox::syncro::SyncroOptions;

fn names(answer: &Value) -> Vec<&str> {
    let rows = answer["customers"].as_array().unwrap();
    rows.iter().map(|row| row["business_then_name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn customers_come_in_pages_of_the_servers_size() {
    let scene = Scene::usual().await;
    let (_, first) = scene.get("/customers?per_page=10").await;
    assert_eq!(names(&first)[..3], ["Northwind Dental", "Harbour Legal", "Cedar Hill Logistics"]);
    // 131 less the seven that have left.
    assert_eq!(
        (names(&first).len(), &first["meta"]),
        (100, &json!({ "total_pages": 2, "total_entries": 124, "per_page": 100, "page": 1 }))
    );
    let (_, second) = scene.get("/customers?page=2").await;
    assert_eq!((names(&second).len(), &second["meta"]["page"]), (24, &json!(2)));
    assert_eq!(names(&second).last(), Some(&"Robin Vale"), "a person has no business name");
    assert!(names(&scene.get("/customers?page=3").await.1).is_empty());
    let (_, all) = scene.get("/customers?include_disabled=true").await;
    assert_eq!(all["meta"]["total_entries"], 131);
    let (_, sorted) = scene.get("/customers?sort=business_name DESC&business_name=dental").await;
    assert!(names(&sorted).is_sorted_by(|a, b| a > b) && names(&sorted).len() > 5);
    assert_eq!(scene.get("/customers?sort=secret ASC").await.0, 422);
    let (_, found) = scene.get("/customers/autocomplete?query=harbour leg").await;
    assert_eq!((names(&found), found.get("meta")), (vec!["Harbour Legal"], None));

    let small = Scene::start(SyncroOptions { customers_per_page: 25, ..SyncroOptions::default() }).await;
    assert_eq!(small.get("/customers").await.1["meta"]["total_pages"], 5);
}

#[tokio::test]
async fn a_customer_needs_a_name_and_a_mail_address_that_is_one() {
    let scene = Scene::usual().await;
    let body = json!({ "business_name": "Quill & Co", "email": "x y", "firstname": 7 });
    let (status, refused) = scene.post("/customers", &body).await;
    assert_eq!((status, &refused["success"], &refused["params"]), (422, &json!(false), &body));
    let words = ["Firstname is invalid", "Email is not an email", "Email Only able to parse up to \"x y\""];
    assert_eq!(refused["message"], json!(words));
    assert_eq!(scene.post("/customers", &json!({ "email": "a@b.example" })).await.0, 422);
    let body = json!({ "business_name": "Quill & Co", "email": "a@b.example", "phone": "(555) 12-34" });
    let (status, made) = scene.post("/customers", &body).await;
    assert_eq!((status, &made["customer"]["phone"]), (200, &json!("5551234")));
    let path = format!("/customers/{}", made["customer"]["id"]);
    assert_eq!(scene.get(&path).await.1["customer"]["business_name"], "Quill & Co");
    assert_eq!(scene.get("/customers/1").await, (404, Value::Null));
}

#[tokio::test]
async fn contacts_are_flat_and_refused_in_a_shape_of_their_own() {
    let scene = Scene::usual().await;
    let northwind = scene.northwind().await;
    let (_, list) = scene.get("/contacts").await;
    assert_eq!((list["contacts"].as_array().unwrap().len(), &list["meta"]["total_pages"]), (50, &json!(2)));
    let (_, theirs) = scene.get(&format!("/contacts?customer_id={northwind}")).await;
    assert_eq!(theirs["meta"]["total_entries"], 1);
    let body = json!({ "customer_id": northwind, "name": "Bo Finch", "email": "xxx" });
    let (status, refused) = scene.post("/contacts", &body).await;
    assert_eq!((status, &refused["errors"]), (422, &json!("Email is not an email")));
    assert_eq!(refused["record"]["id"], Value::Null);
    let nobody = json!({ "customer_id": 1, "name": "Bo Finch" });
    assert_eq!(scene.post("/contacts", &nobody).await, (404, json!({ "message": "Not found" })));
    let body = json!({ "customer_id": northwind, "name": "Bo Finch", "title": "Owner" });
    let (status, made) = scene.post("/contacts", &body).await;
    assert_eq!((status, &made["properties"]["title"]), (200, &json!("Owner")));
    let (status, _) = scene.put(&format!("/contacts/{}", made["id"]), &json!({ "phone": "1" })).await;
    assert_eq!(status, 422, "a change needs the name");
}

#[tokio::test]
async fn lists_of_values_are_strings_pairs_and_objects() {
    let scene = Scene::start(SyncroOptions { require_ticket_type: true, ..SyncroOptions::default() }).await;
    let (_, users) = scene.get("/users").await;
    assert_eq!(users["users"][1], json!([10_502, "Dana Smith"]));
    let (_, tickets) = scene.get("/tickets/settings").await;
    assert_eq!(tickets["ticket_status_list"][2], "Resolved");
    assert_eq!(tickets["users"][2], json!({ "id": 10_503, "name": "Sam Lee" }));
    assert_eq!(
        (&tickets["ticket_types"][1]["id"], &tickets["require_ticket_type"]),
        (&json!(702), &json!(true))
    );
    let (_, settings) = scene.get("/settings").await;
    assert_eq!(settings["ticket"]["priorities"], json!(["", "0 Urgent", "1 High", "2 Normal", "3 Low"]));
    assert_eq!(settings["ticket"]["problem_types"][0], "Virus");
    assert_eq!(scene.get("/users/10502").await.1["user"]["full_name"], "Dana Smith");
    assert_eq!(scene.get("/users/9").await.0, 404);
}

#[tokio::test]
async fn assets_lose_their_properties_on_creation_and_quantities_are_texts() {
    let scene = Scene::usual().await;
    let northwind = scene.northwind().await;
    let (_, refused) = scene.post("/customer_assets", &json!({ "name": "PC-17" })).await;
    let words = ["Asset type can't be blank", "Name You must have an asset type first, please go create one"];
    assert_eq!((&refused["message"], &refused["params"]["name"]), (&json!(words), &json!("PC-17")));
    let body = json!({
        "name": "PC-17", "customer_id": northwind, "asset_type_name": "Server", "properties": { "os": "X" },
    });
    let (status, made) = scene.post("/customer_assets", &body).await;
    assert_eq!((status, &made["asset"]["properties"]), (200, &json!({})));
    assert_eq!((&made["asset"]["asset_type"], made["asset"].get("asset_type_id")), (&json!("Server"), None));
    let path = format!("/customer_assets/{}", made["asset"]["id"]);
    let (_, changed) = scene.put(&path, &json!({ "name": "PC-17", "properties": { "os": "X" } })).await;
    assert_eq!(changed["asset"]["properties"]["os"], "X");

    let (_, list) = scene.get(&format!("/schedules?customer_id={northwind}")).await;
    assert_eq!((list.get("meta"), &list["schedules"][0]["lines"]), (None, &json!([])));
    let path = format!("/schedules/{}", list["schedules"][0]["id"]);
    let line = scene.get(&path).await.1["schedule"]["lines"][0].clone();
    assert_eq!(
        (&line["quantity"], &line["retail_cents"], &line["price_retail"]),
        (&json!("3.00"), &json!(450), &json!(4.5))
    );
    let path = format!("{path}/line_items/{}", line["id"]);
    let (status, line) = scene.put(&path, &json!({ "quantity": 42 })).await;
    assert_eq!((status, &line["schedule_line_item"]["quantity"]), (200, &json!("42.00")));
    let (status, refused) = scene.put(&path, &json!({ "quantity": "42" })).await;
    assert!(status == 422 && refused["error"].is_array());
}
