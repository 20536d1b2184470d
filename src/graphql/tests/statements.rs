use entity::{
    Timestamp, company_alias, event, pick_list,
    sync_run::{self, SyncKind, SyncStatus},
    webhook_delivery, webhook_endpoint, webhook_secret,
};

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

/// One of everything, each on its own company and connection.
async fn one_of_everything(place: &Place) {
    let (organization_id, now) = (place.organization_id, place.ground.clock.now());
    let id = || place.ground.chance.id(now);
    let alias = id();
    place
        .insert(company_alias::Model {
            id: alias,
            organization_id,
            company_id: place.company_id,
            source: "*".to_owned(),
            value: alias.to_string(),
            created_at: now,
        })
        .await;
    place.mapping().await;
    place
        .insert(pick_list::Model {
            id: id(),
            organization_id,
            psa_connection_id: place.psa_connection_id,
            key: "status".to_owned(),
            items: json!([]),
            problem: None,
            synced_at: now,
        })
        .await;
    place
        .insert(sync_run::Model {
            id: id(),
            organization_id,
            psa_connection_id: place.psa_connection_id,
            kind: SyncKind::PickLists,
            filter: json!({}),
            status: SyncStatus::Succeeded,
            done_count: 1,
            total_count: Some(1),
            problem: None,
            created_at: now,
            started_at: Some(now),
            finished_at: Some(now),
            cursor: None,
            due_at: None,
            page_count: 1,
            created_count: 0,
            updated_count: 0,
            unchanged_count: 0,
            failed_count: 0,
            is_scheduled: false,
        })
        .await;
    let endpoint = webhook_endpoint::Model {
        version: 1,
        registration: webhook_endpoint::Registration::ByHand,
        registered_id: None,
        registration_message: None,
        registration_checked_at: None,
        registration_due_at: None,
        wanted_key: None,
        allowed_addresses: None,
        settings: None,
        mode: webhook_endpoint::Mode::Live,
        baseline_until: None,
        id: id(),
        organization_id,
        key: place.ground.chance.alphanumeric(32),
        name: "PSA".to_owned(),
        sender: "halo".to_owned(),
        psa_connection_id: Some(place.psa_connection_id),
        scheme: "basic".to_owned(),
        is_enabled: true,
        created_at: now,
        updated_at: now,
    };
    let endpoint = place.insert(endpoint).await;
    place
        .insert(webhook_secret::Model {
            key_name: None,
            id: id(),
            organization_id,
            webhook_endpoint_id: endpoint.id,
            sealed: Vec::new(),
            hint: "abcd".to_owned(),
            created_at: now,
            expires_at: None,
        })
        .await;
    let ticket = place.ticket("one", now).await;
    let finding = place.finding("one", now).await;
    place.put_on(&ticket, &finding).await;
    let delivery = place.delivery(&endpoint, b"{}").await;
    let event = event::Model {
        id: id(),
        position: 1,
        finding_id: Some(finding.id),
        ..place.event(&delivery, 0, Some(&ticket)).await
    };
    let event = place.insert(event).await;
    place.operation(&ticket, 1, Some(event.id)).await;
}

/// Pages as dashboards show them: fifty rows, what they refer to, and how long the list is. A name and a query.
const SCREENS: &[(&str, &str)] = &[
    (
        "tickets",
        "tickets(first: 50) { totalCount pageInfo { hasNextPage endCursor } nodes {
        title state severity company { name } psaConnection { name platform { label } }
        findings(first: 3) { nodes { title severity } } } }",
    ),
    (
        "findings",
        "findings(first: 50) { totalCount pageInfo { hasNextPage endCursor } nodes {
        title company { name } tickets(first: 1) { nodes { externalNumber psaConnection { name } } } } }",
    ),
    (
        "webhookDeliveries",
        "webhookDeliveries(first: 50) { totalCount totalCountIsExact pageInfo { endCursor } nodes {
        state webhookEndpoint { name } events(first: 5) { nodes { outcome company { name } } } } }",
    ),
    (
        "companyMappings",
        "companyMappings(first: 50) { totalCount pageInfo { endCursor } nodes {
        company { name } psaCompany { name } psaConnection { name } isTicketingEnabled } }",
    ),
    (
        "psaConnections",
        "psaConnections(first: 50) { totalCount pageInfo { endCursor } nodes {
        name health { status } company { name } webhookHealth { registration lastReceivedAt }
        ticketProfiles { totalCount } } }",
    ),
];

