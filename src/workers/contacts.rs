//! Runs over contacts: first what the PSA has of fields and types, then page after page.

use entity::{lane, sync_run};
use uuid::Uuid;

use super::{
    Client, Workers,
    copying::{self, PAGE, failed},
    readings::{Stepped, ended},
};
use crate::{
    error::Error,
    sync::{
        companies::Seen,
        contacts::{
            self, Plan, Settings, Stored,
            remote::{ContactCatalogue, RemoteContact},
        },
        runs::{self, Step},
    },
    tickets::remote::RemotePage,
};

impl Workers {
    pub(super) async fn read_contacts(
        &self,
        held: &lane::Model,
        client: &Client,
        run: &sync_run::Model,
    ) -> Result<Stepped, Error> {
        let Some(place) = run.cursor.clone().filter(|_| runs::goes_on(run)) else {
            return self.ask_of_contacts(held, client, run).await;
        };
        let page = place.strip_prefix(PAGE).unwrap_or_default();
        let ground = &self.0.ground;
        let setup = contacts::of_connection(ground.db.reader(), run.organization_id, held.id).await?;
        let Some(setup) = setup else { return self.ask_of_contacts(held, client, run).await };
        let settings = Settings::of(&setup);
        let query = settings.query();
        let asked = Some(page).filter(|page| !page.is_empty());
        let words = ("contacts", "choose types of them");
        let reading = client.psa.contacts(&query, asked);
        let mut read = match self.page_of(held, run, asked, words, reading).await {
            Ok(read) => read,
            Err(stepped) => return Ok(stepped),
        };
        let count = read.items.len() as u64;
        read.items.retain(|item| query.keeps(item));
        let is_last = read.next.is_none();
        let stored = match self.store_contacts(held, run, settings, read, count).await? {
            Ok(stored) => stored,
            Err(stepped) => return Ok(stepped),
        };
        let mut seen = self.seen(run.id, page.is_empty());
        if let Some(known) = &mut seen {
            // One that could not be taken over is there all the same.
            let failed = stored.failures.iter().filter_map(|failure| failure.external_id.as_deref());
            if !known.add_ids(stored.external_ids.iter().map(String::as_str).chain(failed)) {
                seen = None;
            }
        }
        if !is_last {
            self.remember(run.id, seen);
            return Ok(Stepped::More);
        }
        if let Some(seen) = seen {
            self.miss_contacts(held, run, &seen).await?;
        }
        self.forget(run.id);
        let (id, connection_id, now) = (run.id, held.id, ground.clock.now());
        let started_at = run.started_at.unwrap_or(now);
        let finished = self.while_held(held, move |tx| {
            Box::pin(async move {
                contacts::all_read(tx, connection_id, started_at).await?;
                runs::finish(tx, id, now).await
            })
        });
        ended(finished.await)
    }

    /// Asks for fields and types. Where contacts are not read, that was all.
    async fn ask_of_contacts(
        &self,
        held: &lane::Model,
        client: &Client,
        run: &sync_run::Model,
    ) -> Result<Stepped, Error> {
        let catalogue = match self.renewing(held, client.psa.contact_catalogue()).await {
            Some(Ok(catalogue)) => catalogue,
            Some(Err(error)) => return Ok(failed(error)),
            None => return Ok(Stepped::Lost),
        };
        let (ground, id, now) = (self.0.ground.clone(), run.id, self.0.ground.clock.now());
        let (organization_id, connection_id) = (run.organization_id, run.psa_connection_id);
        let written = self.held_write(held, move |tx| {
            Box::pin(async move {
                let setup = contacts::keep_catalogue(tx, &ground, organization_id, connection_id, catalogue);
                let setup = setup.await?;
                let known = contacts::catalogue(Some(&setup), &ContactCatalogue::default());
                let problem = Settings::of(&setup).problem(&known).filter(|_| setup.is_enabled);
                let goes_on = setup.is_enabled && problem.is_none();
                let cursor = goes_on.then(|| PAGE.to_owned());
                runs::step(tx, &ground, id, Step { cursor, ..Step::default() }).await?;
                match problem {
                    Some(problem) => runs::fail(tx, id, &problem, now).await?,
                    None if goes_on => {}
                    None => runs::finish(tx, id, now).await?,
                }
                Ok(goes_on)
            })
        });
        Ok(match copying::written(written.await)? {
            Ok(true) => Stepped::More,
            Ok(false) => Stepped::Done,
            Err(stepped) => stepped,
        })
    }

    async fn store_contacts(
        &self,
        held: &lane::Model,
        run: &sync_run::Model,
        settings: Settings,
        page: RemotePage<RemoteContact>,
        count: u64,
    ) -> Result<Result<Stored, Stepped>, Error> {
        let (ground, id) = (self.0.ground.clone(), run.id);
        let (organization_id, psa_connection_id) = (run.organization_id, run.psa_connection_id);
        let written = self.held_write(held, move |tx| {
            Box::pin(async move {
                let RemotePage { items, next, total } = page;
                let plan = Plan { organization_id, psa_connection_id, settings: &settings };
                let stored = contacts::store_contacts(tx, &ground, plan, &items).await?;
                let step = Step {
                    cursor: next.map(|next| format!("{PAGE}{next}")),
                    read: count,
                    total,
                    counts: stored.counts,
                    failures: stored.failures.clone(),
                };
                runs::step(tx, &ground, id, step).await?;
                Ok(stored)
            })
        });
        copying::written(written.await)
    }

    /// Marks whom a run over all contacts has not seen.
    async fn miss_contacts(
        &self,
        held: &lane::Model,
        run: &sync_run::Model,
        seen: &Seen,
    ) -> Result<(), Error> {
        let (ground, mut after) = (&self.0.ground, Uuid::nil());
        let organization_id = run.organization_id;
        loop {
            let reader = ground.db.reader();
            let (missing, next) = contacts::unseen(reader, organization_id, held.id, seen, after).await?;
            if !missing.is_empty() {
                let now = ground.clock.now();
                let marked = self.while_held(held, move |tx| {
                    Box::pin(
                        async move { Ok(contacts::mark_missing(tx, organization_id, &missing, now).await?) },
                    )
                });
                marked.await?;
            }
            match next {
                Some(next) => after = next,
                None => return Ok(()),
            }
        }
    }
}
