//! The index in whose order a lane's operations are looked through has all of that order: rows that are due at the same
//! time need not be read to sort them.

use sea_orm_migration::prelude::*;

use crate::columns::index;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

async fn make(m: &SchemaManager<'_>, columns: &[&'static str]) -> Result<(), DbErr> {
    let mut former = Index::drop();
    former.name("ix_ticket_operation_run").table("ticket_operation");
    m.drop_index(former).await?;
    m.create_index(index("ticket_operation", "run", columns)).await
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        make(m, &["psa_connection_id", "state", "run_at", "id"]).await
    }

    async fn down(&self, m: &SchemaManager) -> Result<(), DbErr> {
        make(m, &["psa_connection_id", "state", "run_at"]).await
    }
}
