//! PSA Gateway.

pub mod clock;
pub mod decisions;
pub mod queue;
