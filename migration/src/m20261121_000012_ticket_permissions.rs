//! Which roles and members see which boards, fields and notes of tickets; and the board of each ticket.

use sea_orm_migration::{
    prelude::*,
    schema::{boolean, json_binary, json_binary_null, string_len, string_len_null, uuid, uuid_null},
    sea_orm::prelude::{Json, Uuid},
};

use crate::columns::{index, owned, time, unique, within};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// The profile fields that are boards when this change is made, by platform.
const BOARDS: &[(&str, &str)] = &[("autotask", "queue"), ("connectwise", "board"), ("halo", "ticket_type")];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        m.create_table(
            owned("ticket_permission")
                .col(uuid("psa_connection_id"))
                .col(string_len("subject", 64))
                .col(string_len_null("role", 24))
                .col(uuid_null("member_id"))
                .col(json_binary_null("boards"))
                .col(json_binary("hidden_fields"))
                .col(boolean("shows_notes"))
                .col(time("created_at"))
                .col(time("updated_at"))
                .foreign_key(&mut within(
                    "ticket_permission",
                    "psa_connection_id",
                    "psa_connection",
                    ForeignKeyAction::Cascade,
                ))
                .take(),
        )
        .await?;
        m.create_index(unique("ticket_permission", "subject", &["psa_connection_id", "subject"])).await?;
        m.create_index(index("ticket_permission", "asker", &["organization_id", "subject"])).await?;
        for table in ["ticket", "ticket_profile"] {
            let board = string_len_null("board", 255);
            m.alter_table(Table::alter().table(table).add_column(board).take()).await?;
        }
        m.create_index(index("ticket", "board", &["psa_connection_id", "board", "created_at", "id"])).await?;
        fill_in(m).await
    }

    async fn down(&self, m: &SchemaManager) -> Result<(), DbErr> {
        let mut index = Index::drop();
        index.name("ix_ticket_board").table("ticket");
        m.drop_index(index).await?;
        for table in ["ticket", "ticket_profile"] {
            m.alter_table(Table::alter().table(table).drop_column("board").take()).await?;
        }
        m.drop_table(Table::drop().table("ticket_permission").take()).await
    }
}

/// Gives profiles and their tickets the board that the profile names: a profile has few values, and there are
/// few profiles.
async fn fill_in(m: &SchemaManager<'_>) -> Result<(), DbErr> {
    let db = m.get_connection();
    let rows = db
        .query_all(
            Query::select()
                .column(("ticket_profile", "id"))
                .column(("ticket_profile", "fields"))
                .column(("psa_connection", "platform"))
                .from("ticket_profile")
                .inner_join(
                    "psa_connection",
                    Expr::col(("psa_connection", "id")).equals(("ticket_profile", "psa_connection_id")),
                ),
        )
        .await?;
    for row in rows {
        let (id, platform): (Uuid, String) = (row.try_get("", "id")?, row.try_get("", "platform")?);
        let fields: Json = row.try_get("", "fields")?;
        let board = BOARDS
            .iter()
            .find(|(known, _)| *known == platform)
            .and_then(|(_, field)| fields.get(*field)?.as_str().map(str::to_owned));
        let Some(board) = board else { continue };
        for (table, column) in [("ticket_profile", "id"), ("ticket", "ticket_profile_id")] {
            let mut update = Query::update();
            update.table(table).value("board", board.clone()).and_where(Expr::col(column).eq(id));
            db.execute(&update).await?;
        }
    }
    Ok(())
}
