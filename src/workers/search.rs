//! Looking for a ticket that may be there already: an answer was lost, or the database was put back from a back-up.

use entity::ticket;

use super::{Client, Workers};
use crate::{
    error::Error,
    ground::dies::{self, Step},
    psa::PsaError,
    queue::restored,
    tickets::{
        marker,
        remote::{MarkerSearch, RemoteTicket},
    },
};

impl Workers {
    /// The PSA's ticket with this ticket's mark, if there is one. After a restoration, the latest that its group had:
    /// what the database does not know may have been closed, and followed by another.
    pub(super) async fn look_for(
        &self,
        client: &Client,
        ticket: &ticket::Model,
        company_external_id: &str,
        is_first_try: bool,
    ) -> Result<Result<Option<RemoteTicket>, PsaError>, Error> {
        let ground = &self.0.ground;
        let db = ground.db.reader();
        let restored = restored::in_force(db, ground.clock.now()).await?;
        let mut search = MarkerSearch {
            marker: ticket.marker.clone(),
            company_external_id: company_external_id.to_owned(),
            since: restored.map_or(ticket.created_at, |restored| ticket.created_at.min(restored.state_of)),
            // What was planned since then and is tried for the first time can only have been made before.
            until: restored
                .filter(|restored| is_first_try && ticket.created_at > restored.at)
                .map(|it| it.at),
        };
        let mut latest = match find(client, &search, ticket).await {
            Ok(found) => found,
            Err(error) => return Ok(Err(error)),
        };
        dies::at(Step::Searched);
        if restored.is_none() {
            return Ok(Ok(latest));
        }
        for _ in 0..marker::MOST_FOLLOWERS {
            let next = marker::after(&search.marker);
            if latest.is_none() || marker::is_taken(db, &next).await? {
                break;
            }
            search.marker = next;
            match find(client, &search, ticket).await {
                Ok(None) => break,
                Ok(Some(later)) => {
                    latest = Some(RemoteTicket { marker: Some(search.marker.clone()), ..later });
                }
                Err(error) => return Ok(Err(error)),
            }
        }
        Ok(Ok(latest))
    }
}

async fn find(
    client: &Client,
    search: &MarkerSearch,
    ticket: &ticket::Model,
) -> Result<Option<RemoteTicket>, PsaError> {
    let found = client.psa.find_by_marker(search).await?;
    if found.len() > 1 {
        tracing::error!(ticket.id = %ticket.id, count = found.len(), "the PSA has several tickets with one marker");
    }
    Ok(found.into_iter().next())
}
