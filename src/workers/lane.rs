//! Serving a lane: whoever holds it does what is due for its connection, for a while, and gives it back.
#![expect(clippy::disallowed_methods, reason = "reads the connection of a lane it holds")]

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use entity::{Timestamp, lane, psa_connection};
use sea_orm::{ColumnTrait as _, DatabaseTransaction, DbErr, EntityTrait as _, QueryFilter as _};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;
use uuid::Uuid;

use super::{Client, Workers};
use crate::{
    db::Work,
    error::Error,
    ground::{
        Ground,
        dies::{self, Step},
    },
    organizations::connections,
    psa::{self, PsaError},
    queue::{
        backoff,
        lanes::{self, Leaving},
        outbox,
    },
    sync::{runs, schedules},
    telemetry::traces::{self, span_of_kind},
};

/// How often a lease is renewed while a PSA is waited for: three times in a lease.
const RENEW_EVERY: Duration = Duration::from_secs(10);
/// How many pieces of work one holder does before others get their turn.
pub(super) const TURN: usize = 25;
/// How long a lane rests after a refused login or a missing permission, in seconds.
pub(super) const PAUSE_SECS: i64 = 900;
/// The least and the most a lane rests after other failures, in seconds.
const REST_SECS: (i64, i64) = (5, 900);
/// How long it rests when a PSA asks for less calls without saying for how long, in seconds.
const RATE_SECS: i64 = 30;
/// The longest rest a PSA can ask for, in seconds: it may mean milliseconds, or have a wrong clock.
const MOST_SECS: i64 = 3_600;
/// How long a lane waits while others call the same PSA as many times at once as it allows, in seconds.
const CROWDED_SECS: i64 = 1;
const CROWDED: &str = "as many calls as the PSA allows at the same time are under way";
/// How often the pick lists are read again by themselves, in seconds: once a day.
const LISTS_EVERY_SECS: i64 = 86_400;

/// Lanes that this node serves. A clock that is set makes their leases run out all at once, and their holders are there.
#[derive(Clone, Debug, Default)]
pub(super) struct Serving {
    lanes: Arc<Mutex<HashSet<Uuid>>>,
    /// One claims at a time, and is known to serve before the next looks: a clock that is set in between would show
    /// the next a lane whose lease has run out.
    claims: Arc<tokio::sync::Mutex<()>>,
}

/// Serves a lane until it is dropped.
struct Served(Serving, Uuid);

impl Serving {
    fn lanes(&self) -> Vec<Uuid> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner).iter().copied().collect()
    }

    /// Claims a lane that is not served here.
    async fn claim(&self, ground: &Ground, node: &str) -> Result<Option<(lane::Model, Served)>, Error> {
        let _alone = self.claims.lock().await;
        let held = lanes::claim_but(ground, node, self.lanes()).await?;
        Ok(held.map(|held| {
            let served = self.begins(held.id);
            (held, served)
        }))
    }

    fn begins(&self, lane: Uuid) -> Served {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner).insert(lane);
        Served(self.clone(), lane)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.0.lanes.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.1);
    }
}

/// What the turn of a lane has come to.
pub(super) enum Turn {
    /// Go on.
    On,
    /// No more calls for now.
    Pause { until: Timestamp, why: String, is_failure: bool },
    /// Somebody else holds the lane by now.
    Lost,
}

impl Workers {
    /// Claims a lane with due work and serves it. False where there was none.
    pub(super) async fn serve_lane(&self, stop: &CancellationToken) -> Result<bool, Error> {
        let ground = &self.0.ground;
        let node = &self.0.options.node;
        let Some((held, _served)) = self.0.serving.claim(ground, node).await? else {
            return Ok(false);
        };
        dies::at(Step::LaneClaimed);
        let mut leaving = Leaving {
            pause: None,
            failures: held.failures,
            poll_at: held.poll_at,
            poll_cursor: held.poll_cursor,
            lists_at: held.lists_at,
        };
        let (client, connection) = match self.client(&held).await? {
            Ok(found) => found,
            Err(why) => {
                connections::record_health(ground, held.organization_id, held.id, false, &why).await?;
                leaving.pause = Some((ground.clock.now().plus_secs(PAUSE_SECS), why));
                lanes::release(ground, &held, leaving).await?;
                return Ok(true);
            }
        };
        if client.parallel > 0 && !lanes::may_call(ground, &held, &client.budget_key, client.parallel).await?
        {
            leaving.pause = Some((ground.clock.now().plus_secs(CROWDED_SECS), CROWDED.to_owned()));
            lanes::release(ground, &held, leaving).await?;
            return Ok(true);
        }
        let turn = match self.verification_turn(&held, &connection, &client).await {
            Ok(Turn::On) => Box::pin(self.take_turn(&held, &client, &mut leaving, stop)).await,
            other => other,
        };
        match turn {
            Ok(Turn::Lost) => return Ok(true),
            Ok(Turn::On) => leaving.failures = 0,
            Ok(Turn::Pause { until, why, is_failure }) => {
                tracing::info!(psa_connection.id = %held.id, until = %until, reason = why, "a connection is left alone for a while");
                leaving.failures = if is_failure { held.failures.saturating_add(1) } else { held.failures };
                leaving.pause = Some((until, why));
            }
            // The database failed in the middle: the lane is left to run out of its lease, and what was
            // begun is looked after by its next holder.
            Err(error) => return Err(error),
        }
        dies::at(Step::TurnDone);
        lanes::release(ground, &held, leaving).await?;
        Ok(true)
    }

