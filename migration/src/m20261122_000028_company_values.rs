//! Types, statuses and markets of companies: ours, what they are at PSAs, and which are kept in step.

use sea_orm_migration::{
    prelude::*,
    schema::{boolean, integer, string_len, uuid, uuid_null},
};

use crate::columns::{index, owned, target_key, time, unique, within, word};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// A company's own values.
const OF_COMPANY: [&str; 3] = ["company_type_id", "company_status_id", "company_market_id"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        m.create_table(
            owned("company_value")
                .col(word("kind"))
                .col(string_len("name", 200))
                .col(integer("version"))
                .col(time("created_at"))
                .col(time("updated_at"))
                .take(),
        )
        .await?;
        m.create_index(target_key("company_value")).await?;
        m.create_index(unique("company_value", "name", &["organization_id", "kind", "name"])).await?;

        m.create_table(
            owned("company_value_mapping")
                .col(uuid("psa_connection_id"))
                .col(word("kind"))
                .col(string_len("external_value", 255))
                .col(uuid_null("company_value_id"))
                .col(time("mapped_at"))
                .foreign_key(&mut within(
                    "company_value_mapping",
                    "psa_connection_id",
                    "psa_connection",
                    ForeignKeyAction::Cascade,
                ))
                .foreign_key(&mut within(
                    "company_value_mapping",
                    "company_value_id",
                    "company_value",
                    ForeignKeyAction::Cascade,
                ))
                .take(),
        )
        .await?;
        m.create_index(unique(
            "company_value_mapping",
            "value",
            &["psa_connection_id", "kind", "external_value"],
        ))
        .await?;
        m.create_index(index("company_value_mapping", "ours", &["company_value_id"])).await?;

        m.create_table(
            owned("company_value_sync")
                .col(uuid("psa_connection_id"))
                .col(word("kind"))
                .col(boolean("is_enabled"))
                .col(time("updated_at"))
                .foreign_key(&mut within(
                    "company_value_sync",
                    "psa_connection_id",
                    "psa_connection",
                    ForeignKeyAction::Cascade,
                ))
                .take(),
        )
        .await?;
        m.create_index(unique("company_value_sync", "kind", &["psa_connection_id", "kind"])).await?;
        for column in OF_COMPANY {
            // Without a foreign key: SQLite cannot add one to a table that stands. The domain keeps it.
            m.alter_table(Table::alter().table("company").add_column(uuid_null(column)).take()).await?;
        }
        Ok(())
    }

    async fn down(&self, m: &SchemaManager) -> Result<(), DbErr> {
        for column in OF_COMPANY {
            m.alter_table(Table::alter().table("company").drop_column(column).take()).await?;
        }
        for table in ["company_value_sync", "company_value_mapping", "company_value"] {
            m.drop_table(Table::drop().table(table).take()).await?;
        }
        Ok(())
    }
}
