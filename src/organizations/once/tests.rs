//! A key and the change it stands for are written together, or neither is.

use entity::company;
use sea_orm::PaginatorTrait as _;

use super::*;
use crate::{
    organizations::companies,
    testing::{self, TestGround},
};

async fn kept(ground: &TestGround) -> u64 {
    idempotency_key::Entity::find().count(ground.db.reader()).await.unwrap()
}

fn once(viewer: &Viewer, ground: &TestGround, key: &str) -> Once {
    Once::of(viewer, ground, key, "companyCreate Bakery").unwrap()
}

#[tokio::test]
async fn a_change_that_breaks_off_leaves_no_key_and_one_that_is_repeated_changes_nothing() {
    let ground = testing::ground().await;
    let (acme, admin) = ground.organization("acme").await;
    let asked = once(&admin, &ground, "k-1");
    let (broken, ground_of) = (asked.clone(), ground.clone());
    let failed: Result<(), Error> = ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                broken.begin(tx).await?;
                broken.finish(tx, &ground_of, &Done::row(Uuid::nil())).await?;
                Err(Error::NotFound)
            })
        })
        .await;
    assert!(failed.is_err());
    assert_eq!((kept(&ground).await, asked.recall(&ground).await.unwrap().is_none()), (0, true));

    let viewer = admin.clone().asking_once(asked.clone());
    let made = companies::create(&viewer, &ground, acme.id, "Bakery").await.unwrap();
    assert_eq!(asked.recall(&ground).await.unwrap().unwrap().one(), Some(made.id));
    let viewer = admin.clone().asking_once(once(&admin, &ground, "k-1"));
    let again = companies::create(&viewer, &ground, acme.id, "Bakery").await;
    assert!(matches!(again, Err(Error::Repeated)), "{again:?}");
    assert_eq!(company::Entity::find().count(ground.db.reader()).await.unwrap(), 1);
    let other = Once::of(&admin, &ground, "k-1", "companyCreate Mill").unwrap();
    assert!(matches!(other.recall(&ground).await, Err(Error::KeyConflict)));
}

#[tokio::test]
async fn a_key_is_free_again_after_a_day_and_old_ones_are_removed() {
    let ground = testing::ground().await;
    let (acme, admin) = ground.organization("acme").await;
    let viewer = admin.clone().asking_once(once(&admin, &ground, "k-1"));
    companies::create(&viewer, &ground, acme.id, "Bakery").await.unwrap();
    ground.clock.advance_secs(KEPT_SECS - 1);
    assert!(once(&admin, &ground, "k-1").recall(&ground).await.unwrap().is_some());
    assert_eq!(trim(&ground).await.unwrap(), 0);
    ground.clock.advance_secs(1);
    let viewer = admin.clone().asking_once(once(&admin, &ground, "k-1"));
    assert!(viewer.once().recall(&ground).await.unwrap().is_none());
    companies::create(&viewer, &ground, acme.id, "Mill").await.unwrap();
    assert_eq!(kept(&ground).await, 1, "the old one made room");
    ground.clock.advance_secs(KEPT_SECS);
    assert_eq!((trim(&ground).await.unwrap(), kept(&ground).await), (1, 0));
}

#[tokio::test]
async fn neither_key_nor_secret_stands_in_the_database() {
    let ground = testing::ground().await;
    let (_, admin) = ground.organization("acme").await;
    for viewer in [admin, Viewer::gateway()] {
        let asked = once(&viewer, &ground, "an-easily-guessed-key");
        let (keeping, ground_of) = (asked.clone(), ground.clone());
        let done = Done::row(Uuid::nil()).showing(Some("canary-of-a-secret".to_owned().into()));
        let written: Result<(), Error> = ground
            .db
            .write(move |tx| {
                Box::pin(async move {
                    keeping.begin(tx).await?;
                    keeping.finish(tx, &ground_of, &done).await
                })
            })
            .await;
        written.unwrap();
        let recalled = asked.recall(&ground).await.unwrap().unwrap();
        assert_eq!(recalled.secret.unwrap().expose_secret(), "canary-of-a-secret");
    }
    for row in idempotency_key::Entity::find().all(ground.db.reader()).await.unwrap() {
        let text = format!("{row:?} {}", String::from_utf8_lossy(row.sealed.as_deref().unwrap_or_default()));
        assert!(!text.contains("canary") && !text.contains("guessed"), "{text}");
    }
}
