//! What somebody is in an organization.

use sea_orm::entity::prelude::*;

/// What somebody is in an organization. What each may do stands in `organizations/permissions.rs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(24))", rename_all = "snake_case")]
pub enum Role {
    /// Whose organization it is: everything, and says who else is an owner.
    Owner,
    /// Everything but saying who is an owner.
    Administrator,
    /// Integrations and what is billed: connections, companies, mappings, profiles.
    Billing,
    /// Works on tickets: redrives, retries, links, tests.
    Technician,
    /// Builds dashboards and senders: reads, also payloads and the schema itself.
    Developer,
    /// Reads.
    Viewer,
}