    async fn take_turn(
        &self,
        held: &lane::Model,
        client: &Client,
        leaving: &mut Leaving,
        stop: &CancellationToken,
    ) -> Result<Turn, Error> {
        let ground = &self.0.ground;
        let mut is_known_to_work = false;
        for _ in 0..TURN {
            let Some(operation) = outbox::next(ground, held).await? else { break };
            let span = span_of_kind!("consumer", "operation", ticket_operation.id = %operation.id);
            traces::continue_from(&span, operation.trace_context.as_deref());
            match self.carry_out(held, client, operation, &mut is_known_to_work).instrument(span).await? {
                Turn::On => {}
                other => return Ok(other),
            }
            if stop.is_cancelled() {
                return Ok(Turn::On);
            }
        }
        // One ticket that cannot be read keeps neither readings nor the poll from their turn.
        let refreshed = self.refresh(held, client).await?;
        if matches!(refreshed, Turn::Lost) {
            return Ok(refreshed);
        }
        self.ask_for_lists(held, leaving).await?;
        schedules::ask_due(ground, held.organization_id, held.id).await?;
        match self.sync_turn(held, client, stop).await? {
            Turn::On => {}
            other => return Ok(other),
        }
        match self.registration_turn(held, client).await? {
            Turn::On => {}
            other => return Ok(other),
        }
        match self.poll(held, client, leaving, stop).await? {
            Turn::On => {}
            other => return Ok(other),
        }
        // Tickets go before what is billed, and so does finding out what became of them.
        Ok(match Box::pin(self.billing_turn(held, client)).await? {
            Turn::On => refreshed,
            other => other,
        })
    }

    /// Once a day the pick lists are read again, because profiles are held against them. The first time is
    /// somebody's to choose.
    async fn ask_for_lists(&self, held: &lane::Model, leaving: &mut Leaving) -> Result<(), Error> {
        let (ground, now) = (&self.0.ground, self.0.ground.clock.now());
        let next = || {
            // Not all connections at the same time of day.
            let spread = i64::from(u16::from_le_bytes(ground.chance.bytes())) % 3_600;
            Some(now.plus_secs(LISTS_EVERY_SECS - spread))
        };
        if held.lists_at.is_some_and(|at| at <= now) {
            runs::request_lists(ground, held.organization_id, held.id).await?;
            leaving.lists_at = next();
        } else if held.lists_at.is_none() {
            leaving.lists_at = next();
        }
        Ok(())
    }

    /// The connection's client: as it was, or made anew after a change of credentials or of the lane's holder.
    async fn client(
        &self,
        held: &lane::Model,
    ) -> Result<Result<(Client, psa_connection::Model), String>, Error> {
        let row = psa_connection::Entity::find_by_id(held.id)
            .filter(psa_connection::Column::OrganizationId.eq(held.organization_id))
            .one(self.0.ground.db.reader())
            .await?
            .ok_or(Error::NotFound)?;
        if let Some(client) = self.known_client(held.id)
            && client.credentials_version == row.credentials_version
        {
            return Ok(Ok((client, row)));
        }
        let Some(platform) = psa::platform(&row.platform) else {
            return Ok(Err(format!("this version knows no platform \"{}\"", row.platform)));
        };
        let credentials = connections::credentials(&self.0.ground, &row).await?;
        let settings = connections::settings(&row);
        let budget = psa::budget_of(platform, &self.0.outbound, row.organization_id, row.id, &settings);
        let budget_key = budget.as_ref().map(|(key, _)| key.clone()).unwrap_or_default();
        let rate = budget.as_ref().map(|(_, limit)| *limit);
        let outbound = psa::counted(&self.0.ground, &self.0.outbound, budget);
        let psa = match platform.connect(credentials, outbound) {
            Ok(psa) => psa,
            Err(problems) => {
                let words: Vec<_> = problems.into_iter().map(|problem| problem.message).collect();
                return Ok(Err(words.join("; ")));
            }
        };
        let client = Client {
            psa,
            platform: platform.key(),
            search_delay_secs: platform.capabilities().search_delay_secs,
            has_private_notes: platform.capabilities().private_notes,
            parallel: platform.capabilities().parallel,
            credentials_version: row.credentials_version,
            budget_key,
            rate,
        };
        self.remember_client(held.id, client.clone());
        Ok(Ok((client, row)))
    }

