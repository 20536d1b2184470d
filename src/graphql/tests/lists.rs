use entity::Timestamp;

use super::*;
use crate::{
    fixtures::{self, Place},
    graphql::ids,
};

fn id_of(place: &Place) -> String {
    ids::encode::<entity::organization::Entity>(place.organization_id).to_string()
}

#[actix_web::test]
async fn a_list_is_walked_by_its_cursors_and_counted_only_when_asked() {
    let ground = fixtures::ground().await;
    let acme = Place::new(&ground, "acme").await;
    for n in 0..5 {
        acme.ticket(&format!("ticket {n}"), Timestamp::from_secs(n)).await;
    }
    let door = door(&ground, Settings::default());
    let query = "query($id: ID!, $after: String) { node(id: $id) { ... on Organization {
        tickets(first: 2, after: $after) { nodes { title } pageInfo { hasNextPage endCursor } } } } }";
    let (mut titles, mut after) = (Vec::new(), Value::Null);
    loop {
        let data = ask(&door, "operator", query, json!({ "id": id_of(&acme), "after": after })).await;
        let tickets = &data["node"]["tickets"];
        titles.extend(tickets["nodes"].as_array().unwrap().iter().map(|node| node["title"].to_string()));
        after = tickets["pageInfo"]["endCursor"].clone();
        if tickets["pageInfo"]["hasNextPage"] == false {
            break;
        }
    }
    assert_eq!(titles, ["\"ticket 4\"", "\"ticket 3\"", "\"ticket 2\"", "\"ticket 1\"", "\"ticket 0\""]);

    let before = ground.db.statements();
    let query = "query($id: ID!) { node(id: $id) { ... on Organization { tickets { totalCount } } } }";
    let data = ask(&door, "operator", query, json!({ "id": id_of(&acme) })).await;
    assert_eq!(data["node"]["tickets"]["totalCount"], 5);
    assert_eq!(ground.db.statements() - before, 2, "the organization and the count, no page");
}

#[actix_web::test]
async fn a_stranger_finds_nothing() {
    let ground = fixtures::ground().await;
    let (acme, other) = (Place::new(&ground, "acme").await, Place::new(&ground, "other").await);
    let ticket = acme.ticket("secret", Timestamp::from_secs(1)).await;
    let door = door(&ground, Settings::default());
    let ticket_id = ids::encode::<entity::ticket::Entity>(ticket.id).to_string();
    let query = "query($ids: [ID!]!) { nodes(ids: $ids) { id } }";
    let variables = json!({ "ids": [id_of(&acme), ticket_id, "x", id_of(&other)] });
    let own = ask(&door, &acme.organization_id.to_string(), query, variables.clone()).await;
    assert_eq!(own["nodes"], json!([{ "id": id_of(&acme) }, { "id": ticket_id }, null, null]));
    let theirs = ask(&door, &other.organization_id.to_string(), query, variables).await;
    assert_eq!(theirs["nodes"], json!([null, null, null, { "id": id_of(&other) }]));
}
