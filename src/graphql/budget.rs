//! What an organization may spend: a bucket of cost that fills up again second by second.
//!
//! An operation is charged what it may cost before it is executed, and given back what it did not use. Each
//! organization has a bucket, and each access token of the installation's operators its own. Buckets are kept
//! in memory: with several gateways each one grants its own share, and a restart fills them.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use async_graphql::{Response, Value, value};
use entity::Timestamp;
use uuid::Uuid;

use super::limits::price;
use crate::{
    clock::Clock,
    organizations::viewer::{Known, Viewer},
};

/// How much a bucket holds and how fast it fills.
#[derive(Clone, Copy, Debug)]
pub struct Allowance {
    /// What a bucket holds.
    pub bucket: u64,
    /// What comes back each second.
    pub restore_per_sec: u64,
}

impl Default for Allowance {
    fn default() -> Self {
        Self { bucket: 500_000, restore_per_sec: 25_000 }
    }
}

/// Who pays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Payer {
    /// Everybody in an organization together.
    Organization(Uuid),
    /// One operator of the installation.
    Operator(Known),
}

impl Payer {
    /// Who pays for what a viewer asks.
    pub(super) fn of(viewer: &Viewer) -> Self {
        viewer.organization_id().map_or(Self::Operator(viewer.known()), Self::Organization)
    }
}

/// Buckets are looked through for full ones each time there are twice as many, and at least so many.
const SWEEP_AT: usize = 1_024;

/// Every payer's bucket. A full one is not kept.
#[derive(Debug)]
pub(super) struct Budget {
    clock: Clock,
    allowance: Allowance,
    buckets: Mutex<(HashMap<Payer, Bucket>, usize)>,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    level: u64,
    at: Timestamp,
}

impl Bucket {
    /// Fills up to now. What is less than one stays in `at`, so that nothing is lost to rounding.
    fn fill(&mut self, now: Timestamp, allowance: Allowance) {
        let micros = u64::try_from(now.0.saturating_sub(self.at.0)).unwrap_or_default();
        let rate = allowance.restore_per_sec.max(1);
        let gained = u128::from(micros) * u128::from(rate) / 1_000_000;
        let gained = u64::try_from(gained).unwrap_or(u64::MAX);
        self.level = self.level.saturating_add(gained).min(allowance.bucket);
        if self.level == allowance.bucket {
            self.at = now;
        } else {
            let used = i64::try_from(gained.saturating_mul(1_000_000) / rate).unwrap_or(i64::MAX);
            self.at = Timestamp(self.at.0.saturating_add(used));
        }
    }
}

/// A bucket does not hold what is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Short {
    /// In how many seconds it will.
    pub(super) retry_after_secs: u64,
    /// What it holds.
    pub(super) available: u64,
}

impl Budget {
    pub(super) fn new(clock: Clock, allowance: Allowance) -> Self {
        Self { clock, allowance, buckets: Mutex::new((HashMap::new(), SWEEP_AT)) }
    }

    /// Takes a cost out of a bucket, where the bucket holds it.
    pub(super) fn charge(self: &Arc<Self>, payer: Payer, cost: u64) -> Result<Receipt, Short> {
        let restore = self.allowance.restore_per_sec.max(1);
        self.with(payer, |bucket| match bucket.level.checked_sub(cost) {
            Some(left) => {
                bucket.level = left;
                Ok(())
            }
            None => Err(Short {
                retry_after_secs: (cost - bucket.level).div_ceil(restore).max(1),
                available: bucket.level,
            }),
        })
        .map(|()| Receipt { budget: Arc::clone(self), payer, requested: cost })
    }

    /// `extensions.cost`, as GitHub's and Shopify's clients know it.
    pub(super) fn status(&self, payer: Payer, requested: u64, actual: Option<u64>) -> Value {
        let available = self.with(payer, |bucket| bucket.level);
        value!({
            "requestedQueryCost": requested,
            "actualQueryCost": actual,
            "throttleStatus": {
                "maximumAvailable": self.allowance.bucket,
                "currentlyAvailable": available,
                "restoreRate": self.allowance.restore_per_sec,
            },
        })
    }

