//! HaloPSA in miniature: an HTTP server that answers as a hosted instance does.
//!
//! Sources: the vendor's OpenAPI document ("Halo API v2", 2024-09) and webhook
//! guide (usehalo.com/guide/webhook-integration), and what working clients had to
//! learn: homotechsual/HaloAPI (#19, #29, #31, #90), CIPP, CyberDrain/CIPP (#106,
//! #193), n8n-io/n8n (#12560, #16857), topleft-team/django-psa-connector and
//! homotechsual/dotMARC. Where they are silent or disagree, the stricter reading
//! was taken, and the code says so.

mod access;
mod actions;
mod assets;
mod binding;
mod customers;
mod dates;
mod delivery;
mod errors;
mod events;
mod ledger;
mod listing;
mod lookups;
mod options;
mod people;
mod picklists;
mod query;
mod recurring;
mod routes;
mod seed;
#[cfg(test)]
mod tests;
mod ticket;
mod ticket_list;
mod ticket_write;
mod webhooks;
mod world;

pub use self::{delivery::Payload, options::HaloOptions, world::HaloWorld};

/// A running HaloPSA.
pub type HaloSandbox = super::frame::Instance<HaloWorld>;
