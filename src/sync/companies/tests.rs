//! The copy of a PSA's companies takes what PSAs really send.

use super::*;
use crate::{
    ground::Ground,
    sync::remote::RemoteCompany,
    testing::{self, TestGround},
};

fn company(external_id: &str, name: &str) -> RemoteCompany {
    RemoteCompany {
        external_id: external_id.to_owned(),
        name: name.to_owned(),
        is_active: true,
        ..RemoteCompany::default()
    }
}

async fn store(
    ground: &TestGround,
    row: &entity::psa_connection::Model,
    companies: Vec<RemoteCompany>,
) -> Stored {
    let (organization_id, id) = (row.organization_id, row.id);
    let ground_of = Ground::clone(ground);
    let stored = ground.db.write(move |tx| {
        Box::pin(async move { store_companies(tx, &ground_of, organization_id, id, &companies).await })
    });
    stored.await.unwrap()
}

async fn names(ground: &TestGround, filter: PsaCompanyFilter) -> Vec<String> {
    let rows = PsaCompanyList { filter, order: None }
        .rows(&Viewer::gateway())
        .all(ground.db.reader())
        .await
        .unwrap();
    let mut names: Vec<_> = rows.into_iter().map(|row| row.name).collect();
    names.sort();
    names
}

fn search(text: &str) -> PsaCompanyFilter {
    PsaCompanyFilter { text: Some(text.to_owned()), ..PsaCompanyFilter::default() }
}

#[tokio::test]
async fn companies_are_overwritten_by_their_id_and_cleaned() {
    let ground = testing::ground().await;
    let (acme, admin) = ground.organization("acme").await;
    let connection = testing::connection(&ground, &admin, acme.id, "Halo").await;
    let first = vec![
        company("1", "Bakery"),
        company("1", "Bakery Ltd"),
        company("2", "\0Mill\nand Sons"),
        company("", "no id"),
        company(&"9".repeat(101), "an id too long"),
        RemoteCompany { url: Some("javascript:alert(1)".to_owned()), ..company("3", &"x".repeat(300)) },
    ];
    let stored = store(&ground, &connection, first).await;
    assert_eq!((stored.counts.created, stored.counts.failed, stored.failures.len()), (3, 2, 2));
    let all = names(&ground, PsaCompanyFilter::default()).await;
    assert_eq!(all, ["Bakery Ltd".to_owned(), "Mill and Sons".to_owned(), "x".repeat(255)]);
    let many = (0..1_200).map(|number| company(&number.to_string(), &format!("Company {number}"))).collect();
    let stored = store(&ground, &connection, many).await;
    assert_eq!(
        (stored.counts.created, stored.counts.updated),
        (1_197, 3),
        "three were there under another name"
    );
    assert_eq!(names(&ground, PsaCompanyFilter::default()).await.len(), 1_200);
}

#[tokio::test]
async fn a_search_takes_signs_as_they_are_and_case_as_it_comes() {
    let ground = testing::ground().await;
    let (acme, admin) = ground.organization("acme").await;
    let connection = testing::connection(&ground, &admin, acme.id, "Halo").await;
    let gone = RemoteCompany { is_active: false, ..company("4", "Gone Bakery") };
    let all = vec![company("1", "100% Bakery"), company("2", "A_B"), company("3", "Bäckerei Ä"), gone];
    store(&ground, &connection, all).await;
    assert_eq!(names(&ground, search("BAKERY")).await, ["100% Bakery", "Gone Bakery"]);
    assert_eq!(names(&ground, search("%")).await, ["100% Bakery"]);
    assert_eq!(names(&ground, search("_")).await, ["A_B"]);
    assert_eq!(names(&ground, search("\\")).await, Vec::<String>::new());
    assert_eq!(names(&ground, search("Ä")).await, ["Bäckerei Ä"]);
    let active = PsaCompanyFilter { is_active: Some(true), ..search("bakery") };
    assert_eq!(names(&ground, active).await, ["100% Bakery"]);
}

#[tokio::test]
async fn what_is_as_it_was_is_not_written() {
    let ground = testing::ground().await;
    let (acme, admin) = ground.organization("acme").await;
    let connection = testing::connection(&ground, &admin, acme.id, "Halo").await;
    let all = || vec![company("1", "Bakery"), company("2", "Mill")];
    let first = store(&ground, &connection, all()).await;
    ground.clock.advance_secs(60);
    let again = store(&ground, &connection, all()).await;
    assert_eq!((again.counts.unchanged, again.counts.updated), (2, 0));
    assert_eq!(again.rows, first.rows, "not even the time of reading");
    let renamed = store(&ground, &connection, vec![company("1", "Bakery Ltd"), company("2", "Mill")]).await;
    assert_eq!((renamed.counts.unchanged, renamed.counts.updated), (1, 1));
    assert_eq!(renamed.rows[0].changed_at, Some(ground.clock.now()));
    assert_eq!(renamed.rows[0].id, first.rows[0].id);
}
