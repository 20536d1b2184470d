//! N-able MSP Manager in miniature: an HTTP server that answers as `api.mspmanager.com/odata` does.
//!
//! Sources: the vendor's user guide (documentation.n-able.com/MSPM: the OData query page, Swagger, API keys
//! and their permissions) and the few public clients: williamhart-az/ha-timetrack, which reads and writes,
//! and some that read. The vendor shows its Swagger on its API host alone and no copy is public, so that much
//! is inferred: whatever is, is a [`Claim`] in [`NableOptions`] and can be turned round once a live account
//! has spoken.
//!
//! Assets, bills, time entries and projects are left out: their fields are not known. There are no webhooks.

mod access;
mod body;
mod cell;
mod customers;
mod filter;
mod ledger;
mod options;
mod parser;
mod person;
mod query;
mod refusal;
mod responses;
mod routes;
mod seed;
mod sets;
#[cfg(test)]
mod tests;
mod ticket_write;
mod tickets;
mod tokens;
mod world;

pub use self::{
    options::{Claim, NableOptions},
    world::NableWorld,
};
use super::frame::Instance;

/// A running instance.
pub type NableSandbox = Instance<NableWorld>;
