//! Runs over a PSA's own tickets: page after page of what changed since the run before, then the notes of what is other than
//! it was, one ticket at a time.

use entity::{Timestamp, lane, psa_ticket, sync_run};

use super::{
    Client, Workers,
    copying::{self, PAGE, failed},
    readings::{Stepped, ended},
};
use crate::{
    error::Error,
    psa::{self, OwnTickets, PsaError},
    sync::{
        psa_tickets::{
            self, Plan, Settings,
            remote::{RemoteNotes, RemotePsaTicket},
        },
        runs::{self, Counts, Failure, Step},
    },
    tickets::remote::RemotePage,
};

/// A run's place behind the last page.
const NOTES: &str = "notes";

/// Where a run stands.
enum Place {
    /// At a page of what changed since a time, by the platform's own word for it; the first one where it is none.
    Page { since: Timestamp, word: Option<String> },
    /// At the notes.
    Notes,
}

impl Place {
    fn read(text: &str) -> Option<Self> {
        if text == NOTES {
            return Some(Self::Notes);
        }
        let (secs, word) = text.strip_prefix(PAGE)?.split_once(' ')?;
        let word = Some(word.to_owned()).filter(|word| !word.is_empty());
        Some(Self::Page { since: Timestamp::from_secs(secs.parse().ok()?), word })
    }

    /// Behind a page.
    fn behind(since: Timestamp, next: Option<&str>) -> String {
        next.map_or_else(|| NOTES.to_owned(), |next| format!("{PAGE}{} {next}", since.as_secs()))
    }
}

impl Workers {
    pub(super) async fn read_psa_tickets(
        &self,
        held: &lane::Model,
        client: &Client,
        run: &sync_run::Model,
    ) -> Result<Stepped, Error> {
        let ground = &self.0.ground;
        let Some(offered) = client.psa.own_tickets() else {
            return Ok(Stepped::Failed(copying::not_offered("its own tickets")));
        };
        let setup = psa_tickets::of_connection(ground.db.reader(), run.organization_id, held.id).await?;
        // Where they were switched off meanwhile, the run comes to its end there.
        let Some(setup) = setup.filter(|setup| setup.is_enabled) else {
            let (id, now) = (run.id, ground.clock.now());
            let finished =
                self.while_held(held, move |tx| Box::pin(async move { runs::finish(tx, id, now).await }));
            return ended(finished.await);
        };
        let place = run.cursor.as_deref().filter(|_| runs::goes_on(run)).and_then(Place::read);
        match place {
            Some(Place::Notes) => self.read_psa_notes(held, offered, run, &Settings::of(&setup)).await,
            Some(Place::Page { since, word }) => {
                self.read_psa_page(held, client, offered, run, (since, word)).await
            }
            None => {
                let now = ground.clock.now();
                let since = psa_tickets::since(ground.db.reader(), &setup, now).await?;
                self.read_psa_page(held, client, offered, run, (since, None)).await
            }
        }
    }

    async fn read_psa_page(
        &self,
        held: &lane::Model,
        client: &Client,
        offered: &dyn OwnTickets,
        run: &sync_run::Model,
        (since, word): (Timestamp, Option<String>),
    ) -> Result<Stepped, Error> {
        let words = ("tickets", "choose fewer days (psaTicketSyncSet)");
        let reading = offered.own_tickets(since, word.as_deref());
        let page = match self.page_of(held, run, word.as_deref(), words, reading).await {
            Ok(page) => page,
            Err(stepped) => return Ok(stepped),
        };
        let board_list = psa::platform(client.platform)
            .and_then(|platform| platform.profile_fields().iter().find(|field| field.is_board)?.pick_list);
        self.store_psa_tickets(held, run, since, board_list, page).await
    }

    async fn store_psa_tickets(
        &self,
        held: &lane::Model,
        run: &sync_run::Model,
        since: Timestamp,
        board_list: Option<&'static str>,
        page: RemotePage<RemotePsaTicket>,
    ) -> Result<Stepped, Error> {
        let (ground, id) = (self.0.ground.clone(), run.id);
        let (organization_id, psa_connection_id) = (run.organization_id, run.psa_connection_id);
        let started_at = run.started_at.unwrap_or_else(|| ground.clock.now());
        let written = self.held_write(held, move |tx| {
            Box::pin(async move {
                let RemotePage { items, next, total } = page;
                let plan = Plan { organization_id, psa_connection_id, board_list };
                let stored = psa_tickets::store_tickets(tx, &ground, plan, &items).await?;
                if next.is_none() {
                    // Notes that are still to be read are known by their tickets: the next run need not ask for these again.
                    psa_tickets::all_read(tx, psa_connection_id, started_at).await?;
                }
                let step = Step {
                    cursor: Some(Place::behind(since, next.as_deref())),
                    read: items.len() as u64,
                    total,
                    counts: stored.counts,
                    failures: stored.failures,
                };
                runs::step(tx, &ground, id, step).await
            })
        });
        Ok(match copying::written(written.await)? {
            Ok(()) => Stepped::More,
            Err(stepped) => stepped,
        })
    }

