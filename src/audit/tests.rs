//! The log only grows, and whoever makes it say something else is found.

use std::net::IpAddr;

use entity::Role;
use sea_orm::{ColumnTrait as _, ConnectionTrait as _, QueryFilter as _, QueryOrder as _};

use super::*;
use crate::{
    audit::verify::{Checked, verify},
    organizations::companies,
    testing::{self, TestGround},
};

async fn entries(ground: &Ground, organization_id: Uuid) -> Vec<audit_entry::Model> {
    audit_entry::Entity::find()
        .filter(audit_entry::Column::OrganizationId.eq(organization_id))
        .order_by_asc(audit_entry::Column::Number)
        .all(ground.db.reader())
        .await
        .unwrap()
}

async fn checked(ground: &Ground, organization_id: Uuid) -> Checked {
    verify(&Viewer::gateway(), ground, organization_id).await.unwrap()
}

/// Where the log is broken, and in which words.
async fn flaw(ground: &Ground, organization_id: Uuid) -> (i64, String) {
    let flaw = checked(ground, organization_id).await.flaw.expect("a flaw");
    (flaw.number, flaw.what)
}

/// An organization with so many companies: as many entries.
async fn with_entries(ground: &TestGround, count: usize) -> (Uuid, Viewer) {
    let (acme, admin) = ground.organization("acme").await;
    for number in 1..=count {
        companies::create(&admin, ground, acme.id, &format!("Company {number}")).await.unwrap();
    }
    (acme.id, admin)
}

async fn execute(ground: &Ground, statement: &str) -> Result<(), Error> {
    let statement = statement.to_owned();
    ground
        .db
        .write(move |tx| Box::pin(async move { Ok(tx.execute_unprepared(&statement).await.map(|_| ())?) }))
        .await
}

/// Somebody with the database's own password takes the database's rules away.
async fn without_rules(ground: &Ground) {
    let rules: &[&str] = if ground.db.is_sqlite() {
        &[
            "DROP TRIGGER audit_entry_update",
            "DROP TRIGGER audit_entry_delete",
            "DROP TRIGGER audit_entry_replace",
            "DROP TRIGGER audit_head_update",
            "DROP TRIGGER audit_head_delete",
        ]
    } else {
        &["ALTER TABLE audit_entry DISABLE TRIGGER USER", "ALTER TABLE audit_head DISABLE TRIGGER USER"]
    };
    for rule in rules {
        execute(ground, rule).await.unwrap();
    }
}

async fn store(ground: &Ground, entry: audit_entry::Model) {
    let row = entry.into_active_model().reset_all();
    let stored = ground.db.write(move |tx| Box::pin(async move { Ok::<_, Error>(row.update(tx).await?) }));
    stored.await.unwrap();
}

#[tokio::test]
async fn an_entry_says_who_from_where_and_what_it_was_before() {
    let ground = testing::ground().await;
    let (acme, admin) = ground.organization("acme").await;
    let address: IpAddr = "2001:db8::17".parse().unwrap();
    let admin = admin.calling_from(Some(address)).asking_with("request-4711");
    let company = companies::create(&admin, &ground, acme.id, "Bakery").await.unwrap();
    ground.clock.advance_secs(5);
    companies::rename(&admin, &ground, company.id, Some("Mill"), None).await.unwrap();

    let found = entries(&ground, acme.id).await;
    let [made, renamed] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!((made.number, made.before.as_deref()), (1, None));
    assert_eq!(made.after.as_deref(), Some("{\"name\":\"Bakery\"}"));
    assert_eq!((renamed.number, renamed.at), (2, testing::START.plus_secs(5)));
    assert_eq!((renamed.action.as_str(), renamed.target_type.as_str()), ("companyUpdate", "Company"));
    assert_eq!((renamed.target_id, renamed.target_name.as_str()), (company.id, "Mill"));
    assert_eq!(renamed.before.as_deref(), Some("{\"name\":\"Bakery\"}"));
    assert_eq!((renamed.actor_kind, renamed.actor_name.as_str()), (ActorKind::Token, "tester"));
    assert_eq!(renamed.address.as_deref(), Some("2001:db8::17"));
    assert_eq!(renamed.request_id.as_deref(), Some("request-4711"));
    assert_eq!(checked(&ground, acme.id).await.flaw, None);
}

