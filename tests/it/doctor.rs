//! The doctor says what is wrong, where, and what to do, and shows no secret.

use std::process::{Command, Stdio};

use psa_gateway::sandbox::frame::Sandbox as _;
use serde_json::Value;

use crate::support::{Place, TestApp, finding, secrets_in};

/// What it prints, and how it ends.
async fn doctor(place: &Place, arguments: &[&str]) -> (String, i32) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_psa-gateway"));
    command
        .arg("doctor")
        .args(arguments)
        .env("PSA_GATEWAY_DATA_DIR", place.dir())
        .env("DATABASE_URL", place.url())
        .env("PSA_GATEWAY_PSA_PRIVATE_ADDRESSES", "*")
        .env("PSA_GATEWAY_LOG_FILTER", "error")
        .stdin(Stdio::null());
    let output =
        tokio::task::spawn_blocking(move || command.output().expect("the program runs")).await.unwrap();
    let text: String = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(!text.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    (text, output.status.code().expect("it ends by itself"))
}

/// The lines about one thing.
fn about<'a>(text: &'a str, name: &str) -> Vec<&'a str> {
    text.lines().filter(|line| line.split_whitespace().nth(1) == Some(name)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_is_well_is_told_so() {
    let app = TestApp::start_on_the_real_clock().await;
    let acme = app.msp("acme").await.ready().await;
    acme.posts(&finding("CVE-1").now()).await.is_accepted();
    app.drain().await;

    let (text, code) = doctor(&app.place, &["--call"]).await;
    println!("{text}");
    // A server for tests may be set to be fast rather than safe.
    let bad: Vec<_> = text.lines().filter(|line| line.starts_with("bad")).collect();
    let is_of_server = |line: &&str| line.contains("database.fsync") || line.contains("database.synchronous");
    assert!(bad.iter().all(|line| !app.place.is_embedded() && is_of_server(line)), "{text}");
    assert_eq!(code, i32::from(!bad.is_empty()), "{text}");
    for name in ["database.tables", "keys.master", "keys.data", "work.deliveries"] {
        assert!(about(&text, name).iter().all(|line| line.starts_with("ok")), "{name}: {text}");
        assert_eq!(about(&text, name).len(), 1, "{name}: {text}");
    }
    let called = about(&text, "connections.call");
    assert!(called.len() == 1 && called[0].contains("acme / The PSA: the login works"), "{text}");
    let own = if app.place.is_embedded() { "database.permissions" } else { "database.clock" };
    assert_eq!(about(&text, own).len(), 1, "{text}");
    assert_eq!(secrets_in(&text), Vec::<String>::new());

    let (text, code) = doctor(&app.place, &["--json"]).await;
    let document: Value = serde_json::from_str(&text).expect("one JSON document");
    assert_eq!(code, i32::from(document["verdict"] == "bad"));
    assert!(document["checks"].as_array().is_some_and(|checks| checks.len() > 8), "{document:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_named_with_what_to_do() {
    let app = TestApp::start_on_the_real_clock().await;
    let acme = app.msp("acme").await.ready().await;
    // A scanner names a customer that nobody has mapped, and the login to the PSA stops working.
    acme.posts(&finding("CVE-1").of("nobody").now()).await.is_accepted();
    app.drain().await;
    let wrong = app.halo.credentials().into_iter().map(|(key, value)| {
        let value = if key == "client_secret" { "no longer the one".to_owned() } else { value };
        (key, value)
    });
    acme.makes_connection("Old login", &wrong.collect::<Vec<_>>()).await;

    let (text, code) = doctor(&app.place, &["--call"]).await;
    println!("{text}");
    assert_eq!(code, 1, "{text}");
    let called: Vec<_> =
        about(&text, "connections.call").into_iter().filter(|line| line.starts_with("bad")).collect();
    assert!(called.len() == 1 && called[0].contains("acme / Old login"), "{text}");
    let held = about(&text, "work.held");
    assert!(held.len() == 1 && held[0].contains("companyMappingSet"), "{text}");
    assert_eq!(secrets_in(&text), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_not_there_or_not_up_to_date_is_left_as_it_is() {
    let place = Place::embedded();
    let (text, code) = doctor(&place, &[]).await;
    assert!(code == 1 && text.contains("there is none at"), "{text}");
    assert_eq!(std::fs::read_dir(place.dir()).unwrap().count(), 0, "it made something");

    let db = psa_gateway::db::Db::connect(place.url(), 2).await.unwrap();
    let (text, code) = doctor(&place, &[]).await;
    assert!(code == 1 && text.contains("run psa-gateway migrate"), "{text}");
    db.migrate().await.unwrap();
    let (text, _) = doctor(&place, &[]).await;
    assert!(text.contains("master key file") && text.contains("is not there"), "{text}");
    db.close().await.unwrap();
    assert!(!place.dir().join("master.key").exists(), "it made a key");
}
