//! The product's stories, told against the real program on a real port, and the order of its house.
#![recursion_limit = "256"] // the schema's futures are deep once they are optimized
#![expect(unreachable_pub, reason = "everything in here is for the stories")]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::items_after_statements,
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unused_async,
    reason = "a test stops at the first surprise, and plays the outside world"
)]

mod accepting;
mod asked_once;
mod assets;
mod attacks;
mod audited;
mod backup;
#[cfg(feature = "nats")]
mod behind_a_stream;
mod billing;
mod bulk;
mod busy;
mod closing;
mod configurations;
mod contacts;
mod doctor;
mod door;
mod entrance;
mod handling;
mod house;
mod importing;
mod keeping;
mod keys;
mod killed;
mod login;
mod mapping;
mod mergers;
mod notifications;
mod one_ticket;
mod outages;
mod policies;
mod previews;
mod psa_contract;
mod psa_tickets;
mod quiet;
mod roles;
mod schema;
mod secrets;
mod senders;
mod shards;
mod signing_in;
mod snapshots;
mod splits;
mod storm;
mod streams;
mod support;
mod syncs;
mod ticket_permissions;
mod told;
#[cfg(feature = "otel")]
mod traces;
mod transport;
mod walls;
mod week;
mod weekly;
