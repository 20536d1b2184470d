//! One MSP: everything else hangs below it.

use async_graphql::{Context, ID, Object, Result};
use entity::organization;

use super::{TicketConnection, TicketFilter, TicketOrder};
use crate::{
    db::page::PageArgs,
    graphql::{connection, ids, scalars::DateTime},
    tickets::read::{TicketList, TicketsOf},
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

    /// Its tickets, the newest first unless ordered otherwise.
    #[expect(clippy::too_many_arguments, reason = "the arguments of a Relay connection")]
    #[graphql(complexity = "connection::cost(first, last, child_complexity)")]
    async fn tickets(
        &self,
        _ctx: &Context<'_>,
        #[graphql(desc = "The first so many, 1 to 100; 20 where nothing is said.")] first: Option<i32>,
        #[graphql(desc = "Behind this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only those of which all of this is true.")] filter: Option<TicketFilter>,
        #[graphql(desc = "The order; by default the newest first.")] order_by: Option<TicketOrder>,
    ) -> Result<TicketConnection> {
        let tickets = TicketList {
            of: TicketsOf::Organization,
            filter: filter.unwrap_or_default().read()?,
            order: order_by.unwrap_or_default().into(),
        };
        Ok(TicketConnection::new(self.0.id, tickets, &PageArgs { first, after, last, before })?)
    }
}
