//! The gateway as users meet it, and the words to tell stories in.

mod database;
mod gateway;
mod leaks;
mod msp;

pub use database::Place;
pub use gateway::{TestApp, drain, wait_until};
pub use leaks::{found as found_secrets, is_secret};
pub use msp::{Msp, finding, text};
