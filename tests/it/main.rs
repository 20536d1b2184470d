//! The product's stories, told against the real program on a real port, and the order of its house.
#![expect(unreachable_pub, reason = "everything in here is for the stories")]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::items_after_statements,
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::large_futures,
    clippy::unused_async,
    reason = "a test stops at the first surprise, and plays the outside world"
)]

mod closing;
mod door;
mod house;
mod killed;
mod mapping;
mod one_ticket;
mod outages;
mod psa_contract;
mod schema;
mod secrets;
mod support;
mod walls;
