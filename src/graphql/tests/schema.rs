use super::*;
use crate::{fixtures, graphql::sdl};

const INTROSPECTION: &str = "{ __schema { types { name kind description
    fields(includeDeprecated: true) { name description args { name description } }
    inputFields { name description } enumValues(includeDeprecated: true) { name description }
    interfaces { name } } } }";

fn list<'a>(of: &'a Value, key: &str) -> &'a [Value] {
    of[key].as_array().map(Vec::as_slice).unwrap_or_default()
}

#[actix_web::test]
async fn everything_has_a_description_and_what_has_an_id_is_a_node() {
    let ground = fixtures::ground().await;
    let door = door(&ground, Settings::default());
    let data = ask(&door, "operator", INTROSPECTION, json!({})).await;
    let mut silent = Vec::new();
    let mut look = |path: String, thing: &Value| {
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
