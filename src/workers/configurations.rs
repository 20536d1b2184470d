//! Runs over configurations: first what the PSA has of fields, types and statuses, then page after page.

use entity::{lane, sync_run};
use uuid::Uuid;

use super::{
    Client, Workers,
    readings::{PAGES, Stepped, ended},
};
use crate::{
    error::Error,
    psa::PsaError,
    sync::{
        companies::Seen,
        configurations::{self, Plan, Settings, Stored},
        remote::{ConfigurationCatalogue, RemoteConfiguration},
        runs::{self, Step},
    },
    tickets::remote::RemotePage,
};

/// What stands before the platform's own word for the page in a run's place.
const PAGE: &str = "page ";

impl Workers {
    pub(super) async fn read_configurations(
        &self,
        held: &lane::Model,
        client: &Client,
        run: &sync_run::Model,
    ) -> Result<Stepped, Error> {
        let Some(place) = run.cursor.clone().filter(|_| runs::goes_on(run)) else {
            return self.read_catalogue(held, client, run).await;
        };
        let page = place.strip_prefix(PAGE).unwrap_or_default();
        let ground = &self.0.ground;
        let setup = configurations::of_connection(ground.db.reader(), run.organization_id, held.id).await?;
        // Where they were switched off meanwhile, the run comes to its end there.
        let Some(setup) = setup.filter(|setup| setup.is_enabled) else {
            return self.read_catalogue(held, client, run).await;
        };
        let Some(offered) = client.psa.configurations() else { return Ok(Stepped::Failed(not_offered())) };
        let settings = Settings::of(&setup);
        let catalogue = configurations::catalogue(Some(&setup), &ConfigurationCatalogue::default());
        let query = settings.query(&catalogue);
        let asked = Some(page).filter(|page| !page.is_empty());
        if run.page_count >= PAGES {
            let reason =
                format!("there are more configurations than {PAGES} pages hold; choose types or statuses");
            return Ok(Stepped::Failed(PsaError::Rejected { field: None, reason }));
        }
        let mut read = match self.renewing(held, offered.read_page(&query, asked)).await {
            Some(Ok(read)) => read,
            Some(Err(error)) => return Ok(failed(error)),
            None => return Ok(Stepped::Lost),
        };
        if read.next.is_some() && read.next.as_deref() == asked {
            let detail = "the PSA gives the same page of configurations again and again".to_owned();
            return Ok(Stepped::Failed(PsaError::Unavailable { detail }));
        }
        let count = read.items.len() as u64;
        read.items.retain(|item| query.keeps(item));
        let is_last = read.next.is_none();
        let stored = match self.store_configurations(held, run, settings, catalogue, read, count).await? {
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
            self.miss_configurations(held, run, &seen).await?;
        }
        self.forget(run.id);
        let (id, connection_id, now) = (run.id, held.id, ground.clock.now());
        let started_at = run.started_at.unwrap_or(now);
        let finished = self.while_held(held, move |tx| {
            Box::pin(async move {
                configurations::all_read(tx, connection_id, started_at).await?;
                runs::finish(tx, id, now).await
            })
        });
        ended(finished.await)
    }

    /// Asks for fields, types and statuses. Where configurations are not read, that was all.
    async fn read_catalogue(
        &self,
        held: &lane::Model,
        client: &Client,
        run: &sync_run::Model,
    ) -> Result<Stepped, Error> {
        let Some(offered) = client.psa.configurations() else { return Ok(Stepped::Failed(not_offered())) };
        let catalogue = match self.renewing(held, offered.catalogue()).await {
            Some(Ok(catalogue)) => catalogue,
            Some(Err(error)) => return Ok(failed(error)),
            None => return Ok(Stepped::Lost),
        };
        let (ground, id, now) = (self.0.ground.clone(), run.id, self.0.ground.clock.now());
        let (organization_id, connection_id) = (run.organization_id, run.psa_connection_id);
        let written = self.held_write(held, move |tx| {
            Box::pin(async move {
                let setup =
                    configurations::keep_catalogue(tx, &ground, organization_id, connection_id, &catalogue)
                        .await?;
                let cursor = setup.is_enabled.then(|| PAGE.to_owned());
                runs::step(tx, &ground, id, Step { cursor, ..Step::default() }).await?;
                if !setup.is_enabled {
                    runs::finish(tx, id, now).await?;
                }
                Ok(setup.is_enabled)
            })
        });
        match written.await {
            Ok(Some(true)) => Ok(Stepped::More),
            Ok(Some(false)) => Ok(Stepped::Done),
            Ok(None) => Ok(Stepped::Lost),
            Err(Error::NotFound) => Ok(Stepped::Stopped),
            Err(error) => Err(error),
        }
    }

    async fn store_configurations(
        &self,
        held: &lane::Model,
        run: &sync_run::Model,
        settings: Settings,
        catalogue: ConfigurationCatalogue,
        page: RemotePage<RemoteConfiguration>,
        count: u64,
    ) -> Result<Result<Stored, Stepped>, Error> {
        let (ground, id) = (self.0.ground.clone(), run.id);
        let (organization_id, psa_connection_id) = (run.organization_id, run.psa_connection_id);
        let written = self.held_write(held, move |tx| {
            Box::pin(async move {
                let RemotePage { items, next, total } = page;
                let plan =
                    Plan { organization_id, psa_connection_id, settings: &settings, catalogue: &catalogue };
                let stored = configurations::store_configurations(tx, &ground, plan, &items).await?;
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
        match written.await {
            Ok(Some(stored)) => Ok(Ok(stored)),
            Ok(None) => Ok(Err(Stepped::Lost)),
            Err(Error::NotFound) => Ok(Err(Stepped::Stopped)),
            Err(error) => Err(error),
        }
    }

    /// Marks what a run over all configurations has not seen.
    async fn miss_configurations(
        &self,
        held: &lane::Model,
        run: &sync_run::Model,
        seen: &Seen,
    ) -> Result<(), Error> {
        let (ground, mut after) = (&self.0.ground, Uuid::nil());
        loop {
            let reader = ground.db.reader();
            let (missing, next) =
                configurations::unseen(reader, run.organization_id, held.id, seen, after).await?;
            if !missing.is_empty() {
                let now = ground.clock.now();
                let marked = self.while_held(held, move |tx| {
                    Box::pin(async move { Ok(configurations::mark_missing(tx, &missing, now).await?) })
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

/// A right to configurations that the login lacks ends the run; tickets go their way all the same.
pub(super) fn failed(error: PsaError) -> Stepped {
    Stepped::Failed(match error {
        PsaError::Forbidden { .. } => PsaError::Rejected { field: None, reason: error.to_string() },
        other => other,
    })
}

pub(super) fn not_offered() -> PsaError {
    PsaError::Rejected { field: None, reason: "this platform does not offer configurations".to_owned() }
}
