//! Looking for a ticket that may be there already: an answer was lost, or the database was put back from a back-up.
//!
//! "None" is believed after the company's tickets of the time were looked at. Where they are too many, it is believed of
//! the PSA's own filter, if that finds other marks of ours, and nothing beside them: of tickets that were made later by
//! the same profile, so that the filter has caught up and the field is there on such a ticket.

use entity::{Timestamp, ticket};

use super::{Client, Workers};
use crate::{
    error::Error,
    ground::dies::{self, Step},
    psa::PsaError,
    queue::restored,
    tickets::{
        marker::{self, Witness},
        remote::{Asked, MarkerSearch, RemoteTicket},
    },
};

/// What came of looking.
pub(super) enum Looked {
    Found(Box<RemoteTicket>),
    /// There is none.
    Nothing,
    /// It cannot be told; why, in words.
    Untold(String),
}

impl Workers {
    /// The PSA's ticket with this ticket's mark, if there is one. After a restoration, the latest that its group had:
    /// what the database does not know may have been closed, and followed by another. `landed` is when the last attempt
    /// had been carried out, if it was.
    pub(super) async fn look_for(
        &self,
        client: &Client,
        ticket: &ticket::Model,
        company_external_id: &str,
        is_first_try: bool,
        landed: Timestamp,
    ) -> Result<Result<Looked, PsaError>, Error> {
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
        let mut latest = self.find(client, &search, ticket, landed).await?;
        dies::at(Step::Searched);
        if restored.is_none() {
            return Ok(latest);
        }
        for _ in 0..marker::MOST_FOLLOWERS {
            let next = marker::after(&search.marker);
            if !matches!(latest, Ok(Looked::Found(_))) || marker::is_taken(db, &next).await? {
                break;
            }
            search.marker = next;
            match self.find(client, &search, ticket, landed).await? {
                Ok(Looked::Nothing) => break,
                Ok(Looked::Found(later)) => {
                    let marker = Some(search.marker.clone());
                    latest = Ok(Looked::Found(Box::new(RemoteTicket { marker, ..*later })));
                }
                untold => return Ok(untold),
            }
        }
        Ok(latest)
    }

    async fn find(
        &self,
        client: &Client,
        search: &MarkerSearch,
        ticket: &ticket::Model,
        landed: Timestamp,
    ) -> Result<Result<Looked, PsaError>, Error> {
        let found = match client.psa.find_by_marker(search).await {
            Ok(found) => found,
            Err(PsaError::CannotTell { detail }) => {
                let witnesses = marker::witnesses(self.0.ground.db.reader(), ticket, landed).await?;
                return Ok(match by_proof(client, &search.marker, &witnesses, detail).await {
                    Err(PsaError::CannotTell { detail }) => Ok(Looked::Untold(detail)),
                    looked => looked,
                });
            }
            Err(error) => return Ok(Err(error)),
        };
        if found.len() > 1 {
            tracing::error!(ticket.id = %ticket.id, count = found.len(), "the PSA has several tickets with one marker");
        }
        Ok(Ok(found.into_iter().next().map_or(Looked::Nothing, Looked::found)))
    }
}

impl Looked {
    fn found(ticket: RemoteTicket) -> Self {
        Self::Found(Box::new(ticket))
    }
}

/// Asks the PSA's filter for a mark, and believes it if it finds each of the witnesses and nothing else.
async fn by_proof(
    client: &Client,
    marker: &str,
    witnesses: &[Witness],
    why: String,
) -> Result<Looked, PsaError> {
    if witnesses.is_empty() {
        let hope = "that can be told once another ticket of its profile was made";
        return Ok(Looked::Untold(format!("{why}; {hope}")));
    }
    for witness in witnesses {
        let asked = client.psa.ask_for_mark(&witness.marker).await?;
        if !asked.is_some_and(|asked| asked.is_only(&witness.external_id)) {
            let seen =
                format!("the PSA's search does not find ticket {} by its mark alone", witness.external_id);
            return Ok(Looked::Untold(format!("{why}; {seen}")));
        }
    }
    Ok(match client.psa.ask_for_mark(marker).await? {
        Some(Asked { marked, others: 0 }) => marked.into_iter().next().map_or(Looked::Nothing, Looked::found),
        _ => Looked::Untold(why),
    })
}
