//! Which operations, in which order.

use async_graphql::{Enum, InputObject};
use entity::{psa_connection, ticket_operation};

use super::{
    DateTimeFilter, OrderDirection, ReferenceFilter, TicketOperationKind, TicketOperationState, all,
};
use crate::{db::page::Order, error::Error, tickets::read};

/// The state of an operation.
#[derive(Clone, Debug, Default, InputObject)]
pub struct TicketOperationStateFilter {
    /// One of these.
    #[graphql(name = "in")]
    pub any_of: Option<Vec<TicketOperationState>>,
}

/// The kind of an operation.
#[derive(Clone, Debug, Default, InputObject)]
pub struct TicketOperationKindFilter {
    /// One of these.
    #[graphql(name = "in")]
    pub any_of: Option<Vec<TicketOperationKind>>,
}

/// Which operations; everything given must be true.
#[derive(Clone, Debug, Default, InputObject)]
pub struct TicketOperationFilter {
    /// Where they stand.
    pub state: Option<TicketOperationStateFilter>,
    /// What is to be done.
    pub kind: Option<TicketOperationKindFilter>,
    /// On which connection.
    pub psa_connection: Option<ReferenceFilter>,
    /// When they were planned.
    pub created_at: Option<DateTimeFilter>,
}

impl TicketOperationFilter {
    /// The domain's filter.
    pub fn read(self) -> Result<read::OperationFilter, Error> {
        Ok(read::OperationFilter {
            states: all(self.state.and_then(|state| state.any_of)),
            kinds: all(self.kind.and_then(|kind| kind.any_of)),
            psa_connection_ids: ReferenceFilter::read::<psa_connection::Entity>(
                self.psa_connection.as_ref(),
                "psaConnection",
            )?,
            created: DateTimeFilter::read(self.created_at),
        })
    }
}

/// What operations are ordered by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Enum)]
pub enum TicketOperationOrderField {
    /// When they were planned.
    #[default]
    CreatedAt,
    /// When they are to be tried.
    RunAt,
}

/// The order of operations; those that are equal stand in the order of their ids.
#[derive(Clone, Copy, Debug, Default, InputObject)]
pub struct TicketOperationOrder {
    /// By what.
    pub field: TicketOperationOrderField,
    /// Which way.
    #[graphql(default)]
    pub direction: OrderDirection,
}

impl From<TicketOperationOrder> for Order<ticket_operation::Entity> {
    fn from(order: TicketOperationOrder) -> Self {
        order.direction.of(match order.field {
            TicketOperationOrderField::CreatedAt => ticket_operation::Column::CreatedAt,
            TicketOperationOrderField::RunAt => ticket_operation::Column::RunAt,
        })
    }
}
