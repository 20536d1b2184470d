//! A webhook address for one sender.

use async_graphql::{ID, Object};
use entity::webhook_endpoint;

use crate::graphql::ids;

/// A webhook address for one sender.
pub struct WebhookEndpoint(pub webhook_endpoint::Model);

impl From<webhook_endpoint::Model> for WebhookEndpoint {
    fn from(row: webhook_endpoint::Model) -> Self {
        Self(row)
    }
}

/// A webhook address for one sender.
#[Object]
impl WebhookEndpoint {
    /// Global id.
    pub async fn id(&self) -> ID {
        ids::encode::<webhook_endpoint::Entity>(self.0.id)
    }

    /// Name for people.
    async fn name(&self) -> &str {
        &self.0.name
    }
}
