//! One MSP: everything else hangs below it.

use async_graphql::{ID, Object, Result};
use entity::organization;

use super::{
    EventConnection, EventFilter, EventOrder, FindingConnection, FindingFilter, FindingOrder,
    TicketConnection, TicketFilter, TicketOperationConnection, TicketOperationFilter, TicketOperationOrder,
    TicketOrder, WebhookDeliveryConnection, WebhookDeliveryFilter, WebhookDeliveryOrder,
};
use crate::{
    db::page::PageArgs,
    decisions::events::{EventList, EventsOf},
    findings::read::{FindingList, FindingsOf},
    graphql::{connection, ids, scalars::DateTime},
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
