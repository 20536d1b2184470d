//! Kept counts equal a recount, whatever happens to the rows; and what readers make of them.
#![expect(clippy::disallowed_methods, reason = "tests change rows behind the domain's back")]

use std::collections::BTreeMap;

use entity::{
    Severity, Timestamp, finding, tally, tally_delta, ticket,
    ticket::TicketState,
    webhook_delivery::{self, DeliveryState},
};
use migration::{Migrator, MigratorTrait as _};
use proptest::{prelude::*, test_runner::TestRunner};
use sea_orm::{
    ActiveModelTrait as _, ConnectionTrait as _, EntityTrait as _, IntoActiveModel as _, NotSet,
    PaginatorTrait as _,
};

use super::{
    buckets::{Bucket, Buckets, day_of, start_of},
    fold::fold,
    recount::differences,
    tickets::{self, By, Counts, Durations, Key, Of, Wanted},
};
use crate::{
    db::{
        filter::Severities,
        page::{self, Order, count_by_parent},
    },
    fixtures::{self, Place},
    ground::Ground,
    organizations::{reach, viewer::Viewer},
    tickets::read::{TicketFilter, TicketList, TicketsOf},
};

/// Counts by key, with their buckets.
type Found = BTreeMap<String, (Counts, Vec<(i32, i64)>)>;

const DAY: i64 = 86_400;
/// 2026-01-31T22:00:00Z.
const START: i64 = 1_769_896_800;

#[derive(Clone, Debug)]
enum Step {
    Plan { at: i64, place: usize, is_test: bool },
    Change { which: usize, state: usize, severity: i16, opened: Option<i64>, closed: Option<i64> },
    Move { which: usize, place: usize },
    Find { which: usize, seen: i64 },
    Delete { which: usize },
    Receive { at: i64, state: usize },
    Decide { which: usize, state: usize, repeated: i32 },
    Forget { which: usize },
    Fold,
}

const STATES: [TicketState; 4] =
    [TicketState::Planned, TicketState::Unknown, TicketState::Open, TicketState::Closed];
const DELIVERIES: [DeliveryState; 3] =
    [DeliveryState::Received, DeliveryState::Understood, DeliveryState::Dead];

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let time = || 0_i64..40 * DAY;
    let maybe = || prop::option::of(0_i64..40 * DAY);
    let step = prop_oneof![
        4 => (time(), 0_usize..2, prop::bool::weighted(0.1))
            .prop_map(|(at, place, is_test)| Step::Plan { at, place, is_test }),
        6 => (any::<usize>(), 0_usize..4, 0_i16..6, maybe(), maybe()).prop_map(
            |(which, state, severity, opened, closed)| Step::Change { which, state, severity, opened, closed }
        ),
        1 => (any::<usize>(), 0_usize..2).prop_map(|(which, place)| Step::Move { which, place }),
        2 => (any::<usize>(), time()).prop_map(|(which, seen)| Step::Find { which, seen }),
        1 => any::<usize>().prop_map(|which| Step::Delete { which }),
        3 => (time(), 0_usize..3).prop_map(|(at, state)| Step::Receive { at, state }),
        3 => (any::<usize>(), 0_usize..3, 0_i32..3)
            .prop_map(|(which, state, repeated)| Step::Decide { which, state, repeated }),
        1 => any::<usize>().prop_map(|which| Step::Forget { which }),
        2 => Just(Step::Fold),
    ];
    prop::collection::vec(step, 0..50)
}

async fn change<A>(ground: &Ground, row: A)
where
    A: sea_orm::ActiveModelTrait + sea_orm::ActiveModelBehavior + Send + 'static,
    <A::Entity as sea_orm::EntityTrait>::Model: sea_orm::IntoActiveModel<A>,
{
    ground
        .db
        .write::<_, sea_orm::DbErr, _>(move |tx| Box::pin(async move { row.update(tx).await.map(|_| ()) }))
        .await
        .unwrap();
}

