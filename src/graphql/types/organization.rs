//! One MSP: everything else hangs below it.

use std::collections::HashMap;

use async_graphql::{Context, ID, InputObject, Object, Result, dataloader::Loader};
use entity::{organization, policy};
use uuid::Uuid;

use super::{
    AccessTokenConnection, CompanyConnection, CompanyFilter, CompanyMappingConnection, CompanyMappingFilter,
    EventConnection, EventFilter, EventOrder, FindingConnection, FindingFilter, FindingOrder, Policy,
    PsaConnectionConnection, PsaConnectionFilter, TicketConnection, TicketFilter, TicketOperationConnection,
    TicketOperationFilter, TicketOperationOrder, TicketOrder, TicketProfileConnection,
    WebhookDeliveryConnection, WebhookDeliveryFilter, WebhookDeliveryOrder, WebhookEndpointConnection,
    WebhookEndpointFilter,
};
use crate::{
    db::page::PageArgs,
    decisions::events::{EventList, EventsOf},
    findings::read::{FindingList, FindingsOf},
    graphql::{
        Asking as _,
        connection::{self, connection},
        ids,
        loaders::{Fetch, Shared},
        scalars::DateTime,
    },
    organizations::{
        lists::{OrganizationList, ProfileList, TokenList},
        policies,
    },
    queue::deliveries::{DeliveriesOf, DeliveryList},
    tickets::read::{OperationList, OperationsOf, TicketList, TicketsOf},
};

/// One MSP: everything else hangs below it.
pub struct Organization(pub organization::Model);

impl From<organization::Model> for Organization {
    fn from(row: organization::Model) -> Self {
        Self(row)
    }
}

connection! {
    /// A list of organizations, by name.
    OrganizationConnection, OrganizationEdge, Organization, OrganizationList
}

/// Which organizations; everything given must be true.
#[derive(Clone, Debug, Default, InputObject)]
pub struct OrganizationFilter {
    /// Part of the name or of the slug, in upper or lower case.
    pub query: Option<String>,
}

/// One MSP: everything else hangs below it.
#[Object]
impl Organization {
    /// Global id.
    pub async fn id(&self) -> ID {
        ids::encode::<organization::Entity>(self.0.id)
    }

    /// Short name in addresses and commands; unique in the installation.
    async fn slug(&self) -> &str {
        &self.0.slug
    }

