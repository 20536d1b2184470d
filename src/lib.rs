//! PSA Gateway.

pub mod clock;
