//! An index for every list that dashboards show, in the order they show it, and for what people look up by its
//! exact number.

use sea_orm_migration::prelude::*;

use crate::columns::index;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// Table, name, columns. A list is read by what it stands below, then in its order, then by id.
const INDEXES: &[(&str, &str, &[&str])] = &[
    ("organization", "name", &["name", "id"]),
    ("access_token", "created", &["organization_id", "created_at", "id"]),
    ("company_mapping", "created", &["organization_id", "created_at", "id"]),
    ("company_mapping", "of_company", &["company_id", "created_at", "id"]),
    ("company_mapping", "of_connection", &["psa_connection_id", "created_at", "id"]),
    ("company_mapping", "of_psa_company", &["psa_company_id", "created_at", "id"]),
    ("ticket_profile", "of_connection", &["psa_connection_id", "name", "id"]),
    ("webhook_endpoint", "created", &["organization_id", "created_at", "id"]),
    ("webhook_endpoint", "of_connection", &["psa_connection_id", "created_at", "id"]),
    ("sync_run", "created", &["organization_id", "created_at", "id"]),
    ("sync_run", "of_connection", &["psa_connection_id", "created_at", "id"]),
    ("webhook_delivery", "of_endpoint", &["webhook_endpoint_id", "received_at", "id"]),
    ("finding", "first_seen", &["organization_id", "first_seen_at", "id"]),
    ("finding", "severity", &["organization_id", "severity", "id"]),
    ("finding", "exact", &["organization_id", "key"]),
    ("ticket", "severity", &["organization_id", "severity", "id"]),
    ("ticket", "closed", &["organization_id", "closed_at", "id"]),
    ("ticket", "exact_number", &["organization_id", "external_number"]),
    ("ticket", "exact_id", &["organization_id", "external_id"]),
    ("event", "occurred", &["organization_id", "occurred_at", "id"]),
    ("event", "outcome_created", &["organization_id", "outcome", "created_at", "id"]),
    ("ticket_operation", "due", &["organization_id", "run_at", "id"]),
    ("ticket_operation", "state_due", &["organization_id", "state", "run_at", "id"]),
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        for (table, name, columns) in INDEXES {
            m.create_index(index(table, name, columns)).await?;
        }
        Ok(())
    }

    async fn down(&self, m: &SchemaManager) -> Result<(), DbErr> {
        for (table, name, _) in INDEXES {
            let mut index = Index::drop();
            index.name(format!("ix_{table}_{name}")).table(*table);
            m.drop_index(index).await?;
        }
        Ok(())
    }
}
