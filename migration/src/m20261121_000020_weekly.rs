//! Maintenance windows that come back every week.

use sea_orm_migration::{prelude::*, schema::json_binary_null};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        let weekly = json_binary_null("weekly").take();
        m.alter_table(Table::alter().table("maintenance_window").add_column(weekly).take()).await
    }

    async fn down(&self, m: &SchemaManager) -> Result<(), DbErr> {
        m.alter_table(Table::alter().table("maintenance_window").drop_column("weekly").take()).await
    }
}
