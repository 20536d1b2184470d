//! The real program, killed or told to stop in the middle of its work.

use std::{
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use entity::{Timestamp, lane};
use psa_gateway::{
    queue::lanes::LEASE_SECS,
    sandbox::frame::{Fault, FaultKind, Sandbox as _},
};
use sea_orm::{ConnectionTrait as _, EntityTrait as _};

use serde_json::json;

use crate::{
    support::{TestApp, finding, text, wait_until},
    syncs,
};

/// A gateway in a process of its own.
struct Process(Child);

impl Process {
    /// Asks it to stop, as an operator or an orchestrator does.
    fn is_told_to_stop(&self) {
        let told = Command::new("kill").args(["-TERM", &self.0.id().to_string()]).status();
        assert!(told.expect("kill runs").success(), "the process is there to be told");
    }

    /// How it ended, which it must have by then.
    async fn ended_within(&mut self, limit: Duration) -> ExitStatus {
        let end = Instant::now() + limit;
        loop {
            if let Some(status) = self.0.try_wait().expect("its state") {
                return status;
            }
            assert!(Instant::now() < end, "it still runs after {limit:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn serve(app: &TestApp, port: u16) -> Process {
    let child = Command::new(env!("CARGO_BIN_EXE_psa-gateway"))
        .args(["serve", "--listen", &format!("127.0.0.1:{port}")])
        .env("PSA_GATEWAY_DATA_DIR", app.place.dir())
        .env("DATABASE_URL", app.place.url())
        .env("PSA_GATEWAY_PSA_PRIVATE_ADDRESSES", "*")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts");
    Process(child)
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its address").port()
}

async fn answers(app: &TestApp, port: u16) {
    wait_until("the program answers", || async {
        app.http
            .get(format!("http://127.0.0.1:{port}/health/ready"))
            .send()
            .await
            .is_ok_and(|a| a.status().is_success())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_killed_between_the_psas_create_and_our_record_makes_no_second_ticket() {
    let app = TestApp::start_on_the_real_clock().await;
    let acme = app.msp("acme").await.ready().await;
    let port = free_port();
    let url = acme.webhook_url().replace(&app.app.address().to_string(), &format!("127.0.0.1:{port}"));
    // Halo creates the ticket at once and takes its time to say so.
    app.halo.fault(Fault::once("POST /api/Tickets", FaultKind::DelayAnswer { ms: 120_000 }));

    let doomed = serve(&app, port);
    answers(&app, port).await;
    acme.posts_to(&url, &finding("CVE-2024-3094").now()).await.is_accepted();
    wait_until("Halo has the ticket", || async { !app.halo.ledger().is_empty() }).await;
    drop(doomed); // SIGKILL

    let killed = Instant::now();
    let _second = serve(&app, port);
    wait_until("the ticket is known", || async {
        acme.tickets().await.first().is_some_and(|t| t["state"] == "OPEN")
    })
    .await;
    assert_eq!(app.halo.ledger().len(), 1);
    assert_eq!(acme.tickets().await[0]["externalId"], app.halo.ledger()[0].id.to_string());
    if app.app.ground.db.is_sqlite() {
        let lease = Duration::from_secs(LEASE_SECS.unsigned_abs());
        assert!(killed.elapsed() < lease, "nobody else can hold the lane: its lease is not waited for");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_killed_in_the_middle_of_a_sync_goes_on_at_the_page_it_was_reading() {
    let app = TestApp::start_on_the_real_clock().await;
    let psa = syncs::small_pages(&app).await;
    let acme = app.msp_with(&psa, "acme").await.ready().await;
    let port = free_port();
    let before = psa.requests().len();
    let pages = || -> Vec<String> {
        let calls = psa.requests().into_iter().skip(before);
        calls
            .filter(|call| call.path == "/api/Client" && call.method == "GET")
            .map(|call| call.query)
            .collect()
    };
    psa.fault(Fault {
        on: "GET /api/Client".to_owned(),
        kind: FaultKind::DelayAnswer { ms: 120_000 },
        times: Some(1),
        skip: 2,
    });
    let input = json!({ "id": acme.connection(), "filter": { "hasInactive": true } });
    let asked = app.does("psaConnectionSyncCompanies", "syncRun { id }", input).await;
    let id = text(&asked, "/syncRun/id");

    let doomed = serve(&app, port);
    wait_until("the third page is asked for", || async { pages().len() == 3 }).await;
    drop(doomed); // SIGKILL
    let half = syncs::run(&app, &id).await;
    assert_eq!((&half["status"], &half["progress"]["done"]), (&json!("RUNNING"), &json!(8)), "{half:#}");

    let _second = serve(&app, port);
    wait_until("the run has ended", || async { syncs::run(&app, &id).await["status"] != "RUNNING" }).await;
    let whole = syncs::run(&app, &id).await;
    assert_eq!(whole["status"], "SUCCEEDED", "{whole:#}");
    assert_eq!(whole["progress"]["done"], whole["progress"]["total"], "{whole:#}");
    let mut asked = pages();
    let third = asked.remove(2);
    assert_eq!(asked[2], third, "it goes on at the page whose answer was lost: {asked:#?}");
    let once: std::collections::BTreeSet<&String> = asked.iter().collect();
    assert_eq!(once.len(), asked.len(), "nothing else is read twice: {asked:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_told_to_stop_first_asks_to_be_left_alone_and_still_takes_what_comes() {
    let app = TestApp::start_on_the_real_clock().await;
    let acme = app.msp("acme").await.ready().await;
    let port = free_port();
    let url = acme.webhook_url().replace(&app.app.address().to_string(), &format!("127.0.0.1:{port}"));
    let mut stopping = serve(&app, port);
    answers(&app, port).await;
    stopping.is_told_to_stop();
    wait_until("load balancers are told", || async {
        let asked = app.http.get(format!("http://127.0.0.1:{port}/health/ready")).send().await;
        let Ok(answer) = asked else { return false };
        answer.status() == 503 && answer.headers()["connection"] == "close"
    })
    .await;
    acme.posts_to(&url, &finding("CVE-2024-3094").now()).await.is_accepted();
    let status = stopping.ended_within(Duration::from_secs(20)).await;
    assert!(status.success(), "{status}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_told_to_stop_finishes_the_call_it_has_begun_and_gives_its_lane_back() {
    let app = TestApp::start_on_the_real_clock().await;
    let acme = app.msp("acme").await.ready().await;
    let port = free_port();
    let url = acme.webhook_url().replace(&app.app.address().to_string(), &format!("127.0.0.1:{port}"));
    app.halo.fault(Fault::once("POST /api/Tickets", FaultKind::DelayAnswer { ms: 3_000 }));

    let mut stopping = serve(&app, port);
    answers(&app, port).await;
    acme.posts_to(&url, &finding("CVE-2024-3094").now()).await.is_accepted();
    wait_until("Halo has the ticket", || async { !app.halo.ledger().is_empty() }).await;
    stopping.is_told_to_stop();
    wait_until("nobody is let in any more", || async {
        tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err()
    })
    .await;
    let status = stopping.ended_within(Duration::from_secs(20)).await;
    assert!(status.success(), "{status}");

    // Nobody else works on this database: the gateway of this test only reads it.
    let tickets = acme.tickets().await;
    assert_eq!(app.halo.ledger().len(), 1);
    assert_eq!(tickets[0]["state"], "OPEN", "{tickets:#?}");
    assert_eq!(tickets[0]["externalId"], app.halo.ledger()[0].id.to_string());
    let lanes = lane::Entity::find().all(app.app.ground.db.reader()).await.unwrap();
    assert_eq!(lanes.len(), 1);
    assert_eq!(lanes[0].lease_until, Timestamp(0), "the lane is free: {:?}", lanes[0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_goes_on_and_starts_beside_a_newer_one_that_has_changed_the_tables() {
    let app = TestApp::start().await;
    let newer =
        "INSERT INTO seaql_migrations (version, applied_at) VALUES ('m29991231_000001_later', 4102444800)";
    app.app.ground.db.reader().execute_unprepared(newer).await.unwrap();
    for node in [&app.app, &app.another_node().await] {
        let ready = app.http.get(format!("http://{}/health/ready", node.address())).send().await.unwrap();
        assert_eq!(ready.status(), 200, "{}", ready.text().await.unwrap());
    }
    app.app.ground.db.migrate().await.expect("there is nothing to be done");
}
