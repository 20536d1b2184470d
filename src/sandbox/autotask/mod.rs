//! Autotask PSA in miniature: an HTTP server that answers as a zone's REST API does.
//!
//! Sources: the vendor's Swagger document of June 2026 and Postman collection
//! (AutotaskDevelopment/REST-Postman), the openings of its developer help (tickets, notes, queries,
//! thresholds, webhooks and their error handling), and what working clients had to learn:
//! KerkhoffTechnologies/django-autotask, msoukhomlinov/n8n-nodes-autotask, tphakala/go-autotask,
//! aybouzaglou/autotask-rest-api-types, NangoHQ/nango, WYRE-AI/autotask-mcp (#31 of msp-claude-plugins,
//! #126, #211, #282), apigrate/autotask-restapi#19. Where they are silent or disagree, the stricter
//! reading was taken or a switch of [`AutotaskOptions`] chooses, and the code says so.
//!
//! Companies, contacts, tickets, notes, configuration items, people, contracts (to read) and the webhooks of
//! tickets are here; every other entity of the vendor's is answered as if it were not there.

mod access;
mod answers;
mod bind;
mod check;
mod contracts;
mod dates;
mod deliver;
mod entities;
mod events;
mod fields;
mod filter;
mod info;
mod ledger;
mod limits;
mod model;
mod options;
mod picks;
mod query;
mod route;
mod seed;
mod store;
mod technician;
#[cfg(test)]
mod tests;
mod tickets;
mod webhooks;
mod world;
mod write;

use super::frame::Instance;

pub use self::{
    options::{AutotaskOptions, Denied},
    world::AutotaskWorld,
};

/// A running instance.
pub type AutotaskSandbox = Instance<AutotaskWorld>;
