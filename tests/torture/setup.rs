//! An organization with customers on all kinds of PSAs, set up through the public API as a user would.

use std::time::Duration;

use futures_util::future::join_all;
use psa_gateway::sandbox::frame::customer_name;
use serde_json::{Value, json};

use crate::{graphql::Asker, psas::Psa};

/// A customer with a connection of its own: a lane.
#[derive(Clone, Debug)]
pub struct Lane {
    /// What senders call the customer.
    pub alias: String,
    /// What the PSA calls it.
    pub company: String,
    /// Whose customer it is, by the organization's place.
    pub organization: usize,
}

/// What is there to post to and to ask about.
#[derive(Clone, Debug)]
pub struct Organization {
    pub id: String,
    /// The path that senders post to.
    pub path: String,
    /// What they sign with.
    pub secret: String,
}

/// Sets up so many organizations, and a lane for each of the platforms: one for the first organization, one for the
/// next, and so on.
pub async fn organizations(
    asker: &Asker,
    psas: &[Psa],
    platforms: &[&str],
    count: usize,
) -> (Vec<Organization>, Vec<Lane>) {
    let mut organizations = Vec::new();
    for number in 0..count {
        organizations.push(organization(asker, number).await);
    }
    let mut lanes = Vec::new();
    // A few at a time: all of them at once would only wait for each other.
    for (round, some) in platforms.chunks(4).enumerate() {
        let made = some.iter().enumerate().map(|(at, platform)| {
            let psa = psas.iter().find(|psa| psa.key == *platform).expect("a sandbox of that platform");
            let number = round * 4 + at;
            let whose = number % count;
            lane(asker, (whose, &organizations[whose].id), psa, number, number < count)
        });
        lanes.extend(join_all(made).await);
    }
    (organizations, lanes)
}

async fn organization(asker: &Asker, number: usize) -> Organization {
    let id = asker
        .ask_for(
            "/organizationCreate/organization/id",
            "mutation($input: OrganizationCreateInput!) { organizationCreate(input: $input) {
               organization { id } userErrors { message } } }",
            json!({ "input": { "slug": format!("torture-{number}"), "name": format!("Torture {number}") } }),
        )
        .await;
    lift_storm_caps(asker, &id).await;
    let made = asker
        .ask(
            "mutation($input: WebhookEndpointCreateInput!) { webhookEndpointCreate(input: $input) {
               webhookEndpoint { url } signingSecret userErrors { field message } } }",
            json!({ "input": {
                "organizationId": id, "name": "scanner", "sender": "events", "scheme": "standard_webhooks",
            } }),
        )
        .await;
    let text = |pointer: &str| made.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    let url = text("/webhookEndpointCreate/webhookEndpoint/url");
    let path = url.find("/webhooks/").and_then(|at| url.get(at..)).expect("a webhook's path").to_owned();
    let secret = text("/webhookEndpointCreate/signingSecret");
    Organization { id, path, secret }
}

/// A hundred tickets an hour are what a policy opens by itself; here it is to open as many as come.
async fn lift_storm_caps(asker: &Asker, organization: &str) {
    let policies = asker
        .ask(
            "query($id: ID!) { node(id: $id) { ... on Organization { policies(first: 10) { nodes { id } } } } }",
            json!({ "id": organization }),
        )
        .await;
    let nodes = policies.pointer("/node/policies/nodes").and_then(Value::as_array).cloned();
    for policy in nodes.unwrap_or_default() {
        asker
            .ask(
                "mutation($input: PolicyUpdateInput!) { policyUpdate(input: $input) {
                   policy { id } userErrors { field message } } }",
                json!({ "input": { "id": policy["id"], "handling": { "stormCap": null } } }),
            )
            .await;
    }
}

/// A customer who has tickets at every PSA: in each of the sandboxes some have left, do not pay, or are none yet.
fn customer(number: usize) -> String {
    let is_good = |n: &usize| {
        n % 17 < 15 && n % 10 != 6 && n % 10 != 7 && n % 25 < 23 && n % 23 < 22 && n % 19 < 18 && *n != 3
    };
    customer_name((0..130).filter(is_good).nth(number).expect("so many good customers"))
}

