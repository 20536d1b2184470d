//! PSA Gateway turns signed webhooks of security products into exactly one ticket in an MSP's PSA, keeps it
//! up to date, closes it when the problem is gone, and hears when a technician does.
//!
//! # The house
//!
//! What a folder may import stands to its right in this line, and nothing else; `tests/it/house.rs` compares.
//!
//! ```text
//! main → app, demo → doors → adapters → domain → queue, vault → ground
//! ```
//!
//! - **doors** translate and do not decide: [`webhooks`] (raw bytes in), [`graphql`] (dashboards),
//!   [`workers`] (the clock), [`doctor`] (an operator who asks what is wrong).
//! - **adapters** put the outside world's words into ours: [`scanners`] make [`decisions::event::Event`]s,
//!   [`psa`] takes [`tickets::remote::TicketDraft`]s, [`identity`] makes sign-ins out of the identity provider's tokens.
//! - [`entrance`]: what doors share: who calls, from where, how often.
//! - **domain**, the rules and their SQL: [`decisions`], [`findings`], [`tickets`], [`sync`],
//!   [`organizations`], [`notifications`] (what others are told), [`statistics`], [`audit`] (who changed what). Who is asking is the first argument of everything.
//! - [`queue`] (durable inbox and outbox, lanes) and [`vault`] (secrets at rest).
//! - **ground**: [`config`], [`db`], [`clock`], [`error`], [`ground`], [`outbound`] (calls to the outside, guarded),
//!   [`global_id`], [`request_id`], [`security_headers`], [`metrics`], [`telemetry`], [`addresses`].
//! - [`sandbox`] is an outside world: PSAs in miniature, which share nothing with the adapters.
//!
//! # The path of a webhook
//!
//! 1. [`webhooks::receive`] reads the raw bytes, finds the endpoint by the address and lets the sender's
//!    scheme check them: an [`queue::received::Unverified`] body becomes a [`queue::received::Verified`] one
//!    in no other way.
//! 2. [`queue::inbox`] stores it, many requests to a commit, and the sender gets its `202`.
//! 3. A worker ([`workers`]) claims the delivery; the sender's adapter reads it into events.
//! 4. [`decisions::decide`] takes each event through company, [`findings`], policy, profile and mapping to
//!    [`tickets::plan`], and writes all of it, the operation for the PSA included ([`queue::outbox`]), in one
//!    transaction.
//! 5. A worker leases the connection's lane ([`queue::lanes`]), writes down that an attempt begins, calls the
//!    PSA with no transaction open, and writes down what came of it ([`tickets::delivered`]) if the lane is
//!    still its own. An answer that never came leaves the ticket `unknown`: its marker is looked for before
//!    the PSA is asked again.
//!
//! What becomes of a ticket is told to the organization's subscribers: [`notifications::happenings`] writes what they
//! are sent in the transaction of what has happened, and a worker signs and sends it
//! ([`queue::subscriber_lanes`]).
//!
//! What a PSA says through its own webhook takes the way 1 to 3, is taken as a hint ([`decisions::hints`]),
//! and the ticket is read again ([`tickets::observe`]). A poll finds what webhooks missed.
//!
//! What a sender says of usage takes the way 1 to 3 and raises a month's mark ([`sync::billing`]). When its time has come a
//! worker plans what lines of recurring invoices are to have; whoever holds the lane then tells the PSA, behind tickets.
//!
//! # The path of a query
//!
//! [`graphql`] finds out who asks, calls one domain function with the viewer first, and wraps the rows. What
//! rows refer to is loaded in batches, one statement per kind and level. Reads never call a PSA.
//!
//! # How to add
//!
//! - **a PSA**: a folder in `src/psa/` that implements [`psa::Platform`] and [`psa::Psa`], and its line in
//!   [`psa::platforms`]; a sandbox in `src/sandbox/` written from the vendor's documents.
//! - **a scanner**: a folder in `src/scanners/` that implements [`scanners::Sender`], and its line in
//!   [`scanners::senders`].
#![recursion_limit = "256"] // the schema's futures are deep once they are optimized

pub mod addresses;
pub mod app;
pub mod audit;
pub mod clock;
pub mod config;
pub mod db;
pub mod decisions;
pub mod demo;
pub mod doctor;
pub mod entrance;
pub mod error;
pub mod findings;
#[cfg(test)]
mod fixtures;
pub mod global_id;
pub mod graphql;
pub mod ground;
pub mod health;
pub mod identity;
pub mod metrics;
pub mod notifications;
pub mod organizations;
pub mod outbound;
pub mod psa;
pub mod queue;
pub mod request_id;
pub mod sandbox;
pub mod scanners;
pub mod security_headers;
pub mod statistics;
pub mod sync;
pub mod telemetry;
#[cfg(test)]
pub(crate) mod testing;
pub mod tickets;
pub mod vault;
pub mod webhooks;
pub mod workers;
