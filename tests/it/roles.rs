//! Every role does what the table says and nothing else, in its own organization and in nobody else's.

use std::collections::BTreeMap;

use psa_gateway::organizations::permissions::{NEEDS, Permission, ROLES};
use serde_json::{Value, json};

use crate::{
    support::{TestApp, finding, text},
    walls::{document, everything, ids, is_refused, mutations, root_fields},
};

/// What ends other things stands last, so that everything is still there when it is asked for.
const LAST: &[&str] = &[
    "memberRemove",
    "companyAliasRemove",
    "ticketProfileDelete",
    "companyMappingRemove",
    "companyMappingRemoveMany",
    "policyDelete",
    "eventSetDelete",
    "findingUnmute",
    "maintenanceWindowDelete",
    "companyValueDelete",
    "syncScheduleRemove",
    "companyDelete",
    "psaConnectionDelete",
    "psaConnectionClear",
    "webhookSubscriberDelete",
    "accessTokenRevoke",
];

fn codes(answer: &Value) -> Vec<&str> {
    let errors = answer["errors"].as_array().into_iter().flatten();
    errors.filter_map(|error| error["extensions"]["code"].as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_table_names_every_mutation() {
    let app = TestApp::start().await;
    let (in_schema, queries) =
        (root_fields(&app, "mutationType").await, root_fields(&app, "queryType").await);
    let named: std::collections::BTreeSet<_> = NEEDS.iter().map(|(name, _)| (*name).to_owned()).collect();
    // Queries stand there where they need more than reading.
    assert_eq!(named.difference(&queries).cloned().collect::<std::collections::BTreeSet<_>>(), in_schema);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_role_does_what_the_table_says_and_nothing_else() {
    let needs: BTreeMap<_, _> = NEEDS.iter().copied().collect();
    let (mut asked, mut in_schema) = (0, 0);
    for (role, name) in ROLES {
        let app = TestApp::start().await;
        let stranger = app.msp("stranger").await.ready().await;
        in_schema += root_fields(&app, "mutationType").await.len();
        let slug = name.to_lowercase();
        let msp = app.msp(&slug).await.ready().await;
        // The oldest token is the one that mutations try to withdraw; the newest asks.
        msp.token("VIEWER").await;
        msp.posts(&finding(&format!("CVE-{slug}"))).await.is_accepted();
        app.drain().await;
        msp.limits_billing().await;
        msp.copies_tickets().await;
        msp.makes_event_set("Secrets").await;
        msp.plans_quiet().await;
        msp.makes_subscriber("Vendor").await;
        msp.bills_what_is_used().await;
        let own = ids(&app, &msp).await;
        let (mine, theirs) = (msp.token(name).await, stranger.token(name).await);
        let mut inputs = mutations(&own);
        inputs.sort_by_key(|(mutation, _)| LAST.iter().position(|last| last == mutation));

        let before = everything(&app, &msp).await;
        for (mutation, input) in &inputs {
            asked += 2;
            let input = json!({ "input": input });
            let other = app.graphql_as(&theirs, &document(mutation), input.clone()).await;
            assert!(is_refused(&other, mutation), "{mutation} by another organization's {name}: {other:#}");
            if !needs[mutation].is_held_by(role) {
                let answer = app.graphql_as(&mine, &document(mutation), input).await;
                assert_eq!(codes(&answer), ["FORBIDDEN"], "{mutation} by a {name}: {answer:#}");
                assert_eq!(answer["data"][mutation], Value::Null, "{mutation} by a {name}: {answer:#}");
            }
        }
        assert_eq!(everything(&app, &msp).await, before, "what a {name} may not do changed something");
        for (mutation, input) in inputs {
            if needs[mutation].is_held_by(role) {
                let answer = app.graphql_as(&mine, &document(mutation), json!({ "input": input })).await;
                assert_eq!(codes(&answer), [""; 0], "{mutation} by a {name}: {answer:#}");
            }
        }
    }
    assert_eq!(asked, 2 * in_schema);
}

const QUERIES: &str = "query($id: ID!, $slug: String!, $ticket: ID!, $connection: ID!, $external: String!) {
    viewer { role permissions isOperator organization { slug } }
    node(id: $id) { id } nodes(ids: [$ticket]) { id }
    organizationBySlug(slug: $slug) { id }
    organizations(first: 100) { nodes { slug } }
    ticketByExternalId(psaConnectionId: $connection, externalId: $external) { id }
    platforms { key } platform(key: \"halo\") { key } senders { key } ticketTemplateVariables { name }
    eventCatalogue { categories { key } } policyPresets { key } }";

#[tokio::test(flavor = "multi_thread")]
async fn every_role_sees_its_own_organization_and_nothing_of_another() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.ready().await;
    acme.token("VIEWER").await;
    acme.posts(&finding("CVE-1")).await.is_accepted();
    app.drain().await;
    acme.limits_billing().await;
    acme.makes_event_set("Secrets").await;
    acme.plans_quiet().await;
    acme.makes_subscriber("Vendor").await;
    acme.bills_what_is_used().await;
    let stranger = app.msp("stranger").await.ready().await;
    let own = ids(&app, &acme).await;
    let variables = json!({
        "id": own.organization, "slug": "acme", "ticket": own.ticket, "connection": own.connection,
        "external": own.external_id,
    });
    for (role, name) in ROLES {
        let seen = app.graphql_as(&acme.token(name).await, QUERIES, variables.clone()).await;
        assert_eq!(codes(&seen), [""; 0], "{name}: {seen:#}");
        let data = &seen["data"];
        assert_eq!(data["node"]["id"], json!(own.organization));
        assert_eq!(data["nodes"][0]["id"], json!(own.ticket));
        assert_eq!(data["ticketByExternalId"]["id"], json!(own.ticket));
        assert_eq!(data["organizations"]["nodes"], json!([{ "slug": "acme" }]));
        let held: Vec<_> =
            Permission::ALL.into_iter().filter(|p| p.is_held_by(role)).map(Permission::name).collect();
        assert_eq!(data["viewer"]["permissions"], json!(held), "{name}");

        let other = app.graphql_as(&stranger.token(name).await, QUERIES, variables.clone()).await;
        assert_eq!(codes(&other), [""; 0], "{name}: {other:#}");
        for field in ["node", "organizationBySlug", "ticketByExternalId"] {
            assert_eq!(other["data"][field], Value::Null, "{field} for a stranger's {name}");
        }
        assert_eq!(other["data"]["nodes"], json!([null]));
        assert_eq!(other["data"]["organizations"]["nodes"], json!([{ "slug": "stranger" }]));

        // Fields that need more than reading are null for others, and say so where they stand.
        let fields = "query($id: ID!, $delivery: ID!) {
            organization: node(id: $id) { ... on Organization { name accessTokens(first: 1) { nodes { id } } } }
            delivery: node(id: $delivery) { ... on WebhookDelivery { messageId payloadText } } }";
        let variables = json!({ "id": own.organization, "delivery": own.delivery });
        let seen = app.graphql_as(&acme.token(name).await, fields, variables).await;
        let data = &seen["data"];
        let (tokens, payloads) =
            (Permission::ManageAccess.is_held_by(role), Permission::ReadPayloads.is_held_by(role));
        assert_eq!(data["organization"]["accessTokens"].is_object(), tokens, "{name}: {seen:#}");
        assert_eq!(data["delivery"]["payloadText"].is_string(), payloads, "{name}: {seen:#}");
        assert!(data["organization"]["name"].is_string() && data["delivery"]["messageId"].is_string());
        let refused = usize::from(!tokens) + usize::from(!payloads);
        assert_eq!(codes(&seen), vec!["FORBIDDEN"; refused], "{name}: {seen:#}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_gives_what_they_do_not_hold() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await;
    let administrator = acme.token("ADMINISTRATOR").await;
    let give =
        |role: &str| json!({ "input": { "organizationId": acme.organization, "name": role, "role": role } });
    let query = "mutation($input: AccessTokenCreateInput!) { accessTokenCreate(input: $input) {
        accessToken { id } userErrors { message } } }";
    let owner = app.graphql_as(&administrator, query, give("OWNER")).await;
    assert_eq!(codes(&owner), ["FORBIDDEN"], "{owner:#}");
    let message = text(&owner, "/errors/0/message");
    assert!(message.contains("MANAGE_OWNERS") && message.contains("OWNER"), "{message}");
    let technician = app.graphql_as(&administrator, query, give("TECHNICIAN")).await;
    assert!(technician["data"]["accessTokenCreate"]["accessToken"]["id"].is_string(), "{technician:#}");
}
