use sea_orm::QueryOrder as _;

use super::*;
use crate::{
    organizations::{companies, viewer::Viewer},
    sync::billing::calendars::CalendarChange,
    testing::{self, TestGround},
};

fn at(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(text).unwrap()
}

fn count(whom: Whom, quantity: i64, observed_at: &str) -> Said {
    let (source, product) = ("edr".to_owned(), "seats".to_owned());
    Said { source, whom, product, quantity: Quantity::whole(quantity), observed_at: at(observed_at) }
}

async fn reports(
    viewer: &Viewer,
    ground: &TestGround,
    organization_id: Uuid,
    said: Vec<Said>,
) -> Vec<Result<usage_mark::Model, Vec<Problem>>> {
    report(viewer, ground, organization_id, said.into_iter().map(Ok).collect()).await.unwrap()
}

async fn marks(ground: &TestGround) -> Vec<(String, i64, i32)> {
    let rows =
        usage_mark::Entity::find().order_by_asc(usage_mark::Column::Period).all(ground.db.reader()).await;
    rows.unwrap().into_iter().map(|row| (row.period, row.high_water.0 / 1_000, row.report_count)).collect()
}

#[tokio::test]
async fn the_most_of_a_month_counts_in_whatever_order_and_however_often_reports_come() {
    let ground = testing::ground().await;
    let (acme, admin) = ground.organization("acme").await;
    let bakery = companies::create(&admin, &ground, acme.id, "Bakery").await.unwrap().id;
    let of = |quantity, at| count(Whom::Company(bakery), quantity, at);
    let said = vec![
        of(5, "2026-11-10T08:00:00Z"),
        of(9, "2026-11-12T08:00:00Z"),
        of(4, "2026-11-11T08:00:00Z"),
        of(7, "2026-10-31T23:59:59Z"),
        of(9, "2026-11-12T08:00:00Z"),
    ];
    let outcomes = reports(&admin, &ground, acme.id, said.clone()).await;
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    let expected = vec![("2026-10-01".to_owned(), 7, 1), ("2026-11-01".to_owned(), 9, 3)];
    assert_eq!(marks(&ground).await, expected);
    reports(&admin, &ground, acme.id, said).await;
    assert_eq!(marks(&ground).await, expected, "all of it once more");
    let late = usage_mark::Entity::find()
        .filter(usage_mark::Column::IsLate.eq(true))
        .one(ground.db.reader())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(late.period, "2026-10-01", "it rose when it was over");
    let again = usage_report::Entity::find()
        .filter(usage_report::Column::DuplicateCount.gt(0))
        .all(ground.db.reader())
        .await
        .unwrap();
    let most = again.iter().map(|row| row.duplicate_count).max();
    assert_eq!((again.len(), most), (4, Some(3)), "the one that came four times");
}

#[tokio::test]
async fn what_cannot_be_right_is_refused_by_itself() {
    let ground = testing::ground().await;
    let (acme, admin) = ground.organization("acme").await;
    let (globex, neighbour) = ground.organization("globex").await;
    let bakery = companies::create(&admin, &ground, acme.id, "Bakery").await.unwrap().id;
    let theirs = companies::create(&neighbour, &ground, globex.id, "Mill").await.unwrap().id;
    let said = vec![
        count(Whom::Company(theirs), 1, "2026-11-10T08:00:00Z"),
        count(Whom::KnownAs("bakery".to_owned()), 1, "2026-11-10T08:00:00Z"),
        count(Whom::Company(bakery), -1, "2026-11-10T08:00:00Z"),
        count(Whom::Company(bakery), 1, "2026-12-10T08:00:00Z"),
        count(Whom::Company(bakery), 1, "2020-12-10T08:00:00Z"),
        count(Whom::Company(bakery), 3, "2026-11-10T08:00:00Z"),
    ];
    let outcomes = reports(&admin, &ground, acme.id, said).await;
    let fields: Vec<_> = outcomes
        .iter()
        .map(|outcome| outcome.as_ref().err().map(|problems| problems[0].field.join(".")).unwrap_or_default())
        .collect();
    assert_eq!(fields, ["companyId", "clientRef", "quantity", "observedAt", "observedAt", ""]);
    assert_eq!(marks(&ground).await, [("2026-11-01".to_owned(), 3, 1)]);
    let stranger = report(&neighbour, &ground, acme.id, Vec::new()).await;
    assert!(matches!(stranger, Err(Error::NotFound)));
}

#[tokio::test]
async fn another_calendar_counts_its_month_anew() {
    let ground = testing::ground().await;
    let (acme, admin) = ground.organization("acme").await;
    let bakery = companies::create(&admin, &ground, acme.id, "Bakery").await.unwrap().id;
    let of = |quantity, at| count(Whom::Company(bakery), quantity, at);
    let said =
        vec![of(9, "2026-11-05T08:00:00Z"), of(4, "2026-11-16T08:00:00Z"), of(6, "2026-11-20T08:00:00Z")];
    reports(&admin, &ground, acme.id, said).await;
    let change = CalendarChange { start_day: Some(15), ..CalendarChange::default() };
    let changed = calendars::set(&admin, &ground, acme.id, change).await.unwrap();
    assert_eq!((changed.version, changed.next_push_at), (2, Some(at("2026-11-22T12:00:00Z"))));
    assert_eq!(
        marks(&ground).await,
        [("2026-11-01".to_owned(), 9, 3), ("2026-11-15".to_owned(), 6, 2)],
        "the other stays as it was"
    );
    let wrong = CalendarChange {
        start_day: Some(32),
        time_zone: Some("Middle/Earth".to_owned()),
        push_minute: Some(u16::MAX),
        ..CalendarChange::default()
    };
    let Err(Error::Invalid(problems)) = calendars::set(&admin, &ground, acme.id, wrong).await else {
        panic!("taken")
    };
    let fields: Vec<_> = problems.iter().map(|problem| problem.field.join(".")).collect();
    assert_eq!(fields, ["startDay", "timeZone", "pushAt"]);
}
