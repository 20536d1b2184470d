//! A sample organization, set up as a user would: through GraphQL, and in HaloPSA's own settings.
#![expect(clippy::indexing_slicing, reason = "only JSON values are indexed: what is not there is null")]

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};

use super::Asker;
use crate::sandbox::{frame::Sandbox as _, halo::HaloSandbox};

/// The number the sandbox gives to its first ticket.
pub(super) const FIRST_TICKET: i64 = 4242;

/// Customers of the sample organization: their names, which are also those in the sandbox, and what the
/// sample scanner calls them.
const CUSTOMERS: [(&str, &str); 3] =
    [("Northwind Dental", "northwind"), ("Harbour Legal", "harbor"), ("Cedar Hill Logistics", "cedar")];

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
pub(super) async fn set_up(asker: &Asker, halo: &HaloSandbox) -> anyhow::Result<Sample> {
    let organization = asker
        .ask(
            "mutation($input: OrganizationCreateInput!) {
               organizationCreate(input: $input) { organization { id } userErrors { message } } }",
            json!({ "input": { "slug": "demo", "name": "Demo MSP" } }),
        )
        .await?;
    let organization = text(&organization, "/organizationCreate/organization/id")?;
    let connection = connect(asker, halo, &organization).await?;
    map_customers(asker, &organization, &connection).await?;
    let statuses = json!({ "statusOnCreate": "1", "statusOnClose": "9" });
    asker
        .ask(
            "mutation($input: TicketProfileCreateInput!) {
               ticketProfileCreate(input: $input) { ticketProfile { id } userErrors { field message } } }",
            json!({ "input": {
                "psaConnectionId": connection,
                "name": "Alerts",
                "isDefault": true,
                "fields": [{ "key": "ticket_type", "value": "21" }],
                "statusOnCreate": statuses["statusOnCreate"],
                "statusOnClose": statuses["statusOnClose"],
            } }),
        )
        .await?;
    let (url, secret) =
        endpoint(asker, &organization, "Halo's own webhooks", "halo", "halo_hmac", Some(&connection)).await?;
    // What an administrator of HaloPSA sets up under Configuration, Integrations, Webhooks.
    ensure!(halo.set_up_webhook(&url, Some(&secret)), "HaloPSA's webhook could not be set up");
    let (webhook_url, webhook_secret) =
        endpoint(asker, &organization, "Sample scanner", "events", "standard_webhooks", None).await?;
    Ok(Sample { organization, webhook_url, webhook_secret })
}

/// Connects to HaloPSA, checks the login, and reads its lists and companies.
async fn connect(asker: &Asker, halo: &HaloSandbox, organization: &str) -> anyhow::Result<String> {
    let credentials = halo.credentials().into_iter();
    let credentials = credentials.map(|(key, value)| json!({ "key": key, "value": value }));
    let connection = asker
        .ask(
            "mutation($input: PsaConnectionCreateInput!) {
               psaConnectionCreate(input: $input) { psaConnection { id } userErrors { field message } } }",
            json!({ "input": {
                "organizationId": organization,
                "platform": "halo",
                "name": "HaloPSA (sandbox)",
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
    ensure!(health["status"] == "HEALTHY", "HaloPSA's login does not work: {health}");
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
        ensure!(done["node"]["status"] == "SUCCEEDED", "{mutation}: {}", done["node"]["problem"]);
    }
    Ok(connection)
}

async fn map_customers(asker: &Asker, organization: &str, connection: &str) -> anyhow::Result<()> {
    for (name, alias) in CUSTOMERS {
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
                json!({ "input": { "companyId": company, "value": alias } }),
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
                json!({ "input": { "companyId": company, "psaCompanyId": psa_company } }),
            )
            .await?;
    }
    Ok(())
}

/// A webhook endpoint: its address and its secret.
async fn endpoint(
    asker: &Asker,
    organization: &str,
    name: &str,
    sender: &str,
    scheme: &str,
    connection: Option<&str>,
) -> anyhow::Result<(String, String)> {
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
        text(&made, "/webhookEndpointCreate/signingSecret")?,
    ))
}

pub(super) fn text(value: &Value, pointer: &str) -> anyhow::Result<String> {
    let found = value.pointer(pointer).and_then(Value::as_str);
    found.map(str::to_owned).with_context(|| format!("no {pointer} in {value}"))
}
