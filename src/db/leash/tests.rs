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

/// Takes every connection for reading with a query that takes hours, each on a leash of its own.
async fn all_busy(db: &Db, leashes: &[Leash]) -> Vec<tokio::task::JoinHandle<Option<Result<(), DbErr>>>> {
    let work = |leash: &Leash| {
        let (leash, db) = (leash.clone(), db.clone());
        tokio::spawn(async move { leash.hold(slow(db)).await })
    };
    let tasks: Vec<_> = leashes.iter().map(work).collect();
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
    let leashes = [(); 4].map(|()| Leash::new(Duration::from_hours(1)));
    let tasks = all_busy(&ground.db, &leashes).await;
    leashes.iter().for_each(Leash::cut);
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

/// Which of the server's processes answers.
async fn process(db: &Db) -> i32 {
    let ask = Statement::from_string(db.reader().get_database_backend(), "SELECT pg_backend_pid() AS pid");
    let row = db.reader().query_one_raw(ask).await.unwrap().unwrap();
    row.try_get("", "pid").unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_hangs_on_one_leash_goes_over_one_connection_of_postgresql_and_gives_it_back() {
    let ground = testing::ground().await;
    let Some(pool) = ground.db.postgres_pool() else { return };
    let (organization, _) = ground.organization("acme").await;
    let db = &ground.db;
    let leash = Leash::new(Duration::from_secs(10));
    let asked = leash.hold(async {
        let first = process(db).await;
        let (second, third) = tokio::join!(process(db), process(db));
        assert_eq!((second, third), (first, first), "and all at once wait for each other");
        let held = pool.size() as usize - pool.num_idle();
        // For another organization it is taken anew.
        let role = "SELECT current_setting('role') AS role";
        let role = Statement::from_string(db.reader().get_database_backend(), role);
        let walled = crate::db::walled::within(Some(organization.id), db.reader().query_one_raw(role));
        let role: String = walled.await.unwrap().unwrap().try_get("", "role").unwrap();
        assert_eq!(role, crate::db::walled::ROLE);
        held
    });
    assert!(asked.await.unwrap() >= 1);
    let end = std::time::Instant::now() + Duration::from_secs(20);
    while pool.num_idle() < pool.size() as usize {
        assert!(std::time::Instant::now() < end, "the connection comes back");
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn those_who_read_and_then_write_do_not_wait_for_each_others_connections() {
    let ground = testing::ground().await;
    // More than there are connections.
    let begun = Arc::new(tokio::sync::Barrier::new(4));
    let work = |_| {
        let (db, begun) = (ground.db.clone(), begun.clone());
        tokio::spawn(async move {
            let work = async {
                let ask = Statement::from_string(db.reader().get_database_backend(), "SELECT 1 AS one");
                db.reader().query_one_raw(ask).await?;
                begun.wait().await;
                db.write::<(), DbErr, _>(|_| Box::pin(async { Ok(()) })).await
            };
            Leash::new(Duration::from_secs(30)).hold(work).await
        })
    };
    for task in (0..4).map(work).collect::<Vec<_>>() {
        task.await.unwrap().unwrap().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn on_one_leash_each_database_is_asked_itself() {
    let (one, other) = (testing::ground().await, testing::ground().await);
    if one.db.is_sqlite() {
        return; // there no connection is kept
    }
    let name = async |db: &Db| {
        let statement = Statement::from_string(
            db.reader().get_database_backend(),
            "SELECT current_database()::text AS name",
        );
        let row = db.reader().query_one_raw(statement).await.unwrap().unwrap();
        row.try_get::<String>("", "name").unwrap()
    };
    let alone = [name(&one.db).await, name(&other.db).await];
    let leash = Leash::new(Duration::from_secs(20));
    let asked = leash
        .hold(async { [name(&one.db).await, name(&other.db).await, name(&one.db).await] })
        .await
        .unwrap();
    assert_ne!(alone[0], alone[1]);
    assert_eq!(asked, [alone[0].clone(), alone[1].clone(), alone[0].clone()]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_next_query_goes_over_the_same_connection_and_sees_its_own_organization_only() {
    let ground = testing::ground().await;
    if ground.db.is_sqlite() {
        return; // there a connection is a file that is open already
    }
    let (acme, _) = ground.organization("acme").await;
    let (globex, _) = ground.organization("globex").await;
    let count = |db: &Db| {
        let db = db.clone();
        async move {
            let names =
                Statement::from_string(db.reader().get_database_backend(), "SELECT slug FROM organization");
            let rows = db.reader().query_all_raw(names).await.unwrap();
            let mut slugs: Vec<String> = rows.iter().map(|row| row.try_get("", "slug").unwrap()).collect();
            slugs.sort();
            (process(&db).await, slugs)
        }
    };
    let mut processes = Vec::new();
    for (within, seen) in [
        (None, vec!["acme", "globex"]),
        (None, vec!["acme", "globex"]),
        (Some(acme.id), vec!["acme"]),
        (Some(acme.id), vec!["acme"]),
        (Some(globex.id), vec!["globex"]),
        (None, vec!["acme", "globex"]),
    ] {
        let leash = Leash::new(Duration::from_secs(10));
        let work = crate::db::walled::within(within, leash.hold(count(&ground.db)));
        let (process, slugs) = work.await.unwrap();
        assert_eq!(slugs, seen);
        processes.push(process);
    }
    assert!(processes.iter().all(|process| *process == processes[0]), "{processes:?}");
    // Who writes, or reads without anybody waiting, has a connection that belongs to no organization.
    assert_eq!(count(&ground.db).await.1, ["acme", "globex"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_broke_between_two_queries_is_not_noticed() {
    let ground = testing::ground().await;
    if ground.db.is_sqlite() {
        return; // nothing breaks there
    }
    let asked = async |leash: &Leash| leash.hold(process(&ground.db)).await.unwrap();
    let leash = || Leash::new(Duration::from_secs(10));
    let first = asked(&leash()).await;
    assert_eq!(asked(&leash()).await, first);
    let end = format!("SELECT pg_terminate_backend({first}, 5000)");
    ground
        .db
        .write::<_, DbErr, _>(move |tx| Box::pin(async move { tx.execute_unprepared(&end).await }))
        .await
        .unwrap();
    assert_ne!(asked(&leash()).await, first);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_query_that_was_cut_leaves_nothing_to_the_next_one() {
    let ground = testing::ground().await;
    let leash = Leash::new(Duration::from_hours(1));
    let (held, db) = (leash.clone(), ground.db.clone());
    let task = tokio::spawn(async move { held.hold(slow(db)).await });
    tokio::task::yield_now().await;
    leash.cut();
    assert!(task.await.unwrap().is_none());
    let ask = async {
        let one = Statement::from_string(ground.db.reader().get_database_backend(), "SELECT 7 AS n");
        ground.db.reader().query_one_raw(one).await.unwrap().unwrap().try_get::<i32>("", "n").unwrap()
    };
    assert_eq!(Leash::new(Duration::from_secs(10)).hold(ask).await, Some(7));
}
