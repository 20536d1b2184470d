use sea_orm::{ConnectionTrait as _, DbErr, Statement};

use super::*;
use crate::{db::Db, testing};

/// A query that would take hours.
async fn slow(db: Db) -> Result<(), DbErr> {
    let endless = "WITH RECURSIVE n (x) AS (SELECT CAST(1 AS BIGINT) UNION ALL SELECT x + 1 FROM n \
                   WHERE x < 1000000000000) SELECT MAX(x) AS x FROM n";
    let statement = Statement::from_string(db.reader().get_database_backend(), endless);
    db.reader().query_one_raw(statement).await.map(|_| ())
}

/// How many connections for reading are free.
fn idle(db: &Db) -> usize {
    match db.postgres_pool() {
        Some(pool) => pool.num_idle(),
        None => db.reader().get_sqlite_connection_pool().num_idle(),
    }
}

/// Takes every connection for reading with a query that takes hours.
async fn all_busy(db: &Db, leash: &Leash) -> Vec<tokio::task::JoinHandle<Option<Result<(), DbErr>>>> {
    let work = |_| {
        let (leash, db) = (leash.clone(), db.clone());
        tokio::spawn(async move { leash.hold(slow(db)).await })
    };
    let tasks: Vec<_> = (0..4).map(work).collect();
    let end = std::time::Instant::now() + Duration::from_secs(20);
    let total = || match db.postgres_pool() {
        Some(pool) => pool.size(),
        None => db.reader().get_sqlite_connection_pool().size(),
    };
    while total() < 4 || idle(db) > 0 {
        assert!(std::time::Instant::now() < end, "the queries begin");
        tokio::task::yield_now().await;
    }
    tasks
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cut_leash_stops_the_statement_in_the_database() {
    let ground = testing::ground().await;
    let leash = Leash::new(Duration::from_hours(1));
    let tasks = all_busy(&ground.db, &leash).await;
    leash.cut();
    for task in tasks {
        assert!(task.await.unwrap().is_none(), "nobody waits for it");
    }
    // Every connection was busy: this waits for one until it gives up, where a statement still runs.
    ground.db.ping().await.unwrap();
    if !ground.db.is_sqlite() {
        let running = "SELECT count(*) AS n FROM pg_stat_activity WHERE state = 'active' \
                       AND datname = current_database() AND query LIKE 'WITH RECURSIVE%'";
        let statement = Statement::from_string(ground.db.reader().get_database_backend(), running);
        let end = std::time::Instant::now() + Duration::from_secs(20);
        loop {
            let row = ground.db.reader().query_one_raw(statement.clone()).await.unwrap().unwrap();
            if row.try_get::<i64>("", "n").unwrap() == 0 {
                break;
            }
            assert!(std::time::Instant::now() < end, "the server still works");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_postgresql_a_statement_has_a_limit_of_its_own_and_the_next_one_has_none() {
    let ground = testing::ground().await;
    if ground.db.is_sqlite() {
        return; // the progress handler is all there is, and all that is needed
    }
    let db = ground.db.clone();
    let result = Leash::new(Duration::ZERO).hold(slow(db)).await;
    assert!(result.unwrap().unwrap_err().to_string().contains("statement timeout"));
    let show = Statement::from_string(ground.db.reader().get_database_backend(), "SHOW statement_timeout");
    let row = ground.db.reader().query_one_raw(show).await.unwrap().unwrap();
    assert_eq!(row.try_get::<String>("", "statement_timeout").unwrap(), "0");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_works_for_another_goes_with_it_and_after_it() {
    let leash = Leash::new(Duration::from_hours(1));
    let (answer, wanted) = tokio::sync::oneshot::channel::<()>();
    let helper = async {
        let task = tokio::spawn(carried(async move {
            std::future::pending::<()>().await;
            drop(answer);
        }));
        // Fails where the answer is dropped before whoever waits for it.
        wanted.await.unwrap();
        drop(task);
    };
    let (work, cutting) = (leash.hold(helper), async { leash.cut() });
    assert!(tokio::join!(work, cutting).0.is_none());
}
