//! The audit log, which the database itself only lets grow, and the versions of what people change.

use sea_orm_migration::{
    prelude::*,
    schema::{big_integer, binary, integer, string_len, string_len_null, text, text_null, uuid, uuid_null},
    sea_orm::DbBackend,
};

use crate::columns::{index, time, unique, with_id, word};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// What people change by mutations named update or set.
const VERSIONED: &[&str] = &[
    "organization",
    "company",
    "company_mapping",
    "psa_connection",
    "ticket_profile",
    "policy",
    "webhook_endpoint",
];

/// An entry is written once and stays. A replacing insert fires no delete trigger on SQLite, hence the third.
/// A head only goes on.
const SQLITE: &[&str] = &[
    "CREATE TRIGGER audit_entry_update BEFORE UPDATE ON audit_entry
     BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END",
    "CREATE TRIGGER audit_entry_delete BEFORE DELETE ON audit_entry
     BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END",
    "CREATE TRIGGER audit_entry_replace BEFORE INSERT ON audit_entry
     WHEN EXISTS (SELECT 1 FROM audit_entry WHERE id = NEW.id
                  OR (organization_id = NEW.organization_id AND number = NEW.number))
     BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END",
    "CREATE TRIGGER audit_head_update BEFORE UPDATE ON audit_head
     WHEN NEW.id IS NOT OLD.id OR NEW.last_number IS NOT OLD.last_number + 1
     BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END",
    "CREATE TRIGGER audit_head_delete BEFORE DELETE ON audit_head
     BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END",
];

const POSTGRES: &[&str] = &[
    "CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
     BEGIN
       RAISE EXCEPTION 'the audit log is append-only' USING ERRCODE = 'restrict_violation';
     END $$",
    "CREATE FUNCTION audit_head_goes_on() RETURNS trigger LANGUAGE plpgsql AS $$
     BEGIN
       IF NEW.id = OLD.id AND NEW.last_number = OLD.last_number + 1 THEN
         RETURN NEW;
       END IF;
       RAISE EXCEPTION 'the audit log is append-only' USING ERRCODE = 'restrict_violation';
     END $$",
    "CREATE TRIGGER audit_entry_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_entry
     FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only()",
    "CREATE TRIGGER audit_head_append_only BEFORE DELETE OR TRUNCATE ON audit_head
     FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only()",
    "CREATE TRIGGER audit_head_goes_on BEFORE UPDATE ON audit_head
     FOR EACH ROW EXECUTE FUNCTION audit_head_goes_on()",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        m.create_table(
            with_id("audit_head")
                .col(uuid_null("organization_id"))
                .col(big_integer("last_number"))
                .col(binary("last_hash"))
                .col(binary("seal"))
                .foreign_key(
                    ForeignKey::create()
                        .name("fk_audit_head_organization")
                        .from("audit_head", "organization_id")
                        .to("organization", "id"),
                )
                .take(),
        )
        .await?;
        m.create_table(
            with_id("audit_entry")
                .col(uuid("organization_id"))
                .col(big_integer("number"))
                .col(time("at"))
                .col(word("actor_kind"))
                .col(uuid_null("actor_id"))
                .col(string_len("actor_name", 200))
                .col(string_len_null("address", 45))
                .col(string_len_null("request_id", 64))
                .col(string_len("action", 64))
                .col(string_len("target_type", 48))
                .col(uuid("target_id"))
                .col(text("target_name"))
                .col(text_null("before"))
                .col(text_null("after"))
                .col(binary("hash"))
                .col(binary("seal"))
                // The installation's own log has a head too, and no organization: the reference is to the head.
                .foreign_key(
                    ForeignKey::create()
                        .name("fk_audit_entry_head")
                        .from("audit_entry", "organization_id")
                        .to("audit_head", "id"),
                )
                .take(),
        )
        .await?;
        m.create_index(unique("audit_entry", "number", &["organization_id", "number"])).await?;
        m.create_index(index("audit_entry", "target", &["organization_id", "target_id", "number"])).await?;
        m.create_index(index("audit_entry", "actor", &["organization_id", "actor_id", "number"])).await?;
        let rules = if m.get_database_backend() == DbBackend::Postgres { POSTGRES } else { SQLITE };
        for rule in rules {
            m.get_connection().execute_unprepared(rule).await?;
        }
        for table in VERSIONED {
            let version = integer("version").default(1).take();
            m.alter_table(Table::alter().table(*table).add_column(version).take()).await?;
        }
        Ok(())
    }

    async fn down(&self, m: &SchemaManager) -> Result<(), DbErr> {
        for table in VERSIONED {
            m.alter_table(Table::alter().table(*table).drop_column("version").take()).await?;
        }
        // Their triggers go with them.
        for table in ["audit_entry", "audit_head"] {
            m.drop_table(Table::drop().table(table).take()).await?;
        }
        if m.get_database_backend() == DbBackend::Postgres {
            for function in ["audit_is_append_only", "audit_head_goes_on"] {
                m.get_connection().execute_unprepared(&format!("DROP FUNCTION {function}()")).await?;
            }
        }
        Ok(())
    }
}
