//! How many calls one login may make in any window of time, kept in a form that can be stored.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use entity::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// So many calls in any window of so many seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RateLimit {
    /// Calls.
    pub calls: u32,
    /// Seconds.
    pub window_secs: u32,
}

impl RateLimit {
    /// When the slot that a call of now is counted in ends.
    pub fn slot_end(self, now: Timestamp) -> Timestamp {
        let slot = slot_length(self);
        Timestamp((now.0.div_euclid(slot) + 1).saturating_mul(slot))
    }
}

/// The window is counted in so many slots; more slots waste less of the budget and store more.
const SLOTS: i64 = 60;

/// A budget of calls. Clones share it.
///
/// Calls are counted per slot of a sixtieth of the window, and a slot counts until its last
/// moment has left the window: never more than the limit in any window, at the price of at
/// most one slot's length of waiting too long.
#[derive(Clone, Debug)]
pub struct RateBudget(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    limit: Option<RateLimit>,
    used: BTreeMap<i64, u32>,
    held_until: Timestamp,
    calls: u64,
}

/// What is stored: slots by number, their length, and until when the PSA asked us to wait.
#[derive(Serialize, Deserialize)]
struct Stored {
    slot_us: i64,
    used: Vec<(i64, u32)>,
    #[serde(default)]
    held_until: Timestamp,
}

impl RateBudget {
    /// Nothing used yet.
    pub fn new(limit: RateLimit) -> Self {
        Self::from(Some(limit))
    }

    /// Without a limit of its own; a PSA's request to wait still holds it.
    pub fn unlimited() -> Self {
        Self::from(None)
    }

    fn from(limit: Option<RateLimit>) -> Self {
        let state = State { limit, used: BTreeMap::new(), held_until: Timestamp::default(), calls: 0 };
        Self(Arc::new(Mutex::new(state)))
    }

    /// With what was used before, on this node or another; what cannot be read counts as nothing used.
    /// The limit is the one given here, whatever it was then.
    pub fn from_json(limit: RateLimit, stored: &Value) -> Self {
        let budget = Self::new(limit);
        if let Ok(stored) = Stored::deserialize(stored)
            && stored.slot_us > 0
        {
            let mut state = budget.state();
            state.held_until = stored.held_until;
            let slot = slot_length(limit);
            for (number, calls) in stored.used.into_iter().take(1_000) {
                // By its last moment, so that slots of another length count longer, never shorter.
                let last = number.saturating_add(1).saturating_mul(stored.slot_us).saturating_sub(1);
                let used = state.used.entry(last.div_euclid(slot)).or_default();
                *used = used.saturating_add(calls);
            }
        }
        budget
    }

    /// What to store, so that another node can go on with it.
    pub fn to_json(&self, now: Timestamp) -> Value {
        let mut state = self.state();
        let slot_us = state.limit.map_or(1, slot_length);
        state.forget_old(now);
        let used = state.used.iter().map(|(number, calls)| (*number, *calls)).collect();
        serde_json::to_value(Stored { slot_us, used, held_until: state.held_until }).unwrap_or_default()
    }

    /// Takes one call, or says in how many seconds there is room for one.
    pub fn take(&self, now: Timestamp) -> Result<(), i64> {
        let mut state = self.state();
        let held = state.held_until.0.saturating_sub(now.0);
        if held > 0 {
            return Err(up_to_secs(held));
        }
        if let Some(limit) = state.limit {
            state.forget_old(now);
            let slot = slot_length(limit);
            let mut over = state.used.values().map(|calls| u64::from(*calls)).sum::<u64>() + 1;
            let allowed = u64::from(limit.calls.max(1));
            if over > allowed {
                for (number, calls) in &state.used {
                    over -= u64::from(*calls);
                    if over <= allowed {
                        let free_at = (number + 1).saturating_mul(slot).saturating_add(window(limit));
                        return Err(up_to_secs(free_at.saturating_sub(now.0)));
                    }
                }
            }
            *state.used.entry(now.0.div_euclid(slot)).or_default() += 1;
        }
        state.calls += 1;
        Ok(())
    }

