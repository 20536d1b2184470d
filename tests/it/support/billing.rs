//! What an MSP bills, and what its products report.

use psa_gateway::sandbox::frame::LedgerBilling;
use serde_json::{Value, json};

use super::{Msp, text};

/// The product that is billed unless something else is said.
pub const PRODUCT: &str = "managed-edr";

impl Msp<'_> {
    /// Ids of its first customer and of that in the PSA.
    pub async fn first_customer(&self) -> (String, String) {
        let query =
            "query($id: ID!) { node(id: $id) { ... on PsaConnection { companyMappings(last: 1) { nodes {
               company { id } psaCompany { id } } } } } }";
        let found = self.app.graphql(query, json!({ "id": self.connection })).await;
        let mapping = &found["node"]["companyMappings"]["nodes"][0];
        (text(mapping, "/company/id"), text(mapping, "/psaCompany/id"))
    }

    /// Reads its first customer's lines from the PSA; those whose quantity can be set.
    pub async fn reads_lines(&self) -> Vec<Value> {
        let (_, psa_company) = self.first_customer().await;
        let asked = json!({ "psaCompanyId": psa_company });
        self.app.does("billingLinesRefresh", "billingRefresh { id state }", asked).await;
        self.app.drain().await;
        let query = "query($id: ID!) { node(id: $id) { ... on PsaConnection {
               billingLines(first: 50, filter: { canBeSet: true }) { nodes { id name invoiceName quantity } } } } }";
        let found = self.app.graphql(query, json!({ "id": self.connection })).await;
        found["node"]["billingLines"]["nodes"].as_array().expect("lines").clone()
    }

    /// Bills its first customer by the first line that can be set; the billing line's id.
    pub async fn bills(&self, product: &str) -> String {
        let (company, _) = self.first_customer().await;
        let lines = self.reads_lines().await;
        let input = json!({ "companyId": company, "product": product, "psaBillingLineId": lines[0]["id"] });
        text(&self.app.does("billingLineCreate", "billingLine { id }", input).await, "/billingLine/id")
    }

    /// Bills its first customer, who uses something, and pushes that.
    pub async fn bills_what_is_used(&self) {
        self.bills(PRODUCT).await;
        self.reports(20.0).await;
        self.pushes().await;
    }

    /// Reports what its first customer uses, as a script would.
    pub async fn reports(&self, quantity: f64) -> Value {
        let (company, _) = self.first_customer().await;
        let report = json!({ "companyId": company, "product": PRODUCT, "quantity": quantity });
        let input = json!({ "organizationId": self.organization, "reports": [report] });
        let selection = "results { usageMark { id highWater period { name } } userErrors { field message } }";
        self.app.does("usageReport", selection, input).await["results"][0].clone()
    }

    /// Pushes all of its lines now.
    pub async fn pushes(&self) {
        let input = json!({ "organizationId": self.organization });
        self.app.does("billingPush", "isQueued entries { id }", input).await;
        self.app.drain().await;
    }

    /// Its ledger, oldest first.
    pub async fn entries(&self) -> Vec<Value> {
        let query = "query($id: ID!) { node(id: $id) { ... on Organization { billing {
               entries(first: 100, orderBy: { field: CREATED_AT, direction: ASC }) { nodes {
                 id state mark proposed before sent sentAt readBack difference isCorrection correctionReason
                 decidedBy attemptCount effectiveOn period { name } problem { code message } } } } } } }";
        let found = self.app.graphql(query, json!({ "id": self.organization })).await;
        found["node"]["billing"]["entries"]["nodes"].as_array().expect("entries").clone()
    }

    /// Each entry of its ledger as state and value, oldest first.
    pub async fn billed(&self) -> Vec<(String, f64)> {
        let entries = self.entries().await;
        let told = |entry: &Value| (text(entry, "/state"), entry["proposed"].as_f64().expect("a number"));
        entries.iter().map(told).collect()
    }

    /// What the next push would do to its only line.
    pub async fn next_push(&self) -> Value {
        let query = "query($id: ID!) { node(id: $id) { ... on Organization { billing { lines(first: 1) { nodes {
               nextPush { verdict explanation mark proposed lastSeen difference period { name } } } } } } } }";
        let found = self.app.graphql(query, json!({ "id": self.organization })).await;
        found["node"]["billing"]["lines"]["nodes"][0]["nextPush"].clone()
    }

    /// What its only billed line truly has in the PSA, and how often that was set.
    pub async fn billed_in_psa(&self) -> (String, u32) {
        let query =
            "query($id: ID!) { node(id: $id) { ... on Organization { billing { lines(first: 1) { nodes {
               invoiceExternalId externalId } } } } } }";
        let found = self.app.graphql(query, json!({ "id": self.organization })).await;
        let line = &found["node"]["billing"]["lines"]["nodes"][0];
        let is_it = |row: &LedgerBilling| {
            line["invoiceExternalId"] == row.invoice_id.to_string()
                && line["externalId"] == row.id.to_string()
        };
        let row = self.psa.billing().into_iter().find(is_it).expect("the line in the PSA");
        (row.quantity, row.writes)
    }
}
