//! Taking in and deciding write less.
//!
//! Rows that have nothing in an indexed column leave its index: what is decided is not due, a ticket that is planned has
//! no number yet, most findings are of no snapshot. And PostgreSQL has room for a claim in the delivery's own page, so
//! that it need not write the other indexes anew.

use sea_orm_migration::{prelude::*, sea_orm::DbBackend};

use crate::columns::{index, unique};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// Table, name, columns, and the one of them that says something.
type Indexed = (&'static str, &'static str, &'static [&'static str], &'static str);

const INDEXES: &[Indexed] = &[
    ("webhook_delivery", "run", &["run_at"], "run_at"),
    ("finding", "baseline", &["organization_id", "baseline_endpoint_id"], "baseline_endpoint_id"),
    ("finding", "scope", &["organization_id", "company_id", "source", "scope_key"], "scope_key"),
    ("event", "ticket", &["ticket_id", "created_at", "id"], "ticket_id"),
    ("event", "finding", &["finding_id", "created_at", "id"], "finding_id"),
    ("ticket", "exact_id", &["organization_id", "external_id"], "external_id"),
    ("ticket", "exact_number", &["organization_id", "external_number"], "external_number"),
    ("ticket", "refresh", &["psa_connection_id", "refresh_at"], "refresh_at"),
];
const KEYS: &[Indexed] = &[
    ("ticket", "external", &["psa_connection_id", "external_id"], "external_id"),
    ("ticket", "open_group", &["organization_id", "psa_connection_id", "open_group_key"], "open_group_key"),
];

/// Makes the indexes anew: of the rows that say something, or of all.
async fn make(m: &SchemaManager<'_>, is_partial: bool) -> Result<(), DbErr> {
    let indexes = INDEXES.iter().map(|made| (made, false)).chain(KEYS.iter().map(|made| (made, true)));
    for ((table, name, columns, says), is_key) in indexes {
        let mut former = Index::drop();
        former.name(format!("ix_{table}_{name}")).table(*table);
        m.drop_index(former).await?;
        let mut made = if is_key { unique(table, name, columns) } else { index(table, name, columns) };
        if is_partial {
            made.and_where(Expr::col(*says).is_not_null());
        }
        m.create_index(made).await?;
    }
    Ok(())
}

/// Has PostgreSQL fill new pages of deliveries to so many percent.
async fn fill(m: &SchemaManager<'_>, percent: u8) -> Result<(), DbErr> {
    if m.get_database_backend() == DbBackend::Postgres {
        let statement = format!("ALTER TABLE webhook_delivery SET (fillfactor = {percent})");
        m.get_connection().execute_unprepared(&statement).await?;
    }
    Ok(())
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        make(m, true).await?;
        fill(m, 50).await
    }

    async fn down(&self, m: &SchemaManager) -> Result<(), DbErr> {
        make(m, false).await?;
        fill(m, 100).await
    }
}
