//! The gateway as users meet it, and the words to tell stories in.

mod dashboard;
mod database;
mod finding;
mod gateway;
mod leaks;
mod msp;
mod posts;
mod profile;

pub use database::Place;
pub use finding::{Finding, finding};
pub use gateway::{TestApp, drain, wait_until};
pub use leaks::{found as found_secrets, is_secret};
pub use msp::{Msp, text};
