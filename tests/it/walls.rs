//! Organizations are walls: every query and every mutation, asked by the neighbour.

mod things;

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::{TestApp, finding, text};
use things::{EVERYTHING, references};
pub use things::{Ids, everything, ids, mutations};

/// Everything of the schema's root that is asked here. A field that is new in the schema and not in this
/// list fails the test.
const QUERIES: &[&str] = &[
    "accessTokens",
    "auditLog",
    "eventCatalogue",
    "members",
    "node",
    "nodes",
    "organizationBySlug",
    "organizations",
    "platform",
    "platforms",
    "policyPresets",
    "policyPreview",
    "senders",
    "ticketByExternalId",
    "ticketTemplateVariables",
    "viewer",
    "webhookEndpointTryReading",
];

/// The names of the root's fields.
pub async fn root_fields(app: &TestApp, root: &str) -> BTreeSet<String> {
    let schema =
        app.graphql(&format!("{{ __schema {{ {root} {{ fields {{ name }} }} }} }}"), json!({})).await;
    let fields = schema["__schema"][root]["fields"].as_array().expect("fields").clone();
    fields.iter().map(|field| text(field, "/name")).collect()
}

pub fn document(mutation: &str) -> String {
    let input = format!("{}{}Input", mutation[..1].to_uppercase(), &mutation[1..]);
    let each = if mutation.ends_with("Many") || mutation == "usageReport" {
        "results { userErrors { code } }"
    } else {
        ""
    };
    format!(
        "mutation($input: {input}!) {{ {mutation}(input: $input) {{ __typename {each} userErrors {{ code message }} }} }}"
    )
}

pub fn is_refused(answer: &Value, mutation: &str) -> bool {
    let codes: Vec<_> = answer["errors"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|error| error["extensions"]["code"].as_str())
        .collect();
    let user_errors = answer["data"][mutation]["userErrors"].as_array().map_or(0, Vec::len);
    (!codes.is_empty() && codes.iter().all(|code| matches!(*code, "NOT_FOUND" | "FORBIDDEN")))
        || user_errors > 0
        || answer["data"][mutation]["results"].as_array().is_some_and(|results| {
            results
                .iter()
                .all(|result| result["userErrors"].as_array().is_some_and(|errors| !errors.is_empty()))
        })
}

