//! What companies are recognised by, what became of their copies, and how each mapping came about.

use sea_orm_migration::{
    prelude::*,
    schema::{boolean, integer_null, json_binary_null, string_len_null, uuid_null},
};

use crate::columns::{index, time_null, word};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// Columns that are new, by table; the way back takes them away.
const NEW: &[(&str, &[&str])] = &[
    (
        "psa_company",
        &["code", "market", "email_domains", "value_ids", "match_key", "missing_since", "changed_at"],
    ),
    ("psa_connection", &["companies_synced_at"]),
    (
        "company_mapping",
        &[
            "origin",
            "mapped_at",
            "is_enabled",
            "is_configurations_enabled",
            "event_set_id",
            "psa_name",
            "confidence",
        ],
    ),
];

async fn add(m: &SchemaManager<'_>, table: &'static str, column: ColumnDef) -> Result<(), DbErr> {
    m.alter_table(Table::alter().table(table).add_column(column).take()).await
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        add(m, "psa_company", string_len_null("code", 100)).await?;
        add(m, "psa_company", string_len_null("market", 255)).await?;
        add(m, "psa_company", json_binary_null("email_domains")).await?;
        add(m, "psa_company", json_binary_null("value_ids")).await?;
        add(m, "psa_company", string_len_null("match_key", 255)).await?;
        add(m, "psa_company", time_null("missing_since")).await?;
        add(m, "psa_company", time_null("changed_at")).await?;
        m.create_index(index("psa_company", "match", &["psa_connection_id", "match_key"])).await?;
        add(m, "psa_connection", time_null("companies_synced_at")).await?;
        add(m, "company_mapping", word("origin").default("manual").take()).await?;
        add(m, "company_mapping", time_null("mapped_at")).await?;
        add(m, "company_mapping", boolean("is_enabled").default(true).take()).await?;
        add(m, "company_mapping", boolean("is_configurations_enabled").default(false).take()).await?;
        // Without a foreign key: SQLite cannot add one to a table that stands. The domain keeps it.
        add(m, "company_mapping", uuid_null("event_set_id")).await?;
        add(m, "company_mapping", string_len_null("psa_name", 255)).await?;
        add(m, "company_mapping", integer_null("confidence")).await
    }

    async fn down(&self, m: &SchemaManager) -> Result<(), DbErr> {
        let mut index = Index::drop();
        index.name("ix_psa_company_match").table("psa_company");
        m.drop_index(index).await?;
        for (table, columns) in NEW {
            for column in *columns {
                m.alter_table(Table::alter().table(*table).drop_column(*column).take()).await?;
            }
        }
        Ok(())
    }
}
