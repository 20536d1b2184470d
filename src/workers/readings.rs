//! Runs of a sync: reading a PSA's companies and pick lists, page after page.
//!
//! Tickets come first: between two pages the lane is looked at, and given back where one waits; and runs leave a part
//! of the calls that the PSA allows to them. A page's rows and the place of the next page are one transaction, so that
//! a run goes on where it stopped, on whichever node.

use std::sync::PoisonError;

use entity::{lane, sync_run, sync_run::SyncKind};
use sea_orm::DatabaseTransaction;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{Client, Workers, lane::Turn};
use crate::{
    db::Work,
    error::Error,
    psa::{NextStep, PsaError},
    queue::{budgets::SharedBudget, outbox},
    sync::{
        companies::{self, Seen},
        imports, pick_lists,
        remote::{CompanyFilter, RemoteCompany, RemotePickList},
        runs::{self, Step},
        values,
    },
    tickets::{observe, remote::RemotePage},
};

/// How many pages one run takes at the most.
pub(super) const PAGES: i32 = 20_000;
/// How many pages are read before others get their turn.
const TURN: usize = 25;

/// What a step of a run has come to.
pub(super) enum Stepped {
    /// There is more to do.
    More,
    /// That was all.
    Done,
    /// Somebody stopped the run.
    Stopped,
    /// Somebody else holds the lane.
    Lost,
    /// The PSA said no, or nothing.
    Failed(PsaError),
}

impl Workers {
    /// Does some of what runs are asked for on the lane.
    pub(super) async fn sync_turn(
        &self,
        held: &lane::Model,
        client: &Client,
        stop: &CancellationToken,
    ) -> Result<Turn, Error> {
        let ground = &self.0.ground;
        for _ in 0..TURN {
            let Some(run) = runs::next_run(ground.db.reader(), held.id).await? else { break };
            if !self.is_due(held, client, &run).await? {
                break;
            }
            let (id, now) = (run.id, ground.clock.now());
            if !runs::goes_on(&run) {
                match self.while_held(held, move |tx| Box::pin(runs::begin(tx, id, now))).await {
                    Ok(true) => self.forget(id),
                    Ok(false) => return Ok(Turn::Lost),
                    Err(Error::NotFound) => continue,
                    Err(error) => return Err(error),
                }
            }
            let stepped = match run.kind {
                SyncKind::Companies => self.read_companies(held, client, &run).await?,
                SyncKind::CompanyImport => {
                    if !runs::goes_on(&run) {
                        let refreshed = imports::lookups::refresh(ground, run.organization_id);
                        match self.renewing(held, refreshed).await {
                            Some(refreshed) => refreshed?,
                            None => return Ok(Turn::Lost),
                        }
                    }
                    self.read_companies(held, client, &run).await?
                }
                SyncKind::PickLists => self.read_pick_lists(held, client, &run).await?,
                SyncKind::Contacts => self.read_contacts(held, client, &run).await?,
                SyncKind::Configurations => self.read_configurations(held, client, &run).await?,
                SyncKind::Assets => self.push_assets(held, client, &run).await?,
                SyncKind::Tickets => self.read_psa_tickets(held, client, &run).await?,
                // Never given to a lane.
                SyncKind::CompanyImportFinish => break,
            };
            match stepped {
                Stepped::More | Stepped::Stopped => {}
                Stepped::Done => self.connection_works(held).await?,
                Stepped::Lost => return Ok(Turn::Lost),
                Stepped::Failed(error) => {
                    self.give_up(held, id, &error).await?;
                    match self.after_error(held, &error).await? {
                        Turn::On => {}
                        other => return Ok(other),
                    }
                }
            }
            let tickets_wait = outbox::next(ground, held).await?.is_some()
                || !observe::due(ground, held.id, 1).await?.is_empty();
            if tickets_wait || stop.is_cancelled() {
                break;
            }
        }
        Ok(Turn::On)
    }