async fn delete<A>(ground: &Ground, row: A)
where
    A: sea_orm::ActiveModelTrait + sea_orm::ActiveModelBehavior + Send + 'static,
{
    ground
        .db
        .write::<_, sea_orm::DbErr, _>(move |tx| Box::pin(async move { row.delete(tx).await.map(|_| ()) }))
        .await
        .unwrap();
}

struct Model {
    places: Vec<Place>,
    tickets: Vec<(usize, ticket::Model)>,
    deliveries: Vec<webhook_delivery::Model>,
}

impl Model {
    async fn take(&mut self, step: Step) {
        let at = |secs: i64| Timestamp::from_secs(START + secs);
        let ground = self.places[0].ground.clone();
        let pick = |which: usize, len: usize| (len > 0).then(|| which % len.max(1));
        match step {
            Step::Plan { at: when, place, is_test } => {
                // `Place::ticket` makes an open one; one that is planned comes about by taking that back.
                let mut row = self.places[place].ticket("one", at(when)).await;
                row.is_test = is_test;
                row.opened_at = None;
                change(&ground, row.clone().into_active_model().reset_all()).await;
                self.tickets.push((place, row));
            }
            Step::Change { which, state, severity, opened, closed } => {
                let Some(index) = pick(which, self.tickets.len()) else { return };
                let row = &mut self.tickets[index].1;
                row.state = STATES[state];
                row.severity = sea_orm::ActiveEnum::try_from_value(&severity).unwrap();
                row.opened_at = opened.map(at);
                row.closed_at = closed.map(at);
                change(&ground, row.clone().into_active_model().reset_all()).await;
            }
            Step::Move { which, place } => {
                let Some(index) = pick(which, self.tickets.len()) else { return };
                let to = self.places[place].clone();
                let (known, row) = &mut self.tickets[index];
                *known = place;
                row.company_id = to.company_id;
                row.psa_connection_id = to.psa_connection_id;
                row.psa_company_id = to.psa_company_id;
                row.ticket_profile_id = to.ticket_profile_id;
                change(&ground, row.clone().into_active_model().reset_all()).await;
            }
            Step::Find { which, seen } => {
                let Some(index) = pick(which, self.tickets.len()) else { return };
                let (place, row) = &self.tickets[index];
                let finding = self.places[*place].finding("one", at(seen)).await;
                self.places[*place].put_on(row, &finding).await;
            }
            Step::Delete { which } => {
                let Some(index) = pick(which, self.tickets.len()) else { return };
                let (_, row) = self.tickets.swap_remove(index);
                delete(&ground, row.into_active_model()).await;
            }
            Step::Receive { at: when, state } => {
                let endpoint = self.places[0].endpoint().await;
                let row = self.places[0].delivery(&endpoint, b"{}").await;
                let row = webhook_delivery::Model { received_at: at(when), state: DELIVERIES[state], ..row };
                change(&ground, row.clone().into_active_model().reset_all()).await;
                self.deliveries.push(row);
            }
            Step::Decide { which, state, repeated } => {
                let Some(index) = pick(which, self.deliveries.len()) else { return };
                let row = &mut self.deliveries[index];
                row.state = DELIVERIES[state];
                row.duplicate_count += repeated;
                change(&ground, row.clone().into_active_model().reset_all()).await;
            }
            Step::Forget { which } => {
                let Some(index) = pick(which, self.deliveries.len()) else { return };
                delete(&ground, self.deliveries.swap_remove(index).into_active_model()).await;
            }
            Step::Fold => {
                fold(&ground).await.unwrap();
            }
        }
    }
}

