//! The organization, who is asking, and what an organization sets up.

pub mod allowed_addresses;
pub mod clearing;
pub mod companies;
pub mod connections;
pub mod endpoints;
mod form;
pub mod last_seen;
pub mod lists;
pub mod mappings;
pub mod members;
pub mod once;
pub mod organization;
pub mod permissions;
pub mod policies;
pub mod profiles;
pub mod reach;
pub mod registrations;
pub mod sight;
pub mod ticket_permissions;
pub mod tokens;
mod versions;
pub mod viewer;
