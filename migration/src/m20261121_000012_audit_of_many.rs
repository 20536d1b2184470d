//! The head of an audit log goes on by as many entries as one transaction adds; it still never goes back.

use sea_orm_migration::{prelude::*, sea_orm::DbBackend};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const SQLITE: &[&str] = &[
    "DROP TRIGGER audit_head_update",
    "CREATE TRIGGER audit_head_update BEFORE UPDATE ON audit_head
     WHEN NEW.id IS NOT OLD.id OR NEW.last_number <= OLD.last_number
     BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END",
];

const POSTGRES: &[&str] =
    &["CREATE OR REPLACE FUNCTION audit_head_goes_on() RETURNS trigger LANGUAGE plpgsql AS $$
     BEGIN
       IF NEW.id = OLD.id AND NEW.last_number > OLD.last_number THEN
         RETURN NEW;
       END IF;
       RAISE EXCEPTION 'the audit log is append-only' USING ERRCODE = 'restrict_violation';
     END $$"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        let rules = if m.get_database_backend() == DbBackend::Postgres { POSTGRES } else { SQLITE };
        for rule in rules {
            m.get_connection().execute_unprepared(rule).await?;
        }
        Ok(())
    }

    /// Nothing to take back: the rule of before is stricter, and holds for logs that were written under this one.
    async fn down(&self, _m: &SchemaManager) -> Result<(), DbErr> {
        Ok(())
    }
}
