//! Which company of the PSA is which of ours, on one connection.

use async_graphql::{Context, ID, InputObject, Object, Result};
use entity::{company, company_mapping, organization, psa_company, psa_connection, ticket_profile};

use super::{
    Company, OrderDirection, Organization, PsaCompany, PsaConnection, ReferenceFilter, TicketProfile,
    filters::ordering,
};
use crate::{
    error::Error,
    graphql::{Asking as _, connection::connection, ids, scalars::DateTime},
    organizations::lists::{MappingList, MappingsOf},
};

/// Which company of the PSA is which of ours, on one connection.
pub struct CompanyMapping(pub company_mapping::Model);

impl From<company_mapping::Model> for CompanyMapping {
    fn from(row: company_mapping::Model) -> Self {
        Self(row)
    }
}

connection! {
    /// A list of company mappings, the newest first.
    CompanyMappingConnection, CompanyMappingEdge, CompanyMapping, MappingList
}

/// Which mappings; everything given must be true.
#[derive(Clone, Debug, Default, InputObject)]
pub struct CompanyMappingFilter {
    /// On which connection.
    pub psa_connection: Option<ReferenceFilter>,
    /// Of which company.
    pub company: Option<ReferenceFilter>,
    /// To which company of the PSA.
    pub psa_company: Option<ReferenceFilter>,
    /// With ticketing on, or off.
    pub is_ticketing_enabled: Option<bool>,
    /// Part of the name of the company or of the PSA's company, in upper or lower case.
    pub query: Option<String>,
}

ordering! {
    /// The order of company mappings; those that are equal stand in the order of their ids.
    CompanyMappingOrder, CompanyMappingOrderField of company_mapping, Desc, [
        /// When they were made.
        #[default]
        CreatedAt,
        /// When they were last changed.
        UpdatedAt,
    ]
}

impl CompanyMappingFilter {
    /// The domain's list.
    pub fn read(self, order_by: Option<CompanyMappingOrder>) -> Result<MappingList, Error> {
        Ok(MappingList {
            of: MappingsOf::Organization,
            psa_connection_ids: ReferenceFilter::read::<psa_connection::Entity>(
                self.psa_connection.as_ref(),
                "psaConnection",
            )?,
            company_ids: ReferenceFilter::read::<company::Entity>(self.company.as_ref(), "company")?,
            psa_company_ids: ReferenceFilter::read::<psa_company::Entity>(
                self.psa_company.as_ref(),
                "psaCompany",
            )?,
            is_ticketing_enabled: self.is_ticketing_enabled,
            text: self.query,
            order: order_by.map(Into::into),
        })
    }
}

/// Which company of the PSA is which of ours, on one connection.
#[Object]
impl CompanyMapping {
    /// Global id.
    pub async fn id(&self) -> ID {
        ids::encode::<company_mapping::Entity>(self.0.id)
    }

    /// Whose it is.
    async fn organization(&self, ctx: &Context<'_>) -> Result<Organization> {
        Ok(ctx.loaders()?.named::<organization::Entity>(self.0.organization_id).await?.into())
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

    /// Whether tickets are opened for it.
    async fn is_ticketing_enabled(&self) -> bool {
        self.0.is_ticketing_enabled
    }

    /// A ticket profile of its own; null where the policy's or the organization's default is used.
    async fn ticket_profile(&self, ctx: &Context<'_>) -> Result<Option<TicketProfile>> {
        let Some(id) = self.0.ticket_profile_id else { return Ok(None) };
        Ok(ctx.loaders()?.row::<ticket_profile::Entity>(id).await?.map(TicketProfile))
    }

    /// When it was made.
    async fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }

    /// Counts changes by people, from 1: what an update takes as `expectedVersion`.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// When it was last changed.
    async fn updated_at(&self) -> DateTime {
        self.0.updated_at.into()
    }
}
