//! Dashboards that watch: sockets, event streams, and what they are told.

mod access;
mod events;
mod nodes;
mod protocol;
mod watching;

use serde_json::{Value, json};

use crate::support::{Msp, TestApp, text};

/// Watching everything of tickets.
const TICKETS: &str = "subscription($filter: TicketUpdatedFilter) { ticketUpdated(filter: $filter) {
    eventId occurredAt ticket { id title state company { name } } } }";

/// Watching what comes in.
const DELIVERIES: &str = "subscription { webhookDeliveryReceived { webhookDelivery { id state } } }";

/// Makes a token of an organization; its id and text.
async fn token(app: &TestApp, msp: &Msp<'_>, expires_at: Option<&str>) -> (String, String) {
    let made = app
        .graphql(
            "mutation($input: AccessTokenCreateInput!) { accessTokenCreate(input: $input) {
               accessToken { id } token userErrors { message } } }",
            json!({ "input": {
                "organizationId": msp.organization, "name": "wall", "role": "VIEWER", "expiresAt": expires_at,
            } }),
        )
        .await;
    (text(&made, "/accessTokenCreate/accessToken/id"), text(&made, "/accessTokenCreate/token"))
}

/// Withdraws a token.
async fn revoke(app: &TestApp, id: &str) {
    let query = "mutation($input: AccessTokenRevokeInput!) { accessTokenRevoke(input: $input) {
                   accessToken { id } userErrors { message } } }";
    app.graphql(query, json!({ "input": { "id": id } })).await;
}

/// The code of the first error of an answer.
fn code(errors: &Value) -> &str {
    errors[0]["extensions"]["code"].as_str().unwrap_or_default()
}
