//! References within an organization can be looked at as late as at the end of a transaction that asks for it: what
//! changes hands with all that refers to it is in nobody's hands meanwhile. Others find nothing changed.
//!
//! SQLite can do so by itself (`PRAGMA defer_foreign_keys`).

use sea_orm_migration::{
    prelude::*,
    sea_orm::{DbBackend, Statement},
};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// Each in a transaction of its own: together they would keep every table from everybody at once.
async fn alter(m: &SchemaManager<'_>, may_be_late: bool) -> Result<(), DbErr> {
    let db = m.get_connection();
    if db.get_database_backend() != DbBackend::Postgres {
        return Ok(());
    }
    let found = Statement::from_string(
        DbBackend::Postgres,
        format!(
            "SELECT quote_ident(t.relname) AS on_table, quote_ident(c.conname) AS name
             FROM pg_constraint c JOIN pg_class t ON t.oid = c.conrelid
             WHERE c.contype = 'f' AND array_length(c.conkey, 1) = 2 AND c.condeferrable <> {may_be_late}
               AND c.connamespace = current_schema()::regnamespace
             ORDER BY 1, 2"
        ),
    );
    let how = if may_be_late { "DEFERRABLE INITIALLY IMMEDIATE" } else { "NOT DEFERRABLE" };
    for row in db.query_all_raw(found).await? {
        let (table, name): (String, String) = (row.try_get("", "on_table")?, row.try_get("", "name")?);
        db.execute_unprepared(&format!("ALTER TABLE {table} ALTER CONSTRAINT {name} {how}")).await?;
    }
    Ok(())
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        alter(m, true).await
    }

    async fn down(&self, m: &SchemaManager) -> Result<(), DbErr> {
        alter(m, false).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(false)
    }
}
