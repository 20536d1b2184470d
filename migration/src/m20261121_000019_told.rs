//! Policies that want no ticket: subscribers are told of what they match, and when it is over. What was told long ago
//! is found, so that it can go.

use sea_orm_migration::{
    prelude::*,
    schema::{boolean, uuid},
};

use crate::columns::{index, owned, target_key, time, unique, within};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        let opens = boolean("opens_tickets").default(true).take();
        m.alter_table(Table::alter().table("policy").add_column(opens).take()).await?;
        let told = boolean("is_told").default(false).take();
        m.alter_table(Table::alter().table("finding").add_column(told).take()).await?;

        // No reference to the policy: it may go, and that the finding is over is told all the same.
        m.create_table(
            owned("told_finding")
                .col(uuid("finding_id"))
                .col(uuid("policy_id"))
                .col(time("created_at"))
                .foreign_key(&mut within("told_finding", "finding_id", "finding", ForeignKeyAction::Cascade))
                .take(),
        )
        .await?;
        m.create_index(target_key("told_finding")).await?;
        m.create_index(unique("told_finding", "finding", &["finding_id", "policy_id"])).await?;
        m.create_index(index("told_finding", "policy", &["organization_id", "policy_id"])).await?;
        m.create_index(index("notification", "finished", &["state", "finished_at"])).await
    }

    async fn down(&self, m: &SchemaManager) -> Result<(), DbErr> {
        let mut index = Index::drop();
        index.name("ix_notification_finished").table("notification");
        m.drop_index(index).await?;
        m.drop_table(Table::drop().table("told_finding").take()).await?;
        m.alter_table(Table::alter().table("finding").drop_column("is_told").take()).await?;
        m.alter_table(Table::alter().table("policy").drop_column("opens_tickets").take()).await
    }
}
