//! Organizations are walls: every query and every mutation, asked by the neighbour.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::{Msp, TestApp, finding, text};

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

/// Inputs of all mutations, with the ids of somebody else's things.
pub fn mutations(ids: &Ids) -> Vec<(&'static str, Value)> {
    let of = |id: &str| json!({ "id": id });
    vec![
        (
            "accessTokenCreate",
            json!({ "organizationId": ids.organization, "name": "mine now", "role": "ADMINISTRATOR" }),
        ),
        ("accessTokenRevoke", of(&ids.token)),
        ("accessTokenRotate", of(&ids.token)),
        ("accessTokenUpdate", json!({ "id": ids.token, "name": "mine now" })),
        ("companyAliasAdd", json!({ "companyId": ids.company, "value": "stolen" })),
        ("companyAliasRemove", of(&ids.alias)),
        ("companyCreate", json!({ "organizationId": ids.organization, "name": "Stranger's" })),
        (
            "companyCreateMany",
            json!({ "organizationId": ids.organization, "companies": [{ "name": "Stranger's" }] }),
        ),
        ("companyDelete", of(&ids.company)),
        ("companyMappingRemove", of(&ids.mapping)),
        ("companyMappingRemoveMany", json!({ "ids": [ids.mapping] })),
        ("companyMappingSet", json!({ "companyId": ids.company, "psaCompanyId": ids.psa_company })),
        (
            "companyMappingSetMany",
            json!({ "mappings": [{ "companyId": ids.company, "psaCompanyId": ids.psa_company }] }),
        ),
        ("companyUpdate", json!({ "id": ids.company, "name": "Renamed" })),
        ("eventSetCopy", of(&ids.event_set)),
        (
            "eventSetCreate",
            json!({
                "organizationId": ids.organization, "name": "Stranger's", "choices": [{ "category": "secret" }],
            }),
        ),
        ("eventSetDelete", of(&ids.event_set)),
        ("eventSetUpdate", json!({ "id": ids.event_set, "name": "Renamed" })),
        (
            "findingMute",
            json!({
                "of": { "findingId": ids.finding }, "until": "2026-11-28T09:00:00Z", "reason": "Stranger's",
            }),
        ),
        ("findingUnmute", of(&ids.mute)),
        (
            "maintenanceWindowCreate",
            json!({
                "organizationId": ids.organization, "name": "Stranger's",
                "startsAt": "2026-12-24T09:00:00Z", "endsAt": "2026-12-24T10:00:00Z",
            }),
        ),
        ("maintenanceWindowDelete", of(&ids.window)),
        ("maintenanceWindowUpdate", json!({ "id": ids.window, "name": "Renamed" })),
        (
            "memberInvite",
            json!({ "organizationId": ids.organization, "email": "mallory@example.com", "role": "VIEWER" }),
        ),
        ("memberRemove", of(&ids.member)),
        ("memberUpdate", json!({ "id": ids.member, "isEnabled": false })),
        ("notificationRedrive", json!({ "of": { "ids": [ids.notification] } })),
        ("organizationCreate", json!({ "slug": "third", "name": "Third" })),
        ("organizationUpdate", json!({ "id": ids.organization, "name": "Renamed" })),
        ("policyCopy", of(&ids.policy)),
        ("policyCreate", json!({ "organizationId": ids.organization, "name": "Stranger's" })),
        (
            "policyCreateFromPreset",
            json!({ "organizationId": ids.organization, "preset": "jumpcloud_alerts" }),
        ),
        ("policyDelete", of(&ids.policy)),
        ("policyReorder", json!({ "organizationId": ids.organization, "policyIds": [ids.policy] })),
        ("policyUpdate", json!({ "id": ids.policy, "isEnabled": false })),
        (
            "psaConnectionCreate",
            json!({
                "organizationId": ids.organization, "platform": "halo", "name": "Stranger's",
                "credentials": [{ "key": "domain", "value": "example.halopsa.com" }, { "key": "client_id", "value": "a" },
                                { "key": "client_secret", "value": "b" }],
            }),
        ),
        ("psaConnectionClear", json!({ "id": ids.connection, "confirmName": "The PSA" })),
        ("psaConnectionDelete", of(&ids.connection)),
        ("psaConnectionRegisterWebhook", of(&ids.connection)),
        ("psaConnectionRemoveWebhook", of(&ids.connection)),
        ("psaConnectionSyncCompanies", of(&ids.connection)),
        ("psaConnectionSyncPickLists", of(&ids.connection)),
        ("psaConnectionUpdate", json!({ "id": ids.connection, "name": "Renamed" })),
        ("psaConnectionVerify", of(&ids.connection)),
        (
            "ticketLink",
            json!({
                "findingId": ids.finding, "psaConnectionId": ids.connection, "externalId": ids.external_id,
            }),
        ),
        ("ticketOperationRetry", of(&ids.operation)),
        ("ticketOperationRetryMany", json!({ "ids": [ids.operation] })),
        ("ticketPermissionRemove", of(&ids.permission)),
        (
            "ticketPermissionSet",
            json!({ "psaConnectionId": ids.connection, "subject": { "role": "VIEWER" }, "boards": [] }),
        ),
        (
            "ticketProfileCreate",
            json!({
                "psaConnectionId": ids.connection, "name": "Stranger's", "isDefault": false,
                "fields": [{ "key": "ticket_type", "value": "21" }], "statusOnClose": "9",
            }),
        ),
        ("ticketProfileDelete", of(&ids.profile)),
        ("ticketProfileUpdate", json!({ "id": ids.profile, "name": "Renamed" })),
        ("ticketSendTest", json!({ "companyMappingId": ids.mapping })),
        ("webhookDeliveryRedrive", of(&ids.delivery)),
        ("webhookDeliveryRedriveMany", json!({ "ids": [ids.delivery] })),
        (
            "webhookEndpointCreate",
            json!({
                "organizationId": ids.organization, "name": "Stranger's", "sender": "events", "scheme": "standard_webhooks",
            }),
        ),
        ("webhookEndpointEndBaseline", of(&ids.endpoint)),
        ("webhookEndpointExpireSecret", of(&ids.secret)),
        ("webhookEndpointRotateSecret", of(&ids.endpoint)),
        ("webhookEndpointUpdate", json!({ "id": ids.endpoint, "isEnabled": false })),
        (
            "webhookSubscriberCreate",
            json!({
                "organizationId": ids.organization, "name": "Stranger's", "url": "https://hooks.example.com/in",
            }),
        ),
        ("webhookSubscriberDelete", of(&ids.subscriber)),
        ("webhookSubscriberRotateSecret", of(&ids.subscriber)),
        ("webhookSubscriberSendTest", of(&ids.subscriber)),
        ("webhookSubscriberUpdate", json!({ "id": ids.subscriber, "name": "Renamed" })),
    ]
}

