//! What becomes of webhooks that come at the same moment, and share a commit.

use futures_util::future::join_all;
use reqwest::StatusCode;
use sea_orm::{ConnectionTrait as _, DbErr};
use serde_json::json;

use crate::support::{Place, TestApp, finding};

#[tokio::test(flavor = "multi_thread")]
async fn one_that_the_database_refuses_takes_no_neighbour_with_it() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.ready().await;
    let db = app.app.ground.db.reader();
    let (spoil, mend): (&[&str], &str) = if app.app.ground.db.is_sqlite() {
        let rule = "CREATE TRIGGER spoiled BEFORE INSERT ON webhook_delivery WHEN NEW.message_id = 'spoiled'
                    BEGIN SELECT RAISE(ABORT, 'spoiled'); END";
        (&[rule], "DROP TRIGGER spoiled")
    } else {
        let fails = "CREATE FUNCTION spoiled() RETURNS trigger LANGUAGE plpgsql AS $$
                     BEGIN RAISE EXCEPTION 'spoiled'; END $$";
        let rule = "CREATE TRIGGER spoiled BEFORE INSERT ON webhook_delivery FOR EACH ROW
                    WHEN (NEW.message_id = 'spoiled') EXECUTE FUNCTION spoiled()";
        (&[fails, rule], "DROP TRIGGER spoiled ON webhook_delivery")
    };
    for rule in spoil {
        db.execute_unprepared(rule).await.expect("a database that takes no such webhook");
    }

    let ids: Vec<String> =
        (0..40).map(|n| if n == 17 { "spoiled".to_owned() } else { format!("m{n}") }).collect();
    let event = finding("CVE-1");
    let posted = join_all(ids.iter().map(|id| acme.posts_as(id, &event))).await;
    for (id, posted) in ids.iter().zip(posted) {
        let expected = if id == "spoiled" { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::ACCEPTED };
        assert_eq!(posted.status, expected, "{id}: {}", posted.body);
    }
    assert_eq!(acme.deliveries().await.len(), 39);

    db.execute_unprepared(mend).await.expect("a sound database");
    acme.posts_as("spoiled", &event).await.is_accepted();
    assert_eq!(acme.deliveries().await.len(), 40);
}

#[tokio::test(flavor = "multi_thread")]
async fn repetitions_at_the_same_moment_are_one_delivery_and_counted() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.ready().await;
    let event = finding("CVE-1");
    let posted = join_all((0..60).map(|n| acme.posts_as(if n % 3 == 0 { "a" } else { "b" }, &event))).await;
    for posted in &posted {
        posted.is_accepted();
    }
    for n in 0..60 {
        let first = usize::from(n % 3 != 0);
        assert_eq!(posted[n].delivery(), posted[first].delivery(), "each is told the first one");
    }
    let mut counts: Vec<_> =
        acme.deliveries().await.iter().map(|row| row["duplicateCount"].as_i64()).collect();
    counts.sort_unstable();
    assert_eq!(counts, [Some(19), Some(39)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_waits_for_who_writes_and_is_stored_then() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.ready().await;
    let (begun, has_begun) = tokio::sync::oneshot::channel();
    let (go_on, may_go_on) = tokio::sync::oneshot::channel::<()>();
    let db = app.app.ground.db.clone();
    let writing = tokio::spawn(async move {
        db.write::<(), DbErr, _>(move |tx| {
            Box::pin(async move {
                tx.execute_unprepared("UPDATE organization SET name = name").await?;
                let _ = begun.send(());
                let _ = may_go_on.await;
                Ok(())
            })
        })
        .await
    });
    has_begun.await.expect("a transaction");
    let event = finding("CVE-1");
    let mut posting = Box::pin(acme.posts(&event));
    if app.app.ground.db.is_sqlite() {
        let waits = tokio::time::timeout(std::time::Duration::from_millis(300), &mut posting).await;
        assert!(waits.is_err(), "an embedded database has one writer at a time");
    }
    go_on.send(()).expect("it waits");
    posting.await.is_accepted();
    writing.await.expect("no panic").expect("a commit");
    assert_eq!(acme.deliveries().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn senders_do_not_notice_that_connections_were_cut() {
    let app = TestApp::start().await;
    if app.app.ground.db.is_sqlite() {
        return; // there is nothing to cut
    }
    let acme = app.msp("acme").await.ready().await;
    for n in 0..3 {
        let events: Vec<_> = (0..10).map(|m| finding(&format!("CVE-{n}-{m}"))).collect();
        for posted in join_all(events.iter().map(|event| acme.posts(event))).await {
            posted.is_accepted();
        }
        let cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                   WHERE datname = current_database() AND pid <> pg_backend_pid()";
        app.app.ground.db.reader().execute_unprepared(cut).await.expect("cut");
    }
    // Lists are read over the pool's connections, which are found out to be gone one by one.
    crate::support::wait_until("the deliveries are read", || async {
        app.http.get(app.url("/health/ready")).send().await.is_ok_and(|ready| ready.status().is_success())
    })
    .await;
    assert_eq!(acme.deliveries().await.len(), 30);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_of_an_embedded_database_stays_short_while_webhooks_come() {
    let app = TestApp::start().await;
    if !app.app.ground.db.is_sqlite() {
        return; // PostgreSQL looks after its own
    }
    let acme = app.msp("acme").await.ready().await;
    // Many at once, so that there are few commits, and large ones.
    let filler = "x".repeat(900_000);
    let mut longest = 0;
    for n in 0..10 {
        let bodies: Vec<_> =
            (0..32).map(|m| json!({ "n": n * 32 + m, "filler": filler }).to_string()).collect();
        for posted in join_all(bodies.iter().map(|body| acme.posts_raw(body.as_bytes()))).await {
            posted.is_accepted();
        }
        longest = longest.max(log_bytes(&app.place));
    }
    assert!(longest > 1_000_000, "it is the log that is looked at");
    assert!(longest < 200_000_000, "288 MB were stored, and the log was {longest} bytes long");
}

/// How long the write-ahead logs in the folder of a gateway are.
fn log_bytes(place: &Place) -> u64 {
    let files = std::fs::read_dir(place.dir()).expect("a folder");
    files
        .flatten()
        .filter(|file| file.file_name().to_string_lossy().ends_with("-wal"))
        .map(|file| file.metadata().map_or(0, |data| data.len()))
        .sum()
}
