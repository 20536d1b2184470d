//! Who hears what, and when.

use sea_orm::DbErr;

use super::*;
use crate::fixtures;

fn updated(organization_id: u128, id: u128) -> Happened {
    Happened {
        what: What::TicketUpdated,
        organization_id: Uuid::from_u128(organization_id),
        id: Uuid::from_u128(id),
        at: Timestamp(1),
    }
}

#[tokio::test]
async fn what_is_committed_is_heard_once_and_what_is_rolled_back_not_at_all() {
    let ground = fixtures::ground().await;
    let mut watch = ground.db.news().watch(What::TicketUpdated, Some(Uuid::from_u128(1)));
    let undone = ground.db.write::<(), DbErr, _>(|_| {
        Box::pin(async {
            tell(updated(1, 1));
            Err(DbErr::Custom("no".to_owned()))
        })
    });
    undone.await.unwrap_err();
    let done = ground.db.write::<(), DbErr, _>(|_| {
        Box::pin(async {
            for id in [2, 3, 2] {
                tell(updated(1, id));
            }
            Ok(())
        })
    });
    done.await.unwrap();
    let heard: Vec<u128> = std::iter::from_fn(|| watch.waiting()).map(|h| h.happened.id.as_u128()).collect();
    assert_eq!(heard, [2, 3]);
}

#[tokio::test]
async fn an_organization_hears_its_own_and_an_operator_all() {
    let news = News::new(1);
    let mut own = news.watch(What::TicketUpdated, Some(Uuid::from_u128(1)));
    let mut all = news.watch(What::TicketUpdated, None);
    let mut other_kind = news.watch(What::DeliveryReceived, None);
    news.publish(vec![updated(1, 10), updated(2, 20)]);
    assert_eq!(own.next().await.unwrap().happened, updated(1, 10));
    assert_eq!(own.waiting(), None);
    let (first, second) = (all.next().await.unwrap(), all.next().await.unwrap());
    assert_eq!((first.happened, second.happened), (updated(1, 10), updated(2, 20)));
    assert_ne!(first.event_id(), second.event_id());
    assert_eq!(other_kind.waiting(), None);
}

#[tokio::test]
async fn a_watcher_that_does_not_keep_up_is_let_go_and_leaves_nothing_behind() {
    let news = News::new(1);
    let mut slow = news.watch(What::TicketUpdated, None);
    news.publish((0..=WAITING as u128).map(|id| updated(1, id)).collect());
    for _ in 0..WAITING {
        assert!(slow.next().await.is_some());
    }
    assert_eq!(slow.next().await, None, "it is told that it missed something");
    drop(slow);
    drop(news.watch(What::TicketUpdated, Some(Uuid::from_u128(1))));
    assert!(news.watchers().is_empty());
}
