//! Runs that go on where they stopped: their place, what they have done, what failed and when they come again.

use sea_orm_migration::{
    prelude::*,
    schema::{big_integer, boolean, integer, json_binary, string_len_null, text, text_null, uuid},
};

use crate::columns::{index, owned, target_key, time, time_null, unique, within, word};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const COUNTS: [&str; 4] = ["created_count", "updated_count", "unchanged_count", "failed_count"];

async fn add(m: &SchemaManager<'_>, column: ColumnDef) -> Result<(), DbErr> {
    m.alter_table(Table::alter().table("sync_run").add_column(column).take()).await
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        add(m, text_null("cursor")).await?;
        add(m, time_null("due_at")).await?;
        add(m, integer("page_count").default(0).take()).await?;
        for count in COUNTS {
            add(m, big_integer(count).default(0).take()).await?;
        }
        add(m, boolean("is_scheduled").default(false).take()).await?;
        m.create_index(target_key("sync_run")).await?;

        m.create_table(
            owned("sync_error")
                .col(uuid("sync_run_id"))
                .col(string_len_null("external_id", 255))
                .col(string_len_null("name", 255))
                .col(text("message"))
                .col(time("created_at"))
                .foreign_key(&mut within("sync_error", "sync_run_id", "sync_run", ForeignKeyAction::Cascade))
                .take(),
        )
        .await?;
        m.create_index(index("sync_error", "run", &["sync_run_id", "id"])).await?;

        m.create_table(
            owned("sync_schedule")
                .col(uuid("psa_connection_id"))
                .col(word("kind"))
                .col(json_binary("cadence"))
                .col(boolean("is_enabled"))
                .col(time_null("next_at"))
                .col(integer("version"))
                .col(time("created_at"))
                .col(time("updated_at"))
                .foreign_key(&mut within(
                    "sync_schedule",
                    "psa_connection_id",
                    "psa_connection",
                    ForeignKeyAction::Cascade,
                ))
                .take(),
        )
        .await?;
        m.create_index(unique("sync_schedule", "kind", &["psa_connection_id", "kind"])).await
    }

    async fn down(&self, m: &SchemaManager) -> Result<(), DbErr> {
        for table in ["sync_schedule", "sync_error"] {
            m.drop_table(Table::drop().table(table).take()).await?;
        }
        let mut key = Index::drop();
        key.name("ix_sync_run_organization_and_id").table("sync_run");
        m.drop_index(key).await?;
        for column in ["cursor", "due_at", "page_count", "is_scheduled"].into_iter().chain(COUNTS) {
            m.alter_table(Table::alter().table("sync_run").drop_column(column).take()).await?;
        }
        Ok(())
    }
}
