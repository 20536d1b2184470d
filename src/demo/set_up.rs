//! A sample organization, set up as a user would: through GraphQL, and in HaloPSA's own settings.
#![expect(clippy::indexing_slicing, reason = "only JSON values are indexed: what is not there is null")]

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};

use super::Asker;
use crate::sandbox::halo::HaloSandbox;

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
    register_webhook(asker, halo, &url, &secret).await.context("HaloPSA's webhook")?;
    let (webhook_url, webhook_secret) =
        endpoint(asker, &organization, "Sample scanner", "events", "standard_webhooks", None).await?;
    Ok(Sample { organization, webhook_url, webhook_secret })
}

/// Connects to HaloPSA, checks the login, and reads its lists and companies.
async fn connect(asker: &Asker, halo: &HaloSandbox, organization: &str) -> anyhow::Result<String> {
    let connection = asker
        .ask(
            "mutation($input: PsaConnectionCreateInput!) {
               psaConnectionCreate(input: $input) { psaConnection { id } userErrors { field message } } }",
            json!({ "input": {
                "organizationId": organization,
                "platform": "halo",
                "name": "HaloPSA (sandbox)",
                "credentials": [
                    { "key": "domain", "value": halo.url() },
                    { "key": "client_id", "value": halo.client_id() },
                    { "key": "client_secret", "value": halo.client_secret() },
                    { "key": "tenant", "value": halo.tenant() },
                ],
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

/// What an administrator of HaloPSA sets up under Configuration, Integrations, Webhooks.
async fn register_webhook(asker: &Asker, halo: &HaloSandbox, url: &str, secret: &str) -> anyhow::Result<()> {
    let http = asker.http();
    let (base, id, client_secret) = (halo.url(), halo.client_id(), halo.client_secret());
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", id.as_str()),
        ("client_secret", client_secret.as_str()),
        ("scope", "all"),
    ];
    let token: Value = http
        .post(format!("{base}/auth/token?tenant={}", halo.tenant()))
        .form(&form)
        .send()
        .await?
        .error_for_status()?
        .json()
        .await?;
    let token = text(&token, "/access_token")?;
    let post = async |path: &str, body: Value| -> anyhow::Result<Value> {
        let answer =
            http.post(format!("{base}/api/{path}")).bearer_auth(&token).json(&json!([body])).send().await?;
        Ok(answer.error_for_status()?.json().await?)
    };
    let webhook = post(
        "Webhook",
        json!({
            "name": "PSA Gateway", "url": url, "active": true, "type": 0, "method": 0,
            "content_type": "application/json", "authentication_type": 3, "algorithm": 0,
            "authentication_header": "Token", "basic_password": secret,
        }),
    )
    .await?;
    let webhook_id =
        webhook.pointer("/id").or_else(|| webhook.pointer("/0/id")).cloned().context("no webhook id")?;
    for (event, name) in [(61, "PSA Gateway: ticket updated"), (39, "PSA Gateway: ticket closed")] {
        post(
            "Notification",
            json!({
                "guid": null, "webhook_id": webhook_id, "eventno": event, "type": -2, "delivery_method": 6,
                "agent_id": 0, "name": name, "filter_type": 2,
                // An update wants a condition; this one always holds.
                "conditions": [{ "tablename": "faults", "fieldname": "symptom", "type": 1, "value_string": "-" }],
            }),
        )
        .await?;
    }
    Ok(())
}

pub(super) fn text(value: &Value, pointer: &str) -> anyhow::Result<String> {
    let found = value.pointer(pointer).and_then(Value::as_str);
    found.map(str::to_owned).with_context(|| format!("no {pointer} in {value}"))
}
