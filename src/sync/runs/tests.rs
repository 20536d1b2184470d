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
    let done = ground.db.write(move |tx| {
        Box::pin(async move {
            progress(tx, id, 40, Some(50), now).await?;
            finish(tx, id, now).await
        })
    });
    done.await.unwrap();
    let done = sync_run::Entity::find_by_id(id).one(ground.db.reader()).await.unwrap().unwrap();
    assert_eq!((done.done_count, done.total_count), (40, Some(40)), "all there was");
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
