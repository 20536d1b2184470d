//! Which rows go along, and how.

use entity::Timestamp;
use sea_orm::{
    ConnectionTrait, DatabaseTransaction, DbErr, EntityTrait as _, QuerySelect as _,
    sea_query::{Alias, Expr, ExprTrait as _, LockType, Query},
};
use uuid::Uuid;

use super::take;

/// Tables whose rows go along as they are: who refers before who is referred to, so that looking for references to what
/// has gone finds none at once.
pub(super) const MOVED: &[&str] = &[
    "attempt",
    "ticket_operation",
    "ticket_finding",
    "waiting_finding",
    "told_finding",
    "finding_alias",
    "mute",
    "event",
    "notification_attempt",
    "notification",
    "subscriber_secret",
    "webhook_subscriber",
    "billing_entry",
    "billing_line",
    "billing_refresh",
    "psa_billing_line",
    "usage_mark",
    "usage_report",
    "billing_calendar",
    "asset_alias",
    "asset_link",
    "asset",
    "configuration",
    "configuration_setup",
    "contact",
    "contact_setup",
    "psa_ticket_note",
    "psa_ticket",
    "psa_ticket_setup",
    "company_import_item",
    "company_import",
    "company_value_mapping",
    "company_value_sync",
    "sync_error",
    "sync_run",
    "sync_schedule",
    "ticket_permission",
    "ticket",
    "finding",
    "company_lookup",
    "company_alias",
    "company_mapping",
    "maintenance_window",
    "policy",
    "policy_snapshot",
    "event_set",
    "ticket_profile",
    "pick_list",
    "psa_company",
    "psa_connection",
    "company_value",
    "company",
];

/// The same for what webhooks are stored by, last, so that they wait for as short as can be; and for lanes, which are locked
/// after everything else, here as everywhere.
pub(super) const MOVED_LAST: &[&str] =
    &["webhook_secret", "webhook_delivery", "webhook_endpoint", "subscriber_lane", "lane"];

/// Tables whose rows stay: who could reach the source, its log and its keys. What is counted of tickets and deliveries
/// goes along by itself, row by row, as they go.
#[cfg(test)]
const STAYING: &[&str] = &[
    "access_token",
    "audit_entry",
    "audit_head",
    "data_key",
    "idempotency_key",
    "member",
    "tally",
    "tally_delta",
];

/// Makes all rows of the source the target's.
pub(super) async fn move_all(
    tx: &DatabaseTransaction,
    source_id: Uuid,
    target_id: Uuid,
) -> Result<(), DbErr> {
    move_rows(tx, MOVED, source_id, target_id).await?;
    if tx.get_database_backend() == sea_orm::DbBackend::Postgres {
        // Whoever is adding something to the source ends first, and whoever comes now waits, and then finds that what it
        // refers to is another's. What was added meanwhile goes along in a second round.
        entity::organization::Entity::find_by_id(source_id).lock(LockType::Update).one(tx).await?;
        move_rows(tx, MOVED, source_id, target_id).await?;
    }
    // Leases end with the transaction: then all of it is the target's to work on.
    take(tx, source_id, Timestamp(0)).await?;
    move_rows(tx, MOVED_LAST, source_id, target_id).await
}

async fn move_rows(
    tx: &DatabaseTransaction,
    tables: &[&'static str],
    source_id: Uuid,
    target_id: Uuid,
) -> Result<(), DbErr> {
    for table in tables {
        let update = Query::update()
            .table(Alias::new(*table))
            .value("organization_id", target_id)
            .and_where(Expr::col("organization_id").eq(source_id))
            .to_owned();
        tx.execute(&update).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use sea_orm::{DbBackend, Statement};

    use super::*;
    use crate::testing;

    #[tokio::test]
    async fn every_table_of_an_organization_goes_along_or_stays() {
        let ground = testing::ground().await;
        let (backend, listing) = if ground.db.is_sqlite() {
            let listing = "SELECT m.name AS name FROM sqlite_master m JOIN pragma_table_info(m.name) c
                         WHERE m.type = 'table' AND c.name = 'organization_id'";
            (DbBackend::Sqlite, listing)
        } else {
            let listing = "SELECT table_name::text AS name FROM information_schema.columns
                         WHERE column_name = 'organization_id' AND table_schema = current_schema()";
            (DbBackend::Postgres, listing)
        };
        let rows = ground.db.reader().query_all_raw(Statement::from_string(backend, listing)).await.unwrap();
        let there: BTreeSet<String> = rows.iter().map(|row| row.try_get("", "name").unwrap()).collect();
        let named: Vec<_> =
            MOVED.iter().chain(MOVED_LAST).chain(STAYING).map(|&name| name.to_owned()).collect();
        assert_eq!(there, named.iter().cloned().collect(), "say what becomes of its rows in a merge");
        assert_eq!(there.len(), named.len(), "each once");
    }
}
