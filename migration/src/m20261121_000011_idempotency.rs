//! Keys under which clients ask for something once.

use sea_orm_migration::{
    prelude::*,
    schema::{binary, binary_null, json_binary, string_len, uuid_null},
};

use crate::columns::{index, time, unique, with_id};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        m.create_table(
            with_id("idempotency_key")
                .col(uuid_null("organization_id"))
                .col(binary("key_digest"))
                .col(binary("request_digest"))
                .col(string_len("asked_by", 64))
                .col(json_binary("result"))
                .col(binary_null("sealed"))
                .col(time("created_at"))
                .foreign_key(
                    ForeignKey::create()
                        .name("fk_idempotency_key_organization")
                        .from("idempotency_key", "organization_id")
                        .to("organization", "id")
                        .on_delete(ForeignKeyAction::Cascade),
                )
                .take(),
        )
        .await?;
        // The tenant is part of the fingerprint: NULLs would not collide.
        m.create_index(unique("idempotency_key", "key", &["key_digest"])).await?;
        m.create_index(index("idempotency_key", "organization", &["organization_id"])).await?;
        m.create_index(index("idempotency_key", "created", &["created_at"])).await
    }

    async fn down(&self, m: &SchemaManager) -> Result<(), DbErr> {
        m.drop_table(Table::drop().table("idempotency_key").take()).await
    }
}
