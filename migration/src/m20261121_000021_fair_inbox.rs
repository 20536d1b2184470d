//! Deliveries that are due, by organization: one with a great many must not keep the others from their turn.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const NAME: &str = "ix_webhook_delivery_turn";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        let mut index = Index::create();
        index.name(NAME).table("webhook_delivery").col("organization_id").col("run_at").col("id");
        // What is decided and waits for nothing is the most by far.
        m.create_index(index.and_where(Expr::col("run_at").is_not_null()).take()).await
    }

    async fn down(&self, m: &SchemaManager) -> Result<(), DbErr> {
        let mut index = Index::drop();
        index.name(NAME).table("webhook_delivery");
        m.drop_index(index).await
    }
}
