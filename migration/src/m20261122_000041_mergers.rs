//! Organizations that were merged into another one.

use sea_orm_migration::{prelude::*, schema::uuid_null};

use crate::columns::{index, time_null};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        for column in [uuid_null("merged_into_id"), time_null("merged_at")] {
            m.alter_table(Table::alter().table("organization").add_column(column).take()).await?;
        }
        // Who refers to a PSA company is looked for, one company at a time, where it goes or changes hands.
        m.create_index(index("ticket", "psa_company", &["psa_company_id"])).await?;
        m.create_index(index("company_import_item", "psa_company", &["psa_company_id"])).await
    }

    async fn down(&self, m: &SchemaManager) -> Result<(), DbErr> {
        for table in ["company_import_item", "ticket"] {
            let mut index = Index::drop();
            index.name(format!("ix_{table}_psa_company")).table(table);
            m.drop_index(index).await?;
        }
        for column in ["merged_at", "merged_into_id"] {
            m.alter_table(Table::alter().table("organization").drop_column(column).take()).await?;
        }
        Ok(())
    }
}
