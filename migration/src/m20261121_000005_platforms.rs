//! What several platforms need: shared budgets of calls, webhooks that the gateway registers itself, keys that
//! a PSA signs with, connections for one company, and templates of profiles.

use sea_orm_migration::{
    prelude::*,
    schema::{json_binary, json_binary_null, string_len, string_len_null, text_null, uuid_null},
};

use crate::columns::{index, time, time_null, word};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

async fn add(m: &SchemaManager<'_>, table: &'static str, column: ColumnDef) -> Result<(), DbErr> {
    m.alter_table(Table::alter().table(table).add_column(column).take()).await
}

async fn drop(m: &SchemaManager<'_>, table: &'static str, column: &'static str) -> Result<(), DbErr> {
    m.alter_table(Table::alter().table(table).drop_column(column).take()).await
}

/// Columns that are new, by table; the way back takes them away.
const NEW: &[(&str, &[&str])] = &[
    ("webhook_secret", &["key_name"]),
    (
        "webhook_endpoint",
        &[
            "registration",
            "registered_id",
            "registration_message",
            "registration_checked_at",
            "registration_due_at",
            "wanted_key",
        ],
    ),
    ("psa_connection", &["company_id"]),
    ("ticket_profile", &["title_template", "body_template"]),
    ("lane", &["lists_at", "budget_key"]),
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        m.create_table(
            Table::create()
                .table("call_budget")
                .col(string_len("key", 200).primary_key())
                .col(json_binary("spent"))
                .col(time("updated_at"))
                .take(),
        )
        .await?;
        add(m, "webhook_secret", string_len_null("key_name", 300)).await?;

        add(m, "webhook_endpoint", word("registration").default("by_hand").take()).await?;
        add(m, "webhook_endpoint", string_len_null("registered_id", 200)).await?;
        add(m, "webhook_endpoint", text_null("registration_message")).await?;
        add(m, "webhook_endpoint", time_null("registration_checked_at")).await?;
        add(m, "webhook_endpoint", time_null("registration_due_at")).await?;
        add(m, "webhook_endpoint", string_len_null("wanted_key", 300)).await?;
        m.create_index(index("webhook_endpoint", "connection", &["psa_connection_id"])).await?;

        // Without a foreign key: SQLite cannot add one to a table that stands. The domain clears it.
        add(m, "psa_connection", uuid_null("company_id")).await?;

        add(m, "ticket_profile", text_null("title_template")).await?;
        add(m, "ticket_profile", text_null("body_template")).await?;

        add(m, "lane", time_null("lists_at")).await?;
        add(m, "lane", string_len("budget_key", 200).default("").take()).await?;
        drop(m, "lane", "budget").await?;
        m.create_index(index("lane", "budget", &["budget_key"])).await
    }

    async fn down(&self, m: &SchemaManager) -> Result<(), DbErr> {
        for (table, name) in [("lane", "budget"), ("webhook_endpoint", "connection")] {
            let mut index = Index::drop();
            index.name(format!("ix_{table}_{name}")).table(table);
            m.drop_index(index).await?;
        }
        add(m, "lane", json_binary_null("budget")).await?;
        for (table, columns) in NEW {
            for column in *columns {
                drop(m, table, column).await?;
            }
        }
        m.drop_table(Table::drop().table("call_budget").take()).await
    }
}
