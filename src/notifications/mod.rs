//! What others are told of an organization's tickets, findings, events and connections, by signed webhooks.
//!
//! A subscriber is set up in [`organizations::subscribers`](crate::organizations::subscribers). [`happenings`] writes
//! what it is told in the transaction of what has happened; a worker sends it in its order; [`health`] keeps how the
//! subscriber takes it.
//!
//! The form is that of Standard Webhooks (`spec/standard-webhooks.md` of its repository): `type`, `timestamp` and
//! `data`, with the headers `webhook-id`, `webhook-timestamp` and `webhook-signature`.

mod content;
pub mod findings;
pub mod happenings;
pub mod health;
pub mod read;
pub mod redrive;
pub mod trim;

#[cfg(test)]
mod tests;
