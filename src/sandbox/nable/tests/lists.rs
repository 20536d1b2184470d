//! Reading through OData.

use serde_json::{Value, json};

use super::{Scene, read};
use crate::sandbox::{
    frame::Sandbox,
    nable::{Claim, NableOptions},
};

fn rows(answer: &Value) -> &Vec<Value> {
    answer["value"].as_array().unwrap()
}

#[tokio::test]
async fn lists_break_off_with_an_absolute_link_to_the_rest() {
    let scene = Scene::usual().await;
    let base = format!("{}/odata", scene.sandbox.url());
    let (_, first) = scene.get("/customers?$top=1000&$select=CustomerId,CustomerName&$count=true").await;
    assert_eq!((rows(&first).len(), &first["@odata.count"]), (100, &json!(130)));
    assert_eq!(first["@odata.context"], format!("{base}/$metadata#Customers(CustomerId,CustomerName)"));
    assert_eq!(rows(&first)[0].as_object().unwrap().len(), 2);
    assert_eq!(rows(&first)[0]["CustomerName"], "Northwind Dental");
    let next = first["@odata.nextLink"].as_str().unwrap();
    assert!(next.starts_with(&format!("{base}/customers?$select=")), "{next}");
    let (_, second) = read(scene.http.get(next).header("x-api-key", &scene.key)).await;
    assert_eq!((rows(&second).len(), second.get("@odata.nextLink")), (30, None));
    assert_eq!(scene.get("/customers?$top=0").await.1["value"], json!([]));
    let (_, some) = scene.get("/customers?$skip=128&$top=5").await;
    assert_eq!((rows(&some).len(), some.get("@odata.nextLink")), (2, None));
    let (_, exact) = scene.get("/customers?$top=100").await;
    assert_eq!(exact.get("@odata.nextLink"), None, "no more was asked for");

    let whole = Scene::start(NableOptions { page_size: None, ..NableOptions::default() }).await;
    let (_, all) = whole.get("/customers").await;
    assert_eq!((rows(&all).len(), all.get("@odata.nextLink")), (130, None));
}

#[tokio::test]
async fn filters_are_really_read() {
    let scene = Scene::usual().await;
    let count = async |path: &str, filter: &str| {
        let (status, found) =
            read(scene.request("GET", path).query(&[("$filter", filter), ("$top", "500")])).await;
        (status, found["value"].as_array().map_or(0, Vec::len))
    };
    assert_eq!(count("/customers", "CustomerStatusId eq 2").await, (200, 7));
    assert_eq!(count("/customers", "contains(CustomerName,'Dental') and CustomerStatusId ne 2").await.0, 200);
    assert_eq!(count("/customers", "contains(RmReferenceId,'RM-0001')").await, (200, 1));
    assert_eq!(count("/customers", "ReferenceId ne null").await, (200, 0));
    for wrong in
        ["Name eq 'x'", "customername eq 'x'", "CustomerId eq 'x'", "CustomerName = 'x'", "CustomerName eq"]
    {
        let (status, told) = read(scene.request("GET", "/customers").query(&[("$filter", wrong)])).await;
        assert_eq!(status, 400, "{wrong}");
        assert!(
            told["error"]["message"]
                .as_str()
                .unwrap()
                .starts_with("The query specified in the URI is not valid.")
        );
    }
    for query in
        ["$select=Nothing", "$orderby=Nothing", "$orderby=CustomerName down", "$top=ten", "$expand=Contacts"]
    {
        assert_eq!(scene.get(&format!("/customers?{query}")).await.0, 400, "{query}");
    }
    let (_, sorted) = scene.get("/customers?$orderby=CustomerStatusId desc,CustomerName&$top=8").await;
    let names: Vec<_> = rows(&sorted).iter().map(|row| row["CustomerName"].as_str().unwrap()).collect();
    assert!(
        names[..7].is_sorted()
            && rows(&sorted)[6]["CustomerStatusId"] == 2
            && rows(&sorted)[7]["CustomerStatusId"] == 1
    );
    let loose = NableOptions {
        column_names_mind_case: Claim::Fails,
        texts_mind_case: Claim::Fails,
        ..NableOptions::default()
    };
    let scene = Scene::start(loose).await;
    let (_, found) = scene.get("/customers?$filter=customername eq 'NORTHWIND DENTAL'").await;
    assert_eq!(rows(&found).len(), 1);
}

#[tokio::test]
async fn every_set_tells_its_columns_and_one_customer_has_no_service_item() {
    let scene = Scene::usual().await;
    scene.ticket("Disk full").await;
    let mut without = 0;
    let (_, customers) = scene.get("/customers").await;
    for customer in rows(&customers) {
        let id = customer["CustomerId"].as_str().unwrap();
        let (_, items) = scene.get(&format!("/ServiceItems?$filter=CustomerId eq {id}")).await;
        without += usize::from(rows(&items).is_empty());
    }
    assert_eq!(without, 1);
    for (path, column) in [
        ("/contacts", "EmailAddress"),
        ("/Locations", "LocationId"),
        ("/IssueTypes", "IssueTypeName"),
        ("/Users", "UserId"),
        ("/Tickets", "ServiceItemId"),
        ("/ticketsview", "TicketTitle"),
        ("/ticketscustomfields", "TicketTypeFieldId"),
    ] {
        let (_, list) = scene.get(path).await;
        assert!(rows(&list)[0].get(column).is_some(), "{path}: {list}");
    }
    let (_, dana) = scene.get("/Users?$filter=FirstName eq 'Dana'").await;
    assert_eq!(rows(&dana)[0]["LastName"], "Smith");
}

#[tokio::test]
async fn a_customer_is_overwritten_whole() {
    let scene = Scene::usual().await;
    let (_, found) = scene.get("/customers?$filter=CustomerName eq 'Harbour Legal'").await;
    let path = format!("/customers/{}", found["value"][0]["CustomerId"].as_str().unwrap());
    let (status, refused) = scene.put(&path, &json!({ "referenceId": "t-1" })).await;
    assert_eq!((status, &refused["Message"]), (400, &json!("The request is invalid.")));
    assert_eq!(
        refused["ModelState"]["customer.CustomerName"],
        json!(["The CustomerName field is required."])
    );
    let body = json!({ "customerName": "Harbour Legal", "referenceId": "t-1" });
    assert_eq!(scene.put(&path, &body).await, (204, Value::Null));
    let (_, now) = scene.get(&path).await;
    assert_eq!(
        (&now["ReferenceId"], &now["RmReferenceId"]),
        (&json!("t-1"), &Value::Null),
        "what was not sent is gone"
    );
    let (status, made) = scene.post("/customers", &json!({ "CustomerName": "Quill & Co" })).await;
    assert_eq!((status, &made["CustomerStatusId"]), (201, &json!(1)));
    assert_eq!(scene.post("/customers", &json!({})).await.0, 400);
}
