//! An MSP with its PSA, its customers and its scanner.

use psa_gateway::{clock::Chance, sandbox::frame::Sandbox as _, scanners::signature};
use reqwest::{RequestBuilder, StatusCode};
use serde_json::{Value, json};
use std::sync::Mutex;

use super::{TestApp, gateway::START};

/// One MSP.
pub struct Msp<'a> {
    app: &'a TestApp,
    /// Id of its organization.
    pub organization: String,
    connection: String,
    endpoint: String,
    webhook_url: String,
    secret: Mutex<String>,
}

/// An event in the making.
#[derive(Clone, Debug)]
pub struct Finding(Value);

/// A critical finding of that key at Northwind Dental, seen when the test begins.
pub fn finding(key: &str) -> Finding {
    Finding(json!({
        "kind": "finding.opened",
        "source": "scanner",
        "client_ref": "northwind",
        "finding_key": key,
        "severity": "critical",
        "title": format!("{key} on web-1"),
        "occurred_at": entity::Timestamp::from_secs(START).rfc3339(),
        "asset": { "uid": "host-17", "name": "web-1" },
    }))
}

impl Finding {
    fn with(mut self, key: &str, value: Value) -> Self {
        self.0[key] = value;
        self
    }

    /// Said so many minutes after the test began.
    pub fn at(self, minutes: i64) -> Self {
        self.with("occurred_at", json!(entity::Timestamp::from_secs(START + minutes * 60).rfc3339()))
    }

    /// Said when it is received.
    pub fn now(mut self) -> Self {
        self.0.as_object_mut().expect("an object").remove("occurred_at");
        self
    }

    /// Of another customer.
    pub fn of(self, client_ref: &str) -> Self {
        self.with("client_ref", json!(client_ref))
    }

    /// Of another severity.
    pub fn severity(self, severity: &str) -> Self {
        self.with("severity", json!(severity))
    }

    /// Of another kind.
    pub fn kind(self, kind: &str) -> Self {
        self.with("kind", json!(kind))
    }

    /// Over.
    pub fn resolved(self) -> Self {
        self.kind("finding.resolved")
    }

    /// As it is sent.
    pub fn json(&self) -> Value {
        self.0.clone()
    }
}

/// What a sender was answered.
#[derive(Debug)]
pub struct Posted {
    /// The status.
    pub status: StatusCode,
    /// When to come again.
    pub retry_after: Option<String>,
    /// The body.
    pub body: Value,
}

impl Posted {
    /// It was stored.
    pub fn is_accepted(&self) {
        assert_eq!(self.status, StatusCode::ACCEPTED, "{}", self.body);
    }

    /// Id of the delivery.
    pub fn delivery(&self) -> &str {
        self.body["delivery"].as_str().expect("a delivery")
    }
}

