//! PSA connections, what is copied from them, mappings, ticket profiles and the policy.

use sea_orm_migration::{
    prelude::*,
    schema::{
        big_integer, big_integer_null, binary, boolean, integer, json_binary, json_binary_null,
        small_integer, string_len, string_len_null, text_null, uuid, uuid_null,
    },
};

use crate::columns::{index, owned, target_key, time, time_null, unique, within, word};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        m.create_table(
            owned("psa_connection")
                .col(word("platform"))
                .col(string_len("name", 200))
                .col(boolean("is_enabled"))
                .col(json_binary("settings"))
                .col(binary("sealed_credentials"))
                .col(string_len("credentials_hint", 16))
                .col(integer("credentials_version"))
                .col(time("credentials_updated_at"))
                .col(word("health"))
                .col(time_null("health_checked_at"))
                .col(text_null("health_message"))
                .col(json_binary("verification"))
                .col(time("created_at"))
                .col(time("updated_at"))
                .take(),
        )
        .await?;
        m.create_index(target_key("psa_connection")).await?;
        m.create_index(unique("psa_connection", "name", &["organization_id", "name"])).await?;

        m.create_table(
            owned("lane")
                .col(time_null("next_at"))
                .col(time_null("poll_at"))
                .col(time_null("poll_cursor"))
                .col(time("paused_until"))
                .col(text_null("pause_reason"))
                .col(integer("failures"))
                .col(time("lease_until"))
                .col(string_len_null("holder", 64))
                .col(big_integer("fence"))
                .col(json_binary_null("budget"))
                .foreign_key(&mut within("lane", "id", "psa_connection", ForeignKeyAction::Cascade))
                .take(),
        )
        .await?;
        m.create_index(index("lane", "next", &["next_at"])).await?;

        m.create_table(
            owned("psa_company")
                .col(uuid("psa_connection_id"))
                .col(string_len("external_id", 100))
                .col(string_len("name", 255))
                .col(string_len_null("company_type", 255))
                .col(string_len_null("status", 255))
                .col(boolean("is_active"))
                .col(text_null("external_url"))
                .col(time("synced_at"))
                .foreign_key(&mut within(
                    "psa_company",
                    "psa_connection_id",
                    "psa_connection",
                    ForeignKeyAction::Cascade,
                ))
                .take(),
        )
        .await?;
        m.create_index(target_key("psa_company")).await?;
        m.create_index(unique("psa_company", "external", &["psa_connection_id", "external_id"])).await?;
        m.create_index(index("psa_company", "name", &["psa_connection_id", "name"])).await?;

        m.create_table(
            owned("pick_list")
                .col(uuid("psa_connection_id"))
                .col(string_len("key", 64))
                .col(json_binary("items"))
                .col(text_null("problem"))
                .col(time("synced_at"))
                .foreign_key(&mut within(
                    "pick_list",
                    "psa_connection_id",
                    "psa_connection",
                    ForeignKeyAction::Cascade,
                ))
                .take(),
        )
        .await?;
        m.create_index(unique("pick_list", "key", &["psa_connection_id", "key"])).await?;

        m.create_table(
            owned("sync_run")
                .col(uuid("psa_connection_id"))
                .col(word("kind"))
                .col(json_binary("filter"))
                .col(word("status"))
                .col(big_integer("done_count"))
                .col(big_integer_null("total_count"))
                .col(text_null("problem"))
                .col(time("created_at"))
                .col(time_null("started_at"))
                .col(time_null("finished_at"))
                .foreign_key(&mut within(
                    "sync_run",
                    "psa_connection_id",
                    "psa_connection",
                    ForeignKeyAction::Cascade,
                ))
                .take(),
        )
        .await?;
        m.create_index(index("sync_run", "status", &["psa_connection_id", "status"])).await?;

        m.create_table(
            owned("ticket_profile")
                .col(uuid("psa_connection_id"))
                .col(string_len("name", 200))
                .col(boolean("is_default"))
                .col(json_binary("fields"))
                .col(string_len_null("status_on_create", 255))
                .col(string_len("status_on_close", 255))
                .col(time("created_at"))
                .col(time("updated_at"))
                .foreign_key(&mut within(
                    "ticket_profile",
                    "psa_connection_id",
                    "psa_connection",
                    ForeignKeyAction::Restrict,
                ))
                .take(),
        )
        .await?;
        m.create_index(target_key("ticket_profile")).await?;
        m.create_index(unique("ticket_profile", "name", &["organization_id", "name"])).await?;

        m.create_table(
            owned("policy")
                .col(string_len("name", 200))
                .col(boolean("is_enabled"))
                .col(small_integer("minimum_severity"))
                .col(uuid_null("ticket_profile_id"))
                .col(big_integer("reopen_window_secs"))
                .col(big_integer("note_interval_secs"))
                .col(time("created_at"))
                .col(time("updated_at"))
                .foreign_key(&mut within(
                    "policy",
                    "ticket_profile_id",
                    "ticket_profile",
                    ForeignKeyAction::Restrict,
                ))
                .take(),
        )
        .await?;
        m.create_index(target_key("policy")).await?;

        m.create_table(
            owned("company_mapping")
                .col(uuid("company_id"))
                .col(uuid("psa_connection_id"))
                .col(uuid("psa_company_id"))
                .col(boolean("is_ticketing_enabled"))
                .col(uuid_null("ticket_profile_id"))
                .col(time("created_at"))
                .col(time("updated_at"))
                .foreign_key(&mut within(
                    "company_mapping",
                    "company_id",
                    "company",
                    ForeignKeyAction::Cascade,
                ))
                .foreign_key(&mut within(
                    "company_mapping",
                    "psa_connection_id",
                    "psa_connection",
                    ForeignKeyAction::Cascade,
                ))
                .foreign_key(&mut within(
                    "company_mapping",
                    "psa_company_id",
                    "psa_company",
                    ForeignKeyAction::Restrict,
                ))
                .foreign_key(&mut within(
                    "company_mapping",
                    "ticket_profile_id",
                    "ticket_profile",
                    ForeignKeyAction::Restrict,
                ))
                .take(),
        )
        .await?;
        m.create_index(unique("company_mapping", "company", &["company_id", "psa_connection_id"])).await?;
        m.create_index(index("company_mapping", "psa_company", &["psa_company_id"])).await?;
        m.create_index(index("company_mapping", "connection", &["psa_connection_id"])).await
    }

    async fn down(&self, m: &SchemaManager) -> Result<(), DbErr> {
        for table in [
            "company_mapping",
            "policy",
            "ticket_profile",
            "sync_run",
            "pick_list",
            "psa_company",
            "lane",
            "psa_connection",
        ] {
            m.drop_table(Table::drop().table(table).take()).await?;
        }
        Ok(())
    }
}
