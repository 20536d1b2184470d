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

#[actix_web::test]
async fn a_strangers_thing_a_missing_one_and_no_id_at_all_look_and_cost_the_same() {
    let ground = fixtures::ground().await;
    let (acme, other) = (Place::new(&ground, "acme").await, Place::new(&ground, "other").await);
    let ticket = acme.ticket("secret", Timestamp::from_secs(1)).await;
    let door = door(&ground, Settings::default());
    let ticket_id = |id| ids::encode::<entity::ticket::Entity>(id).to_string();
    let unknown_type = crate::global_id::encode("Nothing", ticket.id);
    let (theirs, missing) = (ticket_id(ticket.id), ticket_id(Uuid::from_u128(7)));
    let mut seen = Vec::new();
    for id in [theirs.as_str(), &missing, &id_of(&acme), &unknown_type, "no id", "", "\u{0}", "4711"] {
        let before = ground.db.statements();
        let token = other.organization_id.to_string();
        let request = post("query($id: ID!) { node(id: $id) { id __typename } }", &json!({ "id": id }));
        let answer = call(&door, request.insert_header(("authorization", format!("Bearer {token}")))).await;
        let mut body = answer.json();
        // What is left of the budget is less each time.
        body["extensions"]["cost"]["throttleStatus"] = Value::Null;
        seen.push((answer.status, body, ground.db.statements() - before));
    }
    assert_eq!(seen[0].1["data"]["node"], Value::Null);
    assert_eq!(seen[0].2, 1);
    assert!(seen.iter().all(|one| *one == seen[0]), "{seen:#?}");
}

#[actix_web::test]
async fn every_screen_finds_what_it_filters_for() {
    let ground = fixtures::ground().await;
    let acme = Place::new(&ground, "acme").await;
    let branch = acme.another("Branch").await;
    let (open, old) = (
        acme.ticket("Old OpenSSL", Timestamp::from_secs(10)).await,
        branch.ticket("Disk full", Timestamp::from_secs(20)).await,
    );
    let closed = entity::ticket::Model {
        state: entity::ticket::TicketState::Closed,
        closed_at: Some(Timestamp::from_secs(50)),
        external_number: Some("4711".to_owned()),
        ..old
    };
    change(&ground, closed).await;
    acme.finding("Old OpenSSL", Timestamp::from_secs(10)).await;
    let endpoint = acme.endpoint().await;
    let delivery = acme.delivery(&endpoint, b"{}").await;
    acme.event(&delivery, 0, None).await;
    acme.operation(&open, 1, None).await;
    let now = ground.clock.now();
    acme.mapping().await;
    acme.insert(entity::company_alias::Model {
        id: ground.chance.id(now),
        organization_id: acme.organization_id,
        company_id: acme.company_id,
        source: "*".to_owned(),
        value: "tenant-17".to_owned(),
        created_at: now,
    })
    .await;
    let door = door(&ground, Settings::default());
    let connection = ids::encode::<entity::psa_connection::Entity>(acme.psa_connection_id);
    let message = &delivery.message_id;
    for (list, count) in [
        ("tickets(filter: { platform: { eq: \"halo\" } })".to_owned(), 2),
        ("tickets(filter: { platform: { in: [\"syncro\"] } })".to_owned(), 0),
        ("tickets(filter: { closedAt: { gte: \"1970-01-01T00:00:50Z\" } })".to_owned(), 1),
        ("tickets(filter: { updatedAt: { lt: \"1970-01-01T00:00:20Z\" } })".to_owned(), 1),
        ("tickets(orderBy: { field: CLOSED_AT })".to_owned(), 1),
        ("tickets(filter: { query: \"4711\" })".to_owned(), 1),
        ("tickets(filter: { query: \"openssl\", state: { in: [OPEN] } })".to_owned(), 1),
        ("tickets(filter: { query: \"openssl\", state: { in: [CLOSED] } })".to_owned(), 0),
        ("findings(filter: { category: { eq: \"vulnerability\" }, query: \"SRV-1\" })".to_owned(), 1),
        ("findings(filter: { query: \"uid\" })".to_owned(), 0),
        ("findings(filter: { kind: { eq: \"finding.resolved\" } })".to_owned(), 0),
        ("events(filter: { source: { eq: \"acme-scanner\" }, query: \"openssl\" })".to_owned(), 1),
        ("webhookDeliveries(filter: { sender: { eq: \"events\" } })".to_owned(), 1),
        ("webhookDeliveries(filter: { sender: { eq: \"halo\" } })".to_owned(), 0),
        (format!("webhookDeliveries(filter: {{ query: \"{message}\" }})"), 1),
        ("ticketOperations(filter: { nextAttemptAt: {} })".to_owned(), 0),
        ("ticketOperations(orderBy: { field: RUN_AT, direction: ASC })".to_owned(), 1),
        ("companies(filter: { isMapped: false }, orderBy: { field: CREATED_AT })".to_owned(), 1),
        ("companies(filter: { isMapped: true })".to_owned(), 1),
        (format!("companies(filter: {{ unmappedOn: \"{}\" }})", connection.as_str()), 1),
        ("companies(filter: { query: \"TENANT-17\" })".to_owned(), 1),
        ("companyMappings(filter: { query: \"company of\" }, orderBy: { field: UPDATED_AT })".to_owned(), 1),
        ("psaConnections(filter: { health: { in: [UNVERIFIED] }, query: \"bran\" })".to_owned(), 1),
        ("psaConnections(filter: { health: { in: [HEALTHY] } })".to_owned(), 0),
        ("ticketProfiles(filter: { isDefault: true, query: \"branch\" })".to_owned(), 1),
        (
            "webhookEndpoints(filter: { registration: { in: [BY_HAND] } }, orderBy: { field: NAME })"
                .to_owned(),
            1,
        ),
        ("accessTokens(filter: { state: { in: [ACTIVE] } })".to_owned(), 0),
        ("syncRuns(filter: { status: { in: [FAILED] }, kind: { in: [COMPANIES] } })".to_owned(), 0),
    ] {
        let query = format!(
            "query($id: ID!) {{ node(id: $id) {{ ... on Organization {{ list: {list} {{ totalCount nodes {{ id }} }} }} }} }}"
        );
        let data = ask(&door, "operator", &query, json!({ "id": id_of(&acme) })).await;
        let nodes = data["node"]["list"]["nodes"].as_array().unwrap();
        assert_eq!((nodes.len(), &data["node"]["list"]["totalCount"]), (count, &json!(count)), "{list}");
    }
    let unmapped = "query($id: ID!) { node(id: $id) { ... on PsaConnection {
        psaCompanies(filter: { isMapped: false }) { totalCount } } } }";
    let of = |place: &Place| json!({ "id": ids::encode::<entity::psa_connection::Entity>(place.psa_connection_id).as_str() });
    let count = async |place: &Place| {
        let data = ask(&door, "operator", unmapped, of(place)).await;
        data["node"]["psaCompanies"]["totalCount"].clone()
    };
    assert_eq!((count(&acme).await, count(&branch).await), (json!(0), json!(1)));
}

pub(super) async fn change(ground: &Ground, row: entity::ticket::Model) {
    use sea_orm::{ActiveModelTrait as _, IntoActiveModel as _};
    let row = row.into_active_model().reset_all();
    ground
        .db
        .write::<_, sea_orm::DbErr, _>(move |tx| Box::pin(async move { row.update(tx).await.map(|_| ()) }))
        .await
        .unwrap();
}
