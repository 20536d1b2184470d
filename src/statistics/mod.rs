//! Numbers for dashboards: how many tickets, how fast, what waits, who is well.
//!
//! Counts over time are not counted when somebody looks: triggers keep them (`tally`, `tally_delta`; see the
//! migration `tallies`), a worker folds them ([`fold`]), [`tickets`] and [`webhooks`] read them. What waits
//! ([`backlog`]) is counted where it lies, up to a bound. All times are UTC.

pub mod backlog;
pub mod buckets;
pub mod connections;
pub mod fold;
pub mod recount;
mod sums;
pub mod tickets;
pub mod webhooks;

#[cfg(test)]
mod tests;
