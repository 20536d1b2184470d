//! Copies of what a PSA keeps: its companies, contacts, configurations, tickets and pick lists.
//!
//! Somebody or a schedule asks for a run ([`runs::request`]); the worker that holds the connection's lane takes the
//! next one ([`runs::next_run`]), says that it begins, stores page after page with the place where it goes on, and ends
//! it. Each of these is called in the worker's own short transaction, which checks the lane first.

pub mod assets;
pub mod billing;
pub mod companies;
pub mod configurations;
pub mod contacts;
pub mod imports;
mod mapped;
pub mod names;
pub mod pick_lists;
pub mod psa_tickets;
pub mod remote;
pub mod runs;
pub mod schedules;
pub mod trim;
pub mod values;

pub use companies::store_companies;
pub use pick_lists::store_pick_lists;
