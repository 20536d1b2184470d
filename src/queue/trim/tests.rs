//! What is settled goes when it is old, and what somebody may still need stays.

use entity::{
    finding,
    ticket_operation::OperationState,
    waiting_finding::{self, WaitsFor},
    webhook_endpoint,
};
use sea_orm::{ActiveModelTrait as _, ConnectionTrait as _, IntoActiveModel as _, Set, Statement};

use super::*;
use crate::{
    fixtures::{self, Place as Acme},
    statistics::{fold::fold, recount::differences},
};

const DAY: i64 = 86_400;
const BODY: &[u8] = b"{\"kind\":\"finding.opened\"}";

struct Inbox {
    ground: Ground,
    acme: Acme,
    endpoint: webhook_endpoint::Model,
}

impl Inbox {
    async fn new() -> Self {
        let ground = fixtures::ground().await;
        let acme = Acme::new(&ground, "acme").await;
        let endpoint = acme.endpoint().await;
        Self { ground, acme, endpoint }
    }

    async fn delivery(&self) -> webhook_delivery::Model {
        self.acme.delivery(&self.endpoint, BODY).await
    }

    /// A delivery with an event of this outcome, about a finding.
    async fn said(&self, outcome: Outcome) -> (webhook_delivery::Model, event::Model) {
        let now = self.ground.clock.now();
        let (delivery, finding) = (self.delivery().await, self.acme.finding("Old OpenSSL", now).await);
        let ticket = self.acme.ticket("Old OpenSSL", now).await;
        let row = self.acme.event(&delivery, 0, Some(&ticket)).await;
        let row = event::Model { outcome, finding_id: Some(finding.id), ..row };
        self.change(row.clone().into_active_model().reset_all()).await;
        (delivery, row)
    }

    async fn change<A>(&self, row: A)
    where
        A: sea_orm::ActiveModelTrait + sea_orm::ActiveModelBehavior + Send + 'static,
        <A::Entity as sea_orm::EntityTrait>::Model: sea_orm::IntoActiveModel<A>,
    {
        let write = self
            .ground
            .db
            .write::<_, DbErr, _>(move |tx| Box::pin(async move { row.update(tx).await.map(|_| ()) }));
        write.await.unwrap();
    }

    async fn mark(&self, delivery: webhook_delivery::Model, state: DeliveryState, run_at: Option<Timestamp>) {
        let mut row = delivery.into_active_model();
        (row.state, row.run_at) = (Set(state), Set(run_at));
        self.change(row).await;
    }

    async fn row(&self, id: Uuid) -> Option<webhook_delivery::Model> {
        webhook_delivery::Entity::find_by_id(id).one(self.ground.db.reader()).await.unwrap()
    }

    async fn has_body(&self, delivery: &webhook_delivery::Model) -> bool {
        let row = self.row(delivery.id).await.unwrap();
        assert_eq!(row.body.is_empty(), row.body_removed_at.is_some());
        row.body_removed_at.is_none()
    }

    fn days_ago(&self, days: i64) -> Timestamp {
        self.ground.clock.now().plus_secs(-days * DAY)
    }
}

