//! A named login to one PSA.

use async_graphql::{ID, Object};
use entity::psa_connection;

use crate::graphql::ids;

/// A named login to one PSA.
pub struct PsaConnection(pub psa_connection::Model);

impl From<psa_connection::Model> for PsaConnection {
    fn from(row: psa_connection::Model) -> Self {
        Self(row)
    }
}

/// A named login to one PSA.
#[Object]
impl PsaConnection {
    /// Global id.
    pub async fn id(&self) -> ID {
        ids::encode::<psa_connection::Entity>(self.0.id)
    }

    /// Name for people.
    async fn name(&self) -> &str {
        &self.0.name
    }
}
