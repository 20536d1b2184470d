//! Which tickets, in which order.

use async_graphql::{Enum, InputObject};
use entity::{company, psa_connection, ticket};

use super::{DateTimeFilter, OrderDirection, ReferenceFilter, SeverityFilter, TicketState, all};
use crate::{db::page::Order, error::Error, tickets::read};

/// The state of a ticket.
#[derive(Clone, Debug, Default, InputObject)]
pub struct TicketStateFilter {
    /// One of these.
    #[graphql(name = "in")]
    pub any_of: Option<Vec<TicketState>>,
}

/// Which tickets; everything given must be true.
#[derive(Clone, Debug, Default, InputObject)]
pub struct TicketFilter {
    /// Where they stand.
    pub state: Option<TicketStateFilter>,
    /// How bad they are.
    pub severity: Option<SeverityFilter>,
    /// For which company.
    pub company: Option<ReferenceFilter>,
    /// On which connection.
    pub psa_connection: Option<ReferenceFilter>,
    /// When they were planned.
    pub created_at: Option<DateTimeFilter>,
    /// Test tickets only, or none of them.
    pub is_test: Option<bool>,
    /// Part of the title or of the PSA's number, in upper or lower case.
    pub query: Option<String>,
}

impl TicketFilter {
    /// The domain's filter.
    pub fn read(self) -> Result<read::TicketFilter, Error> {
        Ok(read::TicketFilter {
            states: all(self.state.and_then(|state| state.any_of)),
            severities: SeverityFilter::read(self.severity),
            company_ids: ReferenceFilter::read::<company::Entity>(self.company.as_ref(), "company")?,
            psa_connection_ids: ReferenceFilter::read::<psa_connection::Entity>(
                self.psa_connection.as_ref(),
                "psaConnection",
            )?,
            created: DateTimeFilter::read(self.created_at),
            is_test: self.is_test,
            text: self.query,
        })
    }
}

/// What tickets are ordered by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Enum)]
pub enum TicketOrderField {
    /// When they were planned.
    #[default]
    CreatedAt,
    /// When they were last changed.
    UpdatedAt,
    /// How bad they are.
    Severity,
}

/// The order of tickets; those that are equal stand in the order of their ids.
#[derive(Clone, Copy, Debug, Default, InputObject)]
pub struct TicketOrder {
    /// By what.
    pub field: TicketOrderField,
    /// Which way.
    #[graphql(default)]
    pub direction: OrderDirection,
}

impl From<TicketOrder> for Order<ticket::Entity> {
    fn from(order: TicketOrder) -> Self {
        order.direction.of(match order.field {
            TicketOrderField::CreatedAt => ticket::Column::CreatedAt,
            TicketOrderField::UpdatedAt => ticket::Column::UpdatedAt,
            TicketOrderField::Severity => ticket::Column::Severity,
        })
    }
}
