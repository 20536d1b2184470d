//! Budgets of calls that several lanes, nodes and doors share: one row each, written before the calls are made.
#![expect(clippy::disallowed_methods, reason = "a budget may belong to a whole installation")]

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use entity::{Timestamp, call_budget};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, DatabaseTransaction, DbErr, EntityTrait as _,
    IntoActiveModel as _, QueryFilter as _, QuerySelect as _, Set,
    sea_query::{LockType, OnConflict},
};
use serde_json::Value;

use super::budget::{RateBudget, RateLimit};
use crate::{error::Error, ground::Ground};

/// How many calls are taken out of the row at once. They are used up within a slot of the window or count as
/// spent: fewer writes, at the price of a few calls.
const BLOCK: u32 = 4;

/// The row of a budget, made where there is none, and locked.
pub(super) async fn lock(
    tx: &DatabaseTransaction,
    key: &str,
    now: Timestamp,
) -> Result<call_budget::Model, DbErr> {
    let new =
        call_budget::ActiveModel { key: Set(key.to_owned()), spent: Set(Value::Null), updated_at: Set(now) };
    let nothing = OnConflict::column(call_budget::Column::Key).do_nothing().to_owned();
    call_budget::Entity::insert(new).on_conflict(nothing).exec_without_returning(tx).await?;
    let row = call_budget::Entity::find()
        .filter(call_budget::Column::Key.eq(key))
        .lock(LockType::Update)
        .one(tx)
        .await?;
    row.ok_or_else(|| DbErr::RecordNotFound("call_budget".to_owned()))
}

/// A budget that is kept in the database. Cheap to clone; clones share what they have taken out.
#[derive(Clone, Debug)]
pub struct SharedBudget {
    ground: Ground,
    key: Arc<str>,
    limit: RateLimit,
    state: Arc<Mutex<State>>,
    calls: Arc<AtomicU64>,
}

#[derive(Debug, Default)]
struct State {
    /// Taken out and not used, good until then.
    in_hand: u32,
    good_until: Timestamp,
    /// Until when the PSA asked us to wait.
    held_until: Timestamp,
}

impl SharedBudget {
    /// The budget of that key, with the limit that holds now.
    pub fn new(ground: Ground, key: &str, limit: RateLimit) -> Self {
        Self { ground, key: key.into(), limit, state: Arc::default(), calls: Arc::default() }
    }

    /// Takes one call, or says in how many seconds there may be room for one.
    pub async fn take(&self) -> Result<Result<(), i64>, Error> {
        let now = self.ground.clock.now();
        let held_until = {
            let mut state = self.state();
            if state.held_until > now {
                let micros = state.held_until.0.saturating_sub(now.0);
                return Ok(Err((micros + 999_999).div_euclid(1_000_000).max(1)));
            }
            if state.in_hand > 0 && now < state.good_until {
                state.in_hand -= 1;
                self.calls.fetch_add(1, Ordering::Relaxed);
                return Ok(Ok(()));
            }
            state.held_until
        };
        let (key, limit) = (Arc::clone(&self.key), self.limit);
        let taken = self
            .ground
            .db
            .write::<_, Error, _>(move |tx| {
                Box::pin(async move {
                    let row = lock(tx, &key, now).await?;
                    let budget = RateBudget::from_json(limit, &row.spent);
                    budget.hold_until(held_until);
                    let taken = (0..BLOCK).map(|_| budget.take(now)).take_while(Result::is_ok).count();
                    let first = if taken == 0 { budget.take(now) } else { Ok(()) };
                    let mut row = row.into_active_model();
                    row.spent = Set(budget.to_json(now));
                    row.updated_at = Set(now);
                    row.update(tx).await?;
                    Ok(first.map(|()| u32::try_from(taken).unwrap_or(BLOCK)))
                })
            })
            .await?;
        Ok(taken.map(|taken| {
            let mut state = self.state();
            state.in_hand = taken.saturating_sub(1);
            state.good_until = limit.slot_end(now);
            self.calls.fetch_add(1, Ordering::Relaxed);
        }))
    }

    /// Whether calls that can wait may be made now: they leave a quarter of the limit to those that cannot. Else in
    /// how many seconds there is room for one.
    pub async fn room_for_less_urgent(
        ground: &Ground,
        key: &str,
        limit: RateLimit,
    ) -> Result<Result<(), i64>, Error> {
        let row = call_budget::Entity::find()
            .filter(call_budget::Column::Key.eq(key))
            .one(ground.db.reader())
            .await?;
        let Some(row) = row else { return Ok(Ok(())) };
        let limit = RateLimit { calls: (limit.calls / 4 * 3).max(1), ..limit };
        Ok(RateBudget::from_json(limit, &row.spent).take(ground.clock.now()))
    }

    /// Sends nothing more for so many seconds, because the PSA said so. Whoever shares the budget hears of it before
    /// the next calls that they take out.
    pub fn hold(&self, secs: i64) {
        let now = self.ground.clock.now();
        let until = now.plus_secs(secs.clamp(0, 86_400));
        {
            let mut state = self.state();
            state.held_until = state.held_until.max(until);
            state.in_hand = 0;
        }
        let (ground, key, limit) = (self.ground.clone(), Arc::clone(&self.key), self.limit);
        tokio::spawn(async move {
            let told = ground.db.write::<_, Error, _>(move |tx| {
                Box::pin(async move {
                    let row = lock(tx, &key, now).await?;
                    let budget = RateBudget::from_json(limit, &row.spent);
                    budget.hold_until(until);
                    let mut row = row.into_active_model();
                    row.spent = Set(budget.to_json(now));
                    row.updated_at = Set(now);
                    row.update(tx).await?;
                    Ok(())
                })
            });
            if let Err(error) = told.await {
                tracing::warn!(error = %error, "a PSA's request to wait was not written down; others may call it meanwhile");
            }
        });
    }

    /// Calls made through this budget and its clones.
    pub fn calls_made(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
