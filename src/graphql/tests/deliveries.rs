use entity::{Timestamp, organization, ticket, ticket_operation, webhook_delivery};

use super::*;
use crate::{
    fixtures::{self, Place},
    graphql::ids,
};

#[actix_web::test]
async fn a_body_is_shown_as_json_as_text_or_in_base64() {
    let ground = fixtures::ground().await;
    let acme = Place::new(&ground, "acme").await;
    let endpoint = acme.endpoint().await;
    let door = door(&ground, Settings::default());
    let query = "query($id: ID!) { node(id: $id) { ... on WebhookDelivery {
        payload payloadText payloadBase64 headers { name value } webhookEndpoint { name } } } }";
    let cases: [(&[u8], Value, Value, Value); 3] = [
        (b"{\"a\": [1]}", json!({"a": [1]}), json!("{\"a\": [1]}"), Value::Null),
        (b"<xml/>", Value::Null, json!("<xml/>"), Value::Null),
        (&[0xff, 0x00], Value::Null, Value::Null, json!("/wA=")),
    ];
    for (body, as_json, text, base64) in cases {
        let row = acme.delivery(&endpoint, body).await;
        let id = ids::encode::<webhook_delivery::Entity>(row.id);
        let before = ground.db.statements();
        let data = ask(&door, "operator", query, json!({ "id": id.as_str() })).await;
        let node = &data["node"];
        assert_eq!(
            (&node["payload"], &node["payloadText"], &node["payloadBase64"]),
            (&as_json, &text, &base64)
        );
        assert_eq!(node["headers"], json!([{ "name": "content-type", "value": "application/json" }]));
        assert_eq!(node["webhookEndpoint"]["name"], "Scanner");
        assert_eq!(ground.db.statements() - before, 3, "the delivery, its body once, the endpoint");
    }
}

#[actix_web::test]
async fn a_trace_tells_the_way_from_the_bytes_to_the_ticket() {
    let ground = fixtures::ground().await;
    let acme = Place::new(&ground, "acme").await;
    let delivery = acme.delivery(&acme.endpoint().await, b"[]").await;
    let row = acme.ticket("Old OpenSSL", Timestamp::from_secs(1)).await;
    let opened = acme.event(&delivery, 0, Some(&row)).await;
    let operation = acme.operation(&row, 1, Some(opened.id)).await;
    acme.operation(&row, 2, None).await;
    acme.event(&delivery, 1, None).await;
    let door = door(&ground, Settings::default());
    let query = "query($id: ID!) { node(id: $id) { ... on WebhookDelivery {
        trace { stage result explanation subject { __typename id } } } } }";
    let id = ids::encode::<webhook_delivery::Entity>(delivery.id);
    let data = ask(&door, "operator", query, json!({ "id": id.as_str() })).await;
    let steps = data["node"]["trace"].as_array().unwrap();
    let told: Vec<String> = steps
        .iter()
        .map(|step| {
            let text = |key: &str| step[key].as_str().unwrap_or_default().to_owned();
            format!(
                "{} {} {}",
                step["subject"]["__typename"].as_str().unwrap(),
                text("stage"),
                text("result")
            )
        })
        .collect();
    let message = format!("WebhookDelivery RECEIVED {}", delivery.message_id);
    assert_eq!(
        told,
        [
            message.as_str(),
            "WebhookDelivery VERIFIED standard_webhooks.v1",
            "Event READ finding.opened",
            "Event COMPANY found",
            "Event POLICY matches",
            "Event OUTCOME opened: finding_opened",
            "TicketOperation OPERATION create: done",
            "TicketOperation ATTEMPT done",
            "Ticket TICKET open",
            "Event READ finding.opened",
            "Event COMPANY found",
            "Event POLICY matches",
            "Event OUTCOME held: unmapped_company",
        ]
    );
    let subject = ids::encode::<ticket_operation::Entity>(operation.id).to_string();
    assert_eq!(steps[6]["subject"]["id"], subject);
}