/// Lists of an organization's tickets are as long as kept counts say.
async fn lengths_are_right(places: &[Place]) {
    let [first, ..] = places else { return };
    let all = TicketFilter::default;
    let severe = Severities { at_least: Some(Severity::High), any_of: None };
    for filter in [
        all(),
        TicketFilter { states: Some(vec![TicketState::Open, TicketState::Planned]), ..all() },
        TicketFilter { states: Some(vec![TicketState::Closed]), severities: severe, ..all() },
        TicketFilter { psa_connection_ids: Some(vec![first.psa_connection_id]), ..all() },
        TicketFilter { states: Some(Vec::new()), ..all() },
        TicketFilter { is_test: Some(false), ..all() },
    ] {
        let order = Order::descending(ticket::Column::CreatedAt);
        let list = TicketList { of: TicketsOf::Organization, filter, order };
        let mut wanted = reach::wanted(&Viewer::gateway(), &list);
        assert!(wanted.kept.is_some(), "{list:?}");
        let length = async |wanted: &page::Wanted<ticket::Entity>| {
            let (reader, parents) = (first.ground.db.reader(), [first.organization_id]);
            count_by_parent(reader, wanted, &parents, None).await.unwrap()
        };
        let kept = length(&wanted).await;
        wanted.kept = None;
        assert_eq!(kept, length(&wanted).await, "{list:?}");
    }
}

/// Whatever is inserted, changed, moved and deleted, folded in the middle of it or not.
#[test]
fn kept_counts_equal_a_recount() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let ground = runtime.block_on(fixtures::ground());
    let count = std::sync::atomic::AtomicU32::new(0);
    let mut runner = TestRunner::new(ProptestConfig { cases: 24, ..ProptestConfig::default() });
    runner
        .run(&steps(), |steps| {
            let case = count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            runtime.block_on(async {
                let place = Place::new(&ground, &format!("case-{case}")).await;
                let other = place.another(&format!("other {case}")).await;
                let mut model =
                    Model { places: vec![place, other], tickets: Vec::new(), deliveries: Vec::new() };
                for step in steps {
                    model.take(step).await;
                }
                prop_assert_eq!(differences(&ground).await.unwrap(), []);
                lengths_are_right(&model.places).await;
                while fold(&ground).await.unwrap() {}
                prop_assert_eq!(differences(&ground).await.unwrap(), []);
                lengths_are_right(&model.places).await;
                Ok(())
            })
        })
        .unwrap();
    runtime.block_on(async {
        assert_eq!(tally_delta::Entity::find().count(ground.db.reader()).await.unwrap(), 0);
        let nothings = tally::Entity::find().all(ground.db.reader()).await.unwrap();
        assert!(nothings.iter().all(|row| (row.count, row.timed, row.seconds) != (0, 0, 0)), "{nothings:?}");
    });
}

#[tokio::test]
async fn a_count_that_was_tampered_with_is_found() {
    let ground = fixtures::ground().await;
    Place::new(&ground, "acme").await.ticket("one", Timestamp::from_secs(START)).await;
    while fold(&ground).await.unwrap() {}
    assert_eq!(differences(&ground).await.unwrap(), []);
    ground.db.reader().execute_unprepared("UPDATE tally SET count = 2 WHERE period = 'month'").await.unwrap();
    let found = differences(&ground).await.unwrap();
    assert_eq!(found.len(), 4, "planned and opened, of the company and of all: {found:?}");
    assert!(found.iter().all(|difference| (difference.kept.0, difference.counted.0) == (2, 1)), "{found:?}");
}

fn wanted(bucket: Bucket, by: By) -> Wanted {
    let at = |day: i64| Some(Timestamp::from_secs(START + day * DAY));
    let buckets = Buckets::new(bucket, at(0), at(40), Timestamp(0)).unwrap();
    Wanted { buckets, psa_connection_ids: None, company_ids: None, severities: None, by }
}

async fn ask(place: &Place, wanted: &Wanted, company: bool) -> BTreeMap<String, (Counts, Vec<(i32, i64)>)> {
    let of = Of { organization_id: place.organization_id, company_id: company.then_some(place.company_id) };
    let viewer = Viewer::gateway();
    let found = tickets::groups(&viewer, &place.ground, wanted, &[of]).await.unwrap().remove(&of).unwrap();
    let of = |group: tickets::Group| {
        let mut buckets: Vec<_> = group.buckets.iter().map(|(day, counts)| (*day, counts.created)).collect();
        buckets.sort_unstable();
        let key = match group.key {
            Key::All => "all".to_owned(),
            Key::Word(word) => word,
            Key::Severity(value) => value.to_string(),
            Key::Id(id) => id.to_string(),
        };
        (key, (group.total, buckets))
    };
    found.into_iter().map(of).collect()
}

