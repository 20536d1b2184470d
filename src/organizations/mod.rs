//! The organization, who is asking, and what an organization sets up.

pub mod allowed_addresses;
pub mod clearing;
pub mod companies;
pub mod connections;
pub mod endpoints;
pub mod event_sets;
pub(crate) mod form;
pub mod last_seen;
pub mod lists;
pub mod maintenance_windows;
pub mod mappings;
pub mod members;
pub mod mutes;
pub mod once;
pub mod organization;
pub mod permissions;
pub mod policies;
pub mod profiles;
pub mod reach;
pub mod registrations;
pub mod sight;
pub mod subscribers;
pub mod ticket_permissions;
pub mod tokens;
pub(crate) mod versions;
pub mod viewer;