    /// Reads the notes of the next ticket; behind the last one, the run ends.
    async fn read_psa_notes(
        &self,
        held: &lane::Model,
        offered: &dyn OwnTickets,
        run: &sync_run::Model,
        settings: &Settings,
    ) -> Result<Stepped, Error> {
        let reader = self.0.ground.db.reader();
        let next = if settings.includes_notes {
            psa_tickets::next_due(reader, run.organization_id, held.id).await?
        } else {
            None
        };
        let Some(ticket) = next else { return self.end_psa_tickets(held, run).await };
        let (notes, failure) = match self.renewing(held, offered.own_notes(&ticket.external_id)).await {
            Some(Ok(notes)) => {
                let failure = notes.has_more.then(|| {
                    format!("it has more notes than are copied; the first {} are", notes.items.len())
                });
                (Some(notes), failure)
            }
            // One ticket's notes that the PSA does not give must not keep others from being read.
            Some(Err(PsaError::Rejected { reason, .. })) => {
                (None, Some(format!("its notes cannot be read: {reason}; look at the ticket in the PSA")))
            }
            Some(Err(PsaError::Forbidden { missing })) => {
                let reason = format!(
                    "the login may not read notes ({missing}); give it that right, or copy tickets without notes \
                     (psaTicketSyncSet)"
                );
                return Ok(Stepped::Failed(PsaError::Rejected { field: None, reason }));
            }
            Some(Err(error)) => return Ok(failed(error)),
            None => return Ok(Stepped::Lost),
        };
        self.store_psa_notes(held, run, ticket, notes, failure).await
    }

    async fn store_psa_notes(
        &self,
        held: &lane::Model,
        run: &sync_run::Model,
        ticket: psa_ticket::Model,
        notes: Option<RemoteNotes>,
        failure: Option<String>,
    ) -> Result<Stepped, Error> {
        let (ground, id) = (self.0.ground.clone(), run.id);
        let written = self.held_write(held, move |tx| {
            Box::pin(async move {
                if let Some(notes) = notes {
                    psa_tickets::store_notes(tx, &ground, &ticket, &notes.items).await?;
                }
                psa_tickets::read_now(tx, &ground, &ticket).await?;
                let failures: Vec<_> = failure
                    .map(|message| Failure {
                        external_id: Some(ticket.external_id.clone()),
                        name: Some(ticket.summary.clone()),
                        message,
                    })
                    .into_iter()
                    .collect();
                let counts = Counts { failed: failures.len() as u64, ..Counts::default() };
                let step = Step { cursor: Some(NOTES.to_owned()), counts, failures, ..Step::default() };
                runs::step(tx, &ground, id, step).await
            })
        });
        Ok(match copying::written(written.await)? {
            Ok(()) => Stepped::More,
            Err(stepped) => stepped,
        })
    }

    /// Forgets tickets of companies that are no longer mapped, and ends the run.
    async fn end_psa_tickets(&self, held: &lane::Model, run: &sync_run::Model) -> Result<Stepped, Error> {
        let organization_id = run.organization_id;
        let psa_connection_id = run.psa_connection_id;
        loop {
            let removed = self.held_write(held, move |tx| {
                Box::pin(async move {
                    Ok(psa_tickets::remove_unmapped(tx, organization_id, psa_connection_id).await?)
                })
            });
            match removed.await? {
                Some(true) => {}
                Some(false) => break,
                None => return Ok(Stepped::Lost),
            }
        }
        let (id, now) = (run.id, self.0.ground.clock.now());
        let finished =
            self.while_held(held, move |tx| Box::pin(async move { runs::finish(tx, id, now).await }));
        ended(finished.await)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_survives_being_written_and_read() {
        let since = Timestamp::from_secs(1_763_719_200);
        let read = |text: &str| match Place::read(text) {
            Some(Place::Page { since, word }) => Some((since.as_secs(), word)),
            Some(Place::Notes) => Some((0, None)),
            None => None,
        };
        let word = "3:200:\"a b\"";
        let text = Place::behind(since, Some(word));
        assert_eq!(read(&text), Some((since.as_secs(), Some(word.to_owned()))));
        assert_eq!(read(&Place::behind(since, None)), Some((0, None)));
        assert_eq!((read(""), read("page x 1"), read("page 1")), (None, None, None));
    }
}
