//! How often somebody may come, for any number of them in a fixed amount of memory.
//!
//! The generic cell rate algorithm (ITU-T I.371): of each only one moment is kept, at which all that they
//! have used up is made good. Who has nothing to make good is as if never seen, and forgotten first. The
//! `governor` crate does the same sum, but its keyed stores grow with the number of keys until somebody
//! sweeps them, so that a flood of addresses decides how much memory there is.

use std::{
    collections::{HashMap, hash_map::RandomState},
    hash::BuildHasher as _,
    sync::{Mutex, PoisonError},
};

use entity::Timestamp;

/// How many parts there are, each behind a lock of its own.
const SHARDS: usize = 16;
/// How many are remembered in each part: a million and a half bytes for all parts together.
const SHARD_CAPACITY: usize = 2_048;

/// How often.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rate {
    /// How many in a second; 0 for as many as like.
    pub(super) per_sec: u32,
    /// How many seconds' worth at once.
    pub(super) burst_secs: u32,
}

/// There is no room; come again after a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wait {
    /// After so many seconds, at least 1.
    pub secs: i64,
}

/// What each has used up, in microseconds.
pub(super) struct Buckets {
    /// What one costs; 0 for nothing.
    each: i64,
    /// How far ahead anybody may be.
    ahead: i64,
    hasher: RandomState,
    shards: [Mutex<HashMap<u128, i64>>; SHARDS],
}

impl Buckets {
    pub(super) fn new(rate: Rate) -> Self {
        let each = 1_000_000_i64.checked_div(rate.per_sec.into()).unwrap_or(0);
        let ahead = (i64::from(rate.burst_secs) * 1_000_000).max(each);
        Self { each, ahead, hasher: RandomState::new(), shards: Default::default() }
    }

    /// Takes room for so many.
    pub(super) fn take(&self, key: u128, count: u32, now: Timestamp) -> Result<(), Wait> {
        self.update(key, now, |used| {
            let after = used + i64::from(count) * self.each;
            // Who has rested gets one in, however much it costs.
            if used > 0 && after > self.ahead { Err(Wait::of(after - self.ahead)) } else { Ok(after) }
        })
    }

    /// Whether there is room for one more.
    pub(super) fn has_room(&self, key: u128, now: Timestamp) -> Result<(), Wait> {
        self.update(key, now, |used| {
            let over = used + self.each - self.ahead;
            if used > 0 && over > 0 { Err(Wait::of(over)) } else { Ok(used) }
        })
    }

    /// Takes room for so many, whether there is any or not. Nobody is shut out for longer than a burst.
    pub(super) fn charge(&self, key: u128, count: u32, now: Timestamp) {
        let _ = self.update(key, now, |used| {
            Ok((used + i64::from(count) * self.each).min(self.ahead.saturating_mul(2)))
        });
    }

    /// `change` gets what is used up, and says what is after.
    fn update(
        &self,
        key: u128,
        now: Timestamp,
        change: impl FnOnce(i64) -> Result<i64, Wait>,
    ) -> Result<(), Wait> {
        if self.each == 0 {
            return Ok(());
        }
        let index = usize::try_from(self.hasher.hash_one(key) % SHARDS as u64).unwrap_or(0);
        let Some(shard) = self.shards.get(index) else { return Ok(()) };
        let mut good_at = shard.lock().unwrap_or_else(PoisonError::into_inner);
        let used = good_at.get(&key).map_or(0, |at| (at - now.0).max(0));
        let after = change(used)?;
        if after > 0 {
            if good_at.len() >= SHARD_CAPACITY && !good_at.contains_key(&key) {
                make_room(&mut good_at, now);
            }
            good_at.insert(key, now.0 + after);
        }
        Ok(())
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().unwrap().len()).sum()
    }
}

impl Wait {
    fn of(micros: i64) -> Self {
        Self { secs: micros.saturating_add(999_999).div_euclid(1_000_000).max(1) }
    }
}

/// Forgets who has nothing to make good, and where that is not enough, the quarter that has the least: who
/// came most is remembered longest. A quarter at a time, so that a flood does not sort for each that comes.
fn make_room(good_at: &mut HashMap<u128, i64>, now: Timestamp) {
    good_at.retain(|_, at| *at > now.0);
    if good_at.len() < SHARD_CAPACITY {
        return;
    }
    let mut moments: Vec<i64> = good_at.values().copied().collect();
    let (_, least, _) = moments.select_nth_unstable(SHARD_CAPACITY / 4);
    let least = *least;
    good_at.retain(|_, at| *at > least);
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::from_secs(1_000_000);

    fn buckets(per_sec: u32, burst_secs: u32) -> Buckets {
        Buckets::new(Rate { per_sec, burst_secs })
    }

    fn taken(buckets: &Buckets, key: u128, now: Timestamp) -> u32 {
        (0..10_000).take_while(|_| buckets.take(key, 1, now).is_ok()).map(|_| 1).sum()
    }

    #[test]
    fn a_burst_and_then_so_many_a_second() {
        let buckets = buckets(5, 2);
        assert_eq!(taken(&buckets, 1, START), 10);
        assert_eq!(buckets.take(1, 1, START), Err(Wait { secs: 1 }));
        assert_eq!(taken(&buckets, 2, START), 10, "another one has room of their own");
        assert_eq!(taken(&buckets, 1, START.plus_secs(1)), 5);
        assert_eq!(taken(&buckets, 1, START.plus_secs(100)), 10, "no more than a burst is saved up");
    }

    #[test]
    fn who_is_told_to_wait_gets_in_after_that_time_and_not_before() {
        let buckets = buckets(1, 10);
        assert_eq!(taken(&buckets, 1, START), 10);
        let Err(wait) = buckets.take(1, 5, START) else { panic!("it is full") };
        assert!(buckets.take(1, 5, START.plus_secs(wait.secs - 2)).is_err());
        assert!(buckets.take(1, 5, START.plus_secs(wait.secs)).is_ok());
    }

    #[test]
    fn failures_cost_more_and_shut_nobody_out_for_longer_than_a_burst() {
        let buckets = buckets(10, 10);
        for _ in 0..1_000 {
            buckets.charge(1, 10, START);
        }
        assert!(buckets.has_room(1, START).is_err() && buckets.take(1, 1, START).is_err());
        assert!(buckets.has_room(1, START.plus_secs(11)).is_ok());
        assert!(buckets.has_room(2, START).is_ok());
    }

    #[test]
    fn no_limit_is_no_limit_and_remembers_nobody() {
        let buckets = buckets(0, 10);
        assert_eq!(taken(&buckets, 1, START), 10_000);
        assert_eq!(buckets.len(), 0);
    }

    #[test]
    fn however_many_come_memory_stays_and_the_worst_is_not_forgotten() {
        let buckets = buckets(1, 10);
        assert_eq!(taken(&buckets, 0, START), 10);
        for stranger in 1..200_000 {
            assert!(buckets.take(stranger, 1, START).is_ok());
            assert!(buckets.take(0, 1, START).is_err(), "forgotten after {stranger} others");
        }
        assert!(buckets.len() <= SHARDS * SHARD_CAPACITY);
    }
}