#[tokio::test(flavor = "multi_thread")]
async fn the_neighbour_sees_and_changes_nothing_by_any_query_or_mutation() {
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
    let next_door = app.msp("neighbour").await.ready().await;
    let neighbour = next_door.token("ADMINISTRATOR").await;
    next_door.posts(&finding("CVE-2")).await.is_accepted();
    app.drain().await;
    next_door.limits_billing().await;
    next_door.makes_event_set("Secrets").await;
    next_door.plans_quiet().await;
    next_door.makes_subscriber("Vendor").await;
    next_door.bills_what_is_used().await;
    let (theirs, before) = (ids(&app, &acme).await, everything(&app, &acme).await);

    let inputs = mutations(&theirs);
    let known: BTreeSet<_> = inputs.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(root_fields(&app, "mutationType").await, known, "every mutation is tried");
    for (mutation, input) in inputs {
        let answer = app.graphql_as(&neighbour, &document(mutation), json!({ "input": input })).await;
        assert!(is_refused(&answer, mutation), "{mutation}: {answer:#}");
    }

    let own = ids(&app, &next_door).await;
    let own_before = everything(&app, &next_door).await;
    let everywhere = json!({ "name": "everywhere", "role": "ADMINISTRATOR" });
    let refused = references(&own, &theirs).into_iter().chain([
        ("accessTokenCreate", everywhere),
        // One's own finding has a ticket already: this one only ever is refused.
        (
            "ticketLink",
            json!({ "findingId": own.finding, "psaConnectionId": theirs.connection, "externalId": "1" }),
        ),
    ]);
    for (mutation, input) in refused {
        let answer = app.graphql_as(&neighbour, &document(mutation), json!({ "input": input })).await;
        assert!(is_refused(&answer, mutation), "{mutation} with {input}: {answer:#}");
    }
    assert_eq!(everything(&app, &next_door).await, own_before, "nothing of their own was changed");

    let known: BTreeSet<_> = QUERIES.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(root_fields(&app, "queryType").await, known, "every query is tried");
    let all = [
        &theirs.organization,
        &theirs.token,
        &theirs.member,
        &theirs.company,
        &theirs.alias,
        &theirs.mapping,
        &theirs.psa_company,
        &theirs.policy,
        &theirs.event_set,
        &theirs.window,
        &theirs.mute,
        &theirs.connection,
        &theirs.profile,
        &theirs.endpoint,
        &theirs.delivery,
        &theirs.event,
        &theirs.finding,
        &theirs.ticket,
        &theirs.operation,
        &theirs.permission,
        &theirs.subscriber,
        &theirs.notification,
        &theirs.billing_line,
        &theirs.billing_entry,
        &theirs.psa_billing_line,
        &theirs.usage_mark,
        &theirs.usage_report,
    ];
    for id in all {
        let seen =
            app.graphql_as(&neighbour, "query($id: ID!) { node(id: $id) { id } }", json!({ "id": id })).await;
        assert_eq!(seen["data"]["node"], Value::Null, "{seen:#}");
    }
    let answer = app
        .graphql_as(
            &neighbour,
            "query($ids: [ID!]!, $connection: ID!, $external: String!) {
               nodes(ids: $ids) { id }
               organizationBySlug(slug: \"acme\") { id }
               organizations(first: 100) { nodes { slug } }
               ticketByExternalId(psaConnectionId: $connection, externalId: $external) { id } }",
            json!({ "ids": all, "connection": theirs.connection, "external": theirs.external_id }),
        )
        .await;
    let data = &answer["data"];
    assert!(data["nodes"].as_array().is_some_and(|nodes| nodes.iter().all(Value::is_null)), "{answer:#}");
    for field in ["organizationBySlug", "ticketByExternalId"] {
        assert_eq!(data[field], Value::Null, "{field}: {answer:#}");
    }
    assert_eq!(data["organizations"]["nodes"], json!([{ "slug": "neighbour" }]));
    let preview =
        "query($of: PolicyPreviewOfInput!) { policyPreview(of: $of, since: \"2026-11-21T00:00:00Z\") {
        eventCount } }";
    for of in [
        json!({ "id": theirs.policy }),
        json!({ "input": { "organizationId": theirs.organization, "name": "Mine" } }),
    ] {
        let answer = app.graphql_as(&neighbour, preview, json!({ "of": of })).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], "NOT_FOUND", "{answer:#}");
    }
    let reading =
        "query($input: WebhookEndpointTryReadingInput!) { webhookEndpointTryReading(input: $input) {
        entryCount } }";
    for of in [
        json!({ "endpointId": theirs.endpoint }),
        json!({ "draft": { "organizationId": theirs.organization, "sender": "events" } }),
    ] {
        let input = json!({ "input": { "of": of, "body": "[]" } });
        let answer = app.graphql_as(&neighbour, reading, input).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], "NOT_FOUND", "{answer:#}");
    }
    assert_eq!(everything(&app, &acme).await, before, "nothing was changed");

    // It was the reference that was refused: with one's own the same is done.
    for (mutation, input) in references(&own, &own) {
        let answer = app.graphql_as(&neighbour, &document(mutation), json!({ "input": input })).await;
        assert!(!is_refused(&answer, mutation), "{mutation} with {input}: {answer:#}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_viewer_reads_and_changes_nothing() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.ready().await;
    let viewer = acme.token("VIEWER").await;
    acme.posts(&finding("CVE-1")).await.is_accepted();
    app.drain().await;
    acme.limits_billing().await;
    acme.makes_event_set("Secrets").await;
    acme.plans_quiet().await;
    acme.makes_subscriber("Vendor").await;
    acme.bills_what_is_used().await;
    let (own, before) = (ids(&app, &acme).await, everything(&app, &acme).await);

    for (mutation, input) in mutations(&own) {
        let answer = app.graphql_as(&viewer, &document(mutation), json!({ "input": input })).await;
        assert!(is_refused(&answer, mutation), "{mutation}: {answer:#}");
    }
    assert_eq!(everything(&app, &acme).await, before, "nothing was changed");
    let seen = app.graphql_as(&viewer, EVERYTHING, json!({ "id": acme.organization })).await;
    assert_eq!(seen["data"]["node"]["id"], json!(acme.organization), "{seen:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_answered_without_a_token_or_with_a_revoked_one() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await;
    let token = acme.token("VIEWER").await;
    let none = app
        .http
        .post(app.url("/graphql"))
        .json(&json!({ "query": "{ viewer { name } }" }))
        .send()
        .await
        .unwrap();
    assert_eq!(none.status(), 401);
    assert_eq!(
        app.graphql_as(&token, "{ viewer { name } }", json!({})).await["data"]["viewer"]["name"],
        "VIEWER"
    );

    let all = everything(&app, &acme).await;
    let id = text(&all, "/node/accessTokens/nodes/0/id");
    app.graphql(&document("accessTokenRevoke"), json!({ "input": { "id": id } })).await;
    let answer = app.graphql_as(&token, "{ viewer { name } }", json!({})).await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "UNAUTHENTICATED", "{answer:#}");
}
