//! The copy of a PSA's own tickets with their notes, how it is kept in step, and who sees internal notes.

use sea_orm_migration::{
    prelude::*,
    schema::{boolean, integer, json_binary, string_len, string_len_null, text, text_null, uuid},
};

use crate::columns::{index, owned, target_key, time, time_null, unique, within};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        let of = |table, column, target| within(table, column, target, ForeignKeyAction::Cascade);
        m.create_table(
            owned("psa_ticket")
                .col(uuid("psa_connection_id"))
                .col(uuid("psa_company_id"))
                .col(string_len("external_id", 100))
                .col(string_len("number", 100))
                .col(string_len_null("board", 255))
                .col(string_len_null("board_label", 255))
                .col(string_len_null("status", 255))
                .col(string_len_null("status_label", 255))
                .col(boolean("is_closed"))
                .col(string_len_null("priority", 255))
                .col(string_len_null("priority_label", 255))
                .col(string_len_null("ticket_type", 255))
                .col(string_len("summary", 500))
                .col(string_len_null("contact_external_id", 100))
                .col(string_len_null("contact_name", 255))
                .col(string_len_null("requester", 255))
                .col(text_null("external_url"))
                .col(time("opened_at"))
                .col(time("updated_at"))
                .col(time_null("closed_at"))
                .col(boolean("is_notes_due"))
                .col(time_null("notes_read_at"))
                .col(time_null("changed_at"))
                .col(time("synced_at"))
                .foreign_key(&mut of("psa_ticket", "psa_connection_id", "psa_connection"))
                .foreign_key(&mut of("psa_ticket", "psa_company_id", "psa_company"))
                .take(),
        )
        .await?;
        m.create_index(target_key("psa_ticket")).await?;
        m.create_index(unique("psa_ticket", "external", &["psa_connection_id", "external_id"])).await?;
        // Whose notes are to be read next.
        m.create_index(index("psa_ticket", "notes", &["psa_connection_id", "is_notes_due", "id"])).await?;
        for (name, parent) in [
            ("organization", "organization_id"),
            ("connection", "psa_connection_id"),
            ("company", "psa_company_id"),
        ] {
            m.create_index(index("psa_ticket", &format!("{name}_updated"), &[parent, "updated_at", "id"]))
                .await?;
        }
        m.create_index(index("psa_ticket", "organization_opened", &["organization_id", "opened_at", "id"]))
            .await?;

        m.create_table(
            owned("psa_ticket_note")
                .col(uuid("psa_connection_id"))
                .col(uuid("psa_ticket_id"))
                .col(string_len("external_id", 100))
                .col(text("text"))
                .col(string_len_null("author", 255))
                .col(boolean("is_internal"))
                .col(time("written_at"))
                .col(time("synced_at"))
                .foreign_key(&mut of("psa_ticket_note", "psa_connection_id", "psa_connection"))
                .foreign_key(&mut of("psa_ticket_note", "psa_ticket_id", "psa_ticket"))
                .take(),
        )
        .await?;
        m.create_index(unique("psa_ticket_note", "external", &["psa_ticket_id", "external_id"])).await?;
        m.create_index(index("psa_ticket_note", "ticket", &["psa_ticket_id", "written_at", "id"])).await?;
        m.create_index(index("psa_ticket_note", "connection", &["psa_connection_id", "id"])).await?;

        m.create_table(
            owned("psa_ticket_setup")
                .col(uuid("psa_connection_id"))
                .col(boolean("is_enabled"))
                .col(json_binary("settings"))
                .col(time_null("synced_at"))
                .col(integer("version"))
                .col(time("created_at"))
                .col(time("updated_at"))
                .foreign_key(&mut of("psa_ticket_setup", "psa_connection_id", "psa_connection"))
                .take(),
        )
        .await?;
        m.create_index(unique("psa_ticket_setup", "connection", &["psa_connection_id"])).await?;

        // A gateway of the version before makes rules without it: they show what they showed.
        let internal = boolean("shows_internal_notes").default(true).take();
        m.alter_table(Table::alter().table("ticket_permission").add_column(internal).take()).await
    }

    async fn down(&self, m: &SchemaManager) -> Result<(), DbErr> {
        let column = "shows_internal_notes";
        m.alter_table(Table::alter().table("ticket_permission").drop_column(column).take()).await?;
        for table in ["psa_ticket_setup", "psa_ticket_note", "psa_ticket"] {
            m.drop_table(Table::drop().table(table).take()).await?;
        }
        Ok(())
    }
}
