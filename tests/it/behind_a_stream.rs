//! Webhooks that go through a stream of NATS before they come to the database.
//!
//! Needs NATS's server: `TEST_NATS_SERVER=nats-server` names the program. Without it nothing is told here.

use std::{
    fs,
    net::{TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};

use async_nats::{
    HeaderMap,
    jetstream::{self, consumer::PullConsumer},
};
use psa_gateway::{
    app::{App, Seams, shards::relocate},
    clock::Chance,
    config::Only,
    organizations::relocation::Pauses,
    sandbox::frame::Sandbox as _,
};
use sea_orm::{ConnectionTrait as _, DbErr};

use crate::support::{Place, TestApp, config, drain, finding, wait_until};

/// What the stream is called where nobody says otherwise.
const STREAM: &str = "psa-gateway-webhooks";

/// A server of NATS with JetStream, with its files in a folder of its own.
struct Nats {
    program: String,
    folder: Place,
    port: u16,
    child: Option<Child>,
}

impl Nats {
    /// Starts one; none where no program was named.
    async fn start() -> Option<Self> {
        let program = std::env::var("TEST_NATS_SERVER").ok()?;
        let port =
            TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its address").port();
        let folder = Place::embedded();
        let mut made = Self { program, folder, port, child: None };
        made.begin().await;
        Some(made)
    }

    async fn begin(&mut self) {
        let port = self.port.to_string();
        let child = Command::new(&self.program)
            .args(["-js", "-a", "127.0.0.1", "-p", &port, "-sd"])
            .arg(self.folder.dir())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("nats-server starts; is TEST_NATS_SERVER right?");
        self.child = Some(child);
        wait_until("NATS listens", || async { TcpStream::connect(("127.0.0.1", self.port)).is_ok() }).await;
    }

    /// Ends it as a service manager does: all that it knows is in its files.
    fn end(&mut self) {
        if let Some(mut child) = self.child.take() {
            let told = Command::new("kill").arg(child.id().to_string()).status().expect("kill");
            assert!(told.success(), "it runs");
            child.wait().expect("it ends");
        }
    }

    /// Where the stream's messages are, without what was given out of them.
    fn messages(&self) -> PathBuf {
        self.folder.dir().join("jetstream/$G/streams").join(STREAM).join("msgs")
    }

    /// By SIGKILL.
    fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("it runs");
            child.wait().expect("it ends");
        }
    }

    fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    async fn context(&self) -> jetstream::Context {
        jetstream::new(async_nats::connect(self.url()).await.expect("NATS"))
    }

    async fn state(&self) -> jetstream::stream::State {
        let stream = self.context().await.get_stream(STREAM).await.expect("the stream");
        stream.cached_info().state.clone()
    }

    async fn holds(&self) -> u64 {
        self.state().await.messages
    }
}

