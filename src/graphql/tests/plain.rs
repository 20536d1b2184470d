//! Rows written as they are read say what resolvers say of them.

use entity::Timestamp;

use super::*;
use crate::{
    fixtures::{self, Place},
    graphql::{
        ids,
        plain::Item,
        types::{Company, CompanyMapping, Event, Finding, Organization, PsaCompany, Ticket, TicketProfile},
    },
};

fn fields<N: Item>() -> String {
    let names: Vec<_> = N::PLAIN.iter().map(|plain| plain.name).collect();
    assert!(!names.is_empty());
    names.join(" ")
}

async fn place(ground: &Ground, slug: &str) -> Place {
    let place = Place::new(ground, slug).await;
    let delivery = place.delivery(&place.endpoint().await, b"{}").await;
    place.event(&delivery, 0, None).await;
    place.finding("Old OpenSSL", Timestamp::from_secs(10)).await;
    place.ticket("Disk full", Timestamp::from_secs(20)).await;
    let ticket = place.ticket("Old OpenSSL", Timestamp::from_secs(10)).await;
    let at = |secs| Some(Timestamp::from_secs(secs));
    lists::change(
        ground,
        entity::ticket::Model {
            state: entity::ticket::TicketState::Closed,
            severity: entity::Severity::High,
            external_id: Some("4711".to_owned()),
            external_number: Some("#4711".to_owned()),
            external_status: Some("9".to_owned()),
            board: Some("3".to_owned()),
            is_touched: true,
            opened_at: at(11),
            closed_at: at(12),
            close_due_at: at(13),
            note_due_at: at(14),
            updated_at: Timestamp::from_secs(15),
            ..ticket
        },
    )
    .await;
    place.mapping().await;
    place
}

#[actix_web::test]
async fn rows_written_as_they_are_read_say_what_resolvers_say() {
    let ground = fixtures::ground().await;
    let places = [place(&ground, "acme").await, place(&ground, "globex").await];
    let door = door(&ground, Settings::default());
    for (list, fields) in [
        ("tickets", fields::<Ticket>()),
        ("companies", fields::<Company>()),
        ("findings", fields::<Finding>()),
        ("events", fields::<Event>()),
        ("companyMappings", fields::<CompanyMapping>()),
        ("ticketProfiles", fields::<TicketProfile>()),
        ("psaConnections { nodes { psaCompanies", fields::<PsaCompany>()),
    ] {
        let page = "pageInfo { hasNextPage hasPreviousPage startCursor endCursor }";
        let end = if list.contains('{') { "} }" } else { "" };
        let all = format!("again: id __typename {fields} type: __typename");
        // A page below one parent, a page below each of several, and the same with all that the rows have.
        let lists = format!(
            "as_read: {list}(first: 1) {{ nodes {{ ...all }} {page} }} {end}
             resolved: {list}(first: 1) {{ {page} edges {{ node {{ ...all }} }} }} {end}"
        );
        let of = list.split(' ').next_back().unwrap();
        let query = format!(
            "query($id: ID!) {{
               one: node(id: $id) {{ ... on Organization {{ {lists} }} }}
               each: organizations {{ nodes {{ {lists} }} }}
             }}
             fragment all on {} {{ {all} }}",
            match of {
                "tickets" => "Ticket",
                "companies" => "Company",
                "findings" => "Finding",
                "events" => "Event",
                "companyMappings" => "CompanyMapping",
                "ticketProfiles" => "TicketProfile",
                _ => "PsaCompany",
            }
        );
        let id = ids::encode::<entity::organization::Entity>(places[0].organization_id).to_string();
        let data = ask(&door, "operator", &query, json!({ "id": id })).await;
        let organizations = data["each"]["nodes"].as_array().unwrap();
        assert_eq!(organizations.len(), 2);
        for found in organizations.iter().chain([&data["one"]]) {
            let (as_read, resolved) = if list.contains('{') {
                let inner = |name: &str| found[name]["nodes"][0]["psaCompanies"].clone();
                (inner("as_read"), inner("resolved"))
            } else {
                (found["as_read"].clone(), found["resolved"].clone())
            };
            assert_eq!(as_read["pageInfo"], resolved["pageInfo"], "{list}");
            assert_eq!(as_read["nodes"].as_array().unwrap().len(), 1, "{list}: {found:#}");
            assert_eq!(as_read["nodes"][0], resolved["edges"][0]["node"], "{list}");
        }
    }
    let query = format!(
        "{{ as_read: organizations {{ nodes {{ {0} }} }} resolved: organizations {{ edges {{ node {{ {0} }} }} }} }}",
        fields::<Organization>()
    );
    let data = ask(&door, "operator", &query, json!({})).await;
    for (n, node) in data["as_read"]["nodes"].as_array().unwrap().iter().enumerate() {
        assert_eq!(*node, data["resolved"]["edges"][n]["node"]);
    }
    assert_eq!(data["as_read"]["nodes"][1]["slug"], "globex");
}

