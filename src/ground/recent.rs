//! What was looked up a moment ago, so that it is not looked up again with every request.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use entity::Timestamp;

/// How many lookups are kept.
const CAPACITY: usize = 10_000;

/// Lookups by a text, good for a while. Cheap to clone; clones share what they keep.
#[derive(Debug)]
pub struct Recent<T> {
    /// In seconds: other nodes see a change after that long at the latest.
    ttl_secs: i64,
    kept: Arc<Mutex<Kept<T>>>,
}

impl<T> Clone for Recent<T> {
    fn clone(&self) -> Self {
        Self { ttl_secs: self.ttl_secs, kept: Arc::clone(&self.kept) }
    }
}

#[derive(Debug)]
struct Kept<T> {
    generation: u64,
    found: HashMap<String, (Timestamp, Found<T>)>,
}

type Found<T> = Option<Arc<T>>;

/// When a lookup began. What was changed since then makes its result void.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Generation(u64);

impl<T> Recent<T> {
    /// Nothing was looked up yet; what is will be good for so many seconds.
    pub fn new(ttl_secs: i64) -> Self {
        let kept = Kept { generation: 0, found: HashMap::new() };
        Self { ttl_secs, kept: Arc::new(Mutex::new(kept)) }
    }

    /// What is known of a key; `Err` is what [`Recent::keep`] wants once it was looked up.
    pub fn get(&self, key: &str, now: Timestamp) -> Result<Found<T>, Generation> {
        let kept = self.lock();
        match kept.found.get(key) {
            Some((at, found)) if self.is_fresh(*at, now) => Ok(found.clone()),
            _ => Err(Generation(kept.generation)),
        }
    }

    /// Keeps the result of a lookup, unless something has changed since it began.
    pub fn keep(&self, key: &str, found: Found<T>, now: Timestamp, begun: Generation) {
        let mut kept = self.lock();
        if kept.generation != begun.0 {
            return;
        }
        if kept.found.len() >= CAPACITY {
            kept.found.retain(|_, (at, _)| self.is_fresh(*at, now));
        }
        if kept.found.len() >= CAPACITY {
            kept.found.clear();
        }
        kept.found.insert(key.to_owned(), (now, found));
    }

    /// Forgets everything: call it after the commit that changed something of what is looked up.
    pub fn forget(&self) {
        let mut kept = self.lock();
        kept.generation += 1;
        kept.found.clear();
    }

    /// What was looked up in a time to come was so before the clock was set back.
    fn is_fresh(&self, at: Timestamp, now: Timestamp) -> bool {
        at <= now && now < at.plus_secs(self.ttl_secs)
    }

    fn lock(&self) -> MutexGuard<'_, Kept<T>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TTL_SECS: i64 = 5;

    #[test]
    fn a_lookup_that_began_before_a_change_is_not_kept() {
        let (cache, now) = (Recent::<()>::new(TTL_SECS), Timestamp::from_secs(1));
        let begun = cache.get("a", now).unwrap_err();
        cache.forget();
        cache.keep("a", None, now, begun);
        assert!(cache.get("a", now).is_err());
        cache.keep("a", None, now, cache.get("a", now).unwrap_err());
        assert!(cache.get("a", now).unwrap().is_none());
        assert!(cache.get("a", now.plus_secs(TTL_SECS)).is_err());
        assert!(cache.get("a", now.plus_secs(-1)).is_err(), "the clock was set back");
    }

    #[test]
    fn it_keeps_a_bounded_number() {
        let (cache, now) = (Recent::<()>::new(TTL_SECS), Timestamp::from_secs(1));
        for number in 0..=CAPACITY {
            let key = number.to_string();
            let begun = cache.get(&key, now).unwrap_err();
            cache.keep(&key, None, now, begun);
        }
        assert!(cache.lock().found.len() <= CAPACITY);
        assert!(cache.get(&CAPACITY.to_string(), now).is_ok());
    }
}
