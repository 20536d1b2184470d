//! PSA Gateway.

pub mod clock;
pub mod decisions;
pub mod psa;
pub mod queue;
pub mod sync;
pub mod tickets;
