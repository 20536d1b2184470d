//! The copy of a PSA's contacts, and how they are kept in step.

use sea_orm_migration::{
    prelude::*,
    schema::{
        boolean, integer, json_binary, json_binary_null, string_len, string_len_null, text, text_null, uuid,
    },
};

use crate::columns::{index, owned, target_key, time, time_null, unique, within};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        let of = |table, column, target| within(table, column, target, ForeignKeyAction::Cascade);
        m.create_table(
            owned("contact")
                .col(uuid("psa_connection_id"))
                .col(uuid("psa_company_id"))
                .col(string_len("external_id", 100))
                .col(string_len("name", 255))
                .col(string_len("email", 255))
                .col(text("email_keys"))
                .col(string_len("phone", 100))
                .col(string_len("job_title", 255))
                .col(string_len_null("contact_type", 255))
                .col(boolean("is_active"))
                .col(text_null("external_url"))
                .col(json_binary("fields"))
                .col(time_null("missing_since"))
                .col(time_null("changed_at"))
                .col(time("synced_at"))
                .foreign_key(&mut of("contact", "psa_connection_id", "psa_connection"))
                .foreign_key(&mut of("contact", "psa_company_id", "psa_company"))
                .take(),
        )
        .await?;
        m.create_index(target_key("contact")).await?;
        m.create_index(unique("contact", "external", &["psa_connection_id", "external_id"])).await?;
        m.create_index(index("contact", "connection", &["psa_connection_id", "id"])).await?;
        // One ticket looks its contact up by company; lists of three parents are ordered by name.
        m.create_index(index("contact", "psa_company", &["psa_company_id", "name", "id"])).await?;
        m.create_index(index("contact", "connection_name", &["psa_connection_id", "name", "id"])).await?;
        m.create_index(index("contact", "name", &["organization_id", "name", "id"])).await?;

        m.create_table(
            owned("contact_setup")
                .col(uuid("psa_connection_id"))
                .col(boolean("is_enabled"))
                .col(json_binary("settings"))
                .col(json_binary_null("catalogue"))
                .col(time_null("catalogue_at"))
                .col(time_null("synced_at"))
                .col(integer("version"))
                .col(time("created_at"))
                .col(time("updated_at"))
                .foreign_key(&mut of("contact_setup", "psa_connection_id", "psa_connection"))
                .take(),
        )
        .await?;
        m.create_index(unique("contact_setup", "connection", &["psa_connection_id"])).await
    }

    async fn down(&self, m: &SchemaManager) -> Result<(), DbErr> {
        for table in ["contact_setup", "contact"] {
            m.drop_table(Table::drop().table(table).take()).await?;
        }
        Ok(())
    }
}
