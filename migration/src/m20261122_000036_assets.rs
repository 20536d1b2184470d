//! Devices as scanners know them, and which configurations of PSAs they are.

use sea_orm_migration::{
    prelude::*,
    schema::{boolean, json_binary_null, string_len, string_len_null, text_null, uuid},
};

use crate::columns::{index, owned, target_key, time, unique, within};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        m.create_table(
            owned("asset")
                .col(uuid("company_id"))
                .col(string_len_null("key", 200))
                .col(string_len("name", 255))
                .col(string_len("name_key", 255))
                .col(string_len("kind", 100))
                .col(string_len("serial_number", 255))
                .col(string_len("serial_key", 255))
                .col(string_len("purchased_on", 10))
                .col(string_len("expires_on", 10))
                .col(string_len("ram", 255))
                .col(string_len("os_type", 255))
                .col(string_len("manufacturer", 255))
                .col(time("seen_at"))
                .col(time("changed_at"))
                .col(time("created_at"))
                .foreign_key(&mut within("asset", "company_id", "company", ForeignKeyAction::Cascade))
                .take(),
        )
        .await?;
        m.create_index(target_key("asset")).await?;
        m.create_index(unique("asset", "key", &["company_id", "key"])).await?;
        m.create_index(index("asset", "company", &["company_id", "id"])).await?;
        m.create_index(index("asset", "serial", &["company_id", "serial_key"])).await?;
        m.create_index(index("asset", "company_name", &["company_id", "name_key"])).await?;
        m.create_index(index("asset", "name", &["organization_id", "name", "id"])).await?;

        m.create_table(
            owned("asset_link")
                .col(uuid("asset_id"))
                .col(uuid("psa_connection_id"))
                .col(string_len_null("external_id", 100))
                .col(text_null("external_url"))
                .col(boolean("is_written"))
                .col(json_binary_null("sent"))
                .col(text_null("problem"))
                .col(time("updated_at"))
                .foreign_key(&mut within("asset_link", "asset_id", "asset", ForeignKeyAction::Cascade))
                .foreign_key(&mut within(
                    "asset_link",
                    "psa_connection_id",
                    "psa_connection",
                    ForeignKeyAction::Cascade,
                ))
                .take(),
        )
        .await?;
        m.create_index(unique("asset_link", "asset", &["asset_id", "psa_connection_id"])).await?;
        // One configuration is one asset.
        m.create_index(unique("asset_link", "external", &["psa_connection_id", "external_id"])).await
    }

    async fn down(&self, m: &SchemaManager) -> Result<(), DbErr> {
        for table in ["asset_link", "asset"] {
            m.drop_table(Table::drop().table(table).take()).await?;
        }
        Ok(())
    }
}
