//! Syncro (SyncroMSP) in miniature: an HTTP server that answers as one customer's account does.
//!
//! Sources: the vendor's OpenAPI document (Syncro v1, 110 paths, one example per answer), and what a full run
//! against a live account recorded (advenimus/syncromsp-mcp `docs/api-testing-results.md`, 2026-04), which
//! wins where the two differ; for webhooks the receivers of bionemesis/n8nsyncro and BloodcraneRT/Haley,
//! since the vendor documents none. Where they are silent the stricter reading was taken, and the code says
//! so.
//!
//! There are only the paths that a gateway between scanners and tickets needs; the others answer 404.

mod access;
mod assets;
mod comments;
mod contacts;
mod customers;
mod dates;
mod events;
mod ledger;
mod options;
mod paging;
mod params;
mod person;
mod replies;
mod routes;
mod schedules;
mod seed;
mod settings;
#[cfg(test)]
mod tests;
mod ticket_list;
mod ticket_write;
mod tickets;
mod world;

pub use self::{
    options::{SyncroOptions, WrongSubdomain},
    world::SyncroWorld,
};
use super::frame::Instance;

/// A running account.
pub type SyncroSandbox = Instance<SyncroWorld>;
