//! What becomes of what a policy wants: grouping, digests, waiting, closing.

use sea_orm_migration::{
    prelude::*,
    schema::{boolean, integer, json_binary_null, uuid, uuid_null},
};

use crate::columns::{index, owned, target_key, time, time_null, unique, within, word};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// Columns that are new, by table; the way back takes them away.
const NEW: &[(&str, &[&str])] = &[
    ("policy", &["handling"]),
    ("finding", &["details"]),
    ("ticket_finding", &["ended_at", "is_told"]),
    (
        "ticket",
        &["overrides", "is_touched", "listed_at", "note_due_at", "close_due_at", "flap_count", "flapped_at"],
    ),
];

async fn add(m: &SchemaManager<'_>, table: &'static str, column: ColumnDef) -> Result<(), DbErr> {
    m.alter_table(Table::alter().table(table).add_column(column).take()).await
}

/// An index of the rows alone in which something is due.
fn due(name: &'static str, column: &'static str) -> IndexCreateStatement {
    Index::create().name(name).table("ticket").col(column).and_where(Expr::col(column).is_not_null()).take()
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        add(m, "policy", json_binary_null("handling").take()).await?;
        add(m, "finding", json_binary_null("details").take()).await?;
        add(m, "ticket_finding", time_null("ended_at")).await?;
        add(m, "ticket_finding", boolean("is_told").default(true).take()).await?;
        add(m, "ticket", json_binary_null("overrides").take()).await?;
        add(m, "ticket", boolean("is_touched").default(false).take()).await?;
        add(m, "ticket", time_null("listed_at")).await?;
        add(m, "ticket", time_null("note_due_at")).await?;
        add(m, "ticket", time_null("close_due_at")).await?;
        add(m, "ticket", integer("flap_count").default(0).take()).await?;
        add(m, "ticket", time_null("flapped_at")).await?;
        m.create_index(due("ix_ticket_note_due", "note_due_at")).await?;
        m.create_index(due("ix_ticket_close_due", "close_due_at")).await?;
        m.create_index(index("ticket", "policy", &["organization_id", "policy_id", "created_at"])).await?;

        m.create_table(
            owned("waiting_finding")
                .col(uuid("finding_id"))
                .col(uuid("event_id"))
                .col(uuid_null("policy_id"))
                .col(word("waits_for"))
                .col(time("due_at"))
                .col(time("created_at"))
                .foreign_key(&mut within(
                    "waiting_finding",
                    "finding_id",
                    "finding",
                    ForeignKeyAction::Cascade,
                ))
                .take(),
        )
        .await?;
        m.create_index(target_key("waiting_finding")).await?;
        m.create_index(unique("waiting_finding", "finding", &["finding_id"])).await?;
        m.create_index(index("waiting_finding", "due", &["due_at"])).await?;
        m.create_index(index("waiting_finding", "organization", &["organization_id", "due_at"])).await
    }

    async fn down(&self, m: &SchemaManager) -> Result<(), DbErr> {
        m.drop_table(Table::drop().table("waiting_finding").take()).await?;
        for name in ["ix_ticket_note_due", "ix_ticket_close_due", "ix_ticket_policy"] {
            let mut index = Index::drop();
            index.name(name).table("ticket");
            m.drop_index(index).await?;
        }
        for (table, columns) in NEW {
            for column in *columns {
                m.alter_table(Table::alter().table(*table).drop_column(*column).take()).await?;
            }
        }
        Ok(())
    }
}
