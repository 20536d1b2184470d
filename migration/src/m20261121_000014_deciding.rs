//! What decides: event sets, ordered policies with scope and conditions, and the switch of all ticketing.

use sea_orm_migration::{
    prelude::*,
    schema::{boolean, integer, json_binary, json_binary_null, string_len, text, uuid_null},
};

use crate::columns::{index, owned, target_key, time, unique, word};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// Columns that are new, by table; the way back takes them away.
const NEW: &[(&str, &[&str])] = &[
    ("policy", &["position", "description", "event_set_id", "company_ids", "conditions"]),
    ("organization", &["is_ticketing_enabled"]),
];

async fn add(m: &SchemaManager<'_>, table: &'static str, column: ColumnDef) -> Result<(), DbErr> {
    m.alter_table(Table::alter().table(table).add_column(column).take()).await
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        m.create_table(
            owned("event_set")
                .col(string_len("name", 200))
                .col(boolean("is_default"))
                .col(word("remediation_grain"))
                .col(json_binary("choices"))
                .col(integer("version"))
                .col(time("created_at"))
                .col(time("updated_at"))
                .take(),
        )
        .await?;
        m.create_index(target_key("event_set")).await?;
        m.create_index(unique("event_set", "name", &["organization_id", "name"])).await?;
        m.create_index(index("event_set", "created", &["organization_id", "created_at", "id"])).await?;

        // No reference to the event set: SQLite adds none to a table that is there. Whoever removes a set locks
        // it and looks for policies first.
        add(m, "policy", integer("position").default(0).take()).await?;
        add(m, "policy", text("description").default("").take()).await?;
        add(m, "policy", uuid_null("event_set_id")).await?;
        add(m, "policy", json_binary_null("company_ids")).await?;
        add(m, "policy", json_binary_null("conditions")).await?;
        m.create_index(index("policy", "order", &["organization_id", "position", "id"])).await?;
        add(m, "organization", boolean("is_ticketing_enabled").default(true).take()).await
    }

    async fn down(&self, m: &SchemaManager) -> Result<(), DbErr> {
        let mut index = Index::drop();
        index.name("ix_policy_order").table("policy");
        m.drop_index(index).await?;
        for (table, columns) in NEW {
            for column in *columns {
                m.alter_table(Table::alter().table(*table).drop_column(*column).take()).await?;
            }
        }
        m.drop_table(Table::drop().table("event_set").take()).await
    }
}
