//! When the database was put back from a back-up: what was done since the back-up is looked for in the PSAs.

use sea_orm_migration::prelude::*;

use crate::columns::{time, with_id};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        m.create_table(with_id("restoration").col(time("state_of")).col(time("restored_at")).take()).await
    }

    async fn down(&self, m: &SchemaManager) -> Result<(), DbErr> {
        m.drop_table(Table::drop().table("restoration").take()).await
    }
}