#[tokio::test]
async fn bodies_go_when_they_are_old_and_stay_while_something_may_be_decided_again() {
    let inbox = Inbox::new().await;
    let (ground, acme) = (&inbox.ground, &inbox.acme);
    let (settled, _) = inbox.said(Outcome::Noted).await;
    let (held, _) = inbox.said(Outcome::Held).await;
    let (dead, again) = (inbox.delivery().await, inbox.delivery().await);
    inbox.mark(dead.clone(), DeliveryState::Dead, None).await;
    inbox.mark(again.clone(), DeliveryState::Understood, Some(ground.clock.now())).await;
    let (waits, event) = inbox.said(Outcome::Waiting).await;
    let now = ground.clock.now();
    acme.insert(waiting_finding::Model {
        id: ground.chance.id(now),
        organization_id: acme.organization_id,
        finding_id: event.finding_id.unwrap(),
        event_id: event.id,
        policy_id: None,
        waits_for: WaitsFor::Mute,
        due_at: now.plus_secs(300 * DAY),
        created_at: now,
    })
    .await;
    // A finding that was learned, seen twice: who ends the baseline with tickets has the newer one read again.
    let (learned, first) = inbox.said(Outcome::Suppressed).await;
    ground.clock.advance_secs(60);
    let (newest, second) = inbox.said(Outcome::Suppressed).await;
    let same = event::Model { finding_id: first.finding_id, ..second };
    inbox.change(same.into_active_model().reset_all()).await;
    let finding = finding::Entity::find_by_id(first.finding_id.unwrap()).one(ground.db.reader()).await;
    let mut finding = finding.unwrap().unwrap().into_active_model();
    finding.baseline_endpoint_id = Set(Some(inbox.endpoint.id));
    inbox.change(finding).await;
    ground.clock.advance_secs(31 * DAY);
    let (young, _) = inbox.said(Outcome::Noted).await;

    let swept = bodies(ground, inbox.days_ago(30), Place::default()).await.unwrap();
    assert_eq!(swept, Swept { removed: 2, next: None });
    assert!(!inbox.has_body(&settled).await && !inbox.has_body(&learned).await);
    for (kept, why) in [
        (&held, "held"),
        (&dead, "dead"),
        (&again, "due"),
        (&waits, "waits"),
        (&newest, "learned"),
        (&young, "young"),
    ] {
        assert!(inbox.has_body(kept).await, "{why}");
    }
    let row = inbox.row(settled.id).await.unwrap();
    assert_eq!((row.headers.clone(), row.message_id.clone()), (json!([]), settled.message_id.clone()));
    assert!(why_no_body(&row).unwrap().contains("removed 31 days after"), "{:?}", why_no_body(&row));
    let again = bodies(ground, inbox.days_ago(30), Place::default()).await.unwrap();
    assert_eq!(again, Swept::default());
    while fold(ground).await.unwrap() {}
    assert_eq!(differences(ground).await.unwrap(), [], "a body that goes changes no count");
}

#[tokio::test]
async fn a_great_many_go_in_steps() {
    let inbox = Inbox::new().await;
    let ground = &inbox.ground;
    let first = inbox.delivery().await;
    let rows: Vec<_> = (1..=ROWS)
        .map(|n| webhook_delivery::Model {
            id: ground.chance.id(ground.clock.now()),
            message_id: format!("msg_{n}"),
            body: if n == 9 { vec![b' '; usize::try_from(BYTES).unwrap()] } else { BODY.to_vec() },
            ..first.clone()
        })
        .map(|row| row.into_active_model().reset_all())
        .collect();
    let stored = ground.db.write::<_, DbErr, _>(move |tx| {
        Box::pin(async move {
            webhook_delivery::Entity::insert_many(rows).exec_without_returning(tx).await.map(|_| ())
        })
    });
    stored.await.unwrap();
    ground.clock.advance_secs(31 * DAY);
    let (mut at, mut steps) = (Some(Place::default()), Vec::new());
    while let Some(from) = at {
        let swept = bodies(ground, inbox.days_ago(30), from).await.unwrap();
        steps.push(swept.removed);
        at = swept.next;
    }
    assert_eq!(steps.iter().sum::<u64>(), ROWS as u64 + 1);
    assert_eq!(steps, [10, ROWS as u64 - 9], "a long one ends a step");
}

#[tokio::test]
async fn attempts_go_with_time_and_those_of_what_was_given_up_stay() {
    let inbox = Inbox::new().await;
    let (ground, acme) = (&inbox.ground, &inbox.acme);
    let ticket = acme.ticket("Old OpenSSL", ground.clock.now()).await;
    let done = acme.operation(&ticket, 1, None).await;
    let given_up = acme.operation(&ticket, 2, None).await;
    let mut row = given_up.clone().into_active_model();
    row.state = Set(OperationState::Failed);
    inbox.change(row).await;
    ground.clock.advance_secs(91 * DAY);
    let ticket = acme.ticket("Older OpenSSL", ground.clock.now()).await;
    let young = acme.operation(&ticket, 1, None).await;

    let swept = attempts(ground, inbox.days_ago(90), Place::default()).await.unwrap();
    assert_eq!(swept, Swept { removed: 1, next: None });
    let left =
        attempt::Entity::find().order_by_asc(attempt::Column::Id).all(ground.db.reader()).await.unwrap();
    let left: Vec<Uuid> = left.into_iter().map(|row| row.ticket_operation_id).collect();
    assert_eq!(left, [given_up.id, young.id]);
    let operations = ticket_operation::Entity::find_by_id(done.id).one(ground.db.reader()).await.unwrap();
    assert!(operations.is_some(), "what was done stays");
}

