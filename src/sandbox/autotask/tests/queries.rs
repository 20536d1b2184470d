//! The query language, pages, and what entities tell about themselves.

use serde_json::{Value, json};

use super::{Scene, read, reason};
use crate::sandbox::frame::Sandbox as _;

async fn ids(scene: &Scene, filter: Value) -> Vec<i64> {
    let (status, answer) = scene.post("Companies/query", json!({ "FILTER": filter })).await;
    assert_eq!(status, 200, "{answer}");
    answer["items"].as_array().unwrap().iter().map(|row| row["id"].as_i64().unwrap()).collect()
}

#[tokio::test]
async fn every_operator_and_group_does_what_it_says() {
    let scene = Scene::usual().await;
    let leaf = |op: &str, field: &str, value: Value| json!({ "op": op, "field": field, "value": value });
    let one = |op: &str, field: &str, value: Value| json!([leaf(op, field, value)]);
    assert_eq!(ids(&scene, one("eq", "CompanyName", json!("northwind dental"))).await, [175]);
    assert_eq!(ids(&scene, one("lt", "id", json!(176))).await, [0, 175]);
    assert_eq!(ids(&scene, one("lte", "id", json!(0))).await, [0]);
    assert_eq!(ids(&scene, one("gt", "id", json!(303))).await, [304]);
    assert_eq!(ids(&scene, one("gte", "id", json!(304))).await, [304]);
    assert_eq!(ids(&scene, one("in", "id", json!([176, 0]))).await, [0, 176]);
    assert_eq!(ids(&scene, one("notIn", "id", json!([0]))).await.len(), 130);
    assert_eq!(ids(&scene, one("noteq", "id", json!(0))).await.len(), 130);
    assert_eq!(ids(&scene, one("beginsWith", "companyName", json!("HARBOUR L"))).await, [176]);
    assert_eq!(ids(&scene, one("contains", "companyName", json!("wind dent"))).await, [175]);
    assert!(ids(&scene, one("endsWith", "companyName", json!("legal"))).await.contains(&176));
    assert_eq!(ids(&scene, one("exist", "parentCompanyID", json!(null))).await, [0_i64; 0]);
    assert_eq!(ids(&scene, one("notExist", "parentCompanyID", json!(null))).await.len(), 131);
    let either = json!({ "op": "or", "items": [
        leaf("eq", "id", json!(175)),
        { "op": "and", "items": [leaf("gt", "id", json!(175)), leaf("lt", "id", json!(177))] },
    ] });
    assert_eq!(ids(&scene, json!([either, leaf("eq", "isActive", json!(true))])).await, [175, 176]);
}

#[tokio::test]
async fn a_wrong_field_is_an_error_and_a_wrong_operator_is_silently_dropped() {
    let scene = Scene::usual().await;
    let refusal = scene.find("Tickets", "eq", "projectCode", json!(1)).await;
    assert_eq!(reason(&refusal), "Unable to find projectCode in the Ticket Entity");
    let (status, all) = scene.find("Companies", "ne", "id", json!(0)).await;
    assert_eq!((status, all["items"].as_array().unwrap().len()), (200, 131));
    let refusal = scene.find("Tickets", "eq", "status", json!("Complete")).await;
    assert!(reason(&refusal).starts_with("Conversion failed when converting the nvarchar value 'Complete'"));
    assert_eq!(scene.find("Companies", "eq", "isActive", json!(1)).await.0, 500);
    assert_eq!(scene.find("Tickets", "eq", "creatorType", json!(1)).await.0, 500);
    let many: Vec<i64> = (0..501).collect();
    let refusal = scene.find("Companies", "in", "id", json!(many)).await;
    assert_eq!(reason(&refusal), "Queries are limited to 500 or fewer 'OR' conditions.");
    for size in [json!(0), json!(501), json!("10")] {
        let body = json!({ "maxRecords": size, "filter": [{ "op": "exist", "field": "id" }] });
        assert_eq!(scene.post("Companies/query", body).await.0, 500, "{size}");
    }
    assert_eq!(scene.post("Companies/query", json!({ "filter": [] })).await.0, 500);
}

