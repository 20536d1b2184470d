//! A company as the PSA knows it: a copy.

use async_graphql::{Context, ID, InputObject, Object, Result};
use entity::{psa_company, psa_connection};

use super::contact::{ContactConnection, ContactFilter, ContactOrder};
use super::psa_ticket::{PsaTicketConnection, PsaTicketFilter, PsaTicketOrder};
use super::{
    CompanyMappingConnection, ConfigurationConnection, ConfigurationFilter, ConfigurationOrder,
    OrderDirection, PsaConnection, filters::ordering,
};
use crate::{
    db::page::PageArgs,
    graphql::{
        Asking as _,
        connection::connection,
        ids, plain,
        scalars::{DateTime, Url},
    },
    organizations::lists::{MappingList, MappingsOf},
    sync::contacts::ContactsOf,
    sync::psa_tickets::PsaTicketsOf,
    sync::{
        companies::{self, PsaCompanyList},
        configurations::ConfigurationsOf,
    },
};

/// A company as the PSA knows it: a copy.
pub struct PsaCompany(pub psa_company::Model);

impl From<psa_company::Model> for PsaCompany {
    fn from(row: psa_company::Model) -> Self {
        Self(row)
    }
}

connection! {
    /// A list of a PSA's companies, by name: the copy that was read last.
    PsaCompanyConnection, PsaCompanyEdge, PsaCompany, PsaCompanyList, plain psa_company {
        "id": Id as plain::id::<psa_company::Entity>,
        "externalId": ExternalId as plain::text,
        "name": Name as plain::text,
        "companyType": CompanyType as plain::maybe_text,
        "status": Status as plain::maybe_text,
        "isActive": IsActive as plain::flag,
        "code": Code as plain::maybe_text,
        "market": Market as plain::maybe_text,
        "missingSince": MissingSince as plain::maybe_time,
        "changedAt": ChangedAt as plain::maybe_time,
    }
}

/// Which of a PSA's companies; everything given must be true.
#[derive(Clone, Debug, Default, InputObject)]
pub struct PsaCompanyFilter {
    /// Part of the name or of the PSA's id, in upper or lower case.
    pub query: Option<String>,
    /// Of one of these types, in the PSA's words.
    pub company_type_in: Option<Vec<String>>,
    /// Of one of these statuses, in the PSA's words.
    pub status_in: Option<Vec<String>>,
    /// Whether the PSA still works for it.
    pub is_active: Option<bool>,
    /// Whether a company of ours is mapped to it.
    pub is_mapped: Option<bool>,
    /// Whether the PSA no longer lists it.
    pub is_missing: Option<bool>,
}

ordering! {
    /// The order of a PSA's companies; those that are equal stand in the order of their ids.
    PsaCompanyOrder, PsaCompanyOrderField of psa_company, Asc, [
        /// Their names.
        #[default]
        Name,
        /// When they were last read as something new or changed.
        SyncedAt,
    ]
}

impl PsaCompanyFilter {
    /// The domain's list.
    pub fn read(self, order_by: Option<PsaCompanyOrder>) -> PsaCompanyList {
        PsaCompanyList {
            filter: companies::PsaCompanyFilter {
                text: self.query,
                company_types: self.company_type_in,
                statuses: self.status_in,
                is_active: self.is_active,
                is_mapped: self.is_mapped,
                is_missing: self.is_missing,
            },
            order: order_by.map(Into::into),
        }
    }
}

/// A company as the PSA knows it: a copy.
#[Object]
impl PsaCompany {
    /// Global id.
    pub async fn id(&self) -> ID {
        ids::encode::<psa_company::Entity>(self.0.id)
    }

    /// Through which connection it was read.
    async fn psa_connection(&self, ctx: &Context<'_>) -> Result<PsaConnection> {
        Ok(ctx.loaders()?.named::<psa_connection::Entity>(self.0.psa_connection_id).await?.into())
    }

