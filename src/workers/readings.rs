//! Reading a PSA's companies and pick lists, asked for by people.

use entity::{lane, sync_run, sync_run::SyncKind};
use sea_orm::{DatabaseTransaction, DbErr};

use super::{Client, Workers, lane::Turn};
use crate::{
    db::Work,
    error::Error,
    psa::{NextStep, PsaError},
    sync::{
        companies, pick_lists,
        remote::{RemoteCompany, RemotePickList},
        runs,
    },
};

/// How many pages of companies one reading takes at the most: a hundred thousand companies.
const PAGES: usize = 1_000;

/// What one step of a reading has brought.
enum Read {
    Companies { page: Vec<RemoteCompany>, done: u64, total: Option<u64> },
    PickLists(Vec<RemotePickList>),
}

impl Workers {
    /// Does what readings are asked for on the lane.
    pub(super) async fn sync_turn(&self, held: &lane::Model, client: &Client) -> Result<Turn, Error> {
        let ground = &self.0.ground;
        while let Some(run) = runs::next_run(ground.db.reader(), held.id).await? {
            let (id, now) = (run.id, ground.clock.now());
            if !self
                .while_held(held, move |tx| Box::pin(async move { runs::begin(tx, id, now).await }))
                .await?
            {
                return Ok(Turn::Lost);
            }
            let read = match run.kind {
                SyncKind::Companies => self.read_companies(held, client, &run).await?,
                SyncKind::PickLists => self.read_pick_lists(held, client, &run).await?,
            };
            let now = ground.clock.now();
            match read {
                Ok(true) => {
                    self.while_held(held, move |tx| Box::pin(async move { runs::finish(tx, id, now).await }))
                        .await?;
                    self.connection_works(held).await?;
                }
                Ok(false) => return Ok(Turn::Lost),
                Err(error) => {
                    // What passes by itself is waited for; what somebody must mend ends the reading.
                    if !matches!(
                        error.next_step(),
                        NextStep::RetryLater { .. } | NextStep::LookBeforeRepeating
                    ) {
                        let problem = format!("{error}; mend it, then ask for it again");
                        self.while_held(held, move |tx| {
                            Box::pin(async move { runs::fail(tx, id, &problem, now).await })
                        })
                        .await?;
                    }
                    match self.after_error(held, &error).await? {
                        Turn::On => {}
                        other => return Ok(other),
                    }
                }
            }
        }
        Ok(Turn::On)
    }

    /// False where the lane is lost.
    async fn read_companies(
        &self,
        held: &lane::Model,
        client: &Client,
        run: &sync_run::Model,
    ) -> Result<Result<bool, PsaError>, Error> {
        let filter = runs::company_filter(run);
        let (mut next, mut done) = (None::<String>, 0);
        for _ in 0..PAGES {
            let page = match self.renewing(held, client.psa.companies(&filter, next.as_deref())).await {
                Some(Ok(page)) => page,
                Some(Err(error)) => return Ok(Err(error)),
                None => return Ok(Ok(false)),
            };
            done += page.items.len() as u64;
            let read = Read::Companies { page: page.items, done, total: page.total };
            if !self.store(held, run, read).await? {
                return Ok(Ok(false));
            }
            next = page.next;
            if next.is_none() {
                return Ok(Ok(true));
            }
        }
        let reason = format!("there are more companies than {PAGES} pages hold; narrow the filter");
        Ok(Err(PsaError::Rejected { field: None, reason }))
    }

    async fn read_pick_lists(
        &self,
        held: &lane::Model,
        client: &Client,
        run: &sync_run::Model,
    ) -> Result<Result<bool, PsaError>, Error> {
        match self.renewing(held, client.psa.pick_lists()).await {
            Some(Ok(lists)) => Ok(Ok(self.store(held, run, Read::PickLists(lists)).await?)),
            Some(Err(error)) => Ok(Err(error)),
            None => Ok(Ok(false)),
        }
    }

    async fn store(&self, held: &lane::Model, run: &sync_run::Model, read: Read) -> Result<bool, Error> {
        let (ground, id, now) = (self.0.ground.clone(), run.id, self.0.ground.clock.now());
        let (organization_id, connection_id) = (run.organization_id, run.psa_connection_id);
        self.while_held(held, move |tx| {
            Box::pin(async move {
                match read {
                    Read::Companies { page, done, total } => {
                        companies::store_companies(tx, &ground, organization_id, connection_id, &page)
                            .await?;
                        runs::progress(tx, id, done, total, now).await
                    }
                    Read::PickLists(lists) => {
                        pick_lists::store_pick_lists(tx, &ground, organization_id, connection_id, &lists)
                            .await?;
                        let count = lists.len() as u64;
                        runs::progress(tx, id, count, Some(count), now).await
                    }
                }
            })
        })
        .await
    }

    async fn while_held<F>(&self, held: &lane::Model, work: F) -> Result<bool, Error>
    where
        F: for<'c> FnOnce(&'c DatabaseTransaction) -> Work<'c, (), DbErr> + Send + 'static,
    {
        let written = self.held_write(held, |tx| Box::pin(async move { Ok(work(tx).await?) }));
        Ok(written.await?.is_some())
    }
}
