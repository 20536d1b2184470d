//! Changes of PSA Gateway's schema, one file each, for SQLite and PostgreSQL alike.
//!
//! Times are 64-bit integers (microseconds since 1970 in UTC), ids are UUIDs
//! (16-byte blobs on SQLite), states are short words. Rows of one organization
//! that refer to each other do so by organization and id, so that the database
//! itself refuses a reference across organizations.

pub use sea_orm_migration::{MigratorTrait, SchemaManager};

mod columns;
mod m20261121_000001_organizations;
mod m20261121_000002_connections;
mod m20261121_000003_webhooks;
mod m20261121_000004_tickets;
mod m20261121_000005_platforms;
mod m20261121_000007_audit;
mod m20261121_000008_members;
mod m20261121_000009_lists;
mod m20261121_000009_tallies;
mod m20261121_000010_traces;
mod m20261121_000011_idempotency;
mod m20261121_000011_verification;
mod m20261121_000012_audit_of_many;
mod m20261121_000012_ticket_permissions;
mod m20261121_000013_senders;
mod m20261121_000014_deciding;
mod m20261121_000015_snapshots;
mod m20261121_000016_handling;
mod m20261121_000017_notifications;
mod m20261121_000018_quiet;
mod m20261121_000019_told;
mod m20261121_000020_finding_aliases;
mod m20261121_000020_weekly;
mod m20261121_000021_fair_inbox;
mod m20261122_000022_policy_snapshots;
mod m20261122_000023_retention;
mod m20261122_000024_restorations;
mod m20261122_000025_runs;
mod m20261122_000026_company_copies;
mod m20261122_000027_company_imports;
mod m20261122_000028_company_values;
mod m20261122_000030_billing;
mod m20261122_000035_configurations;
mod m20261122_000036_assets;
mod m20261122_000037_contacts;
mod m20261122_000038_seen_assets;
mod m20261122_000040_psa_tickets;
mod m20261122_000041_mergers;
mod m20261122_000041_references;
mod m20261122_000042_less_to_write;
mod m20261122_000043_shards;
mod m20261123_000044_turns;
mod m20261123_000045_lean_inbox;
mod m20261124_000046_test_tickets;

/// All changes, oldest first.
#[derive(Debug)]
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn sea_orm_migration::MigrationTrait>> {
        vec![
            Box::new(m20261121_000001_organizations::Migration),
            Box::new(m20261121_000002_connections::Migration),
            Box::new(m20261121_000003_webhooks::Migration),
            Box::new(m20261121_000004_tickets::Migration),
            Box::new(m20261121_000005_platforms::Migration),
            Box::new(m20261121_000007_audit::Migration),
            Box::new(m20261121_000008_members::Migration),
            Box::new(m20261121_000009_lists::Migration),
            Box::new(m20261121_000009_tallies::Migration),
            Box::new(m20261121_000010_traces::Migration),
            Box::new(m20261121_000011_verification::Migration),
            Box::new(m20261121_000011_idempotency::Migration),
            Box::new(m20261121_000012_ticket_permissions::Migration),
            Box::new(m20261121_000012_audit_of_many::Migration),
            Box::new(m20261121_000013_senders::Migration),
            Box::new(m20261121_000014_deciding::Migration),
            Box::new(m20261121_000015_snapshots::Migration),
            Box::new(m20261121_000016_handling::Migration),
            Box::new(m20261121_000018_quiet::Migration),
            Box::new(m20261121_000017_notifications::Migration),
            Box::new(m20261121_000019_told::Migration),
            Box::new(m20261121_000020_weekly::Migration),
            Box::new(m20261121_000020_finding_aliases::Migration),
            Box::new(m20261121_000021_fair_inbox::Migration),
            Box::new(m20261122_000022_policy_snapshots::Migration),
            Box::new(m20261122_000023_retention::Migration),
            Box::new(m20261122_000024_restorations::Migration),
            Box::new(m20261122_000025_runs::Migration),
            Box::new(m20261122_000026_company_copies::Migration),
            Box::new(m20261122_000027_company_imports::Migration),
            Box::new(m20261122_000028_company_values::Migration),
            Box::new(m20261122_000030_billing::Migration),
            Box::new(m20261122_000035_configurations::Migration),
            Box::new(m20261122_000036_assets::Migration),
            Box::new(m20261122_000037_contacts::Migration),
            Box::new(m20261122_000038_seen_assets::Migration),
            Box::new(m20261122_000040_psa_tickets::Migration),
            Box::new(m20261122_000041_mergers::Migration),
            Box::new(m20261122_000041_references::Migration),
            Box::new(m20261122_000042_less_to_write::Migration),
            Box::new(m20261122_000043_shards::Migration),
            Box::new(m20261123_000044_turns::Migration),
            Box::new(m20261123_000045_lean_inbox::Migration),
            Box::new(m20261124_000046_test_tickets::Migration),
        ]
    }
}
