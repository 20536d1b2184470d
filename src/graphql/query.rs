//! Look-ups by other keys than the global id.

use async_graphql::{Context, ID, Object, Result};
use entity::psa_connection;

use super::{Asking as _, ids, types::Ticket};
use crate::{error::Error, tickets::read};

/// Tickets by the PSA's id.
#[derive(Default)]
pub(super) struct TicketQuery;

#[Object]
impl TicketQuery {
    /// The ticket that a PSA knows by this id; null where there is none, or none of yours.
    async fn ticket_by_external_id(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "On which connection.")] psa_connection_id: ID,
        #[graphql(desc = "The PSA's id.")] external_id: String,
    ) -> Result<Option<Ticket>> {
        let connection = ids::parse::<psa_connection::Entity>(&psa_connection_id, &["psaConnectionId"])
            .map_err(Error::from)?;
        let found = read::by_external_id(ctx.viewer()?, ctx.ground()?, connection, &external_id).await?;
        Ok(found.map(Ticket))
    }
}