#[actix_web::test]
async fn a_page_of_fifty_rows_of_a_dashboard_costs_six_statements() {
    let ground = fixtures::ground().await;
    let acme = Place::new(&ground, "acme").await;
    for n in 0..52 {
        one_of_everything(&acme.another(&format!("Branch {n:02}")).await).await;
    }
    let door = door(&ground, Settings::default());
    let id = ids::encode::<entity::organization::Entity>(acme.organization_id);
    for (list, screen) in SCREENS {
        let query = format!("query($id: ID!) {{ node(id: $id) {{ ... on Organization {{ {screen} }} }} }}");
        let before = ground.db.statements();
        let data = ask(&door, "operator", &query, json!({ "id": id.as_str() })).await;
        let statements = ground.db.statements() - before;
        assert_eq!(data["node"][list]["nodes"].as_array().unwrap().len(), 50, "{list}");
        assert!(data["node"][list]["totalCount"].as_i64().unwrap() >= 52, "{list}");
        assert!(statements <= 6, "{list}: {statements} statements");
    }
}

const LISTS: &[&str] = &[
    "companies(first: 10) { nodes { aliases { value } tickets(first: 2) { nodes { title } }
        mappings { nodes { psaCompany { name } psaConnection { name } ticketProfile { name } } } } }",
    "psaConnections(first: 10) { nodes { platform { __typename } psaCompanies(first: 2) { nodes { name } }
        ticketProfiles { nodes { name } } webhookEndpoints { nodes { name } }
        syncRuns { nodes { status } } pickLists { key } } }",
    "companyMappings(first: 10) { nodes { company { name } psaCompany { name } psaConnection { name }
        ticketProfile { name } } }",
    "ticketProfiles(first: 10) { nodes { problems { code } } }",
    "webhookEndpoints(first: 10) { nodes { psaConnection { name } secrets { hint } } }",
    "events(first: 10) { nodes { finding { title } ticket { title } company { name }
        webhookDelivery { messageId } } }",
    "findings(first: 10) { nodes { company { name } tickets { nodes { title } } events { nodes { kind } } } }",
    "ticketOperations(first: 10) { nodes { ticket { title } psaConnection { name } event { kind }
        attempts { nodes { number } } } }",
];

#[actix_web::test]
async fn ten_rows_of_any_list_cost_as_many_statements_as_two() {
    let ground = fixtures::ground().await;
    let mut places = Vec::new();
    for (slug, rows) in [("few", 2), ("many", 10)] {
        let place = Place::new(&ground, slug).await;
        one_of_everything(&place).await;
        for n in 1..rows {
            one_of_everything(&place.another(&format!("{slug} {n}")).await).await;
        }
        places.push((ids::encode::<entity::organization::Entity>(place.organization_id), rows));
    }
    let door = door(&ground, Settings::default());
    for list in LISTS {
        let query =
            format!("query($id: ID!) {{ node(id: $id) {{ ... on Organization {{ list: {list} }} }} }}");
        let mut costs = Vec::new();
        for (id, rows) in &places {
            let before = ground.db.statements();
            let data = ask(&door, "operator", &query, json!({ "id": id.as_str() })).await;
            costs.push(ground.db.statements() - before);
            let nodes = data["node"]["list"]["nodes"].as_array().unwrap();
            assert!(nodes.len() >= *rows, "{list}: {data:#}");
        }
        assert_eq!(costs[0], costs[1], "{list}");
    }
}
