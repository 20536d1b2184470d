//! Imports of companies: staged first, applied when somebody says so. By what companies of ours are found.

use sea_orm_migration::{
    prelude::*,
    schema::{
        big_integer, integer, integer_null, json_binary, string_len, string_len_null, text_null, uuid,
        uuid_null,
    },
};

use crate::columns::{index, owned, target_key, time, time_null, unique, within, word};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        m.create_table(
            owned("company_import")
                .col(uuid("psa_connection_id"))
                .col(word("state"))
                .col(json_binary("filter"))
                .col(uuid_null("load_run_id"))
                .col(uuid_null("finish_run_id"))
                .col(string_len("asked_by", 200))
                .col(integer("version"))
                .col(time("created_at"))
                .col(time("updated_at"))
                .col(time_null("finished_at"))
                .foreign_key(&mut within(
                    "company_import",
                    "psa_connection_id",
                    "psa_connection",
                    ForeignKeyAction::Cascade,
                ))
                .take(),
        )
        .await?;
        m.create_index(target_key("company_import")).await?;
        m.create_index(index("company_import", "connection", &["psa_connection_id", "created_at"])).await?;
        m.create_index(index("company_import", "state", &["state"])).await?;

        m.create_table(
            owned("company_import_item")
                .col(uuid("company_import_id"))
                .col(uuid("psa_company_id"))
                .col(string_len("name", 255))
                .col(string_len("name_key", 255))
                .col(word("standing"))
                .col(word("action"))
                .col(word("state"))
                .col(uuid_null("company_id"))
                .col(string_len_null("company_name", 200))
                .col(uuid_null("best_company_id"))
                .col(integer_null("score"))
                .col(json_binary("suggestions"))
                .col(text_null("problem"))
                .col(big_integer("updated_at"))
                .foreign_key(&mut within(
                    "company_import_item",
                    "company_import_id",
                    "company_import",
                    ForeignKeyAction::Cascade,
                ))
                .foreign_key(&mut within(
                    "company_import_item",
                    "psa_company_id",
                    "psa_company",
                    ForeignKeyAction::Cascade,
                ))
                .take(),
        )
        .await?;
        m.create_index(unique("company_import_item", "company", &["company_import_id", "psa_company_id"]))
            .await?;
        m.create_index(index("company_import_item", "name", &["company_import_id", "name", "id"])).await?;
        m.create_index(index("company_import_item", "key", &["company_import_id", "name_key"])).await?;
        m.create_index(index("company_import_item", "state", &["company_import_id", "state", "id"])).await?;
        m.create_index(index("company_import_item", "target", &["company_import_id", "company_id"])).await?;

        m.create_table(
            owned("company_lookup")
                .col(uuid("company_id"))
                .col(string_len("lookup", 300))
                .foreign_key(&mut within(
                    "company_lookup",
                    "company_id",
                    "company",
                    ForeignKeyAction::Cascade,
                ))
                .take(),
        )
        .await?;
        m.create_index(index("company_lookup", "lookup", &["organization_id", "lookup"])).await?;
        m.create_index(index("company_lookup", "company", &["company_id"])).await
    }

    async fn down(&self, m: &SchemaManager) -> Result<(), DbErr> {
        for table in ["company_lookup", "company_import_item", "company_import"] {
            m.drop_table(Table::drop().table(table).take()).await?;
        }
        Ok(())
    }
}
