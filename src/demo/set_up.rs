//! A sample organization, set up as a user would: through GraphQL, and in the PSAs' own settings.
#![expect(clippy::indexing_slicing, reason = "only JSON values are indexed: what is not there is null")]

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};

use super::Asker;
use crate::{
    psa,
    sandbox::frame::{Sandbox, customer_name},
};

/// The PSA that the printed commands speak of, whose profile is the default.
pub(super) const FIRST_PSA: &str = "halo";
/// The number it gives to its first ticket.
pub(super) const FIRST_TICKET: i64 = 4242;

/// A customer of the sample organization.
pub(super) struct Customer {
    /// Number of the name that it has here and in its PSA.
    number: usize,
    /// What the sample scanner calls it.
    pub(super) alias: &'static str,
    /// Key of the platform that has its tickets.
    pub(super) platform: &'static str,
}

impl Customer {
    const fn new(number: usize, alias: &'static str, platform: &'static str) -> Self {
        Self { number, alias, platform }
    }

    /// Its name, here and in its PSA.
    pub(super) fn name(&self) -> String {
        customer_name(self.number)
    }
}

/// Customers of the sample organization.
pub(super) const CUSTOMERS: &[Customer] = &[
    Customer::new(0, "northwind", FIRST_PSA),
    Customer::new(1, "harbor", FIRST_PSA),
    Customer::new(2, "cedar", FIRST_PSA),
    Customer::new(3, "bluestone", "connectwise"),
    Customer::new(4, "larkspur", "autotask"),
    Customer::new(5, "oldmill", "syncro"),
    Customer::new(6, "ferncliff", "nable"),
];

/// What was set up.
pub(super) struct Sample {
    /// Id of the organization.
    pub(super) organization: String,
    /// Where the sample scanner posts.
    pub(super) webhook_url: String,
    /// What it signs with.
    pub(super) webhook_secret: String,
}

/// Sets everything up.
pub(super) async fn set_up(asker: &Asker, psas: &[Box<dyn Sandbox>]) -> anyhow::Result<Sample> {
    let organization = asker
        .ask(
            "mutation($input: OrganizationCreateInput!) {
               organizationCreate(input: $input) { organization { id } userErrors { message } } }",
            json!({ "input": { "slug": "demo", "name": "Demo MSP" } }),
        )
        .await?;
    let organization = text(&organization, "/organizationCreate/organization/id")?;
    let all = psas.iter().map(|psa| one_psa(asker, &**psa, &organization));
    for done in futures_util::future::join_all(all).await {
        done?;
    }
    let (webhook_url, webhook_secret) =
        endpoint(asker, &organization, "Sample scanner", "events", "standard_webhooks", None).await?;
    let webhook_secret = webhook_secret.context("the scanner's endpoint has no secret")?;
    Ok(Sample { organization, webhook_url, webhook_secret })
}

/// One PSA with its login, its lists and companies, a profile, its customers and its webhook.
async fn one_psa(asker: &Asker, psa: &dyn Sandbox, organization: &str) -> anyhow::Result<()> {
    let platform = psa::platform(psa.key()).context("a sandbox without a platform")?;
    let connection = connect(asker, psa, organization, platform.label()).await?;
    let profile = profile(asker, &connection, psa.key()).await?;
    for customer in CUSTOMERS.iter().filter(|customer| customer.platform == psa.key()) {
        map(asker, organization, &connection, &profile, customer).await?;
    }
    let capabilities = platform.capabilities();
    if capabilities.webhook_registration {
        asker
            .ask(
                "mutation($input: PsaConnectionRegisterWebhookInput!) {
                   psaConnectionRegisterWebhook(input: $input) { psaConnection { id } userErrors { message } } }",
                json!({ "input": { "id": connection } }),
            )
            .await?;
    } else if let Some(scheme) = platform.webhook_schemes().first().filter(|_| capabilities.webhooks) {
        let name = format!("{}'s own webhooks", platform.label());
        let (url, secret) =
            endpoint(asker, organization, &name, psa.key(), scheme.key, Some(&connection)).await?;
        // What an administrator enters in the PSA's own settings.
        ensure!(psa.set_up_webhook(&url, secret.as_deref()), "{name} could not be set up");
    }
    Ok(())
}

