//! Copies of what a PSA keeps: its companies and its pick lists.
//!
//! Somebody asks for a reading ([`runs::request`]); the worker that holds the connection's lane takes the
//! next one ([`next_run`]), says that it begins, stores page after page with the progress made, and ends it.
//! Each of these is called in the worker's own short transaction, which checks the lane first.

pub mod companies;
pub mod pick_lists;
pub mod remote;
pub mod runs;
pub mod trim;

pub use companies::store_companies;
pub use pick_lists::store_pick_lists;
pub use runs::{begin, fail, finish, next_run, progress};
