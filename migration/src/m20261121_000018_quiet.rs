//! When to keep quiet: maintenance windows, mutes, endpoints that only learn; and who takes what names no known company.

use sea_orm_migration::{
    prelude::*,
    schema::{integer, string_len, string_len_null, text, uuid_null},
};

use crate::columns::{index, owned, target_key, time, time_null, unique, within, word};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const CASCADE: ForeignKeyAction = ForeignKeyAction::Cascade;

/// Columns that are new, by table; the way back takes them away.
const NEW: &[(&str, &[&str])] = &[
    ("webhook_endpoint", &["mode", "baseline_until"]),
    ("organization", &["catch_all_company_id"]),
    ("finding", &["baseline_endpoint_id"]),
];

async fn add(m: &SchemaManager<'_>, table: &'static str, column: ColumnDef) -> Result<(), DbErr> {
    m.alter_table(Table::alter().table(table).add_column(column).take()).await
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        m.create_table(
            owned("maintenance_window")
                .col(uuid_null("company_id"))
                .col(string_len("name", 200))
                .col(time("starts_at"))
                .col(time("ends_at"))
                .col(integer("version"))
                .col(time("created_at"))
                .col(time("updated_at"))
                .foreign_key(&mut within("maintenance_window", "company_id", "company", CASCADE))
                .take(),
        )
        .await?;
        m.create_index(target_key("maintenance_window")).await?;
        m.create_index(index("maintenance_window", "start", &["organization_id", "starts_at", "id"])).await?;
        m.create_index(index("maintenance_window", "end", &["organization_id", "ends_at", "id"])).await?;

        m.create_table(
            owned("mute")
                .col(uuid_null("finding_id"))
                .col(string_len_null("group_key", 300))
                .col(time("until"))
                .col(text("reason"))
                .col(string_len("muted_by", 200))
                .col(time("created_at"))
                .col(time("updated_at"))
                .foreign_key(&mut within("mute", "finding_id", "finding", CASCADE))
                .take(),
        )
        .await?;
        m.create_index(target_key("mute")).await?;
        // One mute a finding and one a group: NULLs do not collide.
        m.create_index(unique("mute", "finding", &["organization_id", "finding_id"])).await?;
        m.create_index(unique("mute", "group", &["organization_id", "group_key"])).await?;
        m.create_index(index("mute", "until", &["organization_id", "until", "id"])).await?;
        m.create_index(index("mute", "created", &["organization_id", "created_at", "id"])).await?;

        add(m, "webhook_endpoint", word("mode").default("live").take()).await?;
        add(m, "webhook_endpoint", time_null("baseline_until")).await?;
        // No reference to the company: SQLite adds none to a table that is there. Whoever removes a company locks
        // its organization and looks first.
        add(m, "organization", uuid_null("catch_all_company_id")).await?;
        add(m, "finding", uuid_null("baseline_endpoint_id")).await?;
        m.create_index(index("finding", "baseline", &["organization_id", "baseline_endpoint_id"])).await
    }

    async fn down(&self, m: &SchemaManager) -> Result<(), DbErr> {
        let mut index = Index::drop();
        index.name("ix_finding_baseline").table("finding");
        m.drop_index(index).await?;
        for (table, columns) in NEW {
            for column in *columns {
                m.alter_table(Table::alter().table(*table).drop_column(*column).take()).await?;
            }
        }
        for table in ["mute", "maintenance_window"] {
            m.drop_table(Table::drop().table(table).take()).await?;
        }
        Ok(())
    }
}
