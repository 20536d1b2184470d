//! What an MSP sees of its events, tickets and deliveries, and sets right by hand.

use serde_json::{Value, json};

use super::{Msp, text};

impl Msp<'_> {
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

    /// Its findings, oldest first.
    pub async fn findings(&self) -> Vec<Value> {
        let query = "query($id: ID!) { node(id: $id) { ... on Organization {
               findings(first: 100) { nodes { id title state } } } } }";
        let data = self.app.graphql(query, json!({ "id": self.organization })).await;
        data["node"]["findings"]["nodes"].as_array().expect("a list").clone()
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

    /// Its PSA's own tickets are copied from now on.
    pub async fn copies_tickets(&self) {
        let input = json!({ "psaConnectionId": self.connection, "isEnabled": true });
        self.app.does("psaTicketSyncSet", "psaConnection { id }", input).await;
    }

    /// A rule about what its people of billing see of tickets.
    pub async fn limits_billing(&self) {
        let input = json!({ "psaConnectionId": self.connection, "subject": { "role": "BILLING" }, "showsNotes": false });
        self.app
            .graphql(
                "mutation($input: TicketPermissionSetInput!) { ticketPermissionSet(input: $input) {
                   ticketPermission { id } userErrors { message } } }",
                json!({ "input": input }),
            )
            .await;
    }

    /// An event set for secrets that leak.
    pub async fn makes_event_set(&self, name: &str) -> String {
        let input = json!({
            "organizationId": self.organization, "name": name, "choices": [{ "category": "secret" }],
        });
        let made = self
            .app
            .graphql(
                "mutation($input: EventSetCreateInput!) { eventSetCreate(input: $input) {
                   eventSet { id } userErrors { message } } }",
                json!({ "input": input }),
            )
            .await;
        text(&made, "/eventSetCreate/eventSet/id")
    }

    /// A maintenance window next month, and a mute of a finding that it has.
    pub async fn plans_quiet(&self) {
        let window = json!({
            "organizationId": self.organization, "name": "Patch day",
            "startsAt": "2026-12-21T09:00:00Z", "endsAt": "2026-12-21T10:00:00Z",
        });
        self.app
            .graphql(
                "mutation($input: MaintenanceWindowCreateInput!) { maintenanceWindowCreate(input: $input) {
                   maintenanceWindow { id } userErrors { message } } }",
                json!({ "input": window }),
            )
            .await;
        let finding = text(&self.findings().await[0], "/id");
        let mute = json!({
            "of": { "findingId": finding }, "until": "2026-11-28T09:00:00Z", "reason": "mended on Friday",
        });
        self.app
            .graphql(
                "mutation($input: FindingMuteInput!) { findingMute(input: $input) {
                   mute { id } userErrors { message } } }",
                json!({ "input": mute }),
            )
            .await;
    }

    /// Somebody who is told what becomes of its tickets, at an address where nobody listens; and a test for them.
    pub async fn makes_subscriber(&self, name: &str) -> String {
        let input = json!({
            "organizationId": self.organization, "name": name, "url": "http://127.0.0.1:9/hooks",
        });
        let made = self
            .app
            .graphql(
                "mutation($input: WebhookSubscriberCreateInput!) { webhookSubscriberCreate(input: $input) {
                   webhookSubscriber { id } signingSecret userErrors { message } } }",
                json!({ "input": input }),
            )
            .await;
        super::is_secret(&text(&made, "/webhookSubscriberCreate/signingSecret"));
        let id = text(&made, "/webhookSubscriberCreate/webhookSubscriber/id");
        self.app
            .graphql(
                "mutation($input: WebhookSubscriberSendTestInput!) { webhookSubscriberSendTest(input: $input) {
                   notification { id } userErrors { message } } }",
                json!({ "input": { "id": id } }),
            )
            .await;
        id
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

    /// What a delivery's trace says of its policies.
    pub async fn trace_of_policies(&self, delivery: &str) -> Vec<String> {
        let query = "query($id: ID!) { node(id: $id) { ... on WebhookDelivery { trace { stage result } } } }";
        let data = self.app.graphql(query, json!({ "id": delivery })).await;
        let steps = data["node"]["trace"].as_array().expect("a trace").iter();
        steps.filter(|step| step["stage"] == "POLICY").map(|step| text(step, "/result")).collect()
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
}
