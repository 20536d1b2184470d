//! One installation on several PostgreSQL databases: an organization lives in one of them, and can be brought to another.
//!
//! On SQLite there is one thing to tell: that it cannot.

use std::{
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use psa_gateway::{
    app::shards::relocate,
    config::Config,
    organizations::relocation::Pauses,
    sandbox::frame::{Deed, Fault, FaultKind, Sandbox as _},
};
use sea_orm::{ConnectionTrait as _, Database};
use serde_json::{Value, json};

use crate::support::{Place, TestApp, config, finding, text};

const NO_PAUSES: Pauses = Pauses { ending: std::time::Duration::ZERO, arriving: std::time::Duration::ZERO };
const TICKETS: &str = "query($id: ID!) { node(id: $id) { ... on Organization { slug
    tickets(first: 10) { nodes { id state externalId closedBy events(first: 10) { nodes { id } } } }
    webhookDeliveries(first: 10) { nodes { state } } } } }";

/// The setting for a further database that is called west.
fn west(place: &Place) -> String {
    format!("west={}", place.url())
}

/// Brings an organization to another shard, as the command does.
async fn moves(app: &TestApp, west: &Place, slug: &str, to: &str) -> anyhow::Result<Vec<String>> {
    moves_until(app, west, (slug, to), "never said").await
}

/// The same, broken off when it says that.
async fn moves_until(
    app: &TestApp,
    west: &Place,
    (slug, to): (&str, &str),
    word: &str,
) -> anyhow::Result<Vec<String>> {
    let config = config(&app.place, &[("shards", &self::west(west))]);
    let (seams, slug, to, word) = (app.seams(), slug.to_owned(), to.to_owned(), word.to_owned());
    let is_broken_off = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&is_broken_off);
    let moving = tokio::spawn(async move {
        let mut lines = Vec::new();
        let tell = &mut |line: String| {
            if line.contains(&word) {
                seen.store(true, Ordering::SeqCst);
                panic!("broken off here");
            }
            lines.push(line);
        };
        relocate(&config, &seams, (&slug, &to), NO_PAUSES, tell).await.map(|()| lines)
    });
    let moved = moving.await;
    // What was looked up of an endpoint is good for five seconds.
    app.clock.advance_secs(6);
    moved.unwrap_or_else(|_| {
        assert!(is_broken_off.load(Ordering::SeqCst), "it broke off by itself");
        Err(anyhow::anyhow!("broken off"))
    })
}

/// Asks at a shard, as the administrator of the installation.
async fn at(app: &TestApp, shard: &str, query: &str, variables: Value) -> Value {
    let request =
        app.http.post(app.url("/graphql")).bearer_auth(&app.token).header("psa-gateway-shard", shard);
    let answer = request.json(&json!({ "query": query, "variables": variables })).send().await;
    answer.expect("an answer").json().await.expect("JSON")
}

async fn tickets(app: &TestApp, token: &str, organization: &str) -> Vec<Value> {
    let answer = app.graphql_as(token, TICKETS, json!({ "id": organization })).await;
    answer["data"]["node"]["tickets"]["nodes"].as_array().unwrap_or_else(|| panic!("{answer:#}")).clone()
}

fn command(app: &TestApp, west: &Place, arguments: &[&str]) -> (bool, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_psa-gateway"))
        .args(arguments)
        .env("PSA_GATEWAY_DATA_DIR", app.place.dir())
        .env("DATABASE_URL", app.place.url())
        .env("PSA_GATEWAY_SHARDS", self::west(west))
        .output()
        .expect("the program runs");
    let said = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    (output.status.success(), said.concat())
}

