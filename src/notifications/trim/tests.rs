//! What arrived long ago goes, and what somebody may still need stays.

use entity::notification_attempt;
use secrecy::SecretString;

use super::*;
use crate::{
    fixtures::{self, Place},
    organizations::{
        subscribers::{self, NewSubscriber},
        viewer::Viewer,
    },
};

const DAY: i64 = 86_400;

struct Told {
    number: i64,
    kind: NotificationKind,
    state: NotificationState,
    subject: u128,
    days_ago: i64,
}

async fn left(ground: &Ground) -> Vec<i64> {
    let rows = notification::Entity::find().order_by_asc(notification::Column::Number);
    rows.all(ground.db.reader()).await.unwrap().into_iter().map(|row| row.number).collect()
}

#[tokio::test]
async fn what_arrived_goes_after_thirty_days_and_what_somebody_may_still_need_stays() {
    use NotificationKind::{ConnectionBroken, ConnectionRecovered, TicketOpened};
    use NotificationState::{Done, Failed, Ready};
    let ground = fixtures::ground().await;
    let place = Place::new(&ground, "acme").await;
    ground.clock.advance_secs(100 * DAY);
    let now = ground.clock.now();
    let new = NewSubscriber {
        organization_id: place.organization_id,
        name: "Vendor".to_owned(),
        url: "https://hooks.example.com/in".to_owned(),
        kinds: None,
        policy_ids: None,
        secret: SecretString::from("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="),
        problems: Vec::new(),
    };
    let subscriber = subscribers::create(&Viewer::gateway(), &ground, new).await.unwrap().id;
    let told = |number, kind, state, subject, days_ago| Told { number, kind, state, subject, days_ago };
    for told in [
        told(1, TicketOpened, Done, 1, 31),
        told(2, TicketOpened, Done, 2, 29),
        told(3, TicketOpened, Failed, 3, 90),
        told(4, TicketOpened, Ready, 4, 90),
        told(5, ConnectionBroken, Done, 5, 40),
        told(6, ConnectionRecovered, Done, 5, 39),
        told(7, ConnectionBroken, Done, 6, 40),
    ] {
        let at = now.plus_secs(-told.days_ago * DAY);
        let row = notification::Model {
            id: ground.chance.id(now),
            organization_id: place.organization_id,
            webhook_subscriber_id: subscriber,
            number: told.number,
            kind: told.kind,
            state: told.state,
            payload: "{}".to_owned(),
            subject_id: Uuid::from_u128(told.subject),
            ticket_id: None,
            psa_connection_id: None,
            event_id: None,
            policy_id: None,
            run_at: at,
            attempts: 1,
            failures: 0,
            last_status: Some(204),
            last_error: None,
            created_at: at,
            finished_at: (told.state != Ready).then_some(at),
        };
        let attempt = notification_attempt::Model {
            id: ground.chance.id(now),
            organization_id: place.organization_id,
            notification_id: row.id,
            number: 1,
            started_at: at,
            finished_at: Some(at),
            outcome: Some("done".to_owned()),
            response_status: Some(204),
            latency_ms: Some(1),
            message: None,
            node: "node".to_owned(),
        };
        place.insert(row).await;
        place.insert(attempt).await;
    }
    assert_eq!(trim(&ground).await.unwrap(), 3);
    assert_eq!(left(&ground).await, [2, 3, 4, 7], "7 says that a recovery is news");
    assert_eq!(trim(&ground).await.unwrap(), 0);
    let tries = notification_attempt::Entity::find().all(ground.db.reader()).await.unwrap();
    assert_eq!(tries.len(), 4, "they go with what they were for");
}
