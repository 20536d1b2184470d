//! How fast stored webhooks are decided, beside how fast they are merely stored, in the same run.
//!
//! ```text
//! cargo bench --bench deciding                                        on an SQLite file of its own
//! TEST_DATABASE_URL=postgres://… cargo bench --bench deciding         on a new database of that server
//! … -- --events 20000 --policies 200 --companies 100 --per-delivery 1
//! … -- --events 200000 --storm-cap 50 --days 0                        a storm, and how long a neighbour waits in it
//! ```
//!
//! One organization, its companies mapped on one connection, its policies each with conditions of their own: every
//! event is held against half of them as a rule, and a tenth of the events against all. Webhooks go through the inbox
//! as a sender's do, and are decided by the workers of the real program; no PSA is called. A week of a scanner goes
//! by: everything is new on the first day, seen again on the following ones, and over at the end.
#![recursion_limit = "256"] // the schema's futures are deep once they are optimized
#![expect(clippy::print_stdout, reason = "prints a table")]
#![expect(clippy::disallowed_methods, reason = "makes its own rows and reads its own settings")]

#[path = "../database.rs"]
mod database;
mod rows;

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use actix_web::web::Bytes;
use anyhow::Context as _;
use entity::{Timestamp, event, ticket, webhook_endpoint};
use psa_gateway::{
    app::{App, Seams},
    clock::{Chance, Clock},
    config::Config,
    db::Db,
    ground::Ground,
    queue::{
        inbox::{Inbox, Incoming},
        received::{Headers, Proof, Unverified},
    },
};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait as _, EntityTrait as _, PaginatorTrait as _, QueryFilter as _,
};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use rows::furnish;

/// How many senders post at the same time.
const SENDERS: usize = 64;
/// How many workers decide, as by default.
const WORKERS: usize = 2;
/// 2026-11-21T09:00:00Z.
const START: Timestamp = Timestamp::from_secs(1_795_251_600);

struct Size {
    events: usize,
    policies: usize,
    companies: usize,
    per_delivery: usize,
    /// How often everything is seen again before it is over; none for the first day alone.
    days: i64,
    /// How many tickets each policy may open within an hour.
    storm_cap: Option<usize>,
}

impl Size {
    fn of_arguments() -> anyhow::Result<Self> {
        let mut size =
            Self { events: 10_000, policies: 200, companies: 100, per_delivery: 1, days: 5, storm_cap: None };
        let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
        while let Some(name) = arguments.next() {
            let value = arguments.next().context("a number follows each argument")?.parse::<usize>()?;
            match name.as_str() {
                "--events" => size.events = value,
                "--policies" => size.policies = value,
                "--companies" => size.companies = value.max(1),
                "--per-delivery" => size.per_delivery = value.max(1),
                "--days" => size.days = i64::try_from(value)?,
                "--storm-cap" => size.storm_cap = Some(value),
                other => anyhow::bail!("{other} is not known; see the head of .bench/deciding/main.rs"),
            }
        }
        Ok(size)
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let size = Size::of_arguments()?;
    let _ = rustls::crypto::ring::default_provider().install_default();
    let dir = std::env::temp_dir().join(format!("psa-gateway-bench-{}", std::process::id()));
    std::fs::create_dir_all(&dir)?;
    let result = run(&size, &dir).await;
    std::fs::remove_dir_all(&dir)?;
    result
}

async fn run(size: &Size, dir: &std::path::Path) -> anyhow::Result<()> {
    let url = match std::env::var("TEST_DATABASE_URL") {
        Ok(server) => database::new(&server).await?,
        Err(_) => format!("sqlite://{}", dir.join("gateway.db").display()),
    };
    let settings = [
        ("listen", "127.0.0.1:0".to_owned()),
        ("data_dir", dir.display().to_string()),
        ("database_url", url),
        ("inbox_workers", WORKERS.to_string()),
    ];
    let config = Config::from_pairs(settings).map_err(|problems| anyhow::anyhow!("{problems}"))?;
    let clock = Clock::manual(START);
    let seams = Seams { clock: clock.clone(), chance: Chance::system(), is_stepped: true, amazon: None };
    let app = App::start(&config, None, seams).await?;
    let endpoint = furnish(&app, size, "bench").await?;
    let neighbour = furnish(&app, size, "neighbour").await?;
    warm_up(&app, (&endpoint, &neighbour), size).await?;
    let database = if app.ground.db.is_sqlite() { "SQLite" } else { "PostgreSQL" };
    println!(
        "{database}: {} findings at {} companies, {} policies, {} events a delivery, {SENDERS} senders, {WORKERS} workers",
        size.events, size.companies, size.policies, size.per_delivery
    );
    println!(
        "{:<22} {:>12} {:>12} {:>8} {:>12} {:>14}",
        "", "stored/s", "decided/s", "ratio", "statements", "neighbour"
    );
    let mut total = Row::default();
    let last = if size.days == 0 { 0 } else { size.days + 1 };
    for day in 0..=last {
        let (kind, what) = match day {
            0 => ("finding.opened", "new"),
            day if day <= size.days => ("finding.updated", "seen again"),
            _ => ("finding.resolved", "over"),
        };
        let row = one_day(&app, (&endpoint, &neighbour), size, (day, kind)).await?;
        row.print(&format!("day {day}: {what}"));
        total.add(&row);
        clock.advance_secs(86_400);
        analyze(&app.ground.db).await?;
    }
    total.print("all");
    print_outcomes(&app).await?;
    app.stop().await;
    Ok(())
}

#[derive(Default)]
struct Row {
    events: usize,
    storing_secs: f64,
    deciding_secs: f64,
    statements: u64,
    /// How long a neighbour waited at the most until its own event was decided.
    waited: Duration,
}

impl Row {
    fn add(&mut self, other: &Self) {
        self.events += other.events;
        self.storing_secs += other.storing_secs;
        self.deciding_secs += other.deciding_secs;
        self.statements += other.statements;
        self.waited = self.waited.max(other.waited);
    }

