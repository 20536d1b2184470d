//! Webhook endpoints that were looked up a moment ago, with their opened secrets.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use entity::{Timestamp, webhook_endpoint};
use secrecy::SecretString;
use uuid::Uuid;

/// How long a lookup is good for, in seconds: other nodes see a change after that long at the latest.
const TTL_SECS: i64 = 5;
/// How many lookups are kept.
const CAPACITY: usize = 10_000;

/// An endpoint and what its webhooks are authenticated with.
#[derive(Debug)]
pub struct EndpointKeys {
    /// The endpoint, switched on or off.
    pub endpoint: webhook_endpoint::Model,
    /// Its secrets, newest first. Some may have expired since they were read: compare with the clock.
    pub secrets: Vec<EndpointSecret>,
    /// Its connection's credential fields that are no secret, by key.
    pub settings: BTreeMap<String, String>,
}

/// One secret of an endpoint, opened.
#[derive(Debug)]
pub struct EndpointSecret {
    /// Which.
    pub id: Uuid,
    /// Which of the sender's keys it is, where the sender has several.
    pub key_name: Option<String>,
    /// Its text: a shared secret, or the sender's public key.
    pub secret: SecretString,
    /// From when on it counts no more.
    pub expires_at: Option<Timestamp>,
}

/// Lookups of endpoints by the last part of their address, those that found nothing too. Cheap to clone;
/// clones share what they keep.
#[derive(Clone, Debug, Default)]
pub struct EndpointCache(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    generation: u64,
    found: HashMap<String, (Timestamp, Found)>,
}

type Found = Option<Arc<EndpointKeys>>;

/// When a lookup began. What was changed since then makes its result void.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Generation(u64);

impl EndpointCache {
    /// What is known of a key; `Err` is what [`EndpointCache::keep`] wants once it was looked up.
    pub fn get(&self, key: &str, now: Timestamp) -> Result<Found, Generation> {
        let kept = self.lock();
        match kept.found.get(key) {
            Some((at, found)) if is_fresh(*at, now) => Ok(found.clone()),
            _ => Err(Generation(kept.generation)),
        }
    }

    /// Keeps the result of a lookup, unless something has changed since it began.
    pub fn keep(&self, key: &str, found: Found, now: Timestamp, begun: Generation) {
        let mut kept = self.lock();
        if kept.generation != begun.0 {
            return;
        }
        if kept.found.len() >= CAPACITY {
            kept.found.retain(|_, (at, _)| is_fresh(*at, now));
        }
        if kept.found.len() >= CAPACITY {
            kept.found.clear();
        }
        kept.found.insert(key.to_owned(), (now, found));
    }

    /// Forgets everything: call it after the commit that changed an endpoint or a secret.
    pub fn forget(&self) {
        let mut kept = self.lock();
        kept.generation += 1;
        kept.found.clear();
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_fresh(at: Timestamp, now: Timestamp) -> bool {
    now < at.plus_secs(TTL_SECS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lookup_that_began_before_a_change_is_not_kept() {
        let (cache, now) = (EndpointCache::default(), Timestamp::from_secs(1));
        let begun = cache.get("a", now).unwrap_err();
        cache.forget();
        cache.keep("a", None, now, begun);
        assert!(cache.get("a", now).is_err());
        cache.keep("a", None, now, cache.get("a", now).unwrap_err());
        assert!(cache.get("a", now).unwrap().is_none());
        assert!(cache.get("a", now.plus_secs(TTL_SECS)).is_err());
    }

    #[test]
    fn it_keeps_a_bounded_number() {
        let (cache, now) = (EndpointCache::default(), Timestamp::from_secs(1));
        for number in 0..=CAPACITY {
            let key = number.to_string();
            let begun = cache.get(&key, now).unwrap_err();
            cache.keep(&key, None, now, begun);
        }
        assert!(cache.lock().found.len() <= CAPACITY);
        assert!(cache.get(&CAPACITY.to_string(), now).is_ok());
    }
}
