//! A customer of the organization, as scanners know it.

use async_graphql::{ID, Object};
use entity::company;

use crate::graphql::ids;

/// A customer of the organization, as scanners know it.
pub struct Company(pub company::Model);

impl From<company::Model> for Company {
    fn from(row: company::Model) -> Self {
        Self(row)
    }
}

/// A customer of the organization, as scanners know it.
#[Object]
impl Company {
    /// Global id.
    pub async fn id(&self) -> ID {
        ids::encode::<company::Entity>(self.0.id)
    }

    /// Name for people.
    async fn name(&self) -> &str {
        &self.0.name
    }
}
