//! Billing quantities: what companies use, kept as the most of each month, and pushed to the lines of the PSA's
//! recurring invoices.
//!
//! - [`usage`]: reports come in and raise the month's mark ([`calendar`] says which month).
//! - [`lines`]: which line of which recurring invoice bills what; picked from the copy that [`copies`] keeps.
//! - [`plan`]: what the next push would send, and planning it: a row of the ledger for each (line, month, value).
//! - [`ledger`]: the life of such a row; [`entries`] writes it down, before and after the PSA is asked, for the worker
//!   that holds the connection's lane.

pub mod calendar;
pub mod calendars;
pub mod copies;
pub mod entries;
pub mod ledger;
pub mod lines;
pub mod lists;
pub mod plan;
pub mod refreshes;
pub mod remote;
pub mod usage;
