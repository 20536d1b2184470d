//! Of two who change the same thing at once, knowing the same version of it, one wins.

use std::fmt::Debug;

use sea_orm::{ActiveModelTrait as _, Set};

use super::*;
use crate::{
    organizations::{
        companies,
        connections::{self, ConnectionChange},
        endpoints::{self, NewEndpoint},
        mappings::{self, SetMapping},
        organization as organizations,
        policies::{self, PolicyChange},
        profiles::{self, ProfileChange},
    },
    testing::{self, TestGround},
};

fn is_stale<T: Debug>(result: &Result<T, Error>) -> bool {
    match result {
        Err(Error::Invalid(problems)) => problems
            .iter()
            .all(|problem| problem.code == ProblemCode::Stale && problem.field == ["expectedVersion"]),
        _ => false,
    }
}

/// One of them was done, the other was told that it is too late; and the version went on by one.
fn one_wins<T: Versioned + Debug>(pair: (Result<T, Error>, Result<T, Error>), seen: i32) {
    let (done, late) = if pair.0.is_ok() { pair } else { (pair.1, pair.0) };
    assert_eq!(done.expect("one is done").version(), seen + 1);
    assert!(is_stale(&late), "{late:?}");
}

async fn profile(ground: &TestGround, connection: &psa_connection::Model) -> ticket_profile::Model {
    let row = ticket_profile::ActiveModel {
        id: Set(ground.chance.id(ground.clock.now())),
        organization_id: Set(connection.organization_id),
        psa_connection_id: Set(connection.id),
        name: Set("Alerts".to_owned()),
        is_default: Set(true),
        board: Set(None),
        fields: Set(serde_json::json!({})),
        status_on_create: Set(None),
        status_on_close: Set("9".to_owned()),
        title_template: Set(None),
        body_template: Set(None),
        version: Set(1),
        created_at: Set(ground.clock.now()),
        updated_at: Set(ground.clock.now()),
    };
    ground.db.write(move |tx| Box::pin(async move { Ok::<_, Error>(row.insert(tx).await?) })).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_that_expect_the_same_version_one_wins() {
    let ground = testing::ground().await;
    let (acme, admin) = ground.organization("acme").await;
    let name = Some("Renamed");

    let renamed = |name: &str, expected_version| organizations::OrganizationChange {
        name: Some(name.to_owned()),
        expected_version,
        ..Default::default()
    };
    let change = || organizations::update(&admin, &ground, acme.id, renamed("Renamed", Some(1)));
    one_wins(tokio::join!(change(), change()), 1);

    let company = companies::create(&admin, &ground, acme.id, "Bakery").await.unwrap();
    let change = || companies::rename(&admin, &ground, company.id, name, Some(1));
    one_wins(tokio::join!(change(), change()), 1);

    let policy = policies::of_organizations(&admin, &ground, &[acme.id]).await.unwrap().remove(&acme.id);
    let policy = policy.expect("the built-in one");
    let off = PolicyChange { is_enabled: Some(false), expected_version: Some(1), ..PolicyChange::default() };
    let change = || policies::update(&admin, &ground, policy.id, off.clone());
    one_wins(tokio::join!(change(), change()), 1);

    let connection = testing::connection(&ground, &admin, acme.id, "Halo").await;
    let off = ConnectionChange { is_enabled: Some(false), expected_version: Some(1), ..Default::default() };
    let change = || connections::update(&admin, &ground, connection.id, off.clone());
    one_wins(tokio::join!(change(), change()), 1);

    let profile = profile(&ground, &connection).await;
    let renamed = ProfileChange {
        name: Some("Renamed".to_owned()),
        is_default: Some(true),
        expected_version: Some(1),
        ..Default::default()
    };
    let change = || profiles::update(&admin, &ground, &[], profile.id, renamed.clone());
    one_wins(tokio::join!(change(), change()), 1);

    let new = NewEndpoint {
        organization_id: acme.id,
        name: "Trivy".to_owned(),
        sender: "events".to_owned(),
        is_platform: false,
        psa_connection_id: None,
        scheme: "standard_webhooks".to_owned(),
        secret: None,
        allowed_addresses: Vec::new(),
        settings: None,
        learning: endpoints::Learning::default(),
        is_registered: false,
        problems: Vec::new(),
    };
    let endpoint = endpoints::create(&admin, &ground, new).await.unwrap();
    let renamed = endpoints::EndpointChange {
        name: name.map(str::to_owned),
        expected_version: Some(1),
        ..Default::default()
    };
    let change = || endpoints::update(&admin, &ground, endpoint.id, renamed.clone());
    one_wins(tokio::join!(change(), change()), 1);

    // A mapping that nobody has seen is expected not to be there.
    let theirs = testing::psa_company(&ground, &connection, "12", "The Bakery").await;
    let set = |expected_version| SetMapping {
        company_id: company.id,
        psa_company_id: theirs.id,
        expected_version,
        ..Default::default()
    };
    for seen in [0, 1] {
        let change = || mappings::set(&admin, &ground, set(Some(seen)));
        one_wins(tokio::join!(change(), change()), seen);
    }
    assert_eq!(mappings::set(&admin, &ground, set(None)).await.unwrap().version, 3);
}

#[tokio::test]
async fn who_expects_nothing_changes_what_is_there_and_who_is_late_is_told_the_present_version() {
    let ground = testing::ground().await;
    let (acme, admin) = ground.organization("acme").await;
    let renamed = |name: &str, expected_version| organizations::OrganizationChange {
        name: Some(name.to_owned()),
        expected_version,
        ..Default::default()
    };
    for name in ["One", "Two"] {
        organizations::update(&admin, &ground, acme.id, renamed(name, None)).await.unwrap();
    }
    let late = organizations::update(&admin, &ground, acme.id, renamed("Late", Some(1))).await;
    assert!(is_stale(&late));
    let words = late.unwrap_err().to_string();
    assert!(words.contains("its version is 3, and 1 was expected"), "{words}");
    assert_eq!(organizations::by_id(&admin, &ground, acme.id).await.unwrap().name, "Two");
}
