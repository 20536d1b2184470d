//! Policies as they stood: events refer to them instead of keeping what each of hundreds of policies said.

use sea_orm_migration::{prelude::*, schema::json_binary};

use crate::columns::{owned, time};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        m.create_table(owned("policy_snapshot").col(json_binary("filters")).col(time("created_at")).take())
            .await
    }

    async fn down(&self, m: &SchemaManager) -> Result<(), DbErr> {
        m.drop_table(Table::drop().table("policy_snapshot").take()).await
    }
}