    /// Whether a run may go on now: not before its time, and only while the calls that are kept for tickets are left.
    async fn is_due(
        &self,
        held: &lane::Model,
        client: &Client,
        run: &sync_run::Model,
    ) -> Result<bool, Error> {
        let ground = &self.0.ground;
        let now = ground.clock.now();
        let mut until = run.due_at.filter(|due| *due > now);
        if let (None, Some(limit)) = (until, client.rate)
            && let Err(secs) = SharedBudget::room_for_less_urgent(ground, &client.budget_key, limit).await?
        {
            until = Some(now.plus_secs(secs));
        }
        let Some(until) = until else { return Ok(true) };
        let id = held.id;
        self.while_held(held, move |tx| Box::pin(async move { Ok(runs::put_off(tx, id, until).await?) }))
            .await?;
        Ok(false)
    }

    /// What passes by itself is waited for; what somebody must mend ends the run.
    async fn give_up(&self, held: &lane::Model, id: Uuid, error: &PsaError) -> Result<(), Error> {
        if matches!(error.next_step(), NextStep::RetryLater { .. } | NextStep::LookBeforeRepeating) {
            return Ok(());
        }
        let (problem, now) = (format!("{error}; mend it, then ask for it again"), self.0.ground.clock.now());
        let failed =
            self.while_held(held, move |tx| Box::pin(async move { runs::fail(tx, id, &problem, now).await }));
        self.forget(id);
        match failed.await {
            Ok(_) | Err(Error::NotFound) => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn read_companies(
        &self,
        held: &lane::Model,
        client: &Client,
        run: &sync_run::Model,
    ) -> Result<Stepped, Error> {
        let filter = runs::company_filter(run);
        let cursor = run.cursor.clone().filter(|_| runs::goes_on(run));
        if run.page_count >= PAGES && cursor.is_some() {
            let reason = format!("there are more companies than {PAGES} pages hold; narrow the filter");
            return Ok(Stepped::Failed(PsaError::Rejected { field: None, reason }));
        }
        let page = match self.renewing(held, client.psa.companies(&filter, cursor.as_deref())).await {
            Some(Ok(page)) => page,
            Some(Err(error)) => return Ok(Stepped::Failed(error)),
            None => return Ok(Stepped::Lost),
        };
        if page.next.is_some() && page.next == cursor {
            let detail = "the PSA gives the same page of companies again and again".to_owned();
            return Ok(Stepped::Failed(PsaError::Unavailable { detail }));
        }
        let is_last = page.next.is_none();
        let stored = match self.store_page(held, run, page).await? {
            Ok(rows) => rows,
            Err(stepped) => return Ok(stepped),
        };
        let is_whole = run.kind == SyncKind::Companies
            && filter.search.is_none()
            && filter.company_type.is_none()
            && filter.status.is_none()
            && filter.market.is_none();
        let mut seen = self.seen(run.id, cursor.is_none() && is_whole);
        if let Some(known) = &mut seen
            && !known.add(&stored)
        {
            seen = None;
        }
        if !is_last {
            self.remember(run.id, seen);
            return Ok(Stepped::More);
        }
        if let Some(seen) = seen {
            self.miss(held, run, &filter, &seen).await?;
        }
        self.forget(run.id);
        let (id, connection_id, now) = (run.id, held.id, self.0.ground.clock.now());
        let started_at = run.started_at.unwrap_or(now);
        let finished = self.while_held(held, move |tx| {
            Box::pin(async move {
                if is_whole {
                    companies::all_read(tx, connection_id, started_at).await?;
                }
                runs::finish(tx, id, now).await
            })
        });
        ended(finished.await)
    }

    async fn store_page(
        &self,
        held: &lane::Model,
        run: &sync_run::Model,
        page: RemotePage<RemoteCompany>,
    ) -> Result<Result<Vec<entity::psa_company::Model>, Stepped>, Error> {
        let (ground, id) = (self.0.ground.clone(), run.id);
        let (organization_id, connection_id) = (run.organization_id, run.psa_connection_id);
        let import = match run.kind {
            SyncKind::CompanyImport => imports::of_run(ground.db.reader(), run).await?,
            _ => None,
        };
        let written = self.held_write(held, move |tx| {
            Box::pin(async move {
                let RemotePage { items, next, total } = page;
                let stored =
                    companies::store_companies(tx, &ground, organization_id, connection_id, &items).await?;
                values::take_over(tx, &ground, organization_id, connection_id, &stored.rows).await?;
                if let Some(import) = &import {
                    imports::comparing::add(tx, &ground, import, &stored.rows).await?;
                }
                let step = Step {
                    cursor: next,
                    read: items.len() as u64,
                    total,
                    counts: stored.counts,
                    failures: stored.failures,
                };
                runs::step(tx, &ground, id, step).await?;
                Ok(stored.rows)
            })
        });
        match written.await {
            Ok(Some(rows)) => Ok(Ok(rows)),
            Ok(None) => Ok(Err(Stepped::Lost)),
            Err(Error::NotFound) => Ok(Err(Stepped::Stopped)),
            Err(error) => Err(error),
        }
    }

    /// Marks what a run over all companies has not seen.
    async fn miss(
        &self,
        held: &lane::Model,
        run: &sync_run::Model,
        filter: &CompanyFilter,
        seen: &Seen,
    ) -> Result<(), Error> {
        let (ground, mut after) = (&self.0.ground, Uuid::nil());
        loop {
            let (missing, next) = companies::unseen(
                ground.db.reader(),
                run.organization_id,
                held.id,
                seen,
                filter.include_inactive,
                after,
            )
            .await?;
            if !missing.is_empty() {
                let now = ground.clock.now();
                let marked = self.while_held(held, move |tx| {
                    Box::pin(async move { Ok(companies::mark_missing(tx, &missing, now).await?) })
                });
                marked.await?;
            }
            match next {
                Some(next) => after = next,
                None => return Ok(()),
            }
        }
    }

    async fn read_pick_lists(
        &self,
        held: &lane::Model,
        client: &Client,
        run: &sync_run::Model,
    ) -> Result<Stepped, Error> {
        let lists: Vec<RemotePickList> = match self.renewing(held, client.psa.pick_lists()).await {
            Some(Ok(lists)) => lists,
            Some(Err(error)) => return Ok(Stepped::Failed(error)),
            None => return Ok(Stepped::Lost),
        };
        let (ground, id, now) = (self.0.ground.clone(), run.id, self.0.ground.clock.now());
        let (organization_id, connection_id) = (run.organization_id, run.psa_connection_id);
        let finished = self.while_held(held, move |tx| {
            Box::pin(async move {
                let (counts, failures) =
                    pick_lists::store_pick_lists(tx, &ground, organization_id, connection_id, &lists).await?;
                let read = lists.len() as u64;
                let step = Step { read, total: Some(read), counts, failures, ..Step::default() };
                runs::step(tx, &ground, id, step).await?;
                runs::finish(tx, id, now).await
            })
        });
        ended(finished.await)
    }

    /// What the run has seen so far, where it began here.
    pub(super) fn seen(&self, run_id: Uuid, begins: bool) -> Option<Seen> {
        let known = self.0.seen.lock().unwrap_or_else(PoisonError::into_inner).remove(&run_id);
        known.or_else(|| begins.then(Seen::default))
    }

    pub(super) fn remember(&self, run_id: Uuid, seen: Option<Seen>) {
        if let Some(seen) = seen {
            self.0.seen.lock().unwrap_or_else(PoisonError::into_inner).insert(run_id, seen);
        }
    }

    pub(super) fn forget(&self, run_id: Uuid) {
        self.0.seen.lock().unwrap_or_else(PoisonError::into_inner).remove(&run_id);
    }

    /// False where the lane is lost.
    pub(super) async fn while_held<F>(&self, held: &lane::Model, work: F) -> Result<bool, Error>
    where
        F: for<'c> FnOnce(&'c DatabaseTransaction) -> Work<'c, (), Error> + Send + 'static,
    {
        Ok(self.held_write(held, work).await?.is_some())
    }
}

pub(super) fn ended(written: Result<bool, Error>) -> Result<Stepped, Error> {
    match written {
        Ok(true) => Ok(Stepped::Done),
        Ok(false) => Ok(Stepped::Lost),
        Err(Error::NotFound) => Ok(Stepped::Stopped),
        Err(error) => Err(error),
    }
}
