//! What was used last is kept, up to so many things and so many bytes.

use std::{
    collections::{BTreeMap, HashMap},
    hash::Hash,
};

/// Things by their keys; what was not used for longest goes first.
#[derive(Debug)]
pub(super) struct Recent<K, V> {
    max_count: usize,
    max_bytes: usize,
    bytes: usize,
    uses: u64,
    by_key: HashMap<K, Kept<V>>,
    by_use: BTreeMap<u64, K>,
}

#[derive(Debug)]
struct Kept<V> {
    thing: V,
    bytes: usize,
    used: u64,
}

impl<K: Clone + Eq + Hash, V: Clone> Recent<K, V> {
    pub(super) fn new(max_count: usize, max_bytes: usize) -> Self {
        Self { max_count, max_bytes, bytes: 0, uses: 0, by_key: HashMap::new(), by_use: BTreeMap::new() }
    }

    /// The thing of a key, which is now the one used last.
    pub(super) fn get(&mut self, key: &K) -> Option<V> {
        let kept = self.by_key.get_mut(key)?;
        self.by_use.remove(&kept.used);
        self.uses += 1;
        kept.used = self.uses;
        self.by_use.insert(self.uses, key.clone());
        Some(kept.thing.clone())
    }

    /// Keeps a thing that takes so many bytes; one that is too big is not kept.
    pub(super) fn keep(&mut self, key: K, thing: V, bytes: usize) {
        self.drop(&key);
        if bytes > self.max_bytes || self.max_count == 0 {
            return;
        }
        while self.by_key.len() >= self.max_count || self.bytes + bytes > self.max_bytes {
            let Some((_, oldest)) = self.by_use.first_key_value() else { break };
            let oldest = oldest.clone();
            self.drop(&oldest);
        }
        self.uses += 1;
        self.bytes += bytes;
        self.by_use.insert(self.uses, key.clone());
        self.by_key.insert(key, Kept { thing, bytes, used: self.uses });
    }

    fn drop(&mut self, key: &K) {
        if let Some(kept) = self.by_key.remove(key) {
            self.by_use.remove(&kept.used);
            self.bytes -= kept.bytes;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_used_for_longest_goes_first() {
        let mut recent = Recent::new(2, 100);
        recent.keep("a", 1, 10);
        recent.keep("b", 2, 10);
        assert_eq!(recent.get(&"a"), Some(1));
        recent.keep("c", 3, 10);
        assert_eq!((recent.get(&"a"), recent.get(&"b"), recent.get(&"c")), (Some(1), None, Some(3)));
    }

    #[test]
    fn bytes_are_bounded_too() {
        let mut recent = Recent::new(100, 100);
        recent.keep("a", 1, 60);
        recent.keep("b", 2, 50);
        assert_eq!((recent.get(&"a"), recent.get(&"b")), (None, Some(2)));
        recent.keep("b", 3, 20);
        recent.keep("c", 4, 80);
        assert_eq!((recent.get(&"b"), recent.get(&"c")), (Some(3), Some(4)));
        recent.keep("d", 5, 101);
        assert_eq!((recent.get(&"d"), recent.bytes, recent.by_use.len()), (None, 100, 2));
    }
}