    fn give_back(&self, payer: Payer, cost: u64) {
        let most = self.allowance.bucket;
        self.with(payer, |bucket| bucket.level = bucket.level.saturating_add(cost).min(most));
    }

    fn with<T>(&self, payer: Payer, act: impl FnOnce(&mut Bucket) -> T) -> T {
        let now = self.clock.now();
        let mut held = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let (buckets, sweep_at) = &mut *held;
        if buckets.len() >= *sweep_at {
            buckets.retain(|_, bucket| {
                bucket.fill(now, self.allowance);
                bucket.level < self.allowance.bucket
            });
            *sweep_at = (buckets.len() * 2).max(SWEEP_AT);
        }
        let bucket = buckets.entry(payer).or_insert(Bucket { level: self.allowance.bucket, at: now });
        bucket.fill(now, self.allowance);
        act(bucket)
    }
}

/// What was charged for an operation. Without [`Receipt::settle`] it stays charged.
#[derive(Debug)]
pub struct Receipt {
    budget: Arc<Budget>,
    payer: Payer,
    requested: u64,
}

impl Receipt {
    /// Gives back all that was charged.
    pub(super) fn give_back(self) {
        self.budget.give_back(self.payer, self.requested);
    }

    /// Counts what an answer really holds, gives back the rest and says so in `extensions.cost`. Never more
    /// than was charged: a list without pages that is longer than it was taken to be costs nobody more.
    pub fn settle(self, response: &mut Response, is_mutation: bool) {
        let actual = price::actual(&response.data, is_mutation).min(self.requested);
        self.budget.give_back(self.payer, self.requested - actual);
        let status = self.budget.status(self.payer, self.requested, Some(actual));
        response.extensions.insert("cost".to_owned(), status);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::START;

    const ALLOWANCE: Allowance = Allowance { bucket: 1_000, restore_per_sec: 100 };

    fn budget() -> (Arc<Budget>, Clock) {
        let clock = Clock::manual(START);
        (Arc::new(Budget::new(clock.clone(), ALLOWANCE)), clock)
    }

    fn payer(number: u128) -> Payer {
        Payer::Organization(Uuid::from_u128(number))
    }

    #[test]
    fn a_bucket_empties_and_fills_and_each_organization_has_its_own() {
        let (budget, clock) = budget();
        assert!(budget.charge(payer(1), 900).is_ok());
        let short = budget.charge(payer(1), 250).unwrap_err();
        assert_eq!(short, Short { retry_after_secs: 2, available: 100 });
        assert!(budget.charge(payer(2), 1_000).is_ok());
        clock.advance_secs(short.retry_after_secs.try_into().unwrap());
        assert!(budget.charge(payer(1), 250).is_ok());
        clock.advance_secs(3_600);
        assert!(budget.charge(payer(1), 1_001).is_err(), "it never holds more");
    }

    #[test]
    fn what_was_not_used_comes_back() {
        let (budget, _) = budget();
        let receipt = budget.charge(payer(1), 1_000).unwrap();
        let mut response = Response::new(value!({ "a": { "b": 1 } }));
        receipt.settle(&mut response, false);
        let cost = response.extensions["cost"].clone().into_json().unwrap();
        assert_eq!(
            (cost["requestedQueryCost"].as_u64(), cost["actualQueryCost"].as_u64()),
            (Some(1_000), Some(2))
        );
        assert_eq!(cost["throttleStatus"]["currentlyAvailable"], 998);
        assert!(budget.charge(payer(1), 998).is_ok());
    }

    #[test]
    fn small_steps_of_time_lose_nothing() {
        let mut bucket = Bucket { level: 0, at: START };
        for micro in 1..=10_000_i64 {
            bucket.fill(Timestamp(START.0 + micro * 7), ALLOWANCE);
        }
        assert_eq!(bucket.level, 7, "70 ms at 100 a second");
    }

    #[test]
    fn buckets_of_those_who_ask_nothing_are_not_kept() {
        let (budget, clock) = budget();
        for number in 0..SWEEP_AT as u128 {
            budget.charge(payer(number), 1).unwrap();
        }
        clock.advance_secs(60);
        budget.charge(payer(u128::MAX), 1).unwrap();
        assert_eq!(budget.buckets.lock().unwrap().0.len(), 1);
    }
}