#[actix_web::test]
async fn lists_are_filtered_and_ordered_and_a_foreign_id_is_refused_by_name() {
    let ground = fixtures::ground().await;
    let acme = Place::new(&ground, "acme").await;
    let delivery = acme.delivery(&acme.endpoint().await, b"[]").await;
    let row = acme.ticket("Old OpenSSL 100%", Timestamp::from_secs(50)).await;
    acme.ticket("Weak password", Timestamp::from_secs(60)).await;
    acme.event(&delivery, 0, Some(&row)).await;
    acme.event(&delivery, 1, None).await;
    let door = door(&ground, Settings::default());
    let id = ids::encode::<organization::Entity>(acme.organization_id).to_string();
    let company = ids::encode::<entity::company::Entity>(acme.company_id).to_string();
    let count = async |lists: &str| {
        let query = format!(
            "query($id: ID!) {{ node(id: $id) {{ ... on Organization {{ list: {lists} {{ totalCount nodes {{ id }} }} }} }} }}"
        );
        let data = ask(&door, "operator", &query, json!({ "id": id })).await;
        let list = &data["node"]["list"];
        assert_eq!(list["totalCount"], list["nodes"].as_array().unwrap().len());
        list["totalCount"].as_u64().unwrap()
    };
    assert_eq!(count("tickets").await, 2);
    assert_eq!(count("tickets(filter: {query: \"openssl 100%\"})").await, 1);
    assert_eq!(count("tickets(filter: {query: \"10_%\"})").await, 0);
    assert_eq!(count("tickets(filter: {createdAt: {gte: \"1970-01-01T00:00:55Z\"}})").await, 1);
    assert_eq!(count("tickets(filter: {createdAt: {lt: \"1970-01-01T01:00:50+01:00\"}})").await, 0);
    assert_eq!(count("tickets(filter: {state: {in: [OPEN, FAILED]}, severity: {gte: HIGH}})").await, 2);
    assert_eq!(count("tickets(filter: {severity: {in: [LOW]}})").await, 0);
    assert_eq!(count("tickets(filter: {state: {in: []}})").await, 0);
    assert_eq!(count(&format!("tickets(filter: {{company: {{id: {{eq: \"{company}\"}}}}}})")).await, 2);
    assert_eq!(
        count("tickets(orderBy: {field: SEVERITY, direction: ASC}, filter: {isTest: false})").await,
        2
    );
    assert_eq!(count("events(filter: {outcome: {in: [HELD]}, reason: {eq: \"unmapped_company\"}})").await, 1);
    assert_eq!(count("events(orderBy: {field: OCCURRED_AT, direction: ASC})").await, 2);
    assert_eq!(count("webhookDeliveries(filter: {state: {in: [UNDERSTOOD]}, query: \"MSG_\"})").await, 1);
    assert_eq!(count("ticketOperations(filter: {state: {in: [FAILED]}, kind: {in: [CREATE]}})").await, 0);
    assert_eq!(count("findings(filter: {source: {in: [\"acme-scanner\"]}})").await, 0);

    let wrong = format!(
        "query($id: ID!) {{ node(id: $id) {{ ... on Organization {{ tickets(filter: {{company: {{id: {{eq: \"{id}\"}}}}}}) {{ totalCount }} }} }} }}"
    );
    let answer = call(&door, post(&wrong, &json!({ "id": id }))).await;
    assert_eq!(answer.code(), "BAD_USER_INPUT");
    assert_eq!(
        answer.json()["errors"][0]["message"],
        "this is an id of the type Organization; give one of the type Company"
    );
}

#[actix_web::test]
async fn what_a_neighbour_or_a_viewer_does_is_refused_and_what_is_mistyped_is_a_user_error() {
    let ground = fixtures::ground().await;
    let (acme, other) = (Place::new(&ground, "acme").await, Place::new(&ground, "other").await);
    let delivery = acme.delivery(&acme.endpoint().await, b"[]").await;
    let row = acme.ticket("one", Timestamp::from_secs(1)).await;
    let door = door(&ground, Settings::default());
    let redrive = "mutation($id: ID!) { webhookDeliveryRedrive(input: {id: $id}) {
        webhookDelivery { state } userErrors { code field message } } }";
    let id = ids::encode::<webhook_delivery::Entity>(delivery.id).to_string();

    let as_other = format!("Bearer {}", other.organization_id);
    let request = post(redrive, &json!({ "id": id })).insert_header(("authorization", as_other));
    let answer = call(&door, request).await;
    assert_eq!(answer.code(), "NOT_FOUND");
    assert_eq!(answer.json()["errors"][0]["path"], json!(["webhookDeliveryRedrive"]));

    let ticket_id = ids::encode::<ticket::Entity>(row.id).to_string();
    let data = ask(&door, "operator", redrive, json!({ "id": ticket_id })).await;
    let payload = &data["webhookDeliveryRedrive"];
    assert_eq!(payload["webhookDelivery"], Value::Null);
    assert_eq!(payload["userErrors"][0]["code"], "INVALID");
    assert_eq!(payload["userErrors"][0]["field"], json!(["input", "id"]));

    let data = ask(&door, &acme.organization_id.to_string(), redrive, json!({ "id": id })).await;
    assert_eq!(
        data["webhookDeliveryRedrive"],
        json!({ "webhookDelivery": { "state": "RECEIVED" }, "userErrors": [] })
    );
}
