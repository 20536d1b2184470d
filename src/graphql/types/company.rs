//! A customer of the organization, as scanners know it.

use std::collections::HashMap;

use async_graphql::{Context, ID, InputObject, Object, Result, dataloader::Loader};
use entity::{company, company_alias, company_value, organization, psa_connection};
use uuid::Uuid;

use super::contact::{ContactConnection, ContactFilter, ContactOrder};
use super::psa_ticket::{PsaTicketConnection, PsaTicketFilter, PsaTicketOrder};
use super::{
    CompanyAssetConnection, CompanyAssetFilter, CompanyAssetOrder, CompanyMappingConnection, CompanyValue,
    ConfigurationConnection, ConfigurationFilter, ConfigurationOrder, OrderDirection, Organization,
    StatisticsBucket, TicketConnection, TicketFilter, TicketOrder, TicketStatistics, TicketStatisticsFilter,
    filters::ordering, statistics::cut,
};
use crate::{
    db::page::PageArgs,
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
        companies,
        lists::{CompanyList, MappingList, MappingsOf},
    },
    statistics::tickets::Of,
    sync::configurations::ConfigurationsOf,
    sync::contacts::ContactsOf,
    sync::psa_tickets::PsaTicketsOf,
    tickets::read::{TicketList, TicketsOf},
};

/// A customer of the organization, as scanners know it.
pub struct Company(pub company::Model);

impl From<company::Model> for Company {
    fn from(row: company::Model) -> Self {
        Self(row)
    }
}

connection! {
    /// A list of companies.
    CompanyConnection, CompanyEdge, Company, CompanyList, plain company {
        "id": Id as plain::id::<company::Entity>,
        "name": Name as plain::text,
        "createdAt": CreatedAt as plain::time,
        "version": Version as plain::whole,
        "updatedAt": UpdatedAt as plain::time,
    }
}

/// Which companies; everything given must be true.
#[derive(Clone, Debug, Default, InputObject)]
pub struct CompanyFilter {
    /// Part of the name or of an alias, in upper or lower case.
    pub query: Option<String>,
    /// Those that are not mapped on this connection.
    pub unmapped_on: Option<ID>,
    /// Those that are mapped on any connection, or those that are on none.
    pub is_mapped: Option<bool>,
}

ordering! {
    /// The order of companies; those that are equal stand in the order of their ids.
    CompanyOrder, CompanyOrderField of company, Asc, [
        /// Their names.
        #[default]
        Name,
        /// When they were made.
        CreatedAt,
        /// When they were last changed.
        UpdatedAt,
    ]
}

impl CompanyFilter {
    /// The domain's list.
    pub fn read(self, order_by: Option<CompanyOrder>) -> Result<CompanyList, Error> {
        let unmapped_on = ids::parse_option::<psa_connection::Entity>(
            self.unmapped_on.as_ref(),
            &["filter", "unmappedOn"],
        )?;
        let order = order_by.map(Into::into);
        Ok(CompanyList { text: self.query, unmapped_on, is_mapped: self.is_mapped, order })
    }
}

/// A customer of the organization, as scanners know it.
#[Object]
impl Company {
    /// Global id.
    pub async fn id(&self) -> ID {
        ids::encode::<company::Entity>(self.0.id)
    }

    /// Name for people; unique in the organization.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// Whose customer it is.
    async fn organization(&self, ctx: &Context<'_>) -> Result<Organization> {
        Ok(ctx.loaders()?.named::<organization::Entity>(self.0.organization_id).await?.into())
    }

    /// Its type; null where it has none.
    async fn company_type(&self, ctx: &Context<'_>) -> Result<Option<CompanyValue>> {
        value(ctx, self.0.company_type_id).await
    }

    /// Its status; null where it has none.
    async fn company_status(&self, ctx: &Context<'_>) -> Result<Option<CompanyValue>> {
        value(ctx, self.0.company_status_id).await
    }

    /// Its market; null where it has none.
    async fn company_market(&self, ctx: &Context<'_>) -> Result<Option<CompanyValue>> {
        value(ctx, self.0.company_market_id).await
    }

    /// The names and ids that senders know it by, in the order of their making.
    async fn aliases(&self, ctx: &Context<'_>) -> Result<Vec<CompanyAlias>> {
        let found = ctx.loaders()?.get(AliasesOf(self.0.id)).await?;
        Ok(found.unwrap_or_default().into_iter().map(CompanyAlias).collect())
    }

    /// What it is at the PSAs: one mapping a connection at the most.
    async fn mappings(
        &self,
        #[graphql(desc = "The first so many, 1 to 100; 20 where nothing is said.")] first: Option<i32>,
        #[graphql(desc = "Behind this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
    ) -> Result<CompanyMappingConnection> {
        let wanted = MappingList { of: MappingsOf::Company, ..MappingList::default() };
        Ok(CompanyMappingConnection::new(self.0.id, wanted, &PageArgs { first, after, last, before })?)
    }

    /// Its people as the PSAs keep them, by name unless ordered otherwise: the copies that were read last.
    async fn contacts(
        &self,
        #[graphql(desc = "The first so many, 1 to 100; 20 where nothing is said.")] first: Option<i32>,
        #[graphql(desc = "Behind this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only those of which all of this is true.")] filter: Option<ContactFilter>,
        #[graphql(desc = "The order; by default by name.")] order_by: Option<ContactOrder>,
    ) -> Result<ContactConnection> {
        let mut wanted = filter.unwrap_or_default().read(ContactsOf::Organization, order_by);
        wanted.filter.company_ids = Some(vec![self.0.id]);
        let args = PageArgs { first, after, last, before };
        Ok(ContactConnection::new(self.0.organization_id, wanted, &args)?)
    }

