use entity::notification::{NotificationKind, NotificationState};
use secrecy::SecretString;

use super::*;
use crate::{
    notifications::happenings,
    organizations::{
        subscribers::{self, NewSubscriber},
        viewer::Viewer,
    },
    queue::notifications::{After, Ended, begin, end, next},
    testing::{self, TestGround},
};

async fn subscriber(
    ground: &TestGround,
    viewer: &Viewer,
    organization_id: Uuid,
    name: &str,
) -> webhook_subscriber::Model {
    let new = NewSubscriber {
        organization_id,
        name: name.to_owned(),
        url: "https://hooks.example.com/in".to_owned(),
        kinds: None,
        policy_ids: None,
        secret: SecretString::from("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="),
        problems: Vec::new(),
    };
    subscribers::create(viewer, ground, new).await.unwrap()
}

async fn tell(ground: &TestGround, subscriber: &webhook_subscriber::Model) {
    let (ground_of, subscriber) = ((**ground).clone(), subscriber.clone());
    ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                happenings::test(tx, &ground_of, &subscriber).await?;
                Ok::<_, Error>(())
            })
        })
        .await
        .unwrap();
}

#[tokio::test]
async fn an_organization_with_many_slow_subscribers_leaves_room_for_the_others() {
    let ground = testing::ground().await;
    let (acme, of_acme) = ground.organization("acme").await;
    let (globex, of_globex) = ground.organization("globex").await;
    for name in ["one", "two", "three"] {
        tell(&ground, &subscriber(&ground, &of_acme, acme.id, name).await).await;
    }
    tell(&ground, &subscriber(&ground, &of_globex, globex.id, "other").await).await;
    let mut held = Vec::new();
    while let Some(lane) = claim(&ground, "node").await.unwrap() {
        held.push(lane);
    }
    let of = |id: Uuid| held.iter().filter(|lane| lane.organization_id == id).count();
    assert_eq!((of(acme.id), of(globex.id)), (2, 1), "two at a time of one organization");

    ground.clock.advance_secs(1);
    release(&ground, &held[0], Leaving::default()).await.unwrap();
    let third = claim(&ground, "node").await.unwrap().expect("there is room now");
    assert!(held.iter().all(|lane| lane.id != third.id), "who has had a turn stands behind who has not");
}

#[tokio::test]
async fn what_an_older_lease_finds_out_is_void_and_a_try_that_was_cut_off_is_made_again() {
    let ground = testing::ground().await;
    let (acme, viewer) = ground.organization("acme").await;
    let told = subscriber(&ground, &viewer, acme.id, "one").await;
    tell(&ground, &told).await;
    tell(&ground, &told).await;
    let held = claim(&ground, "first").await.unwrap().expect("a lane with work");
    assert!(claim(&ground, "second").await.unwrap().is_none(), "it is held");
    let first = next(&ground, &held).await.unwrap().expect("something to tell");
    assert_eq!((first.number, first.kind), (1, NotificationKind::WebhookTest));
    let id = first.id;
    let begun = async |node: &'static str| {
        let ground_of = (*ground).clone();
        let begun = ground
            .db
            .write(move |tx| Box::pin(async move { Ok::<_, Error>(begin(tx, &ground_of, id, node).await?) }));
        begun.await.unwrap().expect("still to be sent")
    };
    assert_eq!(begun("first").await.1.number, 1);

    ground.clock.advance_secs(LEASE_SECS);
    let again = claim(&ground, "second").await.unwrap().expect("its holder died");
    let now = ground.clock.now();
    let (old, new) = (held.clone(), again.clone());
    let holds = ground.db.write(move |tx| {
        Box::pin(async move {
            Ok::<_, Error>((still_held(tx, &old, now).await?, still_held(tx, &new, now).await?))
        })
    });
    assert_eq!(holds.await.unwrap(), (false, true));
    let taken_up = next(&ground, &again).await.unwrap().expect("the same");
    assert_eq!(taken_up.id, first.id, "the second waits for the first: they are of one subject");
    let begun = begun("second").await;
    assert_eq!(begun.1.number, 2);
    let ended = Ended { outcome: "done", response_status: Some(204), latency_ms: 5, message: None };
    let ground_of = (*ground).clone();
    ground
        .db
        .write(move |tx| {
            Box::pin(async move { Ok::<_, Error>(end(tx, &ground_of, begun, ended, After::Done).await?) })
        })
        .await
        .unwrap();
    let second = next(&ground, &again).await.unwrap().expect("the second one's turn");
    assert_eq!((second.number, second.state), (2, NotificationState::Ready));
}

#[tokio::test]
async fn workers_are_called_once_what_is_to_be_told_is_committed() {
    let ground = testing::ground().await;
    let (acme, viewer) = ground.organization("acme").await;
    let told = subscriber(&ground, &viewer, acme.id, "one").await;
    let mut calls = ground.db.news().watch(What::NotificationDue, None);
    let (ground_of, to) = ((*ground).clone(), told.clone());
    let undone = ground.db.write::<(), Error, _>(move |tx| {
        Box::pin(async move {
            happenings::test(tx, &ground_of, &to).await?;
            Err(Error::NotFound)
        })
    });
    assert!(undone.await.is_err());
    assert!(calls.waiting().is_none(), "nothing is to be told");
    tell(&ground, &told).await;
    assert_eq!(calls.waiting().map(|heard| heard.happened.id), Some(told.id));
    let now = ground.clock.now();
    let resumed =
        ground.db.write(move |tx| Box::pin(async move { Ok::<_, Error>(resume(tx, told.id, now).await?) }));
    resumed.await.unwrap();
    assert!(calls.waiting().is_some(), "and when its rest has ended");
}
