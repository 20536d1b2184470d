//! Organizations that live in another shard, or are on their way there.

use sea_orm_migration::{prelude::*, schema::string_len_null};

use crate::columns::time_null;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        for column in [string_len_null("moving_to", 32), time_null("moved_at")] {
            m.alter_table(Table::alter().table("organization").add_column(column).take()).await?;
        }
        Ok(())
    }

    async fn down(&self, m: &SchemaManager) -> Result<(), DbErr> {
        for column in ["moved_at", "moving_to"] {
            m.alter_table(Table::alter().table("organization").drop_column(column).take()).await?;
        }
        Ok(())
    }
}
