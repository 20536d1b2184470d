//! Which operations, in which order.

use async_graphql::InputObject;
use entity::psa_connection;

use super::{
    DateTimeFilter, OrderDirection, ReferenceFilter, TicketOperationKind, TicketOperationState, all,
    filters::ordering,
};
use crate::{error::Error, tickets::read};

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
    /// When they are tried next. Only those that are still to be done are.
    pub next_attempt_at: Option<DateTimeFilter>,
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
            is_waiting: self.next_attempt_at.map(|_| true),
            due: DateTimeFilter::read(self.next_attempt_at),
        })
    }
}

ordering! {
    /// The order of operations; those that are equal stand in the order of their ids.
    TicketOperationOrder, TicketOperationOrderField of ticket_operation, Desc, [
        /// When they were planned.
        #[default]
        CreatedAt,
        /// When they are to be tried.
        RunAt,
    ]
}