#[tokio::test]
async fn what_is_not_done_is_not_in_the_log() {
    let ground = testing::ground().await;
    let (acme, admin) = with_entries(&ground, 1).await;
    let viewer = Viewer::of_organization(Known::Token(Uuid::nil()), "viewer", acme, Role::Viewer);
    assert!(companies::create(&viewer, &ground, acme, "Mill").await.is_err());
    // Refused by the database, inside of the transaction.
    assert!(companies::create(&admin, &ground, acme, "Company 1").await.is_err());
    assert_eq!(entries(&ground, acme).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn changes_at_the_same_moment_stand_one_after_the_other() {
    let ground = testing::ground().await;
    let (acme, admin) = ground.organization("acme").await;
    let names: Vec<String> = (0..12).map(|number| format!("Company {number}")).collect();
    let making = names.iter().map(|name| companies::create(&admin, &ground, acme.id, name));
    for made in futures_util::future::join_all(making).await {
        made.unwrap();
    }
    let numbers: Vec<_> = entries(&ground, acme.id).await.iter().map(|entry| entry.number).collect();
    assert_eq!(numbers, (1..=12).collect::<Vec<i64>>());
    let looked = checked(&ground, acme.id).await;
    assert_eq!((looked.sound, looked.flaw), (12, None));
}

#[tokio::test]
async fn the_database_refuses_to_change_or_remove_an_entry() {
    let ground = testing::ground().await;
    let (acme, _) = with_entries(&ground, 2).await;
    let again = "INSERT OR REPLACE INTO audit_entry SELECT * FROM audit_entry WHERE number = 1";
    let (truncate, replace) = if ground.db.is_sqlite() {
        ("DELETE FROM audit_entry", again)
    } else {
        ("TRUNCATE audit_entry, audit_head", "TRUNCATE audit_head CASCADE")
    };
    for forbidden in [
        "UPDATE audit_entry SET actor_name = 'nobody'",
        "UPDATE audit_entry SET number = 9 WHERE number = 2",
        "DELETE FROM audit_entry WHERE number = 2",
        truncate,
        replace,
        "DELETE FROM audit_head",
        "UPDATE audit_head SET last_number = last_number - 1",
        "UPDATE audit_head SET last_number = last_number",
    ] {
        assert!(execute(&ground, forbidden).await.is_err(), "{forbidden}");
    }
    assert_eq!(entries(&ground, acme).await.len(), 2);
    assert_eq!(checked(&ground, acme).await.flaw, None);
}

#[tokio::test]
async fn an_entry_that_somebody_changed_is_found() {
    let ground = testing::ground().await;
    let (acme, _) = with_entries(&ground, 4).await;
    without_rules(&ground).await;
    let known = entries(&ground, acme).await;
    for field in 0..6 {
        let mut entry = known[1].clone();
        match field {
            0 => entry.actor_name = "somebody else".to_owned(),
            1 => entry.at = entry.at.plus_secs(1),
            2 => entry.after = None,
            3 => entry.before = Some("{}".to_owned()),
            4 => entry.address = Some("192.0.2.1".to_owned()),
            _ => entry.target_id = known[0].target_id,
        }
        store(&ground, entry).await;
        let (number, what) = flaw(&ground, acme).await;
        assert!(number == 2 && what.contains("was changed"), "field {field}: {number}, {what}");
        store(&ground, known[1].clone()).await;
        assert_eq!(checked(&ground, acme).await.flaw, None);
    }
    execute(&ground, "DELETE FROM audit_entry WHERE number = 3").await.unwrap();
    let (number, what) = flaw(&ground, acme).await;
    assert!(number == 3 && what.contains("missing"), "{number}, {what}");
}

#[tokio::test]
async fn who_has_only_the_database_cannot_mend_the_chain() {
    let ground = testing::ground().await;
    let (acme, admin) = with_entries(&ground, 3).await;
    without_rules(&ground).await;
    let known = entries(&ground, acme).await;

    // Everything from the second entry on is written anew, with hashes that fit; seals are copied.
    let mut previous = known[0].hash.clone();
    for entry in &known[1..] {
        let mut entry = entry.clone();
        entry.actor_name = "somebody else".to_owned();
        entry.hash = chain::hash(&entry, &previous).to_vec();
        previous.clone_from(&entry.hash);
        store(&ground, entry).await;
    }
    let (number, what) = flaw(&ground, acme).await;
    assert!(number == 2 && what.contains("seal"), "{number}, {what}");
    for entry in known.clone() {
        store(&ground, entry).await;
    }
    assert_eq!(checked(&ground, acme).await.flaw, None);

    // The last entry is cut off, and the head says that the log ends before it: with the seal of that entry.
    execute(&ground, "DELETE FROM audit_entry WHERE number = 3").await.unwrap();
    let (number, what) = flaw(&ground, acme).await;
    assert!(number == 3 && what.contains("missing"), "{number}, {what}");
    let head = audit_head::ActiveModel {
        id: Set(acme),
        last_number: Set(2),
        last_hash: Set(known[1].hash.clone()),
        seal: Set(known[1].seal.clone()),
        ..Default::default()
    };
    let cut = ground.db.write(move |tx| Box::pin(async move { Ok::<_, Error>(head.update(tx).await?) }));
    cut.await.unwrap();
    let (number, what) = flaw(&ground, acme).await;
    assert!(number == 2 && what.contains("key"), "{number}, {what}");

    // What the gateway adds then does not make it look sound.
    companies::create(&admin, &ground, acme, "Later").await.unwrap();
    let (number, what) = flaw(&ground, acme).await;
    assert!(number == 3 && what.contains("after somebody else"), "{number}, {what}");
    companies::create(&admin, &ground, acme, "Later still").await.unwrap();
    assert_eq!(flaw(&ground, acme).await.0, 3);
    assert_eq!(checked(&ground, INSTALLATION).await.flaw, None, "each log for itself");
}

#[tokio::test]
async fn a_long_log_is_walked_in_pages_and_its_end_is_looked_for() {
    let ground = testing::ground().await;
    let (acme, admin) = ground.organization("acme").await;
    let company = companies::create(&admin, &ground, acme.id, "Bakery").await.unwrap();
    let (of, by) = (Ground::clone(&ground), admin.clone());
    let many = ground.db.write(move |tx| {
        Box::pin(async move {
            for _ in 0..1_203 {
                record(tx, &of, &by, Change::made("companyCreate", &company)).await?;
            }
            Ok::<_, Error>(())
        })
    });
    many.await.unwrap();
    let looked = checked(&ground, acme.id).await;
    assert_eq!((looked.sound, looked.flaw), (1_204, None));
    assert_eq!(looked.hash.len(), 64);
    without_rules(&ground).await;
    execute(&ground, "DELETE FROM audit_entry WHERE number > 1200").await.unwrap();
    assert_eq!(flaw(&ground, acme.id).await, (1_201, "is missing, and all until entry 1204".to_owned()));
}

#[test]
fn only_what_changed_stands_in_the_log_also_inside_of_objects() {
    let facts = |value: Value| value.as_object().cloned().unwrap();
    let before =
        facts(serde_json::json!({ "name": "a", "settings": { "domain": "x", "port": 1 }, "gone": 1 }));
    let after = facts(serde_json::json!({ "name": "a", "settings": { "domain": "y", "port": 1 }, "new": 2 }));
    let (was, is) = differences(before, after);
    assert_eq!(Value::Object(was), serde_json::json!({ "settings": { "domain": "x" }, "gone": 1 }));
    assert_eq!(Value::Object(is), serde_json::json!({ "settings": { "domain": "y" }, "new": 2 }));
}

#[test]
fn no_two_entries_hash_alike() {
    let entry = audit_entry::Model {
        id: Uuid::nil(),
        organization_id: Uuid::nil(),
        number: 1,
        at: testing::START,
        actor_kind: ActorKind::Token,
        actor_id: None,
        actor_name: "ab".to_owned(),
        address: None,
        request_id: None,
        action: "c".to_owned(),
        target_type: "Company".to_owned(),
        target_id: Uuid::nil(),
        target_name: String::new(),
        before: None,
        after: None,
        hash: Vec::new(),
        seal: Vec::new(),
    };
    let hash = |entry: &audit_entry::Model| chain::hash(entry, &[]);
    // Kept from the first release on: who changes how an entry is hashed breaks every log there is.
    let known = "9095b916750af367938ae98fd4e4cac86033a9eb181c50f14785a63fa0674be5";
    assert_eq!(verify::hex(&hash(&entry)), known);
    let moved = audit_entry::Model { address: Some(String::new()), ..entry.clone() };
    assert_ne!(hash(&moved), hash(&entry), "an empty address is not none");
    let shifted = audit_entry::Model { action: "bc".to_owned(), actor_name: "a".to_owned(), ..entry.clone() };
    assert_ne!(hash(&shifted), hash(&entry));
    let other = audit_entry::Model { before: Some("{}".to_owned()), ..entry.clone() };
    assert_ne!(hash(&other), hash(&audit_entry::Model { after: Some("{}".to_owned()), ..entry }));
}
