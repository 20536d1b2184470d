//! The durable inbox and outbox.

pub mod backoff;
pub mod inbox;
pub mod lanes;
pub mod outbox;
pub mod received;
