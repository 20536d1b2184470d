//! The gateway as users meet it, and the words to tell stories in.

mod database;
mod gateway;
mod msp;

pub use database::{Place, unique};
pub use gateway::TestApp;
pub use msp::{Msp, Posted};
