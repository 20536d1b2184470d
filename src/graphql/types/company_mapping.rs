//! Which company of the PSA is which of ours, on one connection.

use async_graphql::{Context, ID, Object, Result};
use entity::{company, company_mapping, psa_company, psa_connection};

use super::{Company, PsaCompany, PsaConnection};
use crate::graphql::{Asking as _, ids};

/// Which company of the PSA is which of ours, on one connection.
pub struct CompanyMapping(pub company_mapping::Model);

impl From<company_mapping::Model> for CompanyMapping {
    fn from(row: company_mapping::Model) -> Self {
        Self(row)
    }
}

/// Which company of the PSA is which of ours, on one connection.
#[Object]
impl CompanyMapping {
    /// Global id.
    pub async fn id(&self) -> ID {
        ids::encode::<company_mapping::Entity>(self.0.id)
    }

    /// Our side.
    async fn company(&self, ctx: &Context<'_>) -> Result<Company> {
        Ok(ctx.loaders()?.named::<company::Entity>(self.0.company_id).await?.into())
    }

    /// On which connection.
    async fn psa_connection(&self, ctx: &Context<'_>) -> Result<PsaConnection> {
        Ok(ctx.loaders()?.named::<psa_connection::Entity>(self.0.psa_connection_id).await?.into())
    }

    /// The PSA's side.
    async fn psa_company(&self, ctx: &Context<'_>) -> Result<PsaCompany> {
        Ok(ctx.loaders()?.named::<psa_company::Entity>(self.0.psa_company_id).await?.into())
    }
}
