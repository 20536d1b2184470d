//! Test tickets have an index of their own: kept counts leave them out, so that the length of a list of tickets is
//! what is kept and these few.

use sea_orm_migration::{prelude::*, sea_orm::DbBackend};

use crate::columns::index;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

fn test_tickets() -> IndexCreateStatement {
    let mut index = index("ticket", "test", &["organization_id", "state"]);
    index.and_where(Expr::col("is_test")).take()
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        // What is left of an attempt that was cut off is of no use.
        m.get_connection().execute_unprepared("DROP INDEX IF EXISTS ix_ticket_test").await?;
        let mut index = test_tickets();
        if m.get_database_backend() == DbBackend::Postgres {
            // Tickets are written meanwhile.
            index.concurrently();
        }
        m.create_index(index).await
    }

    async fn down(&self, m: &SchemaManager) -> Result<(), DbErr> {
        m.get_connection().execute_unprepared("DROP INDEX IF EXISTS ix_ticket_test").await.map(|_| ())
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(false)
    }
}
