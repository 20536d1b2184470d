//! Connections keep secrets, and say when they fail.

use super::*;
use crate::testing::{self, TestGround};

const SECRET: &str = "canary-8c1f-secret-wxyz";

fn login(secret: &str) -> SortedCredentials {
    SortedCredentials {
        settings: BTreeMap::from([("domain".to_owned(), "acme.halopsa.com".to_owned())]),
        secrets: vec![("client_secret".to_owned(), secret.to_owned().into())],
    }
}

async fn connection(ground: &TestGround, viewer: &Viewer, name: &str) -> psa_connection::Model {
    let new = NewConnection {
        company_id: None,
        organization_id: viewer.organization_id().unwrap(),
        platform: "halo".to_owned(),
        name: name.to_owned(),
        credentials: login(SECRET),
        problems: Vec::new(),
    };
    create(viewer, ground, new).await.unwrap()
}

#[tokio::test]
async fn secrets_are_sealed_and_open_again_whole() {
    let ground = testing::ground().await;
    let (_, admin) = ground.organization("acme").await;
    let row = connection(&ground, &admin, "Halo").await;
    assert_eq!((row.credentials_hint.as_str(), row.credentials_version), ("wxyz", 1));
    assert!(!format!("{row:?}").contains("canary"));
    assert!(!String::from_utf8_lossy(&row.sealed_credentials).contains("canary"));
    let opened = credentials(&ground, &row).await.unwrap();
    assert_eq!(opened["client_secret"].expose_secret(), SECRET);
    assert_eq!(opened["domain"].expose_secret(), "acme.halopsa.com");
}

#[tokio::test]
async fn another_login_makes_health_unknown_and_counts_as_another_version() {
    let ground = testing::ground().await;
    let (_, admin) = ground.organization("acme").await;
    let row = connection(&ground, &admin, "Halo").await;
    let (id, organization_id) = (row.id, row.organization_id);
    record_health(&ground, organization_id, id, false, "the login is refused").await.unwrap();
    assert_eq!(by_id(&admin, &ground, id).await.unwrap().health, Health::Failing);

    let change = |version| ConnectionChange {
        credentials: Some((version, login("another-secret-1234"))),
        ..ConnectionChange::default()
    };
    let changed = update(&admin, &ground, id, change(1)).await.unwrap();
    assert_eq!((changed.health, changed.credentials_version), (Health::Unverified, 2));
    assert_eq!(changed.credentials_hint, "1234");
    let opened = credentials(&ground, &changed).await.unwrap();
    assert_eq!(opened["client_secret"].expose_secret(), "another-secret-1234");

    // Made from the first login, which is no longer the current one.
    assert!(matches!(update(&admin, &ground, id, change(1)).await, Err(Error::Invalid(_))));
    // A check of the first login says nothing about the second.
    let checked = record_verification(&admin, &ground, id, 1, json!([]), true, "works").await.unwrap();
    assert_eq!(checked.health, Health::Unverified);
    let steps = json!([{"key": "host"}]);
    let checked = record_verification(&admin, &ground, id, 2, steps.clone(), true, "works").await.unwrap();
    assert_eq!((checked.health, checked.verification), (Health::Healthy, steps));
}

#[tokio::test]
async fn calls_that_work_are_written_down_once_a_minute() {
    let ground = testing::ground().await;
    let (_, admin) = ground.organization("acme").await;
    let row = connection(&ground, &admin, "Halo").await;
    let works = async || {
        record_health(&ground, row.organization_id, row.id, true, "the last call worked").await.unwrap();
        by_id(&admin, &ground, row.id).await.unwrap().health_checked_at
    };
    assert_eq!(works().await, Some(testing::START));
    ground.clock.advance_secs(59);
    assert_eq!(works().await, Some(testing::START));
    ground.clock.advance_secs(1);
    assert_eq!(works().await, Some(testing::START.plus_secs(60)));
}

#[tokio::test]
async fn a_neighbour_finds_no_connection_and_a_used_one_stays() {
    let ground = testing::ground().await;
    let (_, admin) = ground.organization("acme").await;
    let (_, neighbour) = ground.organization("globex").await;
    let row = connection(&ground, &admin, "Halo").await;
    assert!(matches!(by_id(&neighbour, &ground, row.id).await, Err(Error::NotFound)));
    assert!(matches!(delete(&neighbour, &ground, row.id).await, Err(Error::NotFound)));
    let change = ConnectionChange { is_enabled: Some(false), ..ConnectionChange::default() };
    assert!(matches!(update(&neighbour, &ground, row.id, change.clone()).await, Err(Error::NotFound)));
    assert!(!update(&admin, &ground, row.id, change).await.unwrap().is_enabled);

    let second = NewConnection {
        company_id: None,
        organization_id: row.organization_id,
        platform: "halo".to_owned(),
        name: "Halo".to_owned(),
        credentials: login(SECRET),
        problems: Vec::new(),
    };
    let Err(Error::Invalid(problems)) = create(&admin, &ground, second).await else {
        panic!("two of a name")
    };
    assert_eq!(problems[0].code, ProblemCode::Taken);
    delete(&admin, &ground, row.id).await.unwrap();
    assert!(matches!(by_id(&admin, &ground, row.id).await, Err(Error::NotFound)));
}
