//! What senders did, and what they were told: all that the auditor knows of deliveries.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

/// What a webhook says of its problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Says {
    /// It is there.
    There,
    /// It is over.
    Over,
}

/// A webhook that was answered 2xx.
#[derive(Clone, Debug)]
pub struct Told {
    /// The problem, by its number.
    pub key: u64,
    /// Its place among the webhooks about that problem: a sender sends the next one only then.
    pub place: u32,
    pub says: Says,
    /// The lane of its customer.
    pub lane: usize,
    /// The sender's own id of it.
    pub message: String,
    /// The id that it was told; empty where it was told none.
    pub delivery: String,
}

/// Filled by all senders.
#[derive(Debug, Default)]
pub struct Journal {
    told: Mutex<Vec<Told>>,
    /// Requests sent, repetitions included.
    pub sent: AtomicU64,
    /// Requests without an answer: refused or cut connections, and timeouts.
    pub unanswered: AtomicU64,
    /// Of those, the ones whose connection was there and ended without an answer.
    pub cut: AtomicU64,
    count: AtomicU64,
    refused: Mutex<BTreeMap<u16, u64>>,
    unsure: Mutex<BTreeSet<u64>>,
}

impl Journal {
    pub fn is_told(&self, told: Told) {
        self.told.lock().expect("unpoisoned").push(told);
        self.count.fetch_add(1, Ordering::SeqCst);
    }

    pub fn is_refused(&self, status: u16) {
        *self.refused.lock().expect("unpoisoned").entry(status).or_default() += 1;
    }

    /// A webhook about this problem was sent and given up: it may be stored, and nobody was told.
    pub fn is_unsure(&self, key: u64) {
        self.unsure.lock().expect("unpoisoned").insert(key);
    }

    /// Problems of which nobody knows what the gateway heard last.
    pub fn unsure(&self) -> BTreeSet<u64> {
        self.unsure.lock().expect("unpoisoned").clone()
    }

    /// How many were answered 2xx so far.
    pub fn count(&self) -> u64 {
        self.count.load(Ordering::SeqCst)
    }

    pub fn sent(&self) -> u64 {
        self.sent.load(Ordering::SeqCst)
    }

    pub fn all(&self) -> Vec<Told> {
        self.told.lock().expect("unpoisoned").clone()
    }

    /// Answers other than 2xx, by status.
    pub fn refused(&self) -> BTreeMap<u16, u64> {
        self.refused.lock().expect("unpoisoned").clone()
    }
}

/// The name of a problem, as it stands in webhooks and in the titles of tickets.
pub fn key_name(key: u64) -> String {
    format!("TORTURE-{key:08}")
}

/// The problem in a ticket's title.
pub fn key_in(title: &str) -> Option<u64> {
    let at = title.find("TORTURE-")? + "TORTURE-".len();
    title.get(at..at + 8)?.parse().ok()
}