    /// What an error at a PSA means for the lane.
    pub(super) async fn after_error(&self, held: &lane::Model, error: &PsaError) -> Result<Turn, Error> {
        let ground = &self.0.ground;
        let now = ground.clock.now();
        let failures = u32::try_from(held.failures).unwrap_or(0).saturating_add(1);
        let rest = backoff::delay_secs(failures, REST_SECS.0, REST_SECS.1, ground.chance.fraction());
        let why = error.to_string();
        if error.next_step() != psa::NextStep::GiveUp {
            self.0.metrics.lane_paused(error.code());
        }
        Ok(match error.next_step() {
            psa::NextStep::RetryLater { after_secs } => {
                let is_rate = matches!(error, PsaError::RateLimited { .. });
                let after = after_secs.unwrap_or(if is_rate { RATE_SECS } else { rest });
                Turn::Pause { until: now.plus_secs(after.clamp(1, MOST_SECS)), why, is_failure: !is_rate }
            }
            psa::NextStep::PauseConnection => {
                connections::record_health(ground, held.organization_id, held.id, false, &why).await?;
                Turn::Pause { until: now.plus_secs(PAUSE_SECS), why, is_failure: true }
            }
            psa::NextStep::LookBeforeRepeating => {
                Turn::Pause { until: now.plus_secs(rest), why, is_failure: true }
            }
            psa::NextStep::GiveUp => Turn::On,
        })
    }

    /// A call worked: a connection that was said to fail no longer does.
    pub(super) async fn connection_works(&self, held: &lane::Model) -> Result<(), Error> {
        connections::record_health(
            &self.0.ground,
            held.organization_id,
            held.id,
            true,
            "the last call worked",
        )
        .await
    }

    /// Waits for a call while the lane's lease is renewed behind it. None where the lane was lost meanwhile:
    /// the call is given up, and its fate is the next holder's to find out.
    pub(super) async fn renewing<T>(&self, held: &lane::Model, call: impl Future<Output = T>) -> Option<T> {
        let mut call = std::pin::pin!(call);
        loop {
            tokio::select! {
                biased;
                result = &mut call => return Some(result),
                () = tokio::time::sleep(RENEW_EVERY) => match self.is_held(held).await {
                    Ok(true) => {}
                    Ok(false) => return None,
                    Err(error) => tracing::warn!(error = %error, "a lease could not be renewed"),
                },
            }
        }
    }

    /// Whether the lane is still held; if so its lease is renewed.
    pub(super) async fn is_held(&self, held: &lane::Model) -> Result<bool, Error> {
        Ok(self.held_write(held, |_| Box::pin(async { Ok(()) })).await?.is_some())
    }

    /// Writes something that counts only while the lane is ours; none where it is not, and then nothing is
    /// written. The lane's row is locked last, here as wherever work is enqueued: tickets before lanes, so
    /// that no two transactions wait for each other.
    pub(super) async fn held_write<T, F>(&self, held: &lane::Model, work: F) -> Result<Option<T>, Error>
    where
        F: for<'c> FnOnce(&'c DatabaseTransaction) -> Work<'c, T, Error> + Send + 'static,
        T: Send + 'static,
    {
        let (held, lost, now) = (held.clone(), held.clone(), self.0.ground.clock.now());
        let written = self.0.ground.db.write::<_, Undone, _>(move |tx| {
            Box::pin(async move {
                let value = work(tx).await?;
                if lanes::still_held(tx, &held, now).await? { Ok(value) } else { Err(Undone::Lost) }
            })
        });
        match written.await {
            Ok(value) => Ok(Some(value)),
            Err(Undone::Lost) => Ok(None),
            Err(Undone::Failed(error)) => {
                // Who has lost the lane may find nothing of what it was about: it is another organization's by now.
                let looked = self.0.ground.db.write::<_, Error, _>(move |tx| {
                    Box::pin(async move { Ok(lanes::still_held(tx, &lost, now).await?) })
                });
                if matches!(looked.await, Ok(false)) { Ok(None) } else { Err(error) }
            }
        }
    }
}

/// Why something was not written under a lease.
enum Undone {
    Lost,
    Failed(Error),
}

impl From<DbErr> for Undone {
    fn from(error: DbErr) -> Self {
        Self::Failed(error.into())
    }
}

impl From<Error> for Undone {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}
