//! The copy of a PSA's configurations, and how they are kept in step.

use sea_orm_migration::{
    prelude::*,
    schema::{boolean, integer, json_binary, json_binary_null, string_len, string_len_null, text_null, uuid},
};

use crate::columns::{index, owned, target_key, time, time_null, unique, within};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// By what an organization's configurations are ordered.
const ORDERS: [(&str, &str); 5] = [
    ("name", "name"),
    ("purchase", "purchased_on"),
    ("expiry", "expires_on"),
    ("serial", "serial_number"),
    ("manufacturer", "manufacturer"),
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        m.create_table(
            owned("configuration")
                .col(uuid("psa_connection_id"))
                .col(uuid("psa_company_id"))
                .col(string_len("external_id", 100))
                .col(string_len("name", 255))
                .col(string_len_null("configuration_type", 255))
                .col(string_len_null("status", 255))
                .col(boolean("is_active"))
                .col(text_null("external_url"))
                .col(string_len("serial_number", 255))
                .col(string_len("purchased_on", 10))
                .col(string_len("expires_on", 10))
                .col(string_len("ram", 255))
                .col(string_len("os_type", 255))
                .col(string_len("manufacturer", 255))
                .col(json_binary("fields"))
                .col(time_null("missing_since"))
                .col(time_null("changed_at"))
                .col(time("synced_at"))
                .foreign_key(&mut within(
                    "configuration",
                    "psa_connection_id",
                    "psa_connection",
                    ForeignKeyAction::Cascade,
                ))
                .foreign_key(&mut within(
                    "configuration",
                    "psa_company_id",
                    "psa_company",
                    ForeignKeyAction::Cascade,
                ))
                .take(),
        )
        .await?;
        m.create_index(target_key("configuration")).await?;
        m.create_index(unique("configuration", "external", &["psa_connection_id", "external_id"])).await?;
        m.create_index(index("configuration", "connection", &["psa_connection_id", "id"])).await?;
        m.create_index(index("configuration", "connection_name", &["psa_connection_id", "name", "id"]))
            .await?;
        m.create_index(index("configuration", "psa_company", &["psa_company_id", "name", "id"])).await?;
        for (name, column) in ORDERS {
            m.create_index(index("configuration", name, &["organization_id", column, "id"])).await?;
        }

        m.create_table(
            owned("configuration_setup")
                .col(uuid("psa_connection_id"))
                .col(boolean("is_enabled"))
                .col(json_binary("settings"))
                .col(json_binary_null("catalogue"))
                .col(time_null("catalogue_at"))
                .col(time_null("synced_at"))
                .col(integer("version"))
                .col(time("created_at"))
                .col(time("updated_at"))
                .foreign_key(&mut within(
                    "configuration_setup",
                    "psa_connection_id",
                    "psa_connection",
                    ForeignKeyAction::Cascade,
                ))
                .take(),
        )
        .await?;
        m.create_index(unique("configuration_setup", "connection", &["psa_connection_id"])).await
    }

    async fn down(&self, m: &SchemaManager) -> Result<(), DbErr> {
        for table in ["configuration_setup", "configuration"] {
            m.drop_table(Table::drop().table(table).take()).await?;
        }
        Ok(())
    }
}
