//! An MSP with its PSA, its customers and its scanner.

use std::sync::Mutex;

use psa_gateway::sandbox::frame::Sandbox;
use serde_json::{Value, json};

use super::TestApp;

/// One MSP.
pub struct Msp<'a> {
    pub(super) app: &'a TestApp,
    pub(super) psa: &'a dyn Sandbox,
    /// Id of its organization.
    pub organization: String,
    pub(super) connection: String,
    endpoint: String,
    webhook_url: String,
    secret: Mutex<String>,
}

impl<'a> Msp<'a> {
    pub(super) async fn new(app: &'a TestApp, psa: &'a dyn Sandbox, slug: &str) -> Self {
        let made = app
            .graphql(
                "mutation($input: OrganizationCreateInput!) { organizationCreate(input: $input) {
                   organization { id } userErrors { message } } }",
                json!({ "input": { "slug": slug, "name": slug } }),
            )
            .await;
        Self {
            app,
            psa,
            organization: text(&made, "/organizationCreate/organization/id"),
            connection: String::new(),
            endpoint: String::new(),
            webhook_url: String::new(),
            secret: Mutex::default(),
        }
    }

    /// The same organization with another PSA, and nothing else set up for it.
    pub async fn beside(&self, psa: &'a dyn Sandbox) -> Self {
        let first = json!({ "id": self.connection, "name": "The first PSA" });
        self.app.does("psaConnectionUpdate", "psaConnection { id }", first).await;
        Self {
            app: self.app,
            psa,
            organization: self.organization.clone(),
            connection: String::new(),
            endpoint: String::new(),
            webhook_url: String::new(),
            secret: Mutex::default(),
        }
    }

    /// The gateway it uses.
    pub fn app(&self) -> &'a TestApp {
        self.app
    }

    /// Id of its scanner's endpoint.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The same as another organization: what it has was handed over.
    pub fn now_of(self, organization: String) -> Self {
        Self { organization, ..self }
    }

    /// Connected, with a customer mapped, a default profile and a scanner's endpoint.
    pub async fn ready(self) -> Self {
        let msp = self.connected().await.listening().await;
        msp.makes_default_profile().await;
        msp.customer("Northwind Dental", "northwind").await;
        msp.invites("dana@example.com", "TECHNICIAN").await;
        msp
    }

    /// A connection to its PSA with these credentials; nothing is called yet.
    pub async fn makes_connection(&self, name: &str, credentials: &[(&str, String)]) -> String {
        let credentials = credentials.iter().map(|(key, value)| json!({ "key": key, "value": value }));
        let made = self
            .app
            .graphql(
                "mutation($input: PsaConnectionCreateInput!) { psaConnectionCreate(input: $input) {
                   psaConnection { id } userErrors { field message } } }",
                json!({ "input": {
                    "organizationId": self.organization, "platform": self.psa.key(), "name": name,
                    "credentials": credentials.collect::<Vec<_>>(),
                } }),
            )
            .await;
        text(&made, "/psaConnectionCreate/psaConnection/id")
    }

    /// With its PSA verified, and its lists and companies read.
    pub async fn connected(self) -> Self {
        let credentials = self.psa.credentials();
        self.connected_by(&credentials).await
    }

    /// The same with these credentials.
    pub async fn connected_by(mut self, credentials: &[(&'static str, String)]) -> Self {
        self.connection = self.makes_connection("The PSA", credentials).await;
        let verified = self
            .app
            .graphql(
                "mutation($input: PsaConnectionVerifyInput!) { psaConnectionVerify(input: $input) {
                   psaConnection { health { status message } } userErrors { message } } }",
                json!({ "input": { "id": self.connection } }),
            )
            .await;
        assert_eq!(
            verified["psaConnectionVerify"]["psaConnection"]["health"]["status"], "HEALTHY",
            "{verified:#}"
        );
        for name in ["PickLists", "Companies"] {
            let query = format!(
                "mutation($input: PsaConnectionSync{name}Input!) {{ psaConnectionSync{name}(input: $input) {{
                   syncRun {{ id }} userErrors {{ message }} }} }}"
            );
            self.app.graphql(&query, json!({ "input": { "id": self.connection } })).await;
        }
        self.app.drain().await;
        self.app
            .graphql(
                "mutation($input: SyncScheduleSetInput!) { syncScheduleSet(input: $input) {
                   syncSchedule { id } userErrors { message } } }",
                json!({ "input": {
                    "psaConnectionId": self.connection, "kind": "COMPANIES", "isEnabled": false,
                    "cadence": { "dailyAt": "03:00", "timeZone": "Europe/Berlin" },
                } }),
            )
            .await;
        self
    }

    /// With an endpoint for its scanner.
    pub async fn listening(mut self) -> Self {
        let (id, url, secret) = self.makes_endpoint("scanner", "events", "standard_webhooks", None).await;
        super::is_secret(&secret);
        (self.endpoint, self.webhook_url, self.secret) = (id, url, Mutex::new(secret));
        self
    }

    /// With its PSA telling the gateway what happens to tickets, registered by the gateway where it can, else by a
    /// person. False where the PSA has no webhooks.
    pub async fn hears_psa(&self) -> bool {
        let platform = psa_gateway::psa::platform(self.psa.key()).expect("a platform");
        let capabilities = platform.capabilities();
        if capabilities.webhook_registration {
            let query = "mutation($input: PsaConnectionRegisterWebhookInput!) {
                   psaConnectionRegisterWebhook(input: $input) { psaConnection { id } userErrors { message } } }";
            self.app.graphql(query, json!({ "input": { "id": self.connection } })).await;
            // Some PSAs take a moment until a registration works.
            self.app.pass(600).await;
        } else if capabilities.webhooks {
            let scheme = platform.webhook_schemes().first().expect("a scheme").key;
            let (_, url, secret) =
                self.makes_endpoint_maybe("psa", self.psa.key(), scheme, Some(&self.connection)).await;
            assert!(self.psa.set_up_webhook(&url, secret.as_deref()));
        }
        capabilities.webhooks
    }

    /// With HaloPSA telling the gateway what happens to tickets.
    pub async fn hears_halo(self) -> Self {
        let (_, url, secret) = self.makes_endpoint("halo", "halo", "halo_hmac", Some(&self.connection)).await;
        assert!(self.psa.set_up_webhook(&url, Some(&secret)));
        self
    }

    async fn makes_endpoint_maybe(
        &self,
        name: &str,
        sender: &str,
        scheme: &str,
        connection: Option<&str>,
    ) -> (String, String, Option<String>) {
        let made = self
            .app
            .graphql(
                "mutation($input: WebhookEndpointCreateInput!) { webhookEndpointCreate(input: $input) {
                   webhookEndpoint { id url } signingSecret userErrors { field message } } }",
                json!({ "input": {
                    "organizationId": self.organization, "name": name, "sender": sender, "scheme": scheme,
                    "psaConnectionId": connection,
                } }),
            )
            .await;
        (
            text(&made, "/webhookEndpointCreate/webhookEndpoint/id"),
            text(&made, "/webhookEndpointCreate/webhookEndpoint/url"),
            made["webhookEndpointCreate"]["signingSecret"].as_str().map(str::to_owned),
        )
    }

    async fn makes_endpoint(
        &self,
        name: &str,
        sender: &str,
        scheme: &str,
        connection: Option<&str>,
    ) -> (String, String, String) {
        let (id, url, secret) = self.makes_endpoint_maybe(name, sender, scheme, connection).await;
        (id, url, secret.expect("a secret"))
    }

    /// A profile for everything that names none.
    pub async fn makes_default_profile(&self) -> String {
        let mut input = self.profile_input().await;
        input["psaConnectionId"] = json!(self.connection);
        let made = self
            .app
            .graphql(
                "mutation($input: TicketProfileCreateInput!) { ticketProfileCreate(input: $input) {
                   ticketProfile { id } userErrors { field message } } }",
                json!({ "input": input }),
            )
            .await;
        text(&made, "/ticketProfileCreate/ticketProfile/id")
    }

    /// A customer by that name here and in its PSA, whom the scanner calls `alias`.
    pub async fn customer(&self, name: &str, alias: &str) -> String {
        self.maps_customer(name, alias, true).await
    }

    /// The same, without tickets.
    pub async fn customer_without_ticketing(&self, name: &str, alias: &str) -> String {
        self.maps_customer(name, alias, false).await
    }

    async fn maps_customer(&self, name: &str, alias: &str, is_ticketing_enabled: bool) -> String {
        let made = self
            .app
            .graphql(
                "mutation($input: CompanyCreateInput!) { companyCreate(input: $input) {
                   company { id } userErrors { field message } } }",
                json!({ "input": { "organizationId": self.organization, "name": name } }),
            )
            .await;
        let company = text(&made, "/companyCreate/company/id");
        self.app
            .graphql(
                "mutation($input: CompanyAliasAddInput!) { companyAliasAdd(input: $input) {
                   company { id } userErrors { field message } } }",
                json!({ "input": { "companyId": company, "value": alias } }),
            )
            .await;
        let found = self
            .app
            .graphql(
                "query($id: ID!, $name: String!) { node(id: $id) { ... on PsaConnection {
                   psaCompanies(first: 1, filter: { query: $name }) { nodes { id name } } } } }",
                json!({ "id": self.connection, "name": name }),
            )
            .await;
        let psa_company = text(&found, "/node/psaCompanies/nodes/0/id");
        let made = self
            .app
            .graphql(
                "mutation($input: CompanyMappingSetInput!) { companyMappingSet(input: $input) {
                   companyMapping { id } userErrors { field message } } }",
                json!({ "input": {
                    "companyId": company, "psaCompanyId": psa_company, "isTicketingEnabled": is_ticketing_enabled,
                } }),
            )
            .await;
        text(&made, "/companyMappingSet/companyMapping/id")
    }

    /// Where its scanner posts.
    pub fn webhook_url(&self) -> &str {
        &self.webhook_url
    }

    /// What its scanner signs with.
    pub fn secret(&self) -> String {
        self.secret.lock().expect("unpoisoned").clone()
    }

    /// A new secret; the old one stays good for so many seconds.
    pub async fn rotates_secret(&self, overlap_secs: i64) -> String {
        let rotated = self
            .app
            .graphql(
                "mutation($input: WebhookEndpointRotateSecretInput!) { webhookEndpointRotateSecret(input: $input) {
                   signingSecret previousSecretExpiresAt userErrors { field message } } }",
                json!({ "input": { "id": self.endpoint, "overlapSeconds": overlap_secs } }),
            )
            .await;
        text(&rotated, "/webhookEndpointRotateSecret/signingSecret")
    }

    /// Id of its connection.
    pub fn connection(&self) -> &str {
        &self.connection
    }

    /// Invites somebody; id of the member to be.
    pub async fn invites(&self, email: &str, role: &str) -> String {
        let invited = self
            .app
            .graphql(
                "mutation($input: MemberInviteInput!) { memberInvite(input: $input) {
                   member { id } userErrors { field message } } }",
                json!({ "input": { "organizationId": self.organization, "email": email, "role": role } }),
            )
            .await;
        text(&invited, "/memberInvite/member/id")
    }

    /// A token of this organization only.
    pub async fn token(&self, role: &str) -> String {
        let made = self
            .app
            .graphql(
                "mutation($input: AccessTokenCreateInput!) { accessTokenCreate(input: $input) {
                   token userErrors { field message } } }",
                json!({ "input": { "organizationId": self.organization, "name": role, "role": role } }),
            )
            .await;
        text(&made, "/accessTokenCreate/token")
    }
}

/// The text at a place of a JSON value.
pub fn text(value: &Value, pointer: &str) -> String {
    let found = value.pointer(pointer).and_then(Value::as_str);
    found.unwrap_or_else(|| panic!("no {pointer} in {value:#}")).to_owned()
}
