//! What security products say: who posts, how it is signed, and what it means.
//!
//! A sender is one kind of product that posts to a webhook endpoint: a folder
//! here plus one line in [`senders`]. It names the [`signature::Scheme`]s it
//! signs with and reads a verified body into normalised events. This module
//! hides every vendor's wire format; nothing behind it knows a vendor's words.

pub mod events;
pub mod signature;

use crate::{decisions::event::Reading, queue::received::Headers};
use signature::Scheme;

/// A kind of product that posts events to an endpoint.
pub trait Sender: Send + Sync {
    /// Its stable name, e.g. `events`; stored with endpoints.
    fn key(&self) -> &'static str;

    /// Its name for people.
    fn label(&self) -> &'static str;

    /// What it is and where to set it up, in one or two sentences.
    fn description(&self) -> &'static str;

    /// The ways in which it can sign, the recommended one first.
    fn schemes(&self) -> &'static [Scheme];

    /// Reads the body of a verified delivery.
    ///
    /// Never fails as a whole: each statement in the body gives one reading,
    /// so that one that cannot be understood does not hide its neighbours.
    fn read(&self, headers: &Headers, body: &[u8]) -> Vec<Reading>;
}

/// Every sender there is.
pub fn senders() -> &'static [&'static dyn Sender] {
    &[&events::Events]
}

/// The sender of that key.
pub fn sender(key: &str) -> Option<&'static dyn Sender> {
    senders().iter().copied().find(|sender| sender.key() == key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sender_is_found_by_its_key_and_can_be_authenticated() {
        for known in senders() {
            let found = sender(known.key()).unwrap();
            assert_eq!(found.label(), known.label());
            assert!(!known.schemes().is_empty() && !known.description().is_empty());
            let same = senders().iter().filter(|other| other.key() == known.key());
            assert_eq!(same.count(), 1, "two senders share the key {}", known.key());
        }
        assert!(sender("no-such-sender").is_none());
    }
}
