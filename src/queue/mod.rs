//! The durable inbox and outbox.

pub mod backoff;
pub mod budget;
pub mod budgets;
pub mod deliveries;
pub mod inbox;
pub mod lanes;
pub mod left_behind;
#[cfg(test)]
mod model_tests;
pub mod notifications;
pub mod outbox;
pub mod received;
pub mod redrive;
pub mod restored;
#[cfg(feature = "nats")]
pub mod stream;
pub mod subscriber_lanes;
pub mod trim;