/// Connects to a PSA, checks the login, and reads its lists and companies.
async fn connect(
    asker: &Asker,
    psa: &dyn Sandbox,
    organization: &str,
    label: &str,
) -> anyhow::Result<String> {
    let credentials = psa.credentials().into_iter();
    let credentials = credentials.map(|(key, value)| json!({ "key": key, "value": value }));
    let connection = asker
        .ask(
            "mutation($input: PsaConnectionCreateInput!) {
               psaConnectionCreate(input: $input) { psaConnection { id } userErrors { field message } } }",
            json!({ "input": {
                "organizationId": organization,
                "platform": psa.key(),
                "name": format!("{label} (sandbox)"),
                "credentials": credentials.collect::<Vec<_>>(),
            } }),
        )
        .await?;
    let connection = text(&connection, "/psaConnectionCreate/psaConnection/id")?;
    let verified = asker
        .ask(
            "mutation($input: PsaConnectionVerifyInput!) {
               psaConnectionVerify(input: $input) { psaConnection { health { status message } } userErrors { message } } }",
            json!({ "input": { "id": connection } }),
        )
        .await?;
    let health = &verified["psaConnectionVerify"]["psaConnection"]["health"];
    ensure!(health["status"] == "HEALTHY", "{label}'s login does not work: {health}");
    for (mutation, input) in [
        ("psaConnectionSyncPickLists", "PsaConnectionSyncPickListsInput"),
        ("psaConnectionSyncCompanies", "PsaConnectionSyncCompaniesInput"),
    ] {
        let query = format!(
            "mutation($input: {input}!) {{ {mutation}(input: $input) {{ syncRun {{ id }} userErrors {{ message }} }} }}"
        );
        let run = asker.ask(&query, json!({ "input": { "id": connection } })).await?;
        let run = text(&run, &format!("/{mutation}/syncRun/id"))?;
        let done = asker
            .until(
                mutation,
                "query($id: ID!) { node(id: $id) { ... on SyncRun { status problem } } }",
                json!({ "id": run }),
                |data| !matches!(data["node"]["status"].as_str(), Some("QUEUED" | "RUNNING")),
            )
            .await?;
        ensure!(done["node"]["status"] == "SUCCEEDED", "{label}, {mutation}: {}", done["node"]["problem"]);
    }
    Ok(connection)
}

/// A ticket profile of what the gateway suggests.
async fn profile(asker: &Asker, connection: &str, platform: &str) -> anyhow::Result<String> {
    let suggested = asker
        .ask(
            "query($id: ID!) { node(id: $id) { ... on PsaConnection {
               suggestedTicketProfile { fields { key value } statusOnCreate statusOnClose } } } }",
            json!({ "id": connection }),
        )
        .await?;
    let mut input = suggested["node"]["suggestedTicketProfile"].clone();
    input["psaConnectionId"] = json!(connection);
    input["name"] = json!(format!("Alerts ({platform})"));
    input["isDefault"] = json!(platform == FIRST_PSA);
    let made = asker
        .ask(
            "mutation($input: TicketProfileCreateInput!) {
               ticketProfileCreate(input: $input) { ticketProfile { id } userErrors { field message } } }",
            json!({ "input": input }),
        )
        .await?;
    text(&made, "/ticketProfileCreate/ticketProfile/id")
}

async fn map(
    asker: &Asker,
    organization: &str,
    connection: &str,
    profile: &str,
    customer: &Customer,
) -> anyhow::Result<()> {
    let name = customer.name();
    let company = asker
        .ask(
            "mutation($input: CompanyCreateInput!) {
               companyCreate(input: $input) { company { id } userErrors { field message } } }",
            json!({ "input": { "organizationId": organization, "name": name } }),
        )
        .await?;
    let company = text(&company, "/companyCreate/company/id")?;
    asker
        .ask(
            "mutation($input: CompanyAliasAddInput!) {
               companyAliasAdd(input: $input) { company { id } userErrors { field message } } }",
            json!({ "input": { "companyId": company, "value": customer.alias } }),
        )
        .await?;
    let found = asker
        .ask(
            "query($id: ID!, $name: String!) { node(id: $id) { ... on PsaConnection {
               psaCompanies(first: 1, filter: { query: $name }) { nodes { id } } } } }",
            json!({ "id": connection, "name": name }),
        )
        .await?;
    let psa_company = text(&found, "/node/psaCompanies/nodes/0/id")?;
    asker
        .ask(
            "mutation($input: CompanyMappingSetInput!) {
               companyMappingSet(input: $input) { companyMapping { id } userErrors { field message } } }",
            json!({ "input": {
                "companyId": company, "psaCompanyId": psa_company, "ticketProfileId": profile,
            } }),
        )
        .await?;
    Ok(())
}

/// A webhook endpoint: its address, and its secret where it has one of ours.
async fn endpoint(
    asker: &Asker,
    organization: &str,
    name: &str,
    sender: &str,
    scheme: &str,
    connection: Option<&str>,
) -> anyhow::Result<(String, Option<String>)> {
    let made = asker
        .ask(
            "mutation($input: WebhookEndpointCreateInput!) {
               webhookEndpointCreate(input: $input) {
                 webhookEndpoint { url } signingSecret userErrors { field message } } }",
            json!({ "input": {
                "organizationId": organization, "name": name, "sender": sender, "scheme": scheme,
                "psaConnectionId": connection,
            } }),
        )
        .await?;
    Ok((
        text(&made, "/webhookEndpointCreate/webhookEndpoint/url")?,
        made["webhookEndpointCreate"]["signingSecret"].as_str().map(str::to_owned),
    ))
}

pub(super) fn text(value: &Value, pointer: &str) -> anyhow::Result<String> {
    let found = value.pointer(pointer).and_then(Value::as_str);
    found.map(str::to_owned).with_context(|| format!("no {pointer} in {value}"))
}
