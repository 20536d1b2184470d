//! The gateway as users meet it, and the words to tell stories in.

mod billing;
mod dashboard;
mod database;
mod finding;
mod gateway;
mod leaks;
mod msp;
mod posts;
mod profile;
mod provider;
mod receiver;
mod socket;

pub use billing::PRODUCT;
pub use database::Place;
pub use finding::{Finding, finding};
pub use gateway::{TestApp, config, data, drain, wait_until};
pub use leaks::{found as found_secrets, is_secret, secrets_in};
pub use msp::{Msp, text};
pub use provider::IdentityProvider;
pub use receiver::Receiver;
pub use socket::{Events, PROTOCOL, Socket};
