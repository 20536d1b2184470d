//! Calls to the outside: guarded addresses, bounded sizes and times, a budget of calls.

use crate::clock::Clock;

/// What a connection's calls go out through. Cheap to clone; clones share the budget.
#[derive(Clone)]
pub struct Outbound {
    /// For budgets and token lifetimes.
    pub clock: Clock,
}
