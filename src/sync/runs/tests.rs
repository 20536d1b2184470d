//! Readings are asked for once, and begun again where they were left behind.

use super::*;
use crate::testing;

#[tokio::test]
async fn the_same_reading_is_queued_once_and_taken_in_order() {
    let ground = testing::ground().await;
    let (acme, admin) = ground.organization("acme").await;
    let connection = testing::connection(&ground, &admin, acme.id, "Halo").await;
    let ask = async |wanted| request(&admin, &ground, connection.id, wanted).await.unwrap();
    let bakeries = || CompanyFilter { search: Some(" bak ".to_owned()), ..CompanyFilter::default() };
    let first = ask(Wanted::Companies(bakeries())).await;
    assert_eq!(company_filter(&first).search.as_deref(), Some("bak"));
    assert_eq!(ask(Wanted::Companies(bakeries())).await.id, first.id);
    ground.clock.advance_secs(1);
    let second = ask(Wanted::PickLists).await;
    assert_ne!(second.id, first.id);

    let next = async || next_run(ground.db.reader(), connection.id).await.unwrap().map(|run| run.id);
    let now = ground.clock.now();
    assert_eq!(next().await, Some(first.id));
    let id = first.id;
    ground.db.write(move |tx| Box::pin(async move { begin(tx, id, now).await })).await.unwrap();
    assert_eq!(next().await, Some(first.id), "begun and left behind");
    ground.clock.advance_secs(1);
    assert_ne!(
        ask(Wanted::Companies(bakeries())).await.id,
        first.id,
        "the one under way may be past the change"
    );
    let ground_of = Ground::clone(&ground);
    let done = ground.db.write::<_, Error, _>(move |tx| {
        Box::pin(async move {
            let failure =
                Failure { external_id: None, name: Some("Mill".to_owned()), message: "no".to_owned() };
            let counts = Counts { created: 30, unchanged: 9, failed: 1, ..Counts::default() };
            let failures = vec![failure];
            let one = Step { cursor: Some("2".to_owned()), read: 40, total: Some(50), counts, failures };
            step(tx, &ground_of, id, one).await?;
            finish(tx, id, now).await
        })
    });
    done.await.unwrap();
    let done = sync_run::Entity::find_by_id(id).one(ground.db.reader()).await.unwrap().unwrap();
    assert_eq!((done.done_count, done.total_count), (40, Some(40)), "all there was");
    assert_eq!((done.created_count, done.unchanged_count, done.failed_count), (30, 9, 1));
    let errors = sync_error::Entity::find().all(ground.db.reader()).await.unwrap();
    assert_eq!(errors[0].name.as_deref(), Some("Mill"));
    let over = ground.db.write(move |tx| Box::pin(async move { finish(tx, id, now).await })).await;
    assert!(matches!(over, Err(Error::NotFound)), "a run ends once");
    assert_eq!(next().await, Some(second.id));
    let id = second.id;
    ground.db.write(move |tx| Box::pin(async move { fail(tx, id, "no", now).await })).await.unwrap();
    assert_ne!(next().await, Some(second.id));
}

#[tokio::test]
async fn a_stranger_or_a_connection_that_is_off_gets_no_reading() {
    let ground = testing::ground().await;
    let (acme, admin) = ground.organization("acme").await;
    let (_, neighbour) = ground.organization("globex").await;
    let connection = testing::connection(&ground, &admin, acme.id, "Halo").await;
    let theirs = request(&neighbour, &ground, connection.id, Wanted::PickLists).await;
    assert!(matches!(theirs, Err(Error::NotFound)));
    let off =
        crate::organizations::connections::ConnectionChange { is_enabled: Some(false), ..Default::default() };
    crate::organizations::connections::update(&admin, &ground, connection.id, off).await.unwrap();
    let refused = request(&admin, &ground, connection.id, Wanted::PickLists).await;
    assert!(matches!(refused, Err(Error::Invalid(_))));
}

#[tokio::test]
async fn the_first_errors_of_a_run_are_kept_and_the_others_counted() {
    let ground = testing::ground().await;
    let (acme, admin) = ground.organization("acme").await;
    let connection = testing::connection(&ground, &admin, acme.id, "Halo").await;
    let run = request(&admin, &ground, connection.id, Wanted::PickLists).await.unwrap();
    let (ground_of, id, now) = (Ground::clone(&ground), run.id, ground.clock.now());
    let failed = |count: u64| {
        let failure = Failure { external_id: None, name: None, message: "mend it".to_owned() };
        let failures = vec![failure; usize::try_from(count).unwrap()];
        let counts = Counts { failed: count, ..Counts::default() };
        Step { cursor: Some("on".to_owned()), read: count, counts, failures, ..Step::default() }
    };
    let steps = [failed(150), failed(150)];
    ground
        .db
        .write::<_, Error, _>(move |tx| {
            Box::pin(async move {
                begin(tx, id, now).await?;
                for one in steps {
                    step(tx, &ground_of, id, one).await?;
                }
                Ok(())
            })
        })
        .await
        .unwrap();
    let kept = sync_error::Entity::find().all(ground.db.reader()).await.unwrap().len() as u64;
    let run = sync_run::Entity::find_by_id(id).one(ground.db.reader()).await.unwrap().unwrap();
    assert_eq!((kept, run.failed_count), (KEPT_ERRORS, 300));
    assert!(goes_on(&run));
    let stopped = cancel(&admin, &ground, id).await.unwrap();
    assert_eq!(stopped.status, SyncStatus::Cancelled);
    assert_eq!(next_run(ground.db.reader(), connection.id).await.unwrap(), None);
}
