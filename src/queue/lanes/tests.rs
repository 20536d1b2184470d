use super::*;
use crate::testing;

#[tokio::test]
async fn no_more_lanes_call_at_once_than_their_budget_allows() {
    let ground = testing::ground().await;
    let (organization, viewer) = ground.organization("acme").await;
    let mut held = Vec::new();
    for name in ["one", "two", "three"] {
        let connection = testing::connection(&ground, &viewer, organization.id, name).await;
        let (id, now) = (connection.id, ground.clock.now());
        ground
            .db
            .write(move |tx| Box::pin(async move { Ok::<_, Error>(wake(tx, id, now).await?) }))
            .await
            .unwrap();
        held.push(claim(&ground, "node").await.unwrap().expect("a lane with work"));
    }
    // All three are held; they find out about each other as they ask.
    let may = async |lane: &lane::Model| may_call(&ground, lane, "autotask/acme", 2).await.unwrap();
    assert_eq!((may(&held[0]).await, may(&held[1]).await), (true, true));
    assert!(!may(&held[2]).await, "two are calling already");
    assert!(
        may_call(&ground, &held[2], "autotask/other", 2).await.unwrap(),
        "another budget is another matter"
    );
    assert!(!may(&held[2]).await);

    release(&ground, &held[0], Leaving::default()).await.unwrap();
    assert!(may(&held[2]).await, "a lane that was given back makes room");
    ground.clock.advance_secs(LEASE_SECS);
    assert!(may(&held[1]).await, "a lease that has run out counts no more");
}