#[tokio::test]
async fn tickets_are_told_apart_in_every_way_folded_or_not() {
    let ground = fixtures::ground().await;
    let acme = Place::new(&ground, "acme").await;
    let branch = acme.another("branch").await;
    let stranger = Place::new(&ground, "stranger").await;
    stranger.ticket("not ours", Timestamp::from_secs(START)).await;
    let at = |secs: i64| Timestamp::from_secs(START + secs);
    for (place, day, severity) in
        [(&acme, 0, Severity::High), (&acme, 1, Severity::Low), (&branch, 1, Severity::High)]
    {
        let mut row = place.ticket("one", at(day * DAY)).await;
        // Taken back, so that the finding is there before the ticket is opened, as it is in truth.
        row.opened_at = None;
        row.severity = severity;
        change(&ground, row.clone().into_active_model().reset_all()).await;
        let finding = place.finding("one", at(day * DAY - 90)).await;
        place.put_on(&row, &finding).await;
        row.opened_at = Some(at(day * DAY + 30));
        if severity == Severity::Low {
            row.state = TicketState::Closed;
            row.closed_at = Some(at(day * DAY + 630));
        }
        change(&ground, saved(row)).await;
    }
    let (first, second) = (day_of(at(0)), day_of(at(DAY)));
    let february = day_of(Timestamp::parse_rfc3339("2026-02-01T00:00:00Z").unwrap());
    for is_folded in [false, true] {
        while is_folded && fold(&ground).await.unwrap() {}
        let all = ask(&acme, &wanted(Bucket::Day, By::Nothing), false).await;
        let expected = Counts {
            created: 3,
            opened: 3,
            closed: 1,
            to_open: Durations { count: 3, seconds: 360 },
            to_close: Durations { count: 1, seconds: 600 },
        };
        assert_eq!(all["all"], (expected, vec![(first, 1), (second, 2)]));
        let months = ask(&acme, &wanted(Bucket::Month, By::Nothing), false).await;
        let january = day_of(Timestamp::parse_rfc3339("2026-01-01T00:00:00Z").unwrap());
        assert_eq!(months["all"], (expected, vec![(january, 1), (february, 2)]), "10 pm, 2 am later");
        let weeks = ask(&acme, &wanted(Bucket::Week, By::Nothing), false).await;
        let monday = day_of(Timestamp::parse_rfc3339("2026-01-26T00:00:00Z").unwrap());
        assert_eq!(weeks["all"].1, [(monday, 3)], "Saturday and Sunday");

        let count = |found: &Found| {
            found.iter().map(|(key, (counts, _))| (key.clone(), counts.created)).collect::<Vec<_>>()
        };
        let states = ask(&acme, &wanted(Bucket::Day, By::State), false).await;
        assert_eq!(count(&states), [("closed".to_owned(), 1), ("open".to_owned(), 2)]);
        let severities = ask(&acme, &wanted(Bucket::Day, By::Severity), false).await;
        assert_eq!(count(&severities), [("2".to_owned(), 1), ("4".to_owned(), 2)]);
        let platforms = ask(&acme, &wanted(Bucket::Day, By::Platform), false).await;
        assert_eq!(count(&platforms), [("halo".to_owned(), 3)]);
        let connections = ask(&acme, &wanted(Bucket::Month, By::PsaConnection), false).await;
        assert_eq!(connections[&branch.psa_connection_id.to_string()].0.created, 1);
        let companies = ask(&acme, &wanted(Bucket::Day, By::Company(1)), false).await;
        assert_eq!(count(&companies), [(acme.company_id.to_string(), 2)], "the one with the most");

        let company = ask(&acme, &wanted(Bucket::Day, By::Nothing), true).await;
        assert_eq!(company["all"].0.created, 2);
        let high = Wanted { severities: Some(vec![4]), ..wanted(Bucket::Day, By::Nothing) };
        assert_eq!(ask(&acme, &high, false).await["all"].0.created, 2);
        let on_branch = Wanted {
            psa_connection_ids: Some(vec![branch.psa_connection_id]),
            ..wanted(Bucket::Month, By::State)
        };
        assert_eq!(count(&ask(&acme, &on_branch, false).await), [("open".to_owned(), 1)]);
        assert_eq!(start_of(first).rfc3339(), "2026-01-31T00:00:00Z");
    }
}

