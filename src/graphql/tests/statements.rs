use entity::{Timestamp, webhook_delivery};

use super::*;
use crate::{
    fixtures::{self, Place},
    graphql::ids,
};

const PAGE: &str = "query($id: ID!, $first: Int!) { node(id: $id) { ... on Organization {
    tickets(first: $first) {
        totalCount
        nodes {
            title
            company { name }
            psaConnection { name }
            psaCompany { name }
            ticketProfile { name }
            findings(first: 3) { totalCount nodes { title company { name } } }
            operations(first: 3) { nodes { kind attempts { nodes { number } } } }
        }
    }
} } }";

/// node, tickets, their count, company, psaConnection, psaCompany, ticketProfile, findings, their count,
/// their company, operations, attempts.
const STATEMENTS: u64 = 12;

async fn fill(place: &Place, tickets: i64) {
    for n in 0..tickets {
        let at = Timestamp::from_secs(n);
        let ticket = place.ticket(&format!("ticket {n}"), at).await;
        for m in 0..4 {
            let finding = place.finding(&format!("finding {n}.{m}"), at.plus_secs(m)).await;
            place.put_on(&ticket, &finding).await;
            place.operation(&ticket, m + 1, None).await;
        }
    }
}

#[actix_web::test]
async fn a_page_of_fifty_tickets_costs_as_many_statements_as_one_of_five() {
    let ground = fixtures::ground().await;
    let acme = Place::new(&ground, "acme").await;
    fill(&acme, 52).await;
    let door = door(&ground, Settings::default());
    let id = ids::encode::<entity::organization::Entity>(acme.organization_id);
    for first in [5_usize, 50] {
        let before = ground.db.statements();
        let data = ask(&door, "operator", PAGE, json!({ "id": id.as_str(), "first": first })).await;
        let statements = ground.db.statements() - before;
        let tickets = &data["node"]["tickets"];
        assert_eq!(tickets["totalCount"], 52);
        assert_eq!(tickets["nodes"].as_array().unwrap().len(), first);
        for ticket in tickets["nodes"].as_array().unwrap() {
            assert_eq!(ticket["findings"]["totalCount"], 4);
            let titles: Vec<_> = ticket["findings"]["nodes"].as_array().unwrap().iter().collect();
            let number = ticket["title"].as_str().unwrap().trim_start_matches("ticket ");
            let expected = [3, 2, 1].map(|m| format!("finding {number}.{m}"));
            assert_eq!(titles.iter().map(|f| f["title"].as_str().unwrap()).collect::<Vec<_>>(), expected);
            assert_eq!(ticket["operations"]["nodes"].as_array().unwrap().len(), 3);
            assert_eq!(ticket["operations"]["nodes"][2]["attempts"]["nodes"][0]["number"], 1);
        }
        assert_eq!(statements, STATEMENTS, "with {first} tickets");
    }
}

#[actix_web::test]
async fn the_traces_of_a_page_cost_five_statements() {
    let ground = fixtures::ground().await;
    let acme = Place::new(&ground, "acme").await;
    let endpoint = acme.endpoint().await;
    let mut deliveries: Vec<webhook_delivery::Model> = Vec::new();
    for n in 0..7 {
        let delivery = acme.delivery(&endpoint, b"{}").await;
        let ticket = acme.ticket("", Timestamp::from_secs(n)).await;
        let event = acme.event(&delivery, 0, Some(&ticket)).await;
        acme.operation(&ticket, 1, Some(event.id)).await;
        deliveries.push(delivery);
    }
    let door = door(&ground, Settings::default());
    let id = ids::encode::<entity::organization::Entity>(acme.organization_id);
    let query = "query($id: ID!) { node(id: $id) { ... on Organization {
        webhookDeliveries { nodes { trace { stage subject { id } } } } } } }";
    let before = ground.db.statements();
    let data = ask(&door, "operator", query, json!({ "id": id.as_str() })).await;
    let nodes = data["node"]["webhookDeliveries"]["nodes"].as_array().unwrap();
    assert_eq!(nodes.len(), deliveries.len());
    assert!(nodes.iter().all(|node| node["trace"].as_array().unwrap().len() == 9), "{data:#}");
    assert_eq!(ground.db.statements() - before, 2 + 5, "organization, deliveries and their traces");
}
