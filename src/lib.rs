//! PSA Gateway.

pub mod clock;
pub mod db;
pub mod decisions;
pub mod error;
pub mod findings;
pub mod graphql;
pub mod ground;
pub mod organizations;
pub mod psa;
pub mod queue;
pub mod sandbox;
pub mod scanners;
pub mod sync;
pub mod tickets;
pub mod vault;