/// Things of one's own that refer to somebody else's.
fn references(own: &Ids, theirs: &Ids) -> Vec<(&'static str, Value)> {
    vec![
        ("companyMappingSet", json!({ "companyId": own.company, "psaCompanyId": theirs.psa_company })),
        (
            "companyMappingSet",
            json!({
                "companyId": own.company, "psaCompanyId": own.psa_company, "ticketProfileId": theirs.profile,
            }),
        ),
        (
            "companyMappingSetMany",
            json!({ "mappings": [{
                "companyId": own.company, "psaCompanyId": own.psa_company, "ticketProfileId": theirs.profile,
            }] }),
        ),
        (
            "maintenanceWindowCreate",
            json!({
                "organizationId": own.organization, "companyId": theirs.company, "name": "Second",
                "startsAt": "2026-12-24T09:00:00Z", "endsAt": "2026-12-24T10:00:00Z",
            }),
        ),
        ("maintenanceWindowUpdate", json!({ "id": own.window, "companyId": theirs.company })),
        ("organizationUpdate", json!({ "id": own.organization, "catchAllCompanyId": theirs.company })),
        ("policyUpdate", json!({ "id": own.policy, "ticketProfileId": theirs.profile })),
        ("policyUpdate", json!({ "id": own.policy, "eventSetId": theirs.event_set })),
        ("policyUpdate", json!({ "id": own.policy, "companyIds": [theirs.company] })),
        ("policyReorder", json!({ "organizationId": own.organization, "policyIds": [theirs.policy] })),
        (
            "policyCreate",
            json!({
                "organizationId": own.organization, "name": "Second", "eventSetId": theirs.event_set,
            }),
        ),
        (
            "webhookEndpointCreate",
            json!({
                "organizationId": own.organization, "name": "Halo", "sender": "halo",
                "psaConnectionId": theirs.connection,
            }),
        ),
        (
            "ticketProfileCreate",
            json!({
                "psaConnectionId": theirs.connection, "name": "Second", "isDefault": false,
                "fields": [{ "key": "ticket_type", "value": "21" }], "statusOnClose": "9",
            }),
        ),
        ("psaConnectionUpdate", json!({ "id": own.connection, "companyId": theirs.company })),
        (
            "notificationRedrive",
            json!({ "of": { "failed": {
                "webhookSubscriberId": theirs.subscriber, "since": "2026-11-21T00:00:00Z" } } }),
        ),
        ("webhookSubscriberUpdate", json!({ "id": own.subscriber, "policyIds": [theirs.policy] })),
        ("ticketSendTest", json!({ "companyMappingId": own.mapping, "ticketProfileId": theirs.profile })),
    ]
}

