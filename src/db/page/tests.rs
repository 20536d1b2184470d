use std::collections::HashMap;

use entity::{Timestamp, ticket};
use proptest::{prelude::*, test_runner::TestRunner};

use super::*;
use crate::{
    fixtures::{self, Place},
    organizations::{reach, viewer::Viewer},
    tickets::read::{TicketFilter, TicketList, TicketsOf},
};

fn order(descending: bool) -> Order<ticket::Entity> {
    if descending {
        Order::descending(ticket::Column::CreatedAt)
    } else {
        Order::ascending(ticket::Column::CreatedAt)
    }
}

fn wanted() -> Wanted<ticket::Entity> {
    let list =
        TicketList { of: TicketsOf::Organization, filter: TicketFilter::default(), order: order(true) };
    reach::wanted(&Viewer::gateway(), &list)
}

async fn read(
    place: &Place,
    parents: &[Uuid],
    order: Order<ticket::Entity>,
    args: &PageArgs,
) -> HashMap<Uuid, Slice<ticket::Model>> {
    let page = Page::new(args, order).unwrap();
    slices(place.ground.db.reader(), &wanted(), parents, order, &page).await.unwrap()
}

/// Walks a list from end to end, adding a row below and above after the first page.
async fn walk(
    place: &Place,
    order: Order<ticket::Entity>,
    size: i32,
    backward: bool,
    parents: &[Uuid],
    mut meanwhile: Vec<Timestamp>,
) -> Vec<Uuid> {
    let (mut seen, mut at) = (Vec::new(), None);
    loop {
        let args = if backward {
            PageArgs { last: Some(size), before: at.take(), ..PageArgs::default() }
        } else {
            PageArgs { first: Some(size), after: at.take(), ..PageArgs::default() }
        };
        let is_first = args.after.is_none() && args.before.is_none();
        let slice = read(place, parents, order, &args).await.remove(&place.organization_id).unwrap();
        assert!(slice.rows.len() <= usize::try_from(size).unwrap());
        let ids = slice.rows.iter().map(|row| row.id);
        if backward {
            seen.extend(ids.rev());
            assert_eq!(slice.has_next, !is_first);
        } else {
            seen.extend(ids);
            assert_eq!(slice.has_previous, !is_first);
        }
        let edge = if backward { slice.rows.first() } else { slice.rows.last() };
        at = edge.map(|row| order.cursor(row));
        if !(if backward { slice.has_previous } else { slice.has_next }) {
            return seen;
        }
        for time in std::mem::take(&mut meanwhile) {
            place.ticket("meanwhile", time).await;
        }
    }
}

/// Whatever the times are (equal ones above all), the size, the direction and what is added meanwhile.
#[test]
fn walking_a_list_gives_every_row_once_and_in_order() {
    let strategy =
        (prop::collection::vec(0_i64..4, 0..12), 1_i32..6, any::<bool>(), any::<bool>(), any::<bool>());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let ground = runtime.block_on(fixtures::ground());
    let count = std::sync::atomic::AtomicU32::new(0);
    let mut runner = TestRunner::new(ProptestConfig { cases: 40, ..ProptestConfig::default() });
    runner
        .run(&strategy, |(times, size, descending, backward, many)| {
            let case = count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            runtime.block_on(async {
                let place = Place::new(&ground, &format!("walk-{case}")).await;
                let other = Place::new(&ground, &format!("other-{case}")).await;
                other.ticket("a neighbour's", Timestamp(1)).await;
                let mut expected = Vec::new();
                for time in &times {
                    expected.push(place.ticket("", Timestamp(*time)).await);
                }
                expected.sort_by_key(|row| (row.created_at, row.id));
                if descending != backward {
                    expected.reverse();
                }
                // Behind the walker: they must not show, nor push others out.
                let behind = if descending == backward { -1 } else { 9 };
                let parents = if many {
                    vec![place.organization_id, other.organization_id]
                } else {
                    vec![place.organization_id]
                };
                let meanwhile = vec![Timestamp(behind); 2];
                let seen = walk(&place, order(descending), size, backward, &parents, meanwhile).await;
                prop_assert_eq!(seen, expected.iter().map(|row| row.id).collect::<Vec<_>>());
                Ok(())
            })
        })
        .unwrap();
}

#[tokio::test]
async fn one_statement_serves_many_parents_and_counts_them() {
    let ground = fixtures::ground().await;
    let (a, b) = (Place::new(&ground, "a").await, Place::new(&ground, "b").await);
    let empty = Place::new(&ground, "empty").await;
    for n in 0..5 {
        a.ticket("", Timestamp(n)).await;
    }
    b.ticket("", Timestamp(1)).await;
    let parents = [a.organization_id, b.organization_id, empty.organization_id];

    let before = ground.db.statements();
    let args = PageArgs { first: Some(3), ..PageArgs::default() };
    let found = read(&a, &parents, order(true), &args).await;
    assert_eq!(ground.db.statements() - before, 1);
    let shape = |id| {
        let slice: &Slice<ticket::Model> = &found[&id];
        (slice.rows.iter().map(|row| row.created_at.0).collect::<Vec<_>>(), slice.has_next)
    };
    assert_eq!(shape(a.organization_id), (vec![4, 3, 2], true));
    assert_eq!(shape(b.organization_id), (vec![1], false));
    assert_eq!(shape(empty.organization_id), (vec![], false));

    let counts = count_by_parent(ground.db.reader(), &wanted(), &parents, None).await.unwrap();
    assert_eq!(parents.map(|id| counts[&id]), [5, 1, 0]);
    let bounded = count_by_parent(ground.db.reader(), &wanted(), &parents, Some(3)).await.unwrap();
    assert_eq!(parents.map(|id| bounded[&id]), [3, 1, 0]);
}

