//! What can be done with tickets.

use async_graphql::{Context, ID, InputObject, Object, Result};
use entity::ticket;

use crate::{
    error::Error,
    graphql::{Asking as _, errors::payload, ids, types::Ticket},
    organizations::reach,
};

/// What to retry.
#[derive(Debug, InputObject)]
pub struct TicketOperationRetryInput {
    /// The operation.
    pub id: ID,
}

payload! {
    /// What `ticketOperationRetry` answers.
    TicketOperationRetryPayload, TicketOperationRetryUserError {
        /// The operation's ticket.
        ticket: Ticket,
    }
}

/// What can be done with tickets.
#[derive(Default)]
pub struct TicketMutation;

#[Object]
impl TicketMutation {
    /// Tries an operation again that was given up. Needs the role TECHNICIAN.
    async fn ticket_operation_retry(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to retry.")] input: TicketOperationRetryInput,
    ) -> Result<TicketOperationRetryPayload> {
        let work = async {
            let id = ids::parse::<ticket::Entity>(&input.id, &["id"])?;
            let row = reach::by_id::<ticket::Entity>(
                ctx.viewer().map_err(|_| Error::NotFound)?,
                ctx.ground().map_err(|_| Error::NotFound)?,
                id,
            )
            .await?;
            Ok(TicketOperationRetryPayload::done(row.into()))
        };
        TicketOperationRetryPayload::answer(work.await)
    }
}