#[tokio::test]
async fn events_go_at_last_but_not_those_that_made_tickets_and_statistics_stay() {
    let inbox = Inbox::new().await;
    let ground = &inbox.ground;
    let (opened, opening) = inbox.said(Outcome::Opened).await;
    inbox.acme.event(&opened, 1, None).await;
    let (noted, _) = inbox.said(Outcome::Noted).await;
    let (whole, _) = inbox.said(Outcome::Ignored).await;
    ground.clock.advance_secs(401 * DAY);
    let before = inbox.days_ago(400);
    // Of `opened` something is held meanwhile, and `whole` has just been decided again.
    inbox.mark(whole.clone(), DeliveryState::Understood, Some(ground.clock.now())).await;
    let swept = bodies(ground, inbox.days_ago(30), Place::default()).await.unwrap();
    assert_eq!(swept.removed, 1);
    let held = event::Entity::find().filter(event::Column::Outcome.eq(Outcome::Held));
    let held = held.one(ground.db.reader()).await.unwrap().unwrap();
    let settled = event::Model { outcome: Outcome::Duplicate, ..held };
    inbox.change(settled.into_active_model().reset_all()).await;
    assert_eq!(bodies(ground, inbox.days_ago(30), Place::default()).await.unwrap().removed, 1);
    while fold(ground).await.unwrap() {}
    let counted = deliveries_counted(ground).await;

    let (swept, deliveries) = events(ground, before, Place::default()).await.unwrap();
    assert_eq!((swept.removed, swept.next, deliveries), (2, Some(Place::default()), 0));
    let (swept, deliveries) = events(ground, before, Place::default()).await.unwrap();
    assert_eq!((swept, deliveries), (Swept::default(), 1));
    let left = event::Entity::find().all(ground.db.reader()).await.unwrap();
    let left: BTreeSet<Uuid> = left.into_iter().map(|row| row.webhook_delivery_id).collect();
    assert_eq!(left, BTreeSet::from([opened.id, whole.id]));
    assert!(event::Entity::find_by_id(opening.id).one(ground.db.reader()).await.unwrap().is_some());
    assert_eq!(inbox.row(noted.id).await, None);
    while fold(ground).await.unwrap() {}
    assert_eq!(deliveries_counted(ground).await, counted, "what came in stays counted");
}

async fn deliveries_counted(ground: &Ground) -> i64 {
    use entity::tally::{About, Column as C, Period};
    let rows =
        entity::tally::Entity::find().filter(C::About.eq(About::Delivery)).filter(C::Period.eq(Period::Day));
    rows.all(ground.db.reader()).await.unwrap().iter().map(|row| row.count).sum()
}

/// The lines of a statement's plan.
async fn plan(ground: &Ground, Statement { sql, values, db_backend }: Statement) -> String {
    let is_sqlite = ground.db.is_sqlite();
    let (explain, name) =
        if is_sqlite { ("EXPLAIN QUERY PLAN", "detail") } else { ("EXPLAIN (COSTS OFF)", "QUERY PLAN") };
    let explain = Statement { sql: format!("{explain} {sql}"), values, db_backend };
    let lines = ground.db.write::<_, DbErr, _>(move |tx| {
        Box::pin(async move {
            if !is_sqlite {
                // The tables are empty: what a plan could do without an index must not look cheaper.
                tx.execute_unprepared(
                    "SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off; SET LOCAL enable_sort = off",
                )
                .await?;
            }
            let rows = tx.query_all_raw(explain).await?;
            rows.iter().map(|row| row.try_get::<String>("", name)).collect::<Result<Vec<_>, _>>()
        })
    });
    lines.await.unwrap().join("\n")
}

#[tokio::test]
async fn what_is_old_is_found_by_indexes() {
    let ground = fixtures::ground().await;
    let backend = ground.db.reader().get_database_backend();
    let find = webhook_delivery::Entity::find()
        .select_only()
        .column(webhook_delivery::Column::Id)
        .filter(is_whole())
        .filter(webhook_delivery::Column::DecidedAt.lte(Timestamp(9)))
        .order_by_asc(webhook_delivery::Column::DecidedAt)
        .order_by_asc(webhook_delivery::Column::Id)
        .limit(ROWS as u64);
    let bodies = plan(&ground, find.build(backend)).await;
    assert!(bodies.contains("ix_webhook_delivery_whole") && !bodies.contains("TEMP B-TREE"), "{bodies}");
    // What the database itself asks for each delivery that is deleted; PostgreSQL goes by its statistics.
    let of_delivery = event::Entity::delete_many()
        .filter(event::Column::OrganizationId.eq(Uuid::nil()))
        .filter(event::Column::WebhookDeliveryId.eq(Uuid::nil()));
    let cascade = plan(&ground, of_delivery.build(backend)).await;
    assert!(!ground.db.is_sqlite() || cascade.contains("ix_event_position"), "{cascade}");
}