    /// Name for people.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// When it was made.
    async fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }

    /// When it was last changed.
    async fn updated_at(&self) -> DateTime {
        self.0.updated_at.into()
    }

    /// What deserves a ticket.
    async fn policy(&self, ctx: &Context<'_>) -> Result<Option<Policy>> {
        Ok(ctx.loaders()?.get(PolicyOf(self.0.id)).await?.map(Policy))
    }

    /// Its customers, by name.
    #[graphql(complexity = "connection::cost(first, last, child_complexity)")]
    async fn companies(
        &self,
        #[graphql(desc = "The first so many, 1 to 100; 20 where nothing is said.")] first: Option<i32>,
        #[graphql(desc = "Behind this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only those of which all of this is true.")] filter: Option<CompanyFilter>,
    ) -> Result<CompanyConnection> {
        let wanted = filter.unwrap_or_default().read()?;
        Ok(CompanyConnection::new(self.0.id, wanted, &PageArgs { first, after, last, before })?)
    }

    /// Which company of a PSA is which of its own, the newest first.
    #[graphql(complexity = "connection::cost(first, last, child_complexity)")]
    async fn company_mappings(
        &self,
        #[graphql(desc = "The first so many, 1 to 100; 20 where nothing is said.")] first: Option<i32>,
        #[graphql(desc = "Behind this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only those of which all of this is true.")] filter: Option<CompanyMappingFilter>,
    ) -> Result<CompanyMappingConnection> {
        let wanted = filter.unwrap_or_default().read()?;
        Ok(CompanyMappingConnection::new(self.0.id, wanted, &PageArgs { first, after, last, before })?)
    }

    /// Its logins to PSAs, by name.
    #[graphql(complexity = "connection::cost(first, last, child_complexity)")]
    async fn psa_connections(
        &self,
        #[graphql(desc = "The first so many, 1 to 100; 20 where nothing is said.")] first: Option<i32>,
        #[graphql(desc = "Behind this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only those of which all of this is true.")] filter: Option<PsaConnectionFilter>,
    ) -> Result<PsaConnectionConnection> {
        let wanted = filter.unwrap_or_default().into();
        Ok(PsaConnectionConnection::new(self.0.id, wanted, &PageArgs { first, after, last, before })?)
    }

    /// How its tickets are made and closed, by name.
    #[graphql(complexity = "connection::cost(first, last, child_complexity)")]
    async fn ticket_profiles(
        &self,
        #[graphql(desc = "The first so many, 1 to 100; 20 where nothing is said.")] first: Option<i32>,
        #[graphql(desc = "Behind this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
    ) -> Result<TicketProfileConnection> {
        let wanted = ProfileList::default();
        Ok(TicketProfileConnection::new(self.0.id, wanted, &PageArgs { first, after, last, before })?)
    }

    /// Where its senders post to, the newest first.
    #[graphql(complexity = "connection::cost(first, last, child_complexity)")]
    async fn webhook_endpoints(
        &self,
        #[graphql(desc = "The first so many, 1 to 100; 20 where nothing is said.")] first: Option<i32>,
        #[graphql(desc = "Behind this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only those of which all of this is true.")] filter: Option<WebhookEndpointFilter>,
    ) -> Result<WebhookEndpointConnection> {
        let wanted = filter.unwrap_or_default().into();
        Ok(WebhookEndpointConnection::new(self.0.id, wanted, &PageArgs { first, after, last, before })?)
    }

    /// Who may use the API for it, the newest first. Tokens of the installation are not among them. Needs
    /// `MANAGE_ACCESS`.
    #[graphql(complexity = "connection::cost(first, last, child_complexity)")]
    async fn access_tokens(
        &self,
        #[graphql(desc = "The first so many, 1 to 100; 20 where nothing is said.")] first: Option<i32>,
        #[graphql(desc = "Behind this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
    ) -> Result<Option<AccessTokenConnection>> {
        let wanted = TokenList { of_installation: false };
        Ok(Some(AccessTokenConnection::new(self.0.id, wanted, &PageArgs { first, after, last, before })?))
    }

    /// Its tickets.
    #[graphql(complexity = "connection::cost(first, last, child_complexity)")]
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
            of: TicketsOf::Organization,
            filter: filter.unwrap_or_default().read()?,
            order: order_by.unwrap_or_default().into(),
        };
        Ok(TicketConnection::new(self.0.id, wanted, &PageArgs { first, after, last, before })?)
    }

    /// Its findings.
    #[graphql(complexity = "connection::cost(first, last, child_complexity)")]
    async fn findings(
        &self,
        #[graphql(desc = "The first so many, 1 to 100; 20 where nothing is said.")] first: Option<i32>,
        #[graphql(desc = "Behind this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only those of which all of this is true.")] filter: Option<FindingFilter>,
        #[graphql(desc = "The order; by default the latest seen first.")] order_by: Option<FindingOrder>,
    ) -> Result<FindingConnection> {
        let wanted = FindingList {
            of: FindingsOf::Organization,
            filter: filter.unwrap_or_default().read()?,
            order: order_by.unwrap_or_default().into(),
        };
        Ok(FindingConnection::new(self.0.id, wanted, &PageArgs { first, after, last, before })?)
    }

    /// What its senders said, and what became of it.
    #[graphql(complexity = "connection::cost(first, last, child_complexity)")]
    async fn events(
        &self,
        #[graphql(desc = "The first so many, 1 to 100; 20 where nothing is said.")] first: Option<i32>,
        #[graphql(desc = "Behind this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only those of which all of this is true.")] filter: Option<EventFilter>,
        #[graphql(desc = "The order; by default the newest first.")] order_by: Option<EventOrder>,
    ) -> Result<EventConnection> {
        let wanted = EventList {
            of: EventsOf::Organization,
            filter: filter.unwrap_or_default().read()?,
            order: order_by.unwrap_or_default().into(),
        };
        Ok(EventConnection::new(self.0.id, wanted, &PageArgs { first, after, last, before })?)
    }

    /// The webhooks it received.
    #[graphql(complexity = "connection::cost(first, last, child_complexity)")]
    async fn webhook_deliveries(
        &self,
        #[graphql(desc = "The first so many, 1 to 100; 20 where nothing is said.")] first: Option<i32>,
        #[graphql(desc = "Behind this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only those of which all of this is true.")] filter: Option<WebhookDeliveryFilter>,
        #[graphql(desc = "The order; by default the newest first.")] order_by: Option<WebhookDeliveryOrder>,
    ) -> Result<WebhookDeliveryConnection> {
        let wanted = DeliveryList {
            of: DeliveriesOf::Organization,
            filter: filter.unwrap_or_default().read()?,
            order: order_by.unwrap_or_default().into(),
        };
        Ok(WebhookDeliveryConnection::new(self.0.id, wanted, &PageArgs { first, after, last, before })?)
    }

    /// What was and is to be done at its PSAs.
    #[graphql(complexity = "connection::cost(first, last, child_complexity)")]
    async fn ticket_operations(
        &self,
        #[graphql(desc = "The first so many, 1 to 100; 20 where nothing is said.")] first: Option<i32>,
        #[graphql(desc = "Behind this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only those of which all of this is true.")] filter: Option<TicketOperationFilter>,
        #[graphql(desc = "The order; by default the newest first.")] order_by: Option<TicketOperationOrder>,
    ) -> Result<TicketOperationConnection> {
        let wanted = OperationList {
            of: OperationsOf::Organization,
            filter: filter.unwrap_or_default().read()?,
            order: order_by.unwrap_or_default().into(),
        };
        Ok(TicketOperationConnection::new(self.0.id, wanted, &PageArgs { first, after, last, before })?)
    }
}

/// The policy of an organization.
#[derive(Clone, PartialEq, Eq, Hash)]
struct PolicyOf(Uuid);

impl Loader<PolicyOf> for Fetch {
    type Value = policy::Model;
    type Error = Shared;

    async fn load(&self, keys: &[PolicyOf]) -> Result<HashMap<PolicyOf, Self::Value>, Shared> {
        let ids: Vec<_> = keys.iter().map(|key| key.0).collect();
        let found = policies::of_organizations(&self.viewer, &self.ground, &ids).await?;
        Ok(found.into_iter().map(|(id, row)| (PolicyOf(id), row)).collect())
    }
}