    #[expect(clippy::cast_precision_loss, reason = "counts of a benchmark")]
    fn print(&self, what: &str) {
        let events = self.events as f64;
        let (stored, decided) = (events / self.storing_secs, events / self.deciding_secs);
        let statements = self.statements as f64 / events;
        println!(
            "{what:<22} {stored:>12.0} {decided:>12.0} {:>8.2} {statements:>12.2} {:>11} ms",
            decided / stored,
            self.waited.as_millis()
        );
    }
}

/// A tenth of the findings has been known for a day: a database that has never seen a row plans badly until PostgreSQL's
/// autovacuum has looked at it, which is within its minute.
async fn warm_up(
    app: &App,
    endpoints: (&webhook_endpoint::Model, &webhook_endpoint::Model),
    size: &Size,
) -> anyhow::Result<()> {
    let first = Size { events: size.events.div_ceil(10), ..*size };
    for kind in ["finding.opened", "finding.resolved"] {
        one_day(app, endpoints, &first, (-1, kind)).await?;
    }
    analyze(&app.ground.db).await
}

/// Stores a day's webhooks and decides them.
async fn one_day(
    app: &App,
    (endpoint, neighbour): (&webhook_endpoint::Model, &webhook_endpoint::Model),
    size: &Size,
    (day, kind): (i64, &str),
) -> anyhow::Result<Row> {
    let numbers: Vec<usize> = (0..size.events).collect();
    let bodies: Vec<Bytes> = numbers
        .chunks(size.per_delivery)
        .map(|chunk| {
            let events: Vec<Value> = chunk.iter().map(|number| said(*number, size, (day, kind))).collect();
            Bytes::from(match events.as_slice() {
                [one] => one.to_string(),
                many => json!(many).to_string(),
            })
        })
        .collect();
    let inbox = Inbox::start(app.ground.clone())?;
    let share = bodies.len().div_ceil(SENDERS);
    let began = Instant::now();
    let mut senders = tokio::task::JoinSet::new();
    for (sender, bodies) in bodies.chunks(share).enumerate() {
        let (inbox, endpoint, bodies) = (inbox.clone(), endpoint.clone(), bodies.to_vec());
        let kind = kind.to_owned();
        senders.spawn(async move {
            for (number, body) in bodies.into_iter().enumerate() {
                inbox.accept(incoming(&endpoint, body, format!("{kind}-{day}-{sender}-{number}"))?).await?;
            }
            anyhow::Ok(())
        });
    }
    while let Some(sender) = senders.join_next().await {
        sender??;
    }
    let storing_secs = began.elapsed().as_secs_f64();

    let before = app.ground.db.statements();
    let began = Instant::now();
    let mut workers = tokio::task::JoinSet::new();
    for _ in 0..WORKERS {
        let workers_of_app = app.workers.clone();
        workers.spawn(async move {
            while workers_of_app.decide_some().await? {}
            anyhow::Ok(())
        });
    }
    let stop = CancellationToken::new();
    let neighbour = tokio::spawn(speaks_now_and_then(
        (app.ground.clone(), inbox),
        neighbour.clone(),
        said(0, size, (day, "finding.updated")),
        stop.clone(),
    ));
    while let Some(worker) = workers.join_next().await {
        worker??;
    }
    let deciding_secs = began.elapsed().as_secs_f64();
    stop.cancel();
    let waited = neighbour.await??;
    let statements = app.ground.db.statements() - before;
    Ok(Row { events: size.events, storing_secs, deciding_secs, statements, waited })
}

/// While the workers have much to do, a neighbour says something ten times a second. Gives how long it took at the
/// most until that was decided.
async fn speaks_now_and_then(
    (ground, inbox): (Ground, Inbox),
    endpoint: webhook_endpoint::Model,
    event: Value,
    stop: CancellationToken,
) -> anyhow::Result<Duration> {
    let (body, mut longest) = (Bytes::from(event.to_string()), Duration::ZERO);
    while !stop.is_cancelled() {
        let asked = Instant::now();
        let message = ground.chance.alphanumeric(20);
        let id =
            inbox.accept(incoming(&endpoint, body.clone(), message)?).await?.delivery_id.context("an id")?;
        let of_delivery = event::Entity::find().filter(event::Column::WebhookDeliveryId.eq(id));
        while of_delivery.clone().count(ground.db.reader()).await? == 0 {
            if stop.is_cancelled() {
                return Ok(longest);
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        longest = longest.max(asked.elapsed());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok(longest)
}

fn incoming(endpoint: &webhook_endpoint::Model, body: Bytes, message_id: String) -> anyhow::Result<Incoming> {
    let proof = Proof { message_id: Some(message_id), scheme: "standard_webhooks.v1", secret_id: None };
    let headers = Headers::new([("content-type", "application/json")]);
    Ok(Incoming {
        organization_id: endpoint.organization_id,
        webhook_endpoint_id: endpoint.id,
        request_id: "bench".to_owned(),
        trace_context: None,
        webhook: Unverified::new(headers, body).verify(|_, _| Ok::<_, anyhow::Error>(proof))?,
    })
}

/// What a scanner says of its finding of that number.
fn said(number: usize, size: &Size, (day, kind): (i64, &str)) -> Value {
    let severity = match number % 4 {
        0 => "low",
        1 => "medium",
        2 => "high",
        _ => "critical",
    };
    // A tenth names a product that no policy is for.
    let product = number % (size.policies + size.policies.div_ceil(10));
    json!({
        "kind": kind,
        "source": "scanner",
        "client_ref": format!("client-{}", number % size.companies),
        "finding_key": if day < 0 { format!("old-{number}") } else { format!("finding-{number}") },
        "severity": severity,
        "title": format!("Outdated product-{product:03} on host-{}", number % 1_000),
        "body": "The installed version has known vulnerabilities. Update it to the newest one. ".repeat(8),
        "occurred_at": START.plus_secs(day * 86_400).rfc3339(),
        "asset": { "uid": format!("host-{}", number % 1_000), "name": format!("host-{}", number % 1_000) },
        "product": { "vendor": "Acme", "name": format!("product-{product:03}"), "version": "1.2.3" },
        "remediation": { "text": "Update it." },
        "vulns": [{ "cve": format!("CVE-2026-{number}"), "cvss": [{ "version": "3.1", "score": 7.5 }] }],
    })
}

/// A benchmark of something else would show here.
async fn print_outcomes(app: &App) -> anyhow::Result<()> {
    let rows = event::Entity::find().all(app.ground.db.reader()).await?;
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for row in rows {
        *counts.entry(format!("{:?} ({})", row.outcome, row.reason)).or_default() += 1;
    }
    for (outcome, count) in counts {
        println!("  {count:>8} {outcome}");
    }
    println!("  {:>8} tickets", ticket::Entity::find().count(app.ground.db.reader()).await?);
    Ok(())
}

/// Has PostgreSQL take its statistics anew, as its autovacuum does within a minute; a benchmark is over before that.
async fn analyze(db: &Db) -> anyhow::Result<()> {
    if !db.is_sqlite() {
        db.reader().execute_unprepared("ANALYZE").await?;
    }
    Ok(())
}
