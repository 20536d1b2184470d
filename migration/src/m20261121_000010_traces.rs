//! The trace that a webhook came with goes on where its work does.

use sea_orm_migration::{prelude::*, schema::string_len_null};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// The tables whose rows are worked on later than they are written.
const TABLES: &[&str] = &["webhook_delivery", "ticket_operation"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        for table in TABLES {
            // As in a `traceparent` header of version 00 (W3C Trace Context): 55 characters.
            let column = string_len_null("trace_context", 55);
            m.alter_table(Table::alter().table(*table).add_column(column).take()).await?;
        }
        Ok(())
    }

    async fn down(&self, m: &SchemaManager) -> Result<(), DbErr> {
        for table in TABLES {
            m.alter_table(Table::alter().table(*table).drop_column("trace_context").take()).await?;
        }
        Ok(())
    }
}
