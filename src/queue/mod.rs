//! The durable inbox and outbox.

pub mod received;