    /// Its devices as scanners know them, by name.
    async fn assets(
        &self,
        #[graphql(desc = "The first so many, 1 to 100; 20 where nothing is said.")] first: Option<i32>,
        #[graphql(desc = "Behind this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only those of which all of this is true.")] filter: Option<CompanyAssetFilter>,
        #[graphql(desc = "The order; by default by name.")] order_by: Option<CompanyAssetOrder>,
    ) -> Result<CompanyAssetConnection> {
        let wanted = filter.unwrap_or_default().read(true, order_by)?;
        Ok(CompanyAssetConnection::new(self.0.id, wanted, &PageArgs { first, after, last, before })?)
    }

    /// Its tickets as the PSAs keep them, whoever made them: the copies that were read last.
    async fn psa_tickets(
        &self,
        #[graphql(desc = "The first so many, 1 to 100; 20 where nothing is said.")] first: Option<i32>,
        #[graphql(desc = "Behind this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only those of which all of this is true.")] filter: Option<PsaTicketFilter>,
        #[graphql(desc = "The order; by default the one that changed last first.")] order_by: Option<
            PsaTicketOrder,
        >,
    ) -> Result<PsaTicketConnection> {
        let mut wanted = filter.unwrap_or_default().read(PsaTicketsOf::Organization, order_by)?;
        wanted.filter.company_ids = Some(vec![self.0.id]);
        Ok(PsaTicketConnection::new(
            self.0.organization_id,
            wanted,
            &PageArgs { first, after, last, before },
        )?)
    }

    /// Its assets as the PSAs keep them, by name unless ordered otherwise: the copies that were read last.
    async fn configurations(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The first so many, 1 to 100; 20 where nothing is said.")] first: Option<i32>,
        #[graphql(desc = "Behind this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only those of which all of this is true.")] filter: Option<ConfigurationFilter>,
        #[graphql(desc = "The order; by default by name.")] order_by: Option<ConfigurationOrder>,
    ) -> Result<ConfigurationConnection> {
        let mut wanted = filter.unwrap_or_default().read(ctx, ConfigurationsOf::Organization, order_by)?;
        wanted.filter.company_ids = Some(vec![self.0.id]);
        Ok(ConfigurationConnection::new(
            self.0.organization_id,
            wanted,
            &PageArgs { first, after, last, before },
        )?)
    }

    /// Its tickets, the newest first unless ordered otherwise.
    async fn tickets(
        &self,
        #[graphql(desc = "The first so many, 1 to 100; 20 where nothing is said.")] first: Option<i32>,
        #[graphql(desc = "Behind this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only those of which all of this is true.")] filter: Option<TicketFilter>,
        #[graphql(desc = "The order; by default the newest first.")] order_by: Option<TicketOrder>,
    ) -> Result<TicketConnection> {
        let wanted = TicketList {
            of: TicketsOf::Company,
            filter: filter.unwrap_or_default().read()?,
            order: order_by.unwrap_or_default().into(),
        };
        Ok(TicketConnection::new(self.0.id, wanted, &PageArgs { first, after, last, before })?)
    }

    /// Its tickets over time: how many, and how fast. Test tickets are left out.
    async fn ticket_statistics(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "From the bucket this moment is in; by default 30 days, 12 weeks or 12 months.")]
        from: Option<DateTime>,
        #[graphql(desc = "Until before this moment, and to the end of its bucket; by default until now.")]
        to: Option<DateTime>,
        #[graphql(desc = "How long the buckets are, 400 of them at the most; by default days.")]
        bucket: Option<StatisticsBucket>,
    ) -> Result<TicketStatistics> {
        let of = Of { organization_id: self.0.organization_id, company_id: Some(self.0.id) };
        let buckets = cut(ctx, bucket, from, to)?;
        let wanted = TicketStatisticsFilter::default().read(buckets).map_err(Error::from)?;
        Ok(TicketStatistics { of, wanted })
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

async fn value(ctx: &Context<'_>, id: Option<Uuid>) -> Result<Option<CompanyValue>> {
    let Some(id) = id else { return Ok(None) };
    Ok(ctx.loaders()?.row::<company_value::Entity>(id).await?.map(CompanyValue::from))
}

/// A sender's own name or id for a company.
pub struct CompanyAlias(pub company_alias::Model);

impl From<company_alias::Model> for CompanyAlias {
    fn from(row: company_alias::Model) -> Self {
        Self(row)
    }
}

/// A sender's own name or id for a company.
#[Object]
impl CompanyAlias {
    /// Global id.
    pub async fn id(&self) -> ID {
        ids::encode::<company_alias::Entity>(self.0.id)
    }

    /// The company meant.
    async fn company(&self, ctx: &Context<'_>) -> Result<Company> {
        Ok(ctx.loaders()?.named::<company::Entity>(self.0.company_id).await?.into())
    }

    /// Which product uses it; `*` for any.
    async fn source(&self) -> &str {
        &self.0.source
    }

    /// The name or id, as sent.
    async fn value(&self) -> &str {
        &self.0.value
    }

    /// When it was made.
    async fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }
}

/// The aliases of a company.
#[derive(Clone, PartialEq, Eq, Hash)]
struct AliasesOf(Uuid);

impl Loader<AliasesOf> for Fetch {
    type Value = Vec<company_alias::Model>;
    type Error = Shared;

    async fn load(&self, keys: &[AliasesOf]) -> Result<HashMap<AliasesOf, Self::Value>, Shared> {
        let ids: Vec<_> = keys.iter().map(|key| key.0).collect();
        let found = companies::aliases(&self.viewer, &self.ground, &ids).await?;
        Ok(found.into_iter().map(|(id, rows)| (AliasesOf(id), rows)).collect())
    }
}
