//! Configuration items: what there is of fields, and what a page of them says.

use super::*;
use crate::sync::remote::ConfigurationQuery;

fn fields(names: &[&str]) -> Play {
    let field = |name: &&str| match *name {
        "configurationItemType" => json!({
            "name": name, "isPickList": true,
            "picklistValues": [{ "value": "7", "label": "Server", "isActive": true, "sortOrder": 1 }],
        }),
        name => json!({ "name": name }),
    };
    Play::json(200, &json!({ "fields": names.iter().map(field).collect::<Vec<_>>() }))
}

fn play(asked: &Asked) -> Option<Play> {
    let device = |id: i64| {
        json!({
            "id": id, "companyID": 30, "configurationItemType": 7, "isActive": true, "referenceTitle": "WS-1",
            "productID": 2, "serialNumber": "SN1", "installDate": "2025-02-01T00:00:00",
            "userDefinedFields": [{ "name": "Warranty End Date", "value": "2027-02-01" }, { "name": "PIN", "value": null }],
        })
    };
    Some(match call(asked).1 {
        "ConfigurationItems/entityInformation" => {
            Play::json(200, &json!({ "info": { "canQuery": true, "userAccessForQuery": "All" } }))
        }
        "ConfigurationItems/entityInformation/fields" => {
            fields(&["id", "serialNumber", "installDate", "configurationItemType", "location", "notes"])
        }
        "ConfigurationItems/entityInformation/userDefinedFields" => fields(&["Warranty End Date", "PIN"]),
        "UserDefinedFieldDefinitions/query" => items(&[
            json!({ "id": 1, "name": "Warranty End Date", "isProtected": true }),
            json!({ "id": 2, "name": "PIN", "isProtected": true }),
        ]),
        "ConfigurationItems/query" => items(&[device(9)]),
        "Products/query" => items(&[json!({ "id": 2, "manufacturerName": "HP" })]),
        _ => return None,
    })
}

#[tokio::test]
async fn what_a_permission_hides_is_explained_and_what_is_shown_is_not_blocked() {
    let server = autotask(play).await;
    let known = connect(&server).configurations().unwrap().catalogue().await.unwrap();
    let blocked = |key: &str| known.field(key).unwrap().blocked.clone();
    assert!(blocked("custom:PIN").is_some_and(|why| why.contains("Protected")));
    assert_eq!(blocked("custom:Warranty End Date"), None, "this login is shown it");
    assert!(blocked("rmmDeviceAuditMemoryBytes").is_some_and(|why| why.contains("security level")));
    assert_eq!(blocked("serialNumber"), None);
    assert_eq!(known.types.iter().map(|kind| kind.label.as_str()).collect::<Vec<_>>(), ["Server"]);
}

#[tokio::test]
async fn a_configuration_item_says_what_was_asked_for_and_who_made_its_product() {
    let server = autotask(play).await;
    let wanted = ["serialNumber", "installDate", "product.manufacturerName", "custom:Warranty End Date"];
    let query = ConfigurationQuery {
        fields: wanted.iter().map(ToString::to_string).collect(),
        ..ConfigurationQuery::default()
    };
    let page = connect(&server).configurations().unwrap().read_page(&query, None).await.unwrap();
    let [item] = page.items.as_slice() else { panic!("{page:?}") };
    assert_eq!((item.name.as_str(), item.company_external_id.as_deref()), ("WS-1", Some("30")));
    assert_eq!(item.configuration_type.as_ref().map(|kind| kind.label.as_str()), Some("Server"));
    let said = |key: &str| item.fields.get(key).map(String::as_str);
    assert_eq!(said("product.manufacturerName"), Some("HP"));
    assert_eq!(said("custom:Warranty End Date"), Some("2027-02-01"));
    assert_eq!(item.fields.len(), 4, "{item:?}");
    assert_eq!(page.next, None);
}
