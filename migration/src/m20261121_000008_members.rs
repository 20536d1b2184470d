//! Members, who sign in at the installation's identity provider; tokens that hold less than their role, are
//! rotated, and are let in from some addresses only.

use sea_orm_migration::{
    prelude::*,
    schema::{binary_null, boolean, json_binary_null, string_len, string_len_null, uuid_null},
};

use crate::columns::{index, time, time_null, unique, with_id, word};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

async fn add(m: &SchemaManager<'_>, table: &'static str, column: ColumnDef) -> Result<(), DbErr> {
    m.alter_table(Table::alter().table(table).add_column(column).take()).await
}

/// Columns that are new, by table; the way back takes them away.
const NEW: &[(&str, &[&str])] = &[
    (
        "access_token",
        &[
            "scopes",
            "allowed_addresses",
            "previous_key_id",
            "previous_digest",
            "previous_expires_at",
            "last_used_at",
            "last_used_from",
        ],
    ),
    ("webhook_endpoint", &["allowed_addresses"]),
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        m.create_table(
            with_id("member")
                .col(uuid_null("organization_id"))
                .col(string_len_null("issuer", 300))
                .col(string_len_null("subject", 255))
                .col(string_len_null("email", 320))
                .col(string_len("name", 320))
                .col(word("role"))
                .col(boolean("is_role_claimed"))
                .col(boolean("is_enabled"))
                .col(time("created_at"))
                .col(time("updated_at"))
                .col(time_null("last_seen_at"))
                .foreign_key(
                    ForeignKey::create()
                        .name("fk_member_organization")
                        .from("member", "organization_id")
                        .to("organization", "id"),
                )
                .take(),
        )
        .await?;
        m.create_index(unique("member", "subject", &["issuer", "subject", "organization_id"])).await?;
        m.create_index(index("member", "name", &["organization_id", "name", "id"])).await?;
        m.create_index(index("member", "email", &["email"])).await?;

        // Names of permissions; null for all of the role.
        add(m, "access_token", json_binary_null("scopes")).await?;
        // Addresses and networks; null for everywhere.
        add(m, "access_token", json_binary_null("allowed_addresses")).await?;
        add(m, "access_token", string_len_null("previous_key_id", 16)).await?;
        add(m, "access_token", binary_null("previous_digest")).await?;
        add(m, "access_token", time_null("previous_expires_at")).await?;
        add(m, "access_token", time_null("last_used_at")).await?;
        add(m, "access_token", string_len_null("last_used_from", 64)).await?;
        m.create_index(unique("access_token", "previous_key_id", &["previous_key_id"])).await?;

        add(m, "webhook_endpoint", json_binary_null("allowed_addresses")).await
    }

    async fn down(&self, m: &SchemaManager) -> Result<(), DbErr> {
        let mut index = Index::drop();
        index.name("ix_access_token_previous_key_id").table("access_token");
        m.drop_index(index).await?;
        for (table, columns) in NEW {
            for column in *columns {
                m.alter_table(Table::alter().table(*table).drop_column(*column).take()).await?;
            }
        }
        m.drop_table(Table::drop().table("member").take()).await
    }
}
