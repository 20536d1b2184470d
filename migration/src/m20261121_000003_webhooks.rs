//! Webhook endpoints and the inbox.

use sea_orm_migration::{
    prelude::*,
    schema::{
        big_integer, binary, boolean, integer, json_binary, string_len, string_len_uniq, text_null, uuid,
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
            owned("webhook_endpoint")
                .col(string_len_uniq("key", 64))
                .col(string_len("name", 200))
                .col(word("sender"))
                .col(uuid_null("psa_connection_id"))
                .col(string_len("scheme", 64))
                .col(boolean("is_enabled"))
                .col(time("created_at"))
                .col(time("updated_at"))
                .foreign_key(&mut within(
                    "webhook_endpoint",
                    "psa_connection_id",
                    "psa_connection",
                    ForeignKeyAction::Cascade,
                ))
                .take(),
        )
        .await?;
        m.create_index(target_key("webhook_endpoint")).await?;

        m.create_table(
            owned("webhook_secret")
                .col(uuid("webhook_endpoint_id"))
                .col(binary("sealed"))
                .col(string_len("hint", 16))
                .col(time("created_at"))
                .col(time_null("expires_at"))
                .foreign_key(&mut within(
                    "webhook_secret",
                    "webhook_endpoint_id",
                    "webhook_endpoint",
                    ForeignKeyAction::Cascade,
                ))
                .take(),
        )
        .await?;
        m.create_index(index("webhook_secret", "endpoint", &["webhook_endpoint_id"])).await?;

        m.create_table(
            owned("webhook_delivery")
                .col(uuid("webhook_endpoint_id"))
                .col(string_len("message_id", 300))
                .col(string_len("request_id", 64))
                .col(string_len("verified_by", 64))
                .col(uuid_null("webhook_secret_id"))
                .col(json_binary("headers"))
                .col(binary("body"))
                .col(time("received_at"))
                .col(integer("duplicate_count"))
                .col(word("state"))
                .col(text_null("problem"))
                .col(time_null("run_at"))
                .col(integer("attempts"))
                .col(time("lease_until"))
                .col(big_integer("fence"))
                .col(time_null("decided_at"))
                .foreign_key(&mut within(
                    "webhook_delivery",
                    "webhook_endpoint_id",
                    "webhook_endpoint",
                    ForeignKeyAction::Restrict,
                ))
                .take(),
        )
        .await?;
        m.create_index(target_key("webhook_delivery")).await?;
        m.create_index(unique("webhook_delivery", "message", &["webhook_endpoint_id", "message_id"])).await?;
        m.create_index(index("webhook_delivery", "run", &["run_at"])).await?;
        m.create_index(index("webhook_delivery", "received", &["organization_id", "received_at", "id"]))
            .await?;
        m.create_index(index("webhook_delivery", "state", &["organization_id", "state", "received_at", "id"]))
            .await
    }

    async fn down(&self, m: &SchemaManager) -> Result<(), DbErr> {
        for table in ["webhook_delivery", "webhook_secret", "webhook_endpoint"] {
            m.drop_table(Table::drop().table(table).take()).await?;
        }
        Ok(())
    }
}
