//! Which company of the PSA is which of ours, on one connection.

use std::collections::HashMap;

use async_graphql::{Context, Enum, ID, InputObject, Object, Result, SimpleObject, dataloader::Loader};
use entity::{
    company, company_mapping, event_set, organization, psa_company, psa_connection, ticket_profile,
};
use uuid::Uuid;

use super::{
    Company, EventSet, OrderDirection, Organization, PsaCompany, PsaConnection, ReferenceFilter,
    TicketProfile, filters::ordering,
};
use crate::{
    error::Error,
    graphql::{
        Asking as _,
        connection::connection,
        ids,
        loaders::{Fetch, Shared},
        plain,
        scalars::DateTime,
    },
    organizations::{
        lists::{MappingList, MappingsOf},
        mappings::drift,
    },
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
    CompanyMappingConnection, CompanyMappingEdge, CompanyMapping, MappingList, plain company_mapping {
        "id": Id as plain::id::<company_mapping::Entity>,
        "isTicketingEnabled": IsTicketingEnabled as plain::flag,
        "isEnabled": IsEnabled as plain::flag,
        "isConfigurationsEnabled": IsConfigurationsEnabled as plain::flag,
        "origin": Origin as plain::one_of::<company_mapping::MappingOrigin, CompanyMappingOrigin>,
        "createdAt": CreatedAt as plain::time,
        "version": Version as plain::whole,
        "updatedAt": UpdatedAt as plain::time,
    }
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
    /// Switched on, or off.
    pub is_enabled: Option<bool>,
    /// Those whose other side has drifted, or those whose has not.
    pub is_stale: Option<bool>,
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
            is_enabled: self.is_enabled,
            is_stale: self.is_stale,
            text: self.query,
            order: order_by.map(Into::into),
        })
    }
}

/// How a mapping came about. New values may be added: have a default branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "company_mapping::MappingOrigin")]
pub enum CompanyMappingOrigin {
    /// Somebody chose both sides.
    Manual,
    /// Somebody took a suggestion of an import.
    Suggested,
    /// An import found the same name on both sides, or made the company.
    Imported,
    /// It was copied from another company's.
    Copied,
}

/// What became of a mapping's other side. New values may be added: have a default branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "drift::DriftKind")]
pub enum CompanyMappingDriftKind {
    /// It has another name than when it was mapped.
    Renamed,
    /// The PSA no longer lists it, and lists another one of the same name.
    Merged,
    /// The PSA no longer works for it.
    Inactive,
    /// The PSA no longer lists it.
    Deleted,
    /// Another company of ours is mapped to it, too.
    Shared,
}

/// What would mend a drift. New values may be added: have a default branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum CompanyMappingMendKind {
    /// Map the company to `psaCompany` (`companyMappingSet`).
    MapTo,
    /// Give our company the name `name` (`companyUpdate`).
    RenameCompany,
    /// Set the mapping again as it is (`companyMappingSet`): the difference is meant so.
    Keep,
    /// Switch the mapping off (`companyMappingSet`).
    Disable,
    /// Take the mapping away (`companyMappingRemove`).
    Remove,
}

/// One way to mend a drift; none is taken by itself.
#[derive(SimpleObject)]
pub struct CompanyMappingMend {
    /// What to do.
    pub kind: CompanyMappingMendKind,
    /// To which company of the PSA to map.
    pub psa_company: Option<PsaCompany>,
    /// Which name to give.
    pub name: Option<String>,
}

/// One thing that became of a mapping's other side.
#[derive(SimpleObject)]
pub struct CompanyMappingDrift {
    /// What.
    pub kind: CompanyMappingDriftKind,
    /// For people. May change.
    pub message: String,
    /// What would mend it, the best first.
    pub mends: Vec<CompanyMappingMend>,
}

impl From<drift::Mend> for CompanyMappingMend {
    fn from(mend: drift::Mend) -> Self {
        use CompanyMappingMendKind as Kind;
        let of = |kind| Self { kind, psa_company: None, name: None };
        match mend {
            drift::Mend::MapTo(row) => Self { psa_company: Some((*row).into()), ..of(Kind::MapTo) },
            drift::Mend::Rename(name) => Self { name: Some(name), ..of(Kind::RenameCompany) },
            drift::Mend::Keep => of(Kind::Keep),
            drift::Mend::Disable => of(Kind::Disable),
            drift::Mend::Remove => of(Kind::Remove),
        }
    }
}

impl From<drift::Drift> for CompanyMappingDrift {
    fn from(drift: drift::Drift) -> Self {
        let mends = drift.mends.into_iter().map(Into::into).collect();
        Self { kind: drift.kind.into(), message: drift.message, mends }
    }
}

/// What became of the other side of a mapping.
#[derive(Clone, PartialEq, Eq, Hash)]
struct DriftOf(Uuid);

impl Loader<DriftOf> for Fetch {
    type Value = Vec<drift::Drift>;
    type Error = Shared;

    async fn load(&self, keys: &[DriftOf]) -> Result<HashMap<DriftOf, Self::Value>, Shared> {
        let ids: Vec<_> = keys.iter().map(|key| key.0).collect();
        let found = drift::of_mappings(&self.viewer, &self.ground, &ids).await?;
        Ok(found.into_iter().map(|(id, drifts)| (DriftOf(id), drifts)).collect())
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

    /// An event set of its own: other events open no tickets for it; null where the policies alone decide.
    async fn event_set(&self, ctx: &Context<'_>) -> Result<Option<EventSet>> {
        let Some(id) = self.0.event_set_id else { return Ok(None) };
        Ok(ctx.loaders()?.row::<event_set::Entity>(id).await?.map(EventSet::from))
    }

    /// Whether it is used at all.
    async fn is_enabled(&self) -> bool {
        self.0.is_enabled
    }

    /// Whether its configurations are read where not those of all companies are.
    async fn is_configurations_enabled(&self) -> bool {
        self.0.is_configurations_enabled
    }

    /// How it came about.
    async fn origin(&self) -> CompanyMappingOrigin {
        self.0.origin.into()
    }

    /// How sure the suggestion was that it came from, 0 to 1; null where it came from none.
    async fn confidence(&self) -> Option<f64> {
        self.0.confidence.map(|hundredths| f64::from(hundredths) / 100.0)
    }

    /// When the company was mapped to the PSA's company that it is mapped to now.
    async fn mapped_at(&self) -> DateTime {
        self.0.mapped_at.unwrap_or(self.0.created_at).into()
    }

    /// Whether its other side has drifted: see `drift`.
    async fn is_stale(&self, ctx: &Context<'_>) -> Result<bool> {
        Ok(ctx.loaders()?.get(DriftOf(self.0.id)).await?.is_some())
    }

    /// What became of the PSA's company since it was mapped, and what would mend it. Empty where all is as it was.
    async fn drift(&self, ctx: &Context<'_>) -> Result<Vec<CompanyMappingDrift>> {
        let found = ctx.loaders()?.get(DriftOf(self.0.id)).await?.unwrap_or_default();
        Ok(found.into_iter().map(CompanyMappingDrift::from).collect())
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
