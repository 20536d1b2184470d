//! How much may be asked: calls in a rolling hour, and calls at the same time.

use std::collections::{BTreeMap, VecDeque};

use entity::Timestamp;
use serde_json::json;

use super::options::AutotaskOptions;
use crate::sandbox::frame::Reply;

/// An hour, in seconds.
const WINDOW: i64 = 3_600;

/// What was asked so far.
#[derive(Debug, Default)]
pub(super) struct Usage {
    /// When each call of the last hour came, those of other integrations included.
    calls: VecDeque<Timestamp>,
    /// Calls under way by integration code and endpoint.
    threads: BTreeMap<(String, String), u32>,
}

impl Usage {
    fn forget(&mut self, now: Timestamp) {
        while self.calls.front().is_some_and(|at| at.plus_secs(WINDOW) <= now) {
            self.calls.pop_front();
        }
    }

    /// How many calls the hour has seen.
    pub(super) fn count(&mut self, now: Timestamp) -> usize {
        self.forget(now);
        self.calls.len()
    }

    /// Calls of other integrations of the same customer.
    pub(super) fn add(&mut self, calls: usize, now: Timestamp) {
        self.calls.extend(std::iter::repeat_n(now, calls));
    }

    /// Takes a call in and tells by how many milliseconds it is slowed down. At the limit nobody is served, and
    /// what is not served does not count.
    pub(super) fn take(&mut self, now: Timestamp, options: &AutotaskOptions) -> Result<u64, Reply> {
        let (used, limit) = (self.count(now), options.hourly_limit);
        if used >= limit {
            return Err(over_limit(options));
        }
        self.calls.push_back(now);
        let (first, second) = options.slow_down_ms;
        Ok(if used * 4 >= limit * 3 {
            second
        } else if used * 2 >= limit {
            first
        } else {
            0
        })
    }

    /// A call begins; a reply refuses it.
    pub(super) fn arrives(&mut self, key: (String, String), options: &AutotaskOptions) -> Option<Reply> {
        let running = self.threads.entry(key).or_default();
        if *running >= options.threads {
            return Some(too_many_threads(options, options.threads_status, options.retry_after));
        }
        *running += 1;
        None
    }

    /// A call that began ends.
    pub(super) fn leaves(&mut self, key: &(String, String)) {
        if let Some(running) = self.threads.get_mut(key) {
            *running = running.saturating_sub(1);
        }
    }
}

fn over_limit(options: &AutotaskOptions) -> Reply {
    let text = format!(
        "The request threshold of {} requests per 60 minutes has been exceeded for this database.",
        options.hourly_limit
    );
    after(Reply::json(options.over_limit_status, &json!({ "errors": [text] })), options.retry_after)
}

/// Words of the refusal as clients recorded them (n8n-nodes-autotask PR 107).
pub(super) fn too_many_threads(options: &AutotaskOptions, status: u16, retry_after: Option<u64>) -> Reply {
    let text = format!(
        "The request was rejected. The Autotask API thread threshold of {} threads has been exceeded for this \
         integration and endpoint. (Itgenatr005)",
        options.threads
    );
    after(Reply::json(status, &json!({ "errors": [text] })), retry_after)
}

fn after(reply: Reply, seconds: Option<u64>) -> Reply {
    match seconds {
        Some(seconds) => reply.with("retry-after", seconds.to_string()),
        None => reply,
    }
}
