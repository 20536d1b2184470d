//! Copying the database while the gateway runs, and putting a copy back.

use std::{
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Command, Output, Stdio},
};

use entity::restoration;
use psa_gateway::{
    app::backup,
    sandbox::frame::{Fault, FaultKind, Sandbox as _},
};
use sea_orm::EntityTrait as _;

use crate::support::{Place, TestApp, config, drain, finding};

/// A command of the program on this data.
async fn runs(place: &Place, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_psa-gateway"));
    command
        .args(arguments)
        .env("PSA_GATEWAY_DATA_DIR", place.dir())
        .env("DATABASE_URL", place.url())
        .env("PSA_GATEWAY_LOG_FILTER", "warn")
        .stdin(Stdio::null());
    tokio::task::spawn_blocking(move || command.output().expect("the program runs")).await.unwrap()
}

fn said(output: &Output) -> String {
    [&output.stdout[..], &output.stderr].iter().map(|bytes| String::from_utf8_lossy(bytes)).collect()
}

/// Names in a folder that begin like this.
fn names(folder: &Path, beginning: &str) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
    let mut names: Vec<_> = names.filter(|name| name.starts_with(beginning)).collect();
    names.sort();
    names
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_is_made_while_the_gateway_runs_and_replaces_nothing() {
    let app = TestApp::start().await;
    let copy = app.place.dir().join("copy.db").display().to_string();
    let made = runs(&app.place, &["backup", &copy]).await;
    if !app.place.is_embedded() {
        assert!(!made.status.success() && said(&made).contains("pg_dump --format=custom"), "{}", said(&made));
        return;
    }
    let words = said(&made);
    assert!(made.status.success(), "{words}");
    assert!(words.contains("every page checked") && words.contains("master.key"), "{words}");
    assert_eq!(std::fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o600);
    let again = runs(&app.place, &["backup", &copy]).await;
    assert!(!again.status.success() && said(&again).contains("is there already"), "{}", said(&again));
    let nowhere = app.place.dir().join("no-folder/copy.db").display().to_string();
    let failed = runs(&app.place, &["backup", &nowhere]).await;
    assert!(said(&failed).contains("nothing can be written beside"), "{}", said(&failed));
    assert_eq!(names(app.place.dir(), "copy.db"), ["copy.db"], "no draft is left");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_waits_for_nobody_and_destroys_nothing() {
    let app = TestApp::start_on_the_real_clock().await;
    if !app.place.is_embedded() {
        return;
    }
    let file = |name: &str| app.place.dir().join(name).display().to_string();
    let (copy, other) = (file("copy.db"), file("other.db"));
    assert!(runs(&app.place, &["backup", &copy]).await.status.success());
    let refused = runs(&app.place, &["restore", &copy]).await;
    assert!(!refused.status.success() && said(&refused).contains("has "), "{}", said(&refused));
    assert!(said(&refused).contains("open; stop it"), "{}", said(&refused));

    let place = Place::embedded();
    std::fs::write(&other, "nothing of ours").unwrap();
    let wrong = runs(&place, &["restore", &other]).await;
    assert!(said(&wrong).contains("it is no SQLite database"), "{}", said(&wrong));
    let keyless = runs(&place, &["restore", &copy]).await;
    assert!(said(&keyless).contains("master.key") && !keyless.status.success(), "{}", said(&keyless));
    assert_eq!(names(place.dir(), ""), [""; 0], "nothing was made, a key least of all");

    std::fs::copy(file("master.key"), place.dir().join("master.key")).unwrap();
    for kept in 0..3 {
        let done = runs(&place, &["restore", &copy]).await;
        assert!(done.status.success(), "{}", said(&done));
        assert_eq!(names(place.dir(), "gateway.db.before-restore-").len(), kept, "{}", said(&done));
        assert_eq!(names(place.dir(), "gateway.db.part"), [""; 0]);
    }
    let node = app.on_other_data(&place).await;
    let marks = restoration::Entity::find().all(node.ground.db.reader()).await.unwrap();
    assert_eq!(marks.len(), 1, "each was put back from a copy that knew of none");
    assert!(marks[0].state_of <= marks[0].restored_at);
    let log = entity::audit_entry::Entity::find().all(node.ground.db.reader()).await.unwrap();
    assert!(log.iter().any(|entry| entry.action == "databaseRestore"), "{log:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_put_back_by_other_means_is_marked_and_what_waited_in_it_is_looked_for() {
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.ready().await;
    app.halo.fault(Fault::once("POST /api/Tickets", FaultKind::ErrorBeforeCommit { status: 503 }));
    acme.posts(&finding("CVE-1")).await.is_accepted();
    app.drain().await;
    assert_eq!(app.halo.ledger().len(), 0);
    let place = config(&app.place, &[]);
    backup::mark_only(&place, &app.seams()).await.unwrap();

    app.clock.advance_secs(60);
    app.drain().await;
    assert_eq!(app.halo.ledger().len(), 0, "it may have been made by the gateway that was lost");
    assert_eq!(acme.tickets().await[0]["state"], "UNKNOWN");
    app.pass(600).await;
    assert_eq!(app.halo.ledger().len(), 1);
    assert_eq!(acme.tickets().await[0]["state"], "OPEN");

    // Once it is out of doubt there is no waiting, only a look.
    acme.posts(&finding("CVE-2")).await.is_accepted();
    drain(&app.app).await;
    assert_eq!(app.halo.ledger().len(), 2);
}
