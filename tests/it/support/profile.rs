//! A ticket profile for any platform, from what the gateway suggests.

use serde_json::{Value, json};

use super::Msp;

impl Msp<'_> {
    /// The input of a profile that fills in what is required; the connection is not in it.
    pub async fn profile_input(&self) -> Value {
        let query = "query($id: ID!) { node(id: $id) { ... on PsaConnection {
               suggestedTicketProfile { fields { key value } statusOnCreate statusOnClose } } } }";
        let data = self.app.graphql(query, json!({ "id": self.connection })).await;
        let mut input = data["node"]["suggestedTicketProfile"].clone();
        assert!(input["statusOnClose"].is_string(), "no status that closes: {input:#}");
        input["name"] = json!("Alerts");
        input["isDefault"] = json!(true);
        input
    }
}