    /// Sends nothing more for so many seconds, because the PSA said so.
    pub fn hold(&self, now: Timestamp, secs: i64) {
        let mut state = self.state();
        state.held_until = state.held_until.max(now.plus_secs(secs.clamp(0, 86_400)));
    }

    /// The same, as another who shares the budget was told.
    pub fn hold_until(&self, until: Timestamp) {
        let mut state = self.state();
        state.held_until = state.held_until.max(until);
    }

    /// Calls made since this budget was made, for metrics.
    pub fn calls_made(&self) -> u64 {
        self.state().calls
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Drops slots that have left the window, and slots so far ahead that only a clock set back explains them.
    fn forget_old(&mut self, now: Timestamp) {
        if let Some(limit) = self.limit {
            let (slot, window) = (slot_length(limit), window(limit));
            let oldest = now.0.saturating_sub(window).div_euclid(slot);
            let newest = now.0.saturating_add(window).div_euclid(slot);
            self.used.retain(|number, _| (oldest..=newest).contains(number));
        }
    }
}

fn window(limit: RateLimit) -> i64 {
    i64::from(limit.window_secs.max(1)) * 1_000_000
}

fn slot_length(limit: RateLimit) -> i64 {
    window(limit) / SLOTS
}

fn up_to_secs(micros: i64) -> i64 {
    (micros.max(0) + 999_999).div_euclid(1_000_000).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LIMIT: RateLimit = RateLimit { calls: 5, window_secs: 60 };

    proptest! {
        #[test]
        fn no_window_ever_holds_more_calls_than_the_limit(
            steps in prop::collection::vec((0_i64..20_000, any::<bool>()), 1..300),
        ) {
            let mut budget = RateBudget::new(LIMIT);
            let mut now = Timestamp::from_secs(1_000_000);
            let mut taken: Vec<i64> = Vec::new();
            for (pause_ms, moves_to_another_node) in steps {
                now = now.plus_millis(pause_ms);
                if moves_to_another_node {
                    budget = RateBudget::from_json(LIMIT, &budget.to_json(now));
                }
                match budget.take(now) {
                    Ok(()) => taken.push(now.0),
                    Err(wait) => {
                        let later = RateBudget::from_json(LIMIT, &budget.to_json(now));
                        prop_assert!(later.take(now.plus_secs(wait)).is_ok(), "promised room after {wait} s");
                    }
                }
                let in_window = taken.iter().filter(|at| **at > now.0 - 60_000_000).count();
                prop_assert!(in_window <= 5);
            }
        }
    }

    #[test]
    fn a_request_to_wait_holds_every_clone_and_travels() {
        let budget = RateBudget::new(LIMIT);
        let now = Timestamp::from_secs(1_000);
        budget.clone().hold(now, 30);
        assert_eq!(budget.take(now), Err(30));
        let elsewhere = RateBudget::from_json(LIMIT, &budget.to_json(now));
        assert_eq!(elsewhere.take(now.plus_secs(29)), Err(1));
        assert_eq!(elsewhere.take(now.plus_secs(30)), Ok(()));
    }

    #[test]
    fn what_cannot_be_read_counts_as_unused() {
        for text in ["null", "[]", "{\"slot_us\":0,\"used\":[]}", "{\"slot_us\":-1,\"used\":[[1,2]]}", "7"] {
            let value = serde_json::from_str(text).unwrap();
            assert_eq!(RateBudget::from_json(LIMIT, &value).take(Timestamp::from_secs(5)), Ok(()));
        }
    }

    #[test]
    fn calls_are_counted() {
        let budget = RateBudget::unlimited();
        for _ in 0..3 {
            budget.take(Timestamp::from_secs(1)).unwrap();
        }
        assert_eq!(budget.calls_made(), 3);
    }
}
