//! One thing to do at a PSA, and the tries to do it.

use async_graphql::{Context, ID, Object, Result};
use entity::{attempt, event, psa_connection, ticket, ticket_operation};

use super::{Event, PsaConnection, Reason, Ticket, TicketOperationKind, TicketOperationState};
use crate::{
    db::page::PageArgs,
    graphql::{Asking as _, connection::connection, ids, scalars::DateTime},
    tickets::read::{AttemptList, OperationList},
};

/// One thing to do at a PSA. The operations of a ticket are done in their order.
pub struct TicketOperation(pub ticket_operation::Model);

impl From<ticket_operation::Model> for TicketOperation {
    fn from(row: ticket_operation::Model) -> Self {
        Self(row)
    }
}

connection! {
    /// A list of operations.
    TicketOperationConnection, TicketOperationEdge, TicketOperation, OperationList
}

/// One thing to do at a PSA. The operations of a ticket are done in their order.
#[Object]
impl TicketOperation {
    /// Global id.
    pub async fn id(&self) -> ID {
        ids::encode::<ticket_operation::Entity>(self.0.id)
    }

    /// What to do.
    async fn kind(&self) -> TicketOperationKind {
        self.0.kind.into()
    }

    /// Where it stands.
    async fn state(&self) -> TicketOperationState {
        self.0.state.into()
    }

    /// Its place among the ticket's operations, from 1.
    async fn position(&self) -> i32 {
        i32::try_from(self.0.position).unwrap_or(i32::MAX)
    }

    /// When it was or is to be tried, as last planned.
    async fn run_at(&self) -> DateTime {
        self.0.run_at.into()
    }

    /// When it is tried next, if its connection is not paused and its turn has come; null once it is over.
    async fn next_attempt_at(&self) -> Option<DateTime> {
        let is_ready = self.0.state == ticket_operation::OperationState::Ready;
        is_ready.then_some(DateTime(self.0.run_at))
    }

    /// How often it was tried.
    async fn attempt_count(&self) -> i32 {
        self.0.attempts
    }

    /// Since when it is not known whether a try was carried out; null where that is known.
    async fn uncertain_since(&self) -> Option<DateTime> {
        self.0.uncertain_since.map(DateTime)
    }

    /// What went wrong last.
    async fn last_error(&self) -> Option<Reason> {
        Reason::of(self.0.last_error_code.as_ref(), self.0.last_error.as_ref())
    }

    /// When it was planned.
    async fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }

    /// When it was done or given up.
    async fn finished_at(&self) -> Option<DateTime> {
        self.0.finished_at.map(DateTime)
    }

    /// To which ticket.
    async fn ticket(&self, ctx: &Context<'_>) -> Result<Ticket> {
        Ok(ctx.loaders()?.named::<ticket::Entity>(self.0.ticket_id).await?.into())
    }

    /// At which PSA.
    async fn psa_connection(&self, ctx: &Context<'_>) -> Result<PsaConnection> {
        Ok(ctx.loaders()?.named::<psa_connection::Entity>(self.0.psa_connection_id).await?.into())
    }

    /// The event that asked for it.
    async fn event(&self, ctx: &Context<'_>) -> Result<Option<Event>> {
        let Some(id) = self.0.event_id else { return Ok(None) };
        Ok(ctx.loaders()?.row::<event::Entity>(id).await?.map(Event))
    }

    /// The tries, the first one first.
    async fn attempts(
        &self,
        #[graphql(desc = "The first so many, 1 to 100; 20 where nothing is said.")] first: Option<i32>,
        #[graphql(desc = "Behind this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
    ) -> Result<AttemptConnection> {
        Ok(AttemptConnection::new(self.0.id, AttemptList, &PageArgs { first, after, last, before })?)
    }
}

/// One try to carry out an operation.
pub struct Attempt(pub attempt::Model);

impl From<attempt::Model> for Attempt {
    fn from(row: attempt::Model) -> Self {
        Self(row)
    }
}

connection! {
    /// A list of tries.
    AttemptConnection, AttemptEdge, Attempt, AttemptList
}

/// One try to carry out an operation.
#[Object]
impl Attempt {
    /// Counts the tries of the operation, from 1.
    async fn number(&self) -> i32 {
        self.0.number
    }

    /// When it began.
    async fn started_at(&self) -> DateTime {
        self.0.started_at.into()
    }

    /// When it ended; null while it runs, or where the gateway died in it.
    async fn finished_at(&self) -> Option<DateTime> {
        self.0.finished_at.map(DateTime)
    }

    /// `done`, `found`, `waiting`, `interrupted` or the code of the error; new ones may be added.
    async fn outcome(&self) -> Option<&str> {
        self.0.outcome.as_deref()
    }

    /// The HTTP status of the PSA's last answer.
    async fn response_status(&self) -> Option<i32> {
        self.0.response_status
    }

    /// How long the PSA took in all, in milliseconds.
    async fn latency_ms(&self) -> Option<i32> {
        self.0.latency_ms.map(|millis| i32::try_from(millis).unwrap_or(i32::MAX))
    }

    /// What was seen, in words.
    async fn message(&self) -> Option<&str> {
        self.0.message.as_deref()
    }

    /// Which node of the gateway tried.
    async fn node(&self) -> &str {
        &self.0.node
    }
}
