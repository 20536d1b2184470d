use super::*;
use crate::{fixtures, graphql::sdl};

const INTROSPECTION: &str = "{ __schema { types { name kind description
    fields(includeDeprecated: true) { name description isDeprecated deprecationReason
      args(includeDeprecated: true) { name description isDeprecated deprecationReason } }
    inputFields(includeDeprecated: true) { name description isDeprecated deprecationReason }
    enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason }
    interfaces { name } } } }";

fn list<'a>(of: &'a Value, key: &str) -> &'a [Value] {
    of[key].as_array().map(Vec::as_slice).unwrap_or_default()
}

#[actix_web::test]
async fn everything_has_a_description_and_what_has_an_id_is_a_node() {
    let ground = fixtures::ground().await;
    let door = door(&ground, Settings::default());
    let data = ask(&door, "operator", INTROSPECTION, json!({})).await;
    let (mut silent, mut endless) = (Vec::new(), Vec::new());
    let mut look = |path: String, thing: &Value| {
        if thing["isDeprecated"] == true && !says_until_when(thing["deprecationReason"].as_str()) {
            endless.push(path.clone());
        }
        if thing["description"].as_str().is_none_or(|text| text.trim().is_empty()) {
            silent.push(path);
        }
    };
    for ty in
        list(&data["__schema"], "types").iter().filter(|ty| !ty["name"].as_str().unwrap().starts_with("__"))
    {
        let name = ty["name"].as_str().unwrap();
        if ["Boolean", "Float", "ID", "Int", "String"].contains(&name) {
            continue;
        }
        look(name.to_owned(), ty);
        for field in list(ty, "fields") {
            let path = format!("{name}.{}", field["name"].as_str().unwrap());
            for arg in list(field, "args") {
                look(format!("{path}({})", arg["name"].as_str().unwrap()), arg);
            }
            look(path, field);
        }
        for part in ["inputFields", "enumValues"] {
            for thing in list(ty, part) {
                look(format!("{name}.{}", thing["name"].as_str().unwrap()), thing);
            }
        }
        let has_id = ty["kind"] == "OBJECT" && list(ty, "fields").iter().any(|field| field["name"] == "id");
        let is_node = list(ty, "interfaces").iter().any(|interface| interface["name"] == "Node");
        assert_eq!(has_id, is_node, "{name}");
        let is_user_error = list(ty, "interfaces").iter().any(|interface| interface["name"] == "UserError");
        assert_eq!(
            name.ends_with("UserError") && name != "UserError",
            is_user_error,
            "{name}: list it in user_errors!"
        );
    }
    assert!(silent.is_empty(), "no description: {silent:#?}");
    let words = "say what to use instead and until when: \"Use x. Removed after 2027-06-30.\"";
    assert!(endless.is_empty(), "deprecated ({words}): {endless:#?}");
}

/// Whether a reason says what to use instead, and the day after which it is gone.
fn says_until_when(reason: Option<&str>) -> bool {
    let Some((instead, rest)) = reason.and_then(|reason| reason.split_once("Removed after ")) else {
        return false;
    };
    let day = rest.get(..10).unwrap_or_default();
    !instead.trim().is_empty() && entity::Timestamp::parse_rfc3339(&format!("{day}T00:00:00Z")).is_some()
}

#[::core::prelude::v1::test]
fn a_deprecation_without_an_end_or_a_way_on_is_not_accepted() {
    assert!(says_until_when(Some("Use companyMappings. Removed after 2027-06-30.")));
    for reason in [None, Some("old"), Some("Removed after 2027-06-30."), Some("Use x. Removed after soon.")] {
        assert!(!says_until_when(reason), "{reason:?}");
    }
}

#[actix_web::test]
async fn introspection_can_be_switched_off() {
    let ground = fixtures::ground().await;
    let mut settings = Settings::default();
    settings.limits.introspection = false;
    let door = door(&ground, settings);
    for query in ["{ __schema { types { name } } }", "{ __type(name: \"Ticket\") { name } }"] {
        let by_guest = post(query, &json!({})).insert_header(("authorization", "Bearer guest"));
        let answer = call(&door, by_guest).await;
        assert_eq!(answer.code(), "FORBIDDEN", "{}", answer.body);
        assert!(answer.body.contains("introspection is off; set `introspection = true`"), "{}", answer.body);
        assert!(answer.json().get("data").is_none(), "{}", answer.body);
        let permitted = call(&door, post(query, &json!({}))).await;
        assert_eq!(permitted.code(), "", "whoever may INTROSPECT may: {}", permitted.body);
    }
    assert_eq!(ask(&door, "operator", "{ __typename }", json!({})).await["__typename"], "Query");
}

#[::core::prelude::v1::test]
fn the_schema_as_text_is_sorted_and_the_same_each_time() {
    let text = sdl();
    assert_eq!(text, sdl());
    assert!(text.contains("type TicketConnection {"));
    assert!(text.contains("scalar DateTime @specifiedBy"));
}