/// Ids of everything an organization has.
pub struct Ids {
    pub organization: String,
    pub token: String,
    pub member: String,
    pub company: String,
    pub alias: String,
    pub mapping: String,
    pub psa_company: String,
    pub policy: String,
    pub event_set: String,
    pub window: String,
    pub mute: String,
    pub connection: String,
    pub profile: String,
    pub endpoint: String,
    pub secret: String,
    pub delivery: String,
    pub event: String,
    pub finding: String,
    pub ticket: String,
    pub operation: String,
    pub permission: String,
    pub subscriber: String,
    pub notification: String,
    pub external_id: String,
}

const EVERYTHING: &str = "query($id: ID!) { node(id: $id) { ... on Organization {
    id slug name
    isTicketingEnabled catchAllCompany { id }
    policies(first: 10) { nodes { id name position isEnabled ticketProfile { id } eventSet { id } companies { id } } }
    eventSets(first: 10) { nodes { id name isDefault choices { category { key } } } }
    maintenanceWindows(first: 10) { nodes { id name startsAt endsAt company { id } } }
    mutes(first: 10) { nodes { id until reason finding { id } } } heldEventCounts { groups { count } }
    accessTokens(first: 10) { nodes { id name role revokedAt previousTokenExpiresAt } }
    members(first: 10) { nodes { id email role isEnabled } }
    companies(first: 10) { nodes { id name aliases { id value } mappings(first: 5) { nodes { id psaCompany { id name } ticketProfile { id } } } } }
    psaConnections(first: 10) { nodes { id name isEnabled health { status }
      syncRuns(first: 10) { nodes { id } } ticketProfiles(first: 5) { nodes { id name } } ticketPermissions { id boards } } }
    webhookEndpoints(first: 10) { nodes { id name isEnabled mode secrets { id expiresAt } } }
    webhookSubscribers(first: 10) { nodes { id name isEnabled url kinds policies { id } secrets { hint expiresAt }
      notifications(first: 10) { nodes { id state } } } }
    webhookDeliveries(first: 10) { nodes { id state } }
    events(first: 10) { nodes { id outcome } }
    findings(first: 10) { nodes { id state } }
    tickets(first: 10) { nodes { id state externalId operations(first: 10) { nodes { id state } } } } } } }";

pub async fn everything(app: &TestApp, msp: &Msp<'_>) -> Value {
    app.graphql(EVERYTHING, json!({ "id": msp.organization })).await
}

pub async fn ids(app: &TestApp, msp: &Msp<'_>) -> Ids {
    let all = everything(app, msp).await;
    let at = |path: &str| text(&all, &format!("/node/{path}"));
    Ids {
        organization: at("id"),
        token: at("accessTokens/nodes/0/id"),
        member: at("members/nodes/0/id"),
        company: at("companies/nodes/0/id"),
        alias: at("companies/nodes/0/aliases/0/id"),
        mapping: at("companies/nodes/0/mappings/nodes/0/id"),
        psa_company: at("companies/nodes/0/mappings/nodes/0/psaCompany/id"),
        policy: at("policies/nodes/0/id"),
        event_set: at("eventSets/nodes/0/id"),
        window: at("maintenanceWindows/nodes/0/id"),
        mute: at("mutes/nodes/0/id"),
        connection: at("psaConnections/nodes/0/id"),
        profile: at("psaConnections/nodes/0/ticketProfiles/nodes/0/id"),
        endpoint: at("webhookEndpoints/nodes/0/id"),
        secret: at("webhookEndpoints/nodes/0/secrets/0/id"),
        delivery: at("webhookDeliveries/nodes/0/id"),
        event: at("events/nodes/0/id"),
        finding: at("findings/nodes/0/id"),
        ticket: at("tickets/nodes/0/id"),
        operation: at("tickets/nodes/0/operations/nodes/0/id"),
        permission: at("psaConnections/nodes/0/ticketPermissions/0/id"),
        subscriber: at("webhookSubscribers/nodes/0/id"),
        notification: at("webhookSubscribers/nodes/0/notifications/nodes/0/id"),
        external_id: at("tickets/nodes/0/externalId"),
    }
}

/// The names of the root's fields.
pub async fn root_fields(app: &TestApp, root: &str) -> BTreeSet<String> {
    let schema =
        app.graphql(&format!("{{ __schema {{ {root} {{ fields {{ name }} }} }} }}"), json!({})).await;
    let fields = schema["__schema"][root]["fields"].as_array().expect("fields").clone();
    fields.iter().map(|field| text(field, "/name")).collect()
}

pub fn document(mutation: &str) -> String {
    let input = format!("{}{}Input", mutation[..1].to_uppercase(), &mutation[1..]);
    let each = if mutation.ends_with("Many") { "results { userErrors { code } }" } else { "" };
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
    let next_door = app.msp("neighbour").await.ready().await;
    let neighbour = next_door.token("ADMINISTRATOR").await;
    next_door.posts(&finding("CVE-2")).await.is_accepted();
    app.drain().await;
    next_door.limits_billing().await;
    next_door.makes_event_set("Secrets").await;
    next_door.plans_quiet().await;
    next_door.makes_subscriber("Vendor").await;
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
