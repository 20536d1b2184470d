//! A company as the PSA knows it: a copy.

use async_graphql::{ID, Object};
use entity::psa_company;

use crate::graphql::ids;

/// A company as the PSA knows it: a copy.
pub struct PsaCompany(pub psa_company::Model);

impl From<psa_company::Model> for PsaCompany {
    fn from(row: psa_company::Model) -> Self {
        Self(row)
    }
}

/// A company as the PSA knows it: a copy.
#[Object]
impl PsaCompany {
    /// Global id.
    pub async fn id(&self) -> ID {
        ids::encode::<psa_company::Entity>(self.0.id)
    }

    /// Name for people.
    async fn name(&self) -> &str {
        &self.0.name
    }
}