/// A connection with a profile and one customer.
async fn lane(
    asker: &Asker,
    (whose, organization): (usize, &str),
    psa: &Psa,
    number: usize,
    is_first: bool,
) -> Lane {
    let (name, alias) = (customer(number), format!("customer-{number}"));
    let credentials: Vec<_> =
        psa.credentials.iter().map(|(key, value)| json!({ "key": key, "value": value })).collect();
    let connection = asker
        .ask_for(
            "/psaConnectionCreate/psaConnection/id",
            "mutation($input: PsaConnectionCreateInput!) { psaConnectionCreate(input: $input) {
               psaConnection { id } userErrors { field message } } }",
            json!({ "input": {
                "organizationId": organization, "platform": psa.key,
                "name": format!("{} {number}", psa.key), "credentials": credentials,
            } }),
        )
        .await;
    for what in ["PickLists", "Companies"] {
        let query = format!(
            "mutation($input: PsaConnectionSync{what}Input!) {{ psaConnectionSync{what}(input: $input) {{
               syncRun {{ id }} userErrors {{ message }} }} }}"
        );
        let pointer = format!("/psaConnectionSync{what}/syncRun/id");
        let run = asker.ask_for(&pointer, &query, json!({ "input": { "id": connection } })).await;
        is_synced(asker, &run).await;
    }
    let profile = profile(asker, &connection, number, is_first).await;
    let company = asker
        .ask_for(
            "/companyCreate/company/id",
            "mutation($input: CompanyCreateInput!) { companyCreate(input: $input) {
               company { id } userErrors { field message } } }",
            json!({ "input": { "organizationId": organization, "name": name } }),
        )
        .await;
    asker
        .ask(
            "mutation($input: CompanyAliasAddInput!) { companyAliasAdd(input: $input) {
               company { id } userErrors { field message } } }",
            json!({ "input": { "companyId": company, "value": alias } }),
        )
        .await;
    let psa_company = asker
        .ask_for(
            "/node/psaCompanies/nodes/0/id",
            "query($id: ID!, $name: String!) { node(id: $id) { ... on PsaConnection {
               psaCompanies(first: 1, filter: { query: $name }) { nodes { id } } } } }",
            json!({ "id": connection, "name": name }),
        )
        .await;
    asker
        .ask(
            "mutation($input: CompanyMappingSetInput!) { companyMappingSet(input: $input) {
               companyMapping { id } userErrors { field message } } }",
            json!({ "input": {
                "companyId": company, "psaCompanyId": psa_company, "ticketProfileId": profile,
            } }),
        )
        .await;
    Lane { alias, company: name, organization: whose }
}

async fn is_synced(asker: &Asker, run: &str) {
    for _ in 0..600 {
        let done = asker
            .ask(
                "query($id: ID!) { node(id: $id) { ... on SyncRun { status problem } } }",
                json!({ "id": run }),
            )
            .await;
        match done.pointer("/node/status").and_then(Value::as_str) {
            Some("SUCCEEDED") => return,
            Some("QUEUED" | "RUNNING") => tokio::time::sleep(Duration::from_millis(100)).await,
            _ => panic!("the PSA's lists could not be read: {done}"),
        }
    }
    panic!("the PSA's lists were not read within a minute")
}

/// A ticket profile of what the gateway suggests.
async fn profile(asker: &Asker, connection: &str, number: usize, is_first: bool) -> String {
    let query = "query($id: ID!) { node(id: $id) { ... on PsaConnection {
           suggestedTicketProfile { fields { key value } statusOnCreate statusOnClose } } } }";
    let suggested = asker.ask(query, json!({ "id": connection })).await;
    let mut input = suggested["node"]["suggestedTicketProfile"].clone();
    input["psaConnectionId"] = json!(connection);
    input["name"] = json!(format!("Alerts {number}"));
    input["isDefault"] = json!(is_first);
    asker
        .ask_for(
            "/ticketProfileCreate/ticketProfile/id",
            "mutation($input: TicketProfileCreateInput!) { ticketProfileCreate(input: $input) {
               ticketProfile { id } userErrors { field message } } }",
            json!({ "input": input }),
        )
        .await
}