#[actix_web::test]
async fn a_page_is_read_once_whatever_of_it_is_asked_for() {
    let ground = fixtures::ground().await;
    let acme = place(&ground, "acme").await;
    let door = door(&ground, Settings::default());
    let id = ids::encode::<entity::organization::Entity>(acme.organization_id).to_string();
    let mut seen = Vec::new();
    for (page, statements) in [
        ("nodes { id title } pageInfo { hasNextPage endCursor }", 2),
        ("pageInfo { hasNextPage endCursor } nodes { id title }", 2),
        ("nodes { id title } again: nodes { id title } pageInfo { hasNextPage endCursor }", 2),
        ("nodes { id title isTest @include(if: true) } pageInfo { hasNextPage endCursor }", 2),
        ("nodes { id title reason { code } } pageInfo { hasNextPage endCursor }", 2),
        ("nodes { id title } other: nodes { id state } pageInfo { hasNextPage endCursor }", 3),
        ("edges { cursor } nodes { id title } pageInfo { hasNextPage endCursor }", 2),
    ] {
        let query = format!(
            "query($id: ID!) {{ node(id: $id) {{ ... on Organization {{ tickets(first: 1) {{ {page} }} }} }} }}"
        );
        let before = ground.db.statements();
        let data = ask(&door, "operator", &query, json!({ "id": id })).await;
        assert_eq!(ground.db.statements() - before, statements, "{page}");
        let tickets = &data["node"]["tickets"];
        assert_eq!(tickets["nodes"][0]["title"], "Disk full");
        seen.push((tickets["pageInfo"].clone(), tickets["nodes"][0]["id"].clone()));
    }
    assert!(seen.iter().all(|one| *one == seen[0]), "{seen:#?}");
}

#[actix_web::test]
async fn an_empty_page_is_read_once_and_says_what_lies_around_it() {
    let ground = fixtures::ground().await;
    let acme = place(&ground, "acme").await;
    let door = door(&ground, Settings::default());
    let id = ids::encode::<entity::organization::Entity>(acme.organization_id).to_string();
    let query = "query($id: ID!, $after: String) { node(id: $id) { ... on Organization {
        tickets(first: 2, after: $after) { nodes { id } pageInfo { hasNextPage hasPreviousPage endCursor } } } } }";
    let first = ask(&door, "operator", query, json!({ "id": id })).await;
    let page = &first["node"]["tickets"]["pageInfo"];
    assert_eq!((&page["hasNextPage"], &page["hasPreviousPage"]), (&json!(false), &json!(false)));
    let before = ground.db.statements();
    let last = ask(&door, "operator", query, json!({ "id": id, "after": page["endCursor"] })).await;
    assert_eq!(ground.db.statements() - before, 2, "the organization and the page");
    assert_eq!(
        last["node"]["tickets"],
        json!({ "nodes": [], "pageInfo": { "hasNextPage": false, "hasPreviousPage": true, "endCursor": null } })
    );
}

#[actix_web::test]
async fn a_list_is_counted_in_the_statement_that_reads_its_page() {
    let ground = fixtures::ground().await;
    let places = [place(&ground, "acme").await, place(&ground, "globex").await];
    places[0].ticket("Backup failed", Timestamp::from_secs(30)).await;
    let door = door(&ground, Settings::default());
    let id = ids::encode::<entity::organization::Entity>(places[0].organization_id).to_string();
    let tickets = async |page: &str, after: &Value| {
        let query = format!(
            "query($id: ID!, $after: String) {{ node(id: $id) {{ ... on Organization {{
               tickets(first: 2, after: $after) {{ {page} }} }} }} }}"
        );
        let before = ground.db.statements();
        let data = ask(&door, "operator", &query, json!({ "id": id, "after": after })).await;
        (data["node"]["tickets"].clone(), ground.db.statements() - before)
    };
    let page = "totalCount nodes { title } pageInfo { endCursor }";
    for (page, statements) in [
        (page, 2),
        ("nodes { title } totalCount pageInfo { endCursor }", 2),
        ("pageInfo { endCursor } nodes { title } totalCount", 3),
        ("totalCount edges { node { title } }", 3),
        ("totalCount", 2),
    ] {
        let (found, asked) = tickets(page, &Value::Null).await;
        assert_eq!((&found["totalCount"], asked), (&json!(3), statements), "{page}: {found:#}");
    }
    // Behind a cursor the list is as long as before, on an empty page, too.
    let mut after = Value::Null;
    for (titles, statements) in [(2, 2), (1, 2), (0, 3)] {
        let (found, asked) = tickets(page, &after).await;
        assert_eq!(found["nodes"].as_array().map(Vec::len), Some(titles), "{found:#}");
        assert_eq!((&found["totalCount"], asked), (&json!(3), statements), "{found:#}");
        if titles > 0 {
            after = found["pageInfo"]["endCursor"].clone();
        }
    }
    let each = "{ organizations { nodes { tickets(first: 1) { totalCount nodes { title } } } } }";
    let data = ask(&door, "operator", each, json!({})).await;
    let counts: Vec<_> = data["organizations"]["nodes"].as_array().unwrap().iter().collect();
    assert_eq!(counts[0]["tickets"]["totalCount"], 3, "{data:#}");
    assert_eq!(counts[1]["tickets"]["totalCount"], 2, "{data:#}");
}