impl Drop for Nats {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A node that takes webhooks in and does no work, as at the edge of a network.
async fn edge(app: &TestApp, nats: &Nats) -> App {
    let seams = Seams { clock: app.clock.clone(), chance: Chance::system(), is_stepped: true, amazon: None };
    let config = config(&app.place, &[("nats_url", &nats.url())]);
    App::start(&config, Some(Only::Web), seams).await.expect("the gateway starts")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_in_the_stream_while_its_organization_moves_is_decided_where_it_lives_then() {
    let Some(nats) = Nats::start().await else { return };
    let west = Place::new().await;
    if west.is_embedded() {
        return; // organizations move between PostgreSQL databases
    }
    let shards = format!("west={}", west.url());
    let app = TestApp::start_with(&[("shards", &shards)]).await;
    let acme = app.msp("acme").await.ready().await;
    let edge = edge(&app, &nats).await;
    let url = acme.webhook_url().replace(&app.app.address().to_string(), &edge.address().to_string());
    acme.posts_to(&url, &finding("CVE-2024-3094")).await.is_accepted();
    edge.stop().await;
    assert_eq!(nats.holds().await, 1, "nobody brings it into the database");

    let config = config(&app.place, &[("shards", &shards), ("nats_url", &nats.url())]);
    let pauses = Pauses { ending: Duration::ZERO, arriving: Duration::ZERO };
    relocate(&config, &app.seams(), ("acme", "west"), pauses, &mut |_| {}).await.expect("it moves");
    let seams = Seams { is_stepped: true, ..app.seams() };
    let works = App::start(&config, None, seams).await.expect("the gateway starts");
    wait_until("the stream is empty", || async { nats.holds().await == 0 }).await;
    drain(&works).await;
    works.stop().await;
    assert_eq!(app.halo.ledger().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn while_nobody_can_write_to_the_database_senders_are_answered_all_the_same() {
    let Some(nats) = Nats::start().await else { return };
    let app = TestApp::start_with(&[("nats_url", &nats.url())]).await;
    let acme = app.msp("acme").await.ready().await;
    let (begun, has_begun) = tokio::sync::oneshot::channel();
    let (go_on, may_go_on) = tokio::sync::oneshot::channel::<()>();
    let db = app.app.ground.db.clone();
    let writing = tokio::spawn(async move {
        let lock = if db.is_sqlite() {
            "UPDATE organization SET name = name"
        } else {
            "LOCK TABLE webhook_delivery IN EXCLUSIVE MODE"
        };
        db.write::<(), DbErr, _>(move |tx| {
            Box::pin(async move {
                tx.execute_unprepared(lock).await?;
                let _ = begun.send(());
                let _ = may_go_on.await;
                Ok(())
            })
        })
        .await
    });
    has_begun.await.expect("a transaction");
    let event = finding("CVE-1");
    for _ in 0..2 {
        let posting = tokio::time::timeout(Duration::from_secs(10), acme.posts_as("one", &event));
        posting.await.expect("an answer that waits for no database").is_accepted();
    }
    assert_eq!(acme.deliveries().await.len(), 0, "nothing is in the database yet");

    go_on.send(()).expect("it waits");
    writing.await.expect("no panic").expect("a commit");
    wait_until("the webhook is in the inbox", || async { acme.deliveries().await.len() == 1 }).await;
    wait_until("the stream has let go of it", || async { nats.holds().await == 0 }).await;
    app.drain().await;
    assert_eq!(acme.tickets().await.len(), 1);
    assert_eq!(app.halo.ledger().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_stream_has_acknowledged_outlives_its_server_and_the_inbox_takes_what_it_cannot() {
    let Some(mut nats) = Nats::start().await else { return };
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.ready().await;
    let web = edge(&app, &nats).await;
    // The stream is made by whoever comes first.
    let url = acme.webhook_url().replace(&app.app.address().to_string(), &web.address().to_string());
    acme.posts_to(&url, &finding("CVE-1")).await.is_accepted();
    assert_eq!((nats.holds().await, acme.deliveries().await.len()), (1, 0), "the edge only publishes");

    nats.kill();
    acme.posts_to(&url, &finding("CVE-2")).await.is_accepted();
    assert_eq!(acme.deliveries().await.len(), 1, "the stream is away: it is in the inbox");
    nats.begin().await;

    let worker = app.another_node_with(&[("nats_url", &nats.url())]).await;
    wait_until("both are in the inbox", || async { acme.deliveries().await.len() == 2 }).await;
    drain(&worker).await;
    assert_eq!(app.halo.ledger().len(), 2);
    wait_until("the edge publishes again", || async {
        acme.posts_to(&url, &finding("CVE-3")).await.is_accepted();
        nats.state().await.last_sequence > 1
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_out_of_the_stream_twice_is_one_delivery_and_what_nobody_verified_is_none() {
    let Some(nats) = Nats::start().await else { return };
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.ready().await;
    let web = edge(&app, &nats).await;
    let url = acme.webhook_url().replace(&app.app.address().to_string(), &web.address().to_string());
    acme.posts_to(&url, &finding("CVE-1")).await.is_accepted();

    let context = nats.context().await;
    let stream = context.get_stream(STREAM).await.expect("the stream");
    let first = stream.get_raw_message(1).await.expect("the webhook");
    // As where a node dies after the inbox's commit and before its acknowledgement.
    let mark = first.headers.get("Psa-Gateway-Mark").expect("a mark").as_str().to_owned();
    let mut again = HeaderMap::new();
    again.insert("Psa-Gateway-Mark", mark.as_str());
    let sent =
        context.publish_with_headers(first.subject.clone(), again.clone(), first.payload.clone()).await;
    sent.expect("it is sent").await.expect("it is there twice");
    // Somebody else in the same NATS: without a mark, and with that of another message.
    let forged = String::from_utf8_lossy(&first.payload).replace("CVE-1", "CVE-9");
    for headers in [HeaderMap::new(), again] {
        let sent = context.publish_with_headers(first.subject.clone(), headers, forged.clone().into()).await;
        sent.expect("it is sent").await.expect("it is there");
    }
    assert_eq!(nats.holds().await, 4);

    let worker = app.another_node_with(&[("nats_url", &nats.url())]).await;
    wait_until("the stream is empty", || async { nats.holds().await == 0 }).await;
    drain(&worker).await;
    let deliveries = acme.deliveries().await;
    assert_eq!(deliveries.len(), 1, "{deliveries:#?}");
    assert_eq!(app.halo.ledger().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_stream_holds_again_and_gives_to_nobody_is_brought_into_the_inbox_all_the_same() {
    let Some(mut nats) = Nats::start().await else { return };
    let app = TestApp::start().await;
    let acme = app.msp("acme").await.ready().await;
    let web = edge(&app, &nats).await;
    let url = acme.webhook_url().replace(&app.app.address().to_string(), &web.address().to_string());
    acme.posts_to(&url, &finding("CVE-1")).await.is_accepted();
    nats.end();
    let before: Vec<_> = fs::read_dir(nats.messages())
        .expect("the messages")
        .map(|file| file.expect("a file").path())
        .map(|path| (fs::read(&path).expect("it can be read"), path))
        .collect();
    nats.begin().await;
    let worker = app.another_node_with(&[("nats_url", &nats.url())]).await;
    wait_until("the stream is empty", || async { nats.holds().await == 0 }).await;
    worker.stop().await;

    // As after a crash that the files of what was given out outlived, and those of what was removed did not.
    nats.end();
    fs::remove_dir_all(nats.messages()).expect("they are there");
    fs::create_dir(nats.messages()).expect("a folder");
    for (content, path) in before {
        fs::write(path, content).expect("as it was");
    }
    nats.begin().await;
    assert_eq!(nats.holds().await, 1, "it is there again");
    let context = nats.context().await;
    let consumer: PullConsumer = context.get_consumer_from_stream("inbox", STREAM).await.expect("the reader");
    let given = consumer.cached_info();
    assert_eq!((given.num_pending, given.num_ack_pending), (0, 0), "nobody is to get it");

    let worker = app.another_node_with(&[("nats_url", &nats.url())]).await;
    wait_until("the stream is empty again", || async { nats.holds().await == 0 }).await;
    drain(&worker).await;
    assert_eq!(acme.deliveries().await.len(), 1, "it was known");
    assert_eq!(app.halo.ledger().len(), 1);
}
