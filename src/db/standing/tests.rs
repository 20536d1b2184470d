use std::time::{Duration, Instant};

use sea_orm::{ConnectionTrait as _, DbErr, Statement};
use uuid::Uuid;

use crate::{
    db::{Db, walled},
    testing,
};

fn statement(db: &Db, sql: &str) -> Statement {
    Statement::from_string(db.reader().get_database_backend(), sql)
}

async fn number(db: &Db, sql: &str) -> Result<i32, DbErr> {
    db.reader().query_one_raw(statement(db, sql)).await?.expect("a row").try_get_by_index(0)
}

/// Which of the server's processes answers.
async fn process(db: &Db) -> i32 {
    number(db, "SELECT pg_backend_pid()").await.unwrap()
}

/// How many connections for reading there are, and how many of them lie in the pool.
fn pool(db: &Db) -> (usize, usize) {
    let (size, idle) = if let Some(pool) = db.postgres_pool() {
        (pool.size(), pool.num_idle())
    } else {
        let pool = db.reader().get_sqlite_connection_pool();
        (pool.size(), pool.num_idle())
    };
    (size as usize, idle)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn work_reads_over_a_connection_that_stands_ready_and_does_not_notice_that_it_broke() {
    let ground = testing::ground().await;
    let db = &ground.db;
    if db.is_sqlite() {
        return; // nothing breaks there
    }
    let (first, count) = (process(db).await, db.statements());
    assert_eq!(process(db).await, first);
    assert_eq!(db.statements(), count + 1, "and it is counted");
    let end = format!("SELECT pg_terminate_backend({first}, 5000)");
    db.write::<_, DbErr, _>(move |tx| Box::pin(async move { tx.execute_unprepared(&end).await }))
        .await
        .unwrap();
    assert_ne!(process(db).await, first);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_stands_behind_a_wall_reads_over_another_connection() {
    let ground = testing::ground().await;
    let db = &ground.db;
    if db.is_sqlite() {
        return; // it has no roles
    }
    let role = "SELECT (current_setting('role') = 'psa_gateway_walled')::int";
    assert_eq!(number(db, role).await, Ok(0));
    let walled = walled::within(Some(Uuid::from_u128(1)), number(db, role)).await;
    assert_eq!(walled, Ok(1));
    assert_eq!(number(db, role).await, Ok(0), "nor is anything left of it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_is_given_up_or_refused_leaves_nothing_to_the_next() {
    let ground = testing::ground().await;
    let db = &ground.db;
    for n in 0..50 {
        let many = "WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 3000) \
                    SELECT x FROM n";
        let given_up = tokio::spawn({
            let db = db.clone();
            async move { db.reader().query_all_raw(statement(&db, many)).await }
        });
        tokio::task::yield_now().await;
        given_up.abort();
        let refused = number(db, "SELECT no_such_column").await.unwrap_err();
        assert!(refused.to_string().contains("no_such_column"), "{refused}");
        assert_eq!(number(db, &format!("SELECT {n}")).await, Ok(n));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_nobody_reads_over_goes_back_to_the_pool() {
    let ground = testing::ground().await;
    let db = &ground.db;
    number(db, "SELECT 1").await.unwrap();
    let (size, idle) = pool(db);
    assert!(idle < size, "it stands ready: {idle} of {size} lie in the pool");
    let end = Instant::now() + Duration::from_secs(20);
    while pool(db).1 < pool(db).0 {
        assert!(Instant::now() < end, "it goes back");
        tokio::task::yield_now().await;
    }
}
