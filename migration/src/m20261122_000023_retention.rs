//! Raw bodies go after a while, and what was decided of them after a longer one.
//!
//! What stays counted: a delivery whose body went before it went itself is not taken back from the statistics.

use sea_orm_migration::prelude::*;

use crate::columns::time_null;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const WHOLE: &str = "ix_webhook_delivery_whole";
const DECIDED: &str = "OLD.state <> 'received'";
const DECIDED_AND_WHOLE: &str = "OLD.state <> 'received' AND OLD.body_removed_at IS NULL";

/// Has the trigger that takes deleted deliveries back from the counts fire on this condition.
async fn take_back_where(m: &SchemaManager<'_>, condition: &str) -> Result<(), DbErr> {
    const NAME: &str = "tally_delivery_delete";
    let db = m.get_connection();
    if m.get_database_backend() == sea_orm::DbBackend::Postgres {
        let trigger = format!(
            "DROP TRIGGER {NAME} ON webhook_delivery; \
             CREATE TRIGGER {NAME} AFTER DELETE ON webhook_delivery FOR EACH ROW WHEN ({condition}) \
             EXECUTE FUNCTION {NAME}()"
        );
        return db.execute_unprepared(&trigger).await.map(|_| ());
    }
    let count = |about: &str, state: &str, count: &str, more: &str| {
        format!(
            "INSERT INTO tally_delta (organization_id, about, company_id, day, place_id, severity, state, count, \
             timed, seconds) SELECT OLD.organization_id, '{about}', x'00000000000000000000000000000000', \
             OLD.received_at / 86400000000, OLD.webhook_endpoint_id, 0, {state}, -1 * {count}, 0, 0 \
             WHERE OLD.state <> 'received'{more}"
        )
    };
    let trigger = format!(
        "DROP TRIGGER {NAME};\nCREATE TRIGGER {NAME} AFTER DELETE ON webhook_delivery FOR EACH ROW WHEN {condition} BEGIN\n{};\n{};\nEND",
        count("delivery", "OLD.state", "1", ""),
        count("delivery_repeated", "''", "OLD.duplicate_count", " AND OLD.duplicate_count > 0"),
    );
    db.execute_unprepared(&trigger).await.map(|_| ())
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        let removed = time_null("body_removed_at");
        m.alter_table(Table::alter().table("webhook_delivery").add_column(removed).take()).await?;
        let mut index = Index::create();
        index.name(WHOLE).table("webhook_delivery").col("state").col("decided_at").col("id");
        // Neither what waits for its turn, nor what has lost its body: the most by far.
        index.and_where(Expr::col("run_at").is_null()).and_where(Expr::col("body_removed_at").is_null());
        m.create_index(index.take()).await?;
        take_back_where(m, DECIDED_AND_WHOLE).await?;
        let used = time_null("used_at");
        m.alter_table(Table::alter().table("policy_snapshot").add_column(used).take()).await
    }

    async fn down(&self, m: &SchemaManager) -> Result<(), DbErr> {
        m.alter_table(Table::alter().table("policy_snapshot").drop_column("used_at").take()).await?;
        take_back_where(m, DECIDED).await?;
        let mut index = Index::drop();
        index.name(WHOLE).table("webhook_delivery");
        m.drop_index(index).await?;
        m.alter_table(Table::alter().table("webhook_delivery").drop_column("body_removed_at").take()).await
    }
}
