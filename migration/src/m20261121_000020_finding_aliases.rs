//! The keys that findings had before: a sender, or its adapter, may name the same problem by another one later.

use sea_orm_migration::{
    prelude::*,
    schema::{string_len, uuid},
};

use crate::columns::{index, owned, target_key, time, unique, within};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const CASCADE: ForeignKeyAction = ForeignKeyAction::Cascade;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        m.create_table(
            owned("finding_alias")
                .col(uuid("company_id"))
                .col(string_len("source", 100))
                .col(string_len("key", 255))
                .col(uuid("finding_id"))
                .col(time("created_at"))
                .foreign_key(&mut within(
                    "finding_alias",
                    "company_id",
                    "company",
                    ForeignKeyAction::Restrict,
                ))
                .foreign_key(&mut within("finding_alias", "finding_id", "finding", CASCADE))
                .take(),
        )
        .await?;
        m.create_index(target_key("finding_alias")).await?;
        // One finding a key.
        m.create_index(unique("finding_alias", "key", &["organization_id", "company_id", "source", "key"]))
            .await?;
        m.create_index(index("finding_alias", "finding", &["finding_id"])).await
    }

    async fn down(&self, m: &SchemaManager) -> Result<(), DbErr> {
        m.drop_table(Table::drop().table("finding_alias").take()).await
    }
}
