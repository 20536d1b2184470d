//! Windows begin before they end, last for a month at the most, and are their organization's own.

use super::*;
use crate::{
    organizations::companies,
    testing::{self, TestGround},
};

const HOUR: i64 = 3_600;

fn new(ground: &TestGround, organization_id: Uuid, from_secs: i64, until_secs: i64) -> NewWindow {
    let now = ground.clock.now();
    NewWindow {
        organization_id,
        company_id: None,
        name: "Patch day".to_owned(),
        starts_at: now.plus_secs(from_secs),
        ends_at: now.plus_secs(until_secs),
        weekly: None,
    }
}

fn wrong(result: Result<maintenance_window::Model, Error>) -> Vec<(String, ProblemCode)> {
    let Err(Error::Invalid(problems)) = result else { panic!("taken") };
    problems.into_iter().map(|problem| (problem.field.join("."), problem.code)).collect()
}

#[tokio::test]
async fn what_is_wrong_with_a_window_is_said_all_at_once() {
    let ground = testing::ground().await;
    let (acme, admin) = ground.organization("acme").await;
    let (globex, stranger) = ground.organization("globex").await;
    let theirs = companies::create(&stranger, &ground, globex.id, "Mill").await.unwrap();
    let invalid = |field: &str| (field.to_owned(), ProblemCode::Invalid);
    for (from, until) in [(HOUR, HOUR), (0, 32 * 24 * HOUR), (390 * 24 * HOUR, 401 * 24 * HOUR)] {
        let made = create(&admin, &ground, new(&ground, acme.id, from, until)).await;
        assert_eq!(wrong(made), [invalid("endsAt")], "{from} until {until}");
    }
    let window = NewWindow {
        name: " ".to_owned(),
        company_id: Some(theirs.id),
        ..new(&ground, acme.id, -2 * HOUR, -HOUR)
    };
    assert_eq!(
        wrong(create(&admin, &ground, window).await),
        [
            ("name".to_owned(), ProblemCode::Required),
            invalid("endsAt"),
            ("companyId".to_owned(), ProblemCode::NotFound),
        ]
    );
}

#[tokio::test]
async fn a_window_that_is_open_can_be_ended_and_is_nobody_elses() {
    let ground = testing::ground().await;
    let (acme, admin) = ground.organization("acme").await;
    let (_, neighbour) = ground.organization("globex").await;
    let made = create(&admin, &ground, new(&ground, acme.id, -HOUR, HOUR)).await.unwrap();
    let ended = WindowChange { ends_at: Some(ground.clock.now()), ..WindowChange::default() };
    assert!(matches!(update(&neighbour, &ground, made.id, ended.clone()).await, Err(Error::NotFound)));
    assert!(matches!(delete(&neighbour, &ground, made.id).await, Err(Error::NotFound)));
    let changed = update(&admin, &ground, made.id, ended.clone()).await.unwrap();
    assert_eq!((changed.version, changed.ends_at), (2, ground.clock.now()));
    let stale = WindowChange { expected_version: Some(1), ..ended };
    let late = update(&admin, &ground, made.id, stale).await;
    assert_eq!(wrong(late), [("expectedVersion".to_owned(), ProblemCode::Stale)]);
    delete(&admin, &ground, made.id).await.unwrap();
    assert!(matches!(by_id(&admin, &ground, made.id).await, Err(Error::NotFound)));
}

#[tokio::test]
async fn a_company_that_goes_takes_its_windows_with_it() {
    let ground = testing::ground().await;
    let (acme, admin) = ground.organization("acme").await;
    let mill = companies::create(&admin, &ground, acme.id, "Mill").await.unwrap();
    let window = NewWindow { company_id: Some(mill.id), ..new(&ground, acme.id, 0, HOUR) };
    let made = create(&admin, &ground, window).await.unwrap();
    companies::delete(&admin, &ground, mill.id).await.unwrap();
    assert!(matches!(by_id(&admin, &ground, made.id).await, Err(Error::NotFound)));
}
