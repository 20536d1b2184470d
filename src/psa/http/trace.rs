//! Which calls a piece of work made: for the record of an attempt.

use std::cell::RefCell;

/// One call that was tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallTrace {
    /// The method.
    pub method: String,
    /// The path, without the query.
    pub path: String,
    /// The status, where the answer got that far.
    pub status: Option<u16>,
    /// From the start to the end of the answer, or to the failure.
    pub latency_ms: i64,
}

/// The longest trace of one piece of work; older calls fall out first.
const KEPT: usize = 64;

tokio::task_local! {
    static CALLS: RefCell<Vec<CallTrace>>;
}

/// Runs a piece of work and gives back which calls it made, in order, the last 64 of them. Work
/// that runs beside it over the same connection is not mixed in; calls from tasks it spawns are not seen.
pub async fn traced<F: Future>(work: F) -> (F::Output, Vec<CallTrace>) {
    CALLS
        .scope(RefCell::new(Vec::new()), async {
            let output = work.await;
            (output, CALLS.with(RefCell::take))
        })
        .await
}

/// Adds a call to the trace of the work that is under way, if it is traced.
pub(super) fn record(call: CallTrace) {
    let _ = CALLS.try_with(|calls| {
        let mut calls = calls.borrow_mut();
        if calls.len() == KEPT {
            calls.remove(0);
        }
        calls.push(call);
    });
}