#[tokio::test]
async fn what_cannot_be_a_page_is_said_by_name() {
    let problems = |args: PageArgs| match Page::new(&args, order(true)) {
        Err(Error::Invalid(problems)) => problems.into_iter().map(|p| p.field.join(".")).collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    let args = PageArgs::default;
    assert_eq!(problems(PageArgs { first: Some(0), ..args() }), ["first"]);
    assert_eq!(problems(PageArgs { first: Some(101), ..args() }), ["first"]);
    assert_eq!(problems(PageArgs { first: Some(1), last: Some(1), ..args() }), ["last"]);
    assert_eq!(
        problems(PageArgs { after: Some("x".to_owned()), before: Some(String::new()), ..args() }),
        ["after", "before"]
    );

    let ground = fixtures::ground().await;
    let row = Place::new(&ground, "a").await.ticket("", Timestamp(1)).await;
    let by_update = Order::<ticket::Entity>::descending(ticket::Column::UpdatedAt);
    for cursor in [order(false).cursor(&row), by_update.cursor(&row)] {
        assert_eq!(problems(PageArgs { after: Some(cursor), ..args() }), ["after"]);
    }
    let own = order(true).cursor(&row);
    assert!(Page::new(&PageArgs { after: Some(own), ..args() }, order(true)).is_ok());
}

#[tokio::test]
async fn a_search_looks_through_the_newest_rows_and_finds_exact_numbers_of_any_age() {
    let ground = fixtures::ground().await;
    let (acme, other) = (Place::new(&ground, "acme").await, Place::new(&ground, "other").await);
    let numbered = |row: &ticket::Model, number: &str| ticket::Model {
        external_number: Some(number.to_owned()),
        ..row.clone()
    };
    let mut rows = Vec::new();
    for (n, title) in ["Old disk", "old Fan", "new disk", "New DISK 100%"].into_iter().enumerate() {
        let row = acme.ticket(title, Timestamp(i64::try_from(n).unwrap())).await;
        let row = numbered(&row, &format!("T-{n}"));
        change(&acme, row.clone()).await;
        rows.push(row);
    }
    let stranger = other.ticket("a disk next door", Timestamp(9)).await;
    change(&other, numbered(&stranger, "T-0")).await;

    let find = |text: &str, bound: u64, parents: Vec<Uuid>, args: PageArgs| {
        let list = TicketList {
            of: TicketsOf::Organization,
            filter: TicketFilter { text: Some(text.to_owned()), ..TicketFilter::default() },
            order: order(true),
        };
        let mut wanted = reach::wanted(&Viewer::gateway(), &list);
        wanted.search.as_mut().unwrap().bound = bound;
        let (db, id) = (ground.db.clone(), acme.organization_id);
        async move {
            let page = Page::new(&args, list.order).unwrap();
            let found = slices(db.reader(), &wanted, &parents, list.order, &page).await.unwrap();
            let count = count_by_parent(db.reader(), &wanted, &parents, None).await.unwrap()[&id];
            let titles = found[&id].rows.iter().map(|row| row.title.clone()).collect::<Vec<_>>();
            assert!(count >= titles.len() as u64);
            titles
        }
    };
    let all = PageArgs::default;
    for parents in [vec![acme.organization_id], vec![acme.organization_id, other.organization_id]] {
        let found = |text: &'static str, bound| find(text, bound, parents.clone(), all());
        assert_eq!(found(" Disk ", 50_000).await, ["New DISK 100%", "new disk", "Old disk"]);
        assert_eq!(found("disk", 3).await, ["New DISK 100%", "new disk"], "the oldest is not looked at");
        assert_eq!(found("T-0", 1).await, ["Old disk"], "but found by its number");
        assert_eq!(found("100%", 50_000).await, ["New DISK 100%"]);
        assert!(found("next door", 50_000).await.is_empty());
        let after = PageArgs { after: Some(order(true).cursor(&rows[3])), first: Some(1), ..all() };
        assert_eq!(find("disk", 50_000, parents.clone(), after).await, ["new disk"]);
    }
}

async fn change(place: &Place, row: ticket::Model) {
    use sea_orm::{ActiveModelTrait as _, IntoActiveModel as _};
    let row = row.into_active_model().reset_all();
    place
        .ground
        .db
        .write::<_, sea_orm::DbErr, _>(move |tx| Box::pin(async move { row.update(tx).await.map(|_| ()) }))
        .await
        .unwrap();
}
