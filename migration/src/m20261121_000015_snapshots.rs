//! What scan or snapshot a finding belongs to: a snapshot ends only findings of its own scope.

use sea_orm_migration::{prelude::*, schema::string_len_null};

use crate::columns::index;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        let scope = string_len_null("scope_key", 255);
        m.alter_table(Table::alter().table("finding").add_column(scope).take()).await?;
        m.create_index(index("finding", "scope", &["organization_id", "company_id", "source", "scope_key"]))
            .await
    }

    async fn down(&self, m: &SchemaManager) -> Result<(), DbErr> {
        let mut index = Index::drop();
        index.name("ix_finding_scope").table("finding");
        m.drop_index(index).await?;
        m.alter_table(Table::alter().table("finding").drop_column("scope_key").take()).await
    }
}
