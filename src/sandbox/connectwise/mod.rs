//! ConnectWise PSA (once Manage) in miniature: discovery, the REST API 3.0 of one tenant, and its callbacks.
//!
//! Sources: the vendor's Developer Guide (2025-04) and its page "PSA Callbacks" (2026-02) as public copies have
//! them, its OpenAPI document (2025.16 and 2026.4), traffic recorded by amp-labs/connectors (2026), and what
//! working clients had to learn: KerkhoffTechnologies/django-connectwise, HealthITAU/pyconnectwise,
//! covenanttechnologysolutions/connectwise-rest, NangoHQ/nango, christaylorcodes/ConnectWiseManageAPI (#18,
//! #20, #30), LabtechConsulting/ConnectWise-Manage-Powershell (#13, #17). Where they are silent or disagree,
//! the stricter reading was taken.
//!
//! Left out, and so answered with 404 or 405: PUT, documents, time entries, additions of agreements, merging,
//! changing companies, contacts and configurations.

mod agreements;
mod api;
mod callbacks;
mod companies;
mod conditions;
mod deeds;
mod deliveries;
mod draft;
mod errors;
mod ledger;
mod listing;
mod login;
mod notes;
mod options;
mod patch;
mod resources;
mod row;
mod seed;
mod store;
#[cfg(test)]
mod tests;
mod ticket;
mod ticket_write;
mod world;
mod writing;

pub use self::{
    options::{Alias, ConnectWiseOptions, Payload},
    world::ConnectWiseWorld,
};

/// A running tenant.
pub type ConnectWiseSandbox = super::frame::Instance<ConnectWiseWorld>;