    /// The PSA's id.
    async fn external_id(&self) -> &str {
        &self.0.external_id
    }

    /// Its name in the PSA.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// Its type in the PSA's words, where the PSA has types.
    async fn company_type(&self) -> Option<&str> {
        self.0.company_type.as_deref()
    }

    /// Its status in the PSA's words.
    async fn status(&self) -> Option<&str> {
        self.0.status.as_deref()
    }

    /// Whether the PSA still works for it.
    async fn is_active(&self) -> bool {
        self.0.is_active
    }

    /// Where a person opens it in the PSA.
    async fn external_url(&self) -> Option<Url> {
        self.0.external_url.clone().map(Url)
    }

    /// The short name that people type in the PSA, where it has one.
    async fn code(&self) -> Option<&str> {
        self.0.code.as_deref()
    }

    /// Its market in the PSA's words, where the PSA has markets.
    async fn market(&self) -> Option<&str> {
        self.0.market.as_deref()
    }

    /// The domains of its e-mail and web addresses, where the PSA gives them.
    async fn email_domains(&self) -> Vec<String> {
        let domains = self.0.email_domains.clone().map(serde_json::from_value);
        domains.and_then(std::result::Result::ok).unwrap_or_default()
    }

    /// Since when the PSA no longer lists it: it was deleted or merged there, or made inactive; null where it does.
    async fn missing_since(&self) -> Option<DateTime> {
        self.0.missing_since.map(DateTime)
    }

    /// When something of it was other than at the reading before, last; null where nothing was.
    async fn changed_at(&self) -> Option<DateTime> {
        self.0.changed_at.map(DateTime)
    }

    /// When it was last read.
    async fn synced_at(&self, ctx: &Context<'_>) -> Result<DateTime> {
        let connection = ctx.loaders()?.named::<psa_connection::Entity>(self.0.psa_connection_id).await?;
        // What was as it was is not written again: a reading of all has read it, too.
        let all = connection.companies_synced_at.filter(|_| self.0.missing_since.is_none());
        Ok(all.unwrap_or_default().max(self.0.synced_at).into())
    }

    /// Its people as the PSA keeps them, by name unless ordered otherwise: the copy that was read last.
    async fn contacts(
        &self,
        #[graphql(desc = "The first so many, 1 to 100; 20 where nothing is said.")] first: Option<i32>,
        #[graphql(desc = "Behind this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only those of which all of this is true.")] filter: Option<ContactFilter>,
        #[graphql(desc = "The order; by default by name.")] order_by: Option<ContactOrder>,
    ) -> Result<ContactConnection> {
        let wanted = filter.unwrap_or_default().read(ContactsOf::PsaCompany, order_by);
        Ok(ContactConnection::new(self.0.id, wanted, &PageArgs { first, after, last, before })?)
    }

    /// Its tickets as the PSA keeps them, whoever made them: the copy that was read last.
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
        let wanted = filter.unwrap_or_default().read(PsaTicketsOf::PsaCompany, order_by)?;
        Ok(PsaTicketConnection::new(self.0.id, wanted, &PageArgs { first, after, last, before })?)
    }

    /// Its assets as the PSA keeps them, by name unless ordered otherwise: the copy that was read last.
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
        let wanted = filter.unwrap_or_default().read(ctx, ConfigurationsOf::PsaCompany, order_by)?;
        Ok(ConfigurationConnection::new(self.0.id, wanted, &PageArgs { first, after, last, before })?)
    }

    /// Companies of ours that are mapped to it.
    async fn mappings(
        &self,
        #[graphql(desc = "The first so many, 1 to 100; 20 where nothing is said.")] first: Option<i32>,
        #[graphql(desc = "Behind this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
    ) -> Result<CompanyMappingConnection> {
        let wanted = MappingList { of: MappingsOf::PsaCompany, ..MappingList::default() };
        Ok(CompanyMappingConnection::new(self.0.id, wanted, &PageArgs { first, after, last, before })?)
    }
}
