//! The durable inbox and outbox.

pub mod lanes;
pub mod received;
