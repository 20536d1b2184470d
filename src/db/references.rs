//! References between rows that change hands together.

use sea_orm::{ConnectionTrait as _, DatabaseTransaction, DbBackend, DbErr};

/// From here on references within an organization are looked at when this transaction ends, not at each statement: what
/// changes hands refers to what still is the other's meanwhile.
pub async fn look_at_the_end(tx: &DatabaseTransaction) -> Result<(), DbErr> {
    let statement = match tx.get_database_backend() {
        DbBackend::Postgres => "SET CONSTRAINTS ALL DEFERRED",
        _ => "PRAGMA defer_foreign_keys = ON",
    };
    tx.execute_unprepared(statement).await.map(|_| ())
}

#[cfg(test)]
mod tests {
    use sea_orm::Statement;

    use super::*;
    use crate::testing;

    #[tokio::test]
    async fn every_reference_within_an_organization_can_wait_for_the_end() {
        let ground = testing::ground().await;
        if ground.db.is_sqlite() {
            return; // there all can
        }
        let stuck = ground
            .db
            .reader()
            .query_all_raw(Statement::from_string(
                DbBackend::Postgres,
                "SELECT conname::text AS name FROM pg_constraint
                 WHERE contype = 'f' AND array_length(conkey, 1) = 2 AND NOT condeferrable
                   AND connamespace = current_schema()::regnamespace",
            ))
            .await
            .unwrap();
        let stuck: Vec<String> = stuck.iter().map(|row| row.try_get("", "name").unwrap()).collect();
        assert_eq!(
            stuck,
            Vec::<String>::new(),
            "call in a migration of its own what m20261122_000041_references does"
        );
    }
}