/// On PostgreSQL, where several write at once: nobody waits for a count, and two who fold take different rows.
#[tokio::test(flavor = "multi_thread")]
async fn two_who_open_tickets_at_once_do_not_wait_for_each_other() {
    let ground = fixtures::ground().await;
    if ground.db.is_sqlite() {
        return;
    }
    let acme = Place::new(&ground, "acme").await;
    let before = acme.ticket("before", Timestamp::from_secs(START)).await;
    while fold(&ground).await.unwrap() {}
    let (has_written, written) = tokio::sync::oneshot::channel();
    let (go_on, may_go_on) = tokio::sync::oneshot::channel::<()>();
    let mut slow = before.clone().into_active_model().reset_all();
    slow.state = sea_orm::Set(TicketState::Closed);
    let ground_of = ground.clone();
    let writing = tokio::spawn(async move {
        ground_of
            .db
            .write::<_, sea_orm::DbErr, _>(move |tx| {
                Box::pin(async move {
                    slow.update(tx).await?;
                    let _ = has_written.send(());
                    let _ = may_go_on.await;
                    Ok(())
                })
            })
            .await
            .unwrap();
    });
    written.await.unwrap();
    // The same count is changed and folded while the other's change is not committed.
    acme.ticket("meanwhile", Timestamp::from_secs(START)).await;
    let (one, two) = tokio::join!(fold(&ground), fold(&ground));
    assert!(one.unwrap() || two.unwrap());
    assert!(!writing.is_finished());
    go_on.send(()).unwrap();
    writing.await.unwrap();
    while fold(&ground).await.unwrap() {}
    assert_eq!(differences(&ground).await.unwrap(), []);
}

/// A ticket as it is saved: when its first problem was seen stays what the database made of it.
fn saved(row: ticket::Model) -> ticket::ActiveModel {
    ticket::ActiveModel { first_seen_at: NotSet, ..row.into_active_model().reset_all() }
}

/// The way of a database that had tickets before it had counts.
#[tokio::test]
async fn what_was_there_before_there_were_counts_is_counted_in() {
    let ground = fixtures::ground().await;
    let acme = Place::new(&ground, "acme").await;
    let at = |secs: i64| Timestamp::from_secs(START + secs);
    let mut row = acme.ticket("one", at(0)).await;
    row.opened_at = None;
    change(&ground, row.clone().into_active_model().reset_all()).await;
    let early = acme.finding("early", at(-100)).await;
    acme.put_on(&row, &early).await;
    row.opened_at = Some(at(20));
    change(&ground, saved(row.clone())).await;
    let late = finding::Model { first_seen_at: at(30), ..acme.finding("late", at(-1_000)).await };
    acme.put_on(&row, &late).await;
    let delivery = acme.delivery(&acme.endpoint().await, b"{}").await;
    change(
        &ground,
        webhook_delivery::Model { duplicate_count: 3, ..delivery }.into_active_model().reset_all(),
    )
    .await;
    let numbers = async || ask(&acme, &wanted(Bucket::Day, By::Nothing), false).await;
    let before = numbers().await;
    assert_eq!(before["all"].0.to_open, Durations { count: 1, seconds: 120 });

    let names: Vec<_> = Migrator::migrations().iter().map(|change| change.name().to_owned()).collect();
    let index = names.iter().position(|name| name.ends_with("_tallies")).unwrap();
    let steps = u32::try_from(names.len() - index).unwrap();
    ground.db.take_back(steps).await.unwrap();
    ground.db.migrate().await.unwrap();
    assert_eq!(tally_delta::Entity::find().count(ground.db.reader()).await.unwrap(), 0, "all are folded");
    assert_eq!(numbers().await, before);
    assert_eq!(differences(&ground).await.unwrap(), []);
}