impl<'a> Msp<'a> {
    pub(super) async fn new(app: &'a TestApp, slug: &str) -> Self {
        let made = app
            .graphql(
                "mutation($input: OrganizationCreateInput!) { organizationCreate(input: $input) {
                   organization { id } userErrors { message } } }",
                json!({ "input": { "slug": slug, "name": slug } }),
            )
            .await;
        Self {
            app,
            organization: text(&made, "/organizationCreate/organization/id"),
            connection: String::new(),
            endpoint: String::new(),
            webhook_url: String::new(),
            secret: Mutex::default(),
        }
    }

    /// Connected, with a customer mapped, a default profile and a scanner's endpoint.
    pub async fn ready(self) -> Self {
        let msp = self.connected().await.listening().await;
        msp.makes_default_profile().await;
        msp.customer("Northwind Dental", "northwind").await;
        msp
    }

    /// With HaloPSA verified, and its lists and companies read.
    pub async fn connected(mut self) -> Self {
        let credentials = self.app.halo.credentials().into_iter();
        let credentials = credentials.map(|(key, value)| json!({ "key": key, "value": value }));
        let made = self
            .app
            .graphql(
                "mutation($input: PsaConnectionCreateInput!) { psaConnectionCreate(input: $input) {
                   psaConnection { id } userErrors { field message } } }",
                json!({ "input": {
                    "organizationId": self.organization, "platform": "halo", "name": "HaloPSA",
                    "credentials": credentials.collect::<Vec<_>>(),
                } }),
            )
            .await;
        self.connection = text(&made, "/psaConnectionCreate/psaConnection/id");
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
        self
    }

    /// With an endpoint for its scanner.
    pub async fn listening(mut self) -> Self {
        let (id, url, secret) = self.makes_endpoint("scanner", "events", "standard_webhooks", None).await;
        super::is_secret(&secret);
        (self.endpoint, self.webhook_url, self.secret) = (id, url, Mutex::new(secret));
        self
    }

    /// With HaloPSA telling the gateway what happens to tickets.
    pub async fn hears_halo(self) -> Self {
        let (_, url, secret) = self.makes_endpoint("halo", "halo", "halo_hmac", Some(&self.connection)).await;
        assert!(self.app.halo.set_up_webhook(&url, Some(&secret)));
        self
    }

    async fn makes_endpoint(
        &self,
        name: &str,
        sender: &str,
        scheme: &str,
        connection: Option<&str>,
    ) -> (String, String, String) {
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
            text(&made, "/webhookEndpointCreate/signingSecret"),
        )
    }

    /// A profile for everything that names none.
    pub async fn makes_default_profile(&self) {
        self.app
            .graphql(
                "mutation($input: TicketProfileCreateInput!) { ticketProfileCreate(input: $input) {
                   ticketProfile { id } userErrors { field message } } }",
                json!({ "input": {
                    "psaConnectionId": self.connection, "name": "Alerts", "isDefault": true,
                    "fields": [{ "key": "ticket_type", "value": "21" }],
                    "statusOnCreate": "1", "statusOnClose": "9",
                } }),
            )
            .await;
    }

    /// A customer by that name here and in HaloPSA, whom the scanner calls `alias`.
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

    /// A signed webhook, ready to be sent.
    pub fn signed(&self, event: &Finding) -> RequestBuilder {
        self.request(self.webhook_url(), &self.secret(), None, event.json().to_string().as_bytes(), "webhook")
    }

    fn request(&self, url: &str, secret: &str, id: Option<&str>, body: &[u8], names: &str) -> RequestBuilder {
        let id = id.map_or_else(|| format!("msg_{}", Chance::system().alphanumeric(24)), str::to_owned);
        let signed = signature::sign(secret, &id, self.app.clock.now(), body).expect("a signature");
        let mut request = self.app.http.post(url).body(body.to_vec());
        for (name, value) in signed.pairs() {
            request = request.header(name.replace("webhook", names), value);
        }
        request
    }

    async fn sent(request: RequestBuilder) -> Posted {
        let answer = request.send().await.expect("an answer");
        let status = answer.status();
        let retry_after =
            answer.headers().get("retry-after").and_then(|at| at.to_str().ok()).map(str::to_owned);
        Posted { status, retry_after, body: answer.json().await.unwrap_or_default() }
    }

    /// The scanner posts an event.
    pub async fn posts(&self, event: &Finding) -> Posted {
        Self::sent(self.signed(event)).await
    }

    /// To another node.
    pub async fn posts_to(&self, url: &str, event: &Finding) -> Posted {
        let body = event.json().to_string();
        Self::sent(self.request(url, &self.secret(), None, body.as_bytes(), "webhook")).await
    }

    /// Under a given id.
    pub async fn posts_as(&self, id: &str, event: &Finding) -> Posted {
        let body = event.json().to_string();
        Self::sent(self.request(self.webhook_url(), &self.secret(), Some(id), body.as_bytes(), "webhook"))
            .await
    }

    /// Signed with another secret.
    pub async fn posts_signed_with(&self, secret: &str, event: &Finding) -> Posted {
        let body = event.json().to_string();
        Self::sent(self.request(self.webhook_url(), secret, None, body.as_bytes(), "webhook")).await
    }

    /// Under Svix's names of the headers.
    pub async fn posts_with_svix_names(&self, event: &Finding) -> Posted {
        let body = event.json().to_string();
        Self::sent(self.request(self.webhook_url(), &self.secret(), None, body.as_bytes(), "svix")).await
    }

    /// Any bytes, well signed.
    pub async fn posts_raw(&self, body: &[u8]) -> Posted {
        Self::sent(self.request(self.webhook_url(), &self.secret(), None, body, "webhook")).await
    }

    async fn list(&self, field: &str, selection: &str) -> Vec<Value> {
        let query = format!(
            "query($id: ID!) {{ node(id: $id) {{ ... on Organization {{
               {field}(first: 100, orderBy: {{ field: CREATED_AT, direction: ASC }}) {{ nodes {{ {selection} }} }} }} }} }}"
        );
        let data = self.app.graphql(&query, json!({ "id": self.organization })).await;
        data["node"][field]["nodes"].as_array().expect("a list").clone()
    }

    /// Its tickets, oldest first.
    pub async fn tickets(&self) -> Vec<Value> {
        let selection = "id state reason { code message } externalId title closedBy closedAt isTest
                         previousTicket { externalId }";
        self.list("tickets", selection).await
    }

    /// Its events, oldest first.
    pub async fn events(&self) -> Vec<Value> {
        self.list("events", "kind outcome reason explanation").await
    }

    /// What became of its events, oldest first.
    pub async fn outcomes(&self) -> Vec<String> {
        self.events().await.iter().map(|event| text(event, "/outcome")).collect()
    }

    /// Its deliveries, oldest first.
    pub async fn deliveries(&self) -> Vec<Value> {
        let query = "query($id: ID!) { node(id: $id) { ... on Organization {
               webhookDeliveries(first: 100, orderBy: { field: RECEIVED_AT, direction: ASC }) {
                 nodes { id state problem duplicateCount } } } } }";
        let data = self.app.graphql(query, json!({ "id": self.organization })).await;
        data["node"]["webhookDeliveries"]["nodes"].as_array().expect("a list").clone()
    }

    /// Decides a delivery again.
    pub async fn redrives(&self, delivery: &str) {
        self.app
            .graphql(
                "mutation($input: WebhookDeliveryRedriveInput!) { webhookDeliveryRedrive(input: $input) {
                   webhookDelivery { state } userErrors { message } } }",
                json!({ "input": { "id": delivery } }),
            )
            .await;
    }

    /// The stages of a delivery's trace.
    pub async fn trace_stages(&self, delivery: &str) -> Vec<String> {
        let data = self
            .app
            .graphql(
                "query($id: ID!) { node(id: $id) { ... on WebhookDelivery { trace { stage result explanation } } } }",
                json!({ "id": delivery }),
            )
            .await;
        let steps = data["node"]["trace"].as_array().expect("a trace");
        steps.iter().map(|step| text(step, "/stage")).collect()
    }

    /// Sends a test ticket and does its steps: their kinds and states.
    pub async fn sends_test_ticket(&self) -> Vec<(String, String)> {
        let mapping = self.customer("Harbour Legal", "harbor").await;
        let sent = self
            .app
            .graphql(
                "mutation($input: TicketSendTestInput!) { ticketSendTest(input: $input) {
                   ticket { id isTest } userErrors { field message } } }",
                json!({ "input": { "companyMappingId": mapping } }),
            )
            .await;
        self.app.drain().await;
        let ticket = text(&sent, "/ticketSendTest/ticket/id");
        let query = "query($id: ID!) { node(id: $id) { ... on Ticket {
                       operations(first: 10) { nodes { kind state } } } } }";
        let data = self.app.graphql(query, json!({ "id": ticket })).await;
        let operations = data["node"]["operations"]["nodes"].as_array().expect("operations").clone();
        operations.iter().map(|operation| (text(operation, "/kind"), text(operation, "/state"))).collect()
    }

    /// How the attempts at the first ticket's creation ended, in order.
    pub async fn attempts_of_creation(&self) -> Vec<String> {
        let operations = self.operations().await;
        let creation = operations.iter().find(|operation| operation["kind"] == "CREATE").expect("a creation");
        let attempts = creation["attempts"]["nodes"].as_array().expect("attempts");
        attempts.iter().map(|attempt| text(attempt, "/outcome")).collect()
    }

    async fn operations(&self) -> Vec<Value> {
        self.list(
            "ticketOperations",
            "id kind state attempts(first: 20) { nodes { number outcome message } }",
        )
        .await
    }

    /// Retries what was given up.
    pub async fn retry_failed_operation(&self) {
        let operations = self.operations().await;
        let failed =
            operations.iter().find(|operation| operation["state"] == "FAILED").expect("a failed one");
        self.app
            .graphql(
                "mutation($input: TicketOperationRetryInput!) { ticketOperationRetry(input: $input) {
                   ticketOperation { state } userErrors { message } } }",
                json!({ "input": { "id": failed["id"] } }),
            )
            .await;
    }

    /// How its connection is.
    pub async fn connection_health(&self) -> Value {
        let data = self
            .app
            .graphql(
                "query($id: ID!) { node(id: $id) { ... on PsaConnection { health { status message } } } }",
                json!({ "id": self.connection }),
            )
            .await;
        data["node"]["health"].clone()
    }

    /// Id of its connection.
    pub fn connection(&self) -> &str {
        &self.connection
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