#[tokio::test]
async fn pages_follow_each_other_by_id_and_carry_only_what_was_asked_for() {
    let scene = Scene::usual().await;
    let search = json!({
        "MaxRecords": 50, "IncludeFields": ["id", "companyName"], "Filter": [{ "op": "exist", "field": "id" }],
    });
    let first = scene.request("GET", "Companies/query").query(&[("search", search.to_string())]);
    let (_, mut page) = read(first).await;
    let (mut seen, mut sizes) = (Vec::new(), Vec::new());
    loop {
        let items = page["items"].as_array().unwrap();
        sizes.push(items.len());
        assert_eq!(items[0].as_object().unwrap().len(), 2);
        seen.extend(items.iter().map(|row| row["id"].as_i64().unwrap()));
        assert_eq!(
            (&page["pageDetails"]["count"], &page["pageDetails"]["requestCount"]),
            (&json!(items.len()), &json!(50))
        );
        let Some(next) = page["pageDetails"]["nextPageUrl"].as_str() else { break };
        let path = next.strip_prefix(&scene.autotask.url()).unwrap();
        // Some clients send the query again, others nothing.
        let method = if seen.len() == 50 { "POST" } else { "GET" };
        page = read(scene.request_at(method, path)).await.1;
    }
    assert_eq!(sizes, [50, 50, 31]);
    assert!(seen.is_sorted());
    let back = page["pageDetails"]["prevPageUrl"].as_str().unwrap().to_owned();
    let back = read(scene.request_at("GET", back.strip_prefix(&scene.autotask.url()).unwrap())).await.1;
    assert_eq!(back["items"][49]["id"], seen[99]);
    let (_, count) = scene.post("Companies/query/count", search).await;
    assert_eq!(count, json!({ "queryCount": 131 }));
    assert_eq!(scene.get("Companies/0").await.1["item"]["companyName"], "Lighthouse Managed Services");
    assert_eq!(scene.get("Companies/99999").await, (200, json!({ "item": null })));
}

#[tokio::test]
async fn fields_tell_their_picklists_as_texts_with_parents() {
    let scene = Scene::usual().await;
    let (_, answer) = scene.get("tickets/EntityInformation/fields").await;
    let fields = answer["fields"].as_array().unwrap().clone();
    let field = |name: &str| fields.iter().find(|field| field["name"] == name).unwrap();
    let complete = &field("status")["picklistValues"][1];
    assert_eq!(
        (&complete["value"], &complete["label"], &complete["isSystem"]),
        (&json!("5"), &json!("Complete"), &json!(true))
    );
    assert_eq!(field("subIssueType")["picklistParentValueField"], "issueType");
    assert_eq!(field("subIssueType")["picklistValues"][0]["parentValue"], "10");
    assert_eq!((&field("externalID")["length"], &field("title")["isRequired"]), (&json!(50), &json!(true)));
    assert_eq!(field("title")["picklistValues"], Value::Null);
    let (_, answer) = scene.get("TicketWebhookFields/entityInformation/fields").await;
    let names = answer["fields"].as_array().unwrap().iter().find(|field| field["name"] == "fieldID").unwrap();
    assert!(names["picklistValues"].as_array().unwrap().iter().any(|pick| pick["label"] == "CompletedDate"));
    for entity in ["Companies", "Contacts", "TicketNotes", "ConfigurationItems", "TicketWebhooks"] {
        assert_eq!(scene.get(&format!("{entity}/entityInformation")).await.0, 200, "{entity}");
        assert_eq!(scene.get(&format!("{entity}/entityInformation/fields")).await.0, 200, "{entity}");
    }
    let (_, udfs) = scene.get("Tickets/entityInformation/userDefinedFields").await;
    assert_eq!(udfs["fields"][0]["name"], "Our Ref");
}
