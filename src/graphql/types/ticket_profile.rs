//! How tickets are made and closed on one connection.

use async_graphql::{ID, Object};
use entity::ticket_profile;

use crate::graphql::ids;

/// How tickets are made and closed on one connection.
pub struct TicketProfile(pub ticket_profile::Model);

impl From<ticket_profile::Model> for TicketProfile {
    fn from(row: ticket_profile::Model) -> Self {
        Self(row)
    }
}

/// How tickets are made and closed on one connection.
#[Object]
impl TicketProfile {
    /// Global id.
    pub async fn id(&self) -> ID {
        ids::encode::<ticket_profile::Entity>(self.0.id)
    }

    /// Name for people.
    async fn name(&self) -> &str {
        &self.0.name
    }
}
