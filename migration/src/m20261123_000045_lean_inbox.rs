//! Taking a webhook in costs the database less.
//!
//! A delivery that came in is not counted before it is decided, and so no trigger looks at it: for a table with one,
//! SQLite writes down every page that an insert touches, to be able to take that one insert back. And PostgreSQL packs
//! bodies with LZ4, where it was built with that, and asks whether their organization is there only once: their
//! endpoint's row says so, too.

use sea_orm_migration::{prelude::*, sea_orm::DbBackend};

use crate::m20261121_000009_tallies as tallies;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const ORGANIZATION: &str = "fk_webhook_delivery_organization";

/// Has PostgreSQL pack what is large of a delivery in this way; left as it is by a server that does not know it.
fn pack(how: &str) -> String {
    format!(
        "DO $$ BEGIN EXECUTE 'ALTER TABLE webhook_delivery ALTER COLUMN body SET COMPRESSION {how}, \
         ALTER COLUMN headers SET COMPRESSION {how}'; \
         EXCEPTION WHEN feature_not_supported OR syntax_error THEN NULL; END $$"
    )
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        let db = m.get_connection();
        db.execute_unprepared(&tallies::drop_trigger(m, tallies::DELIVERY_INSERT)).await?;
        if m.get_database_backend() == DbBackend::Postgres {
            let drop = format!("ALTER TABLE webhook_delivery DROP CONSTRAINT {ORGANIZATION}");
            db.execute_unprepared(&drop).await?;
            db.execute_unprepared(&pack("lz4")).await?;
        }
        Ok(())
    }

    async fn down(&self, m: &SchemaManager) -> Result<(), DbErr> {
        let db = m.get_connection();
        if m.get_database_backend() == DbBackend::Postgres {
            db.execute_unprepared(&pack("default")).await?;
            let add = format!(
                "ALTER TABLE webhook_delivery ADD CONSTRAINT {ORGANIZATION} \
                 FOREIGN KEY (organization_id) REFERENCES organization (id)"
            );
            db.execute_unprepared(&add).await?;
        }
        tallies::make_trigger(m, tallies::DELIVERY_INSERT).await
    }
}
