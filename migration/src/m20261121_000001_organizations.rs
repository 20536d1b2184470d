//! Organizations, their companies, their access tokens and their keys.

use sea_orm_migration::{
    prelude::*,
    schema::{binary, string_len, string_len_uniq, uuid, uuid_null},
};

use crate::columns::{index, owned, target_key, time, time_null, unique, with_id, within, word};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        m.create_table(
            with_id("organization")
                .col(string_len_uniq("slug", 64))
                .col(string_len("name", 200))
                .col(time("created_at"))
                .col(time("updated_at"))
                .take(),
        )
        .await?;

        m.create_table(
            with_id("data_key")
                .col(uuid_null("organization_id"))
                .col(string_len("master_key_id", 32))
                .col(binary("wrapped"))
                .col(time("created_at"))
                .take(),
        )
        .await?;
        m.create_index(index("data_key", "organization", &["organization_id"])).await?;

        m.create_table(
            with_id("access_token")
                .col(uuid_null("organization_id"))
                .col(string_len("name", 200))
                .col(word("role"))
                .col(string_len_uniq("key_id", 16))
                .col(binary("digest"))
                .col(time("created_at"))
                .col(time_null("expires_at"))
                .col(time_null("revoked_at"))
                .foreign_key(
                    ForeignKey::create()
                        .name("fk_access_token_organization")
                        .from("access_token", "organization_id")
                        .to("organization", "id"),
                )
                .take(),
        )
        .await?;
        m.create_index(index("access_token", "organization", &["organization_id"])).await?;

        m.create_table(
            owned("company")
                .col(string_len("name", 200))
                .col(time("created_at"))
                .col(time("updated_at"))
                .take(),
        )
        .await?;
        m.create_index(target_key("company")).await?;
        m.create_index(unique("company", "name", &["organization_id", "name"])).await?;

        m.create_table(
            owned("company_alias")
                .col(uuid("company_id"))
                .col(string_len("source", 100))
                .col(string_len("value", 255))
                .col(time("created_at"))
                .foreign_key(&mut within("company_alias", "company_id", "company", ForeignKeyAction::Cascade))
                .take(),
        )
        .await?;
        m.create_index(unique("company_alias", "value", &["organization_id", "value", "source"])).await?;
        m.create_index(index("company_alias", "company", &["company_id"])).await
    }

    async fn down(&self, m: &SchemaManager) -> Result<(), DbErr> {
        for table in ["company_alias", "company", "access_token", "data_key", "organization"] {
            m.drop_table(Table::drop().table(table).take()).await?;
        }
        Ok(())
    }
}