/// Two databases, or none where they are files.
async fn two() -> Option<(TestApp, Place)> {
    let place = Place::new().await;
    if place.is_embedded() {
        return None;
    }
    Some((TestApp::start_with(&[("shards", &west(&place))]).await, place))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organization_is_served_where_it_lives_and_moves_with_all_it_has() {
    let Some((app, place)) = two().await else { return };
    let acme = app.msp("acme").await.ready().await.hears_halo().await;
    let stays = app.msp("globex").await;
    let token = acme.token("ADMINISTRATOR").await;
    let others = stays.token("ADMINISTRATOR").await;
    acme.posts(&finding("CVE-2024-3094")).await.is_accepted();
    app.drain().await;
    let before = tickets(&app, &token, &acme.organization).await;
    assert_eq!((before.len(), &before[0]["state"]), (1, &json!("OPEN")), "{before:#?}");
    // One waits to be decided.
    acme.posts(&finding("CVE-2024-4577").at(1)).await.is_accepted();

    let told = moves(&app, &place, "acme", "west").await.expect("it moves");
    assert!(told.iter().any(|line| line.ends_with("webhook_delivery")), "{told:#?}");
    assert_eq!(told.last().map(String::as_str), Some("acme lives in west now"));

    // Its own token and its scanner notice nothing.
    app.drain().await;
    let now = tickets(&app, &token, &acme.organization).await;
    assert_eq!((now.len(), app.halo.ledger().len()), (2, 2), "{now:#?}");
    assert!(
        now.iter().any(|one| one["id"] == before[0]["id"] && one["externalId"] == before[0]["externalId"])
    );
    acme.posts(&finding("CVE-2024-3094").at(5)).await.is_accepted();
    acme.posts(&finding("CVE-2024-6387").at(6)).await.is_accepted();
    app.drain().await;
    assert_eq!(app.halo.ledger().len(), 3, "the same finding met its ticket, another one has its own");
    app.clock.advance_secs(120);
    let close = Deed::Close { text: String::new() };
    app.halo.deed(&text(&before[0], "/externalId"), "Dana Smith", &close).expect("a deed");
    app.halo.webhooks_sent().await;
    app.drain().await;
    let now = tickets(&app, &token, &acme.organization).await;
    let closed = now.iter().find(|one| one["id"] == before[0]["id"]).expect("the ticket");
    assert_eq!(
        (&closed["state"], &closed["closedBy"]),
        (&json!("CLOSED"), &json!("Dana Smith")),
        "{closed:#}"
    );

    // An operator says which database is meant; who belongs to another organization sees nothing there either.
    let there = at(&app, "west", TICKETS, json!({ "id": acme.organization })).await;
    assert_eq!(there["data"]["node"]["tickets"]["nodes"].as_array().map(Vec::len), Some(3), "{there:#}");
    let here = at(&app, "main", TICKETS, json!({ "id": acme.organization })).await;
    assert_eq!(
        here["data"]["node"]["tickets"]["nodes"],
        json!([]),
        "what is left says where it lives: {here:#}"
    );
    let nowhere = at(&app, "east", "{ viewer { __typename } }", json!({})).await;
    assert_eq!(nowhere["errors"][0]["extensions"]["code"], "BAD_USER_INPUT", "{nowhere:#}");
    let stranger = app.graphql_as(&others, TICKETS, json!({ "id": acme.organization })).await;
    assert_eq!(stranger["data"]["node"], Value::Null, "{stranger:#}");
    let late = json!({ "organizationId": acme.organization, "name": "Late" });
    let late = app.asks("companyCreate", "company { id }", late).await;
    assert_eq!(late["data"]["companyCreate"]["userErrors"][0]["code"], "WRONG_STATE", "{late:#}");

    // The counts came along, and both logs are as they were written.
    let (is_sound, said) = command(&app, &place, &["audit", "verify"]);
    assert!(is_sound, "{said}");
    let (_, said) = command(&app, &place, &["organization", "list"]);
    let line = |slug: &str| said.lines().find(|line| line.contains(slug)).unwrap_or_default().to_owned();
    assert!(line("acme").starts_with("west") && line("acme").ends_with("served"), "{said}");
    assert!(line("globex").starts_with("main"), "{said}");
    let (_, said) = command(&app, &place, &["doctor"]);
    assert!(said.contains("west: acme / The PSA"), "{said}");
    let health: Value = app.http.get(app.url("/health/ready")).send().await.unwrap().json().await.unwrap();
    assert_eq!(health["shards"]["west"]["database"], "reachable", "{health:#}");

    // And back again: its log goes on where it was left.
    moves(&app, &place, "acme", "main").await.expect("it comes back");
    acme.posts(&finding("CVE-2024-6387").at(8)).await.is_accepted();
    app.drain().await;
    assert_eq!((tickets(&app, &token, &acme.organization).await.len(), app.halo.ledger().len()), (3, 3));
    let (is_sound, said) = command(&app, &place, &["audit", "verify"]);
    assert!(is_sound, "{said}");
    let again = moves(&app, &place, "acme", "main").await.expect_err("it is there");
    assert!(again.to_string().contains("lives in main already"), "{again:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_whose_creation_was_not_answered_is_one_in_the_other_database() {
    let Some((app, place)) = two().await else { return };
    let acme = app.msp("acme").await.ready().await;
    let token = acme.token("ADMINISTRATOR").await;
    app.halo.fault(Fault::once("POST /api/Tickets", FaultKind::DropAfterCommit));
    acme.posts(&finding("CVE-2024-3094")).await.is_accepted();
    app.drain().await;
    assert_eq!(tickets(&app, &token, &acme.organization).await[0]["state"], "UNKNOWN");

    moves(&app, &place, "acme", "west").await.expect("it moves");
    app.pass(900).await;

    assert_eq!(app.halo.ledger().len(), 1);
    let now = tickets(&app, &token, &acme.organization).await;
    assert_eq!((now.len(), &now[0]["state"]), (1, &json!("OPEN")), "{now:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_move_that_breaks_off_anywhere_goes_on_and_nobody_serves_it_meanwhile() {
    let Some((app, place)) = two().await else { return };
    let acme = app.msp("acme").await.ready().await;
    let token = acme.token("ADMINISTRATOR").await;
    acme.posts(&finding("CVE-2024-3094")).await.is_accepted();
    app.drain().await;

    // At each of its steps: marked, half copied, copied and removed, all but served.
    for word in ["is on its way", "webhook_delivery", "rows in all", "has nothing of"] {
        moves_until(&app, &place, ("acme", "west"), word).await.expect_err("it breaks off");
        let posted = acme.posts(&finding("CVE-2024-3094").at(3)).await;
        assert_eq!(posted.status, 503, "{word}: {}", posted.body);
        assert!(posted.retry_after.is_some(), "the sender comes again");
        let asked = app.graphql_as(&token, "{ viewer { __typename } }", json!({})).await;
        assert_eq!(asked["errors"][0]["extensions"]["code"], "SERVICE_UNAVAILABLE", "{word}: {asked:#}");
        app.pass(600).await;
        assert_eq!(app.halo.ledger().len(), 1, "{word}");
        let (_, said) = command(&app, &place, &["organization", "list"]);
        assert!(said.contains("run the move again"), "{word}: {said}");
    }
    let other = moves(&app, &place, "acme", "main").await.expect_err("it is on its way to west");
    assert!(other.to_string().contains("--to west"), "{other:#}");

    moves(&app, &place, "acme", "west").await.expect("it arrives");
    acme.posts(&finding("CVE-2024-3094").now()).await.is_accepted();
    app.drain().await;
    let now = tickets(&app, &token, &acme.organization).await;
    assert_eq!((now.len(), app.halo.ledger().len()), (1, 1), "{now:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_away_keeps_nobody_from_the_others() {
    let Some((app, place)) = two().await else { return };
    let (acme, globex) = (app.msp("acme").await.ready().await, app.msp("globex").await.ready().await);
    let (theirs, ours) = (acme.token("ADMINISTRATOR").await, globex.token("ADMINISTRATOR").await);
    moves(&app, &place, "acme", "west").await.expect("it moves");

    let (server, name) = place.url().rsplit_once('/').expect("a database");
    let admin = Database::connect(format!("{server}/postgres")).await.expect("the server answers");
    for statement in [
        format!("ALTER DATABASE {name} WITH ALLOW_CONNECTIONS false"),
        format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"),
    ] {
        admin.execute_unprepared(&statement).await.expect("it is done");
    }
    app.clock.advance_secs(10);

    globex.posts(&finding("CVE-2024-3094").at(1)).await.is_accepted();
    let answer = app.graphql_as(&ours, TICKETS, json!({ "id": globex.organization })).await;
    assert_eq!(answer["data"]["node"]["slug"], "globex", "{answer:#}");
    let posted = acme.posts(&finding("CVE-2024-3094").at(1)).await;
    assert_eq!(posted.status, 503, "it is not unknown: {}", posted.body);
    let asked = app.graphql_as(&theirs, "{ viewer { __typename } }", json!({})).await;
    assert_eq!(asked["errors"][0]["extensions"]["code"], "SERVICE_UNAVAILABLE", "{asked:#}");
    let health = app.http.get(app.url("/health/ready")).send().await.expect("an answer");
    assert_eq!(health.status(), 200);
    let health: Value = health.json().await.expect("JSON");
    assert_eq!(
        (&health["database"], &health["shards"]["west"]["database"]),
        (&json!("reachable"), &json!("away"))
    );

    admin
        .execute_unprepared(&format!("ALTER DATABASE {name} WITH ALLOW_CONNECTIONS true"))
        .await
        .expect("back");
    app.clock.advance_secs(10);
    acme.posts(&finding("CVE-2024-3094").at(2)).await.is_accepted();
    app.drain().await;
    assert_eq!(app.halo.ledger().len(), 2, "each has its ticket");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_of_another_installation_is_no_shard_and_files_do_not_move() {
    let place = Place::new().await;
    if place.is_embedded() {
        let app = TestApp::start().await;
        let (is_done, said) = command(&app, &place, &["organization", "move", "acme", "--to", "west"]);
        assert!(!is_done && said.contains("shards"), "{said}");
        return;
    }
    let key = [("master_key", "5a".repeat(32))];
    let key = key.each_ref().map(|(name, value)| (*name, value.as_str()));
    let (app, other) = (TestApp::start_with(&key).await, TestApp::start_with(&key).await);
    let config = config(&app.place, &[key[0], ("shards", &west(&other.place))]);
    let refused =
        psa_gateway::app::shards::all(&config, &app.seams()).await.expect_err("it is another one's");
    assert!(format!("{refused:#}").contains("another installation"), "{refused:#}");
    let none = Config::from_pairs([]).expect("a configuration");
    let refused = relocate(&none, &app.seams(), ("acme", "west"), NO_PAUSES, &mut |_| {}).await;
    let refused = refused.expect_err("there is one database");
    assert!(refused.to_string().contains("PSA_GATEWAY_SHARDS"), "{refused:#}");
}
