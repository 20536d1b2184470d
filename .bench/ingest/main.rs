//! How many signed webhooks a second are taken in, beside a bare handler on the same machine in the same run.
//!
//! ```text
//! cargo bench --bench ingest                                          on an SQLite file of its own
//! TEST_DATABASE_URL=postgres://… cargo bench --bench ingest           on a new database of that server
//! … -- --connections 64 --secs 4 --repetitions 3
//! ```
//!
//! Three processes: this one posts 2 KB bodies over keep-alive connections, each signed anew (Standard Webhooks); the
//! gateway verifies them, and answers when they are on the disk, as a sender meets it, with its limits, checks for
//! repetitions and metrics; the bare handler is actix-web that reads the body and answers. Each repetition asks the
//! bare handler first. Workers do not run, so that taking in is measured and nothing else.
#![recursion_limit = "256"] // the schema's futures are deep once they are optimized
#![expect(clippy::print_stdout, reason = "prints a table")]
#![expect(clippy::disallowed_methods, reason = "reads its own settings, and makes its own database")]

#[path = "../database.rs"]
mod database;
mod load;

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    process::{Child, Command, Stdio},
    time::Duration,
};

use actix_web::{App as Routes, HttpResponse, HttpServer, web};
use anyhow::Context as _;
use entity::{Role, Timestamp};
use psa_gateway::{
    app::{App, Seams},
    clock::{Chance, Clock},
    config::Config,
    organizations::{
        endpoints::{self, Learning, NewEndpoint, NewSecret},
        organization::{self, NewOrganization},
        viewer::{Known, Viewer},
    },
    scanners::signature,
};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use load::{Load, Measured};

/// What a process that is asked says when it is ready.
#[derive(Debug, Serialize, Deserialize)]
struct Ready {
    address: String,
    path: String,
    secret: String,
}

struct Options {
    connections: usize,
    secs: u64,
    repetitions: usize,
}

impl Options {
    fn of_arguments() -> anyhow::Result<Self> {
        let mut options = Self { connections: 64, secs: 4, repetitions: 3 };
        let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
        while let Some(name) = arguments.next() {
            let value = arguments.next().context("a number follows each argument")?.parse::<usize>()?;
            match name.as_str() {
                "--connections" => options.connections = value.max(1),
                "--secs" => options.secs = u64::try_from(value.max(1))?,
                "--repetitions" => options.repetitions = value.max(1),
                other => anyhow::bail!("{other} is not known; see the head of .bench/ingest/main.rs"),
            }
        }
        Ok(options)
    }
}

fn main() -> anyhow::Result<()> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    match std::env::args().nth(1).as_deref() {
        Some("--gateway") => actix_web::rt::System::new().block_on(serve_gateway()),
        Some("--bare") => actix_web::rt::System::new().block_on(serve_bare()),
        _ => measure(&Options::of_arguments()?),
    }
}

fn measure(options: &Options) -> anyhow::Result<()> {
    let (mut bare, mut gateway) = (Asked::start("--bare")?, Asked::start("--gateway")?);
    let database = if std::env::var("TEST_DATABASE_URL").is_ok() { "PostgreSQL" } else { "SQLite" };
    println!("{database}: 2 KB signed, {} connections, {} s a repetition", options.connections, options.secs);
    println!("{:<10} {:>10} {:>8} {:>8} {:>8}", "", "requests/s", "ratio", "p50 ms", "p99 ms");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let mut ratios = Vec::new();
    let load = |asked: &Asked, secs| Load {
        address: asked.ready.address.clone(),
        path: asked.ready.path.clone(),
        secret: asked.ready.secret.clone(),
        connections: options.connections,
        duration: Duration::from_secs(secs),
    };
    let mut taken = 0;
    for number in 0..=options.repetitions {
        let ceiling = runtime.block_on(load(&bare, 2).run())?;
        let ours = runtime.block_on(load(&gateway, options.secs).run())?;
        taken += ours.count;
        if number == 0 {
            continue; // to warm up
        }
        ratios.push(ours.per_sec() / ceiling.per_sec());
        print(&ceiling, "bare", None);
        print(&ours, "gateway", ratios.last().copied());
    }
    ratios.sort_by(f64::total_cmp);
    let median = ratios.get(ratios.len() / 2).copied().unwrap_or_default();
    let memory = gateway.memory_kib()? / 1024;
    let said = gateway.end()?;
    bare.end()?;
    println!("median ratio {median:.2}; the gateway's memory {memory} MB at the most; {}", said.trim());
    println!("{taken} were answered 202");
    Ok(())
}

fn print(measured: &Measured, what: &str, ratio: Option<f64>) {
    let ratio = ratio.map(|ratio| format!("{ratio:.2}")).unwrap_or_default();
    let (p50, p99) = (measured.percentile_ms(50), measured.percentile_ms(99));
    println!("{what:<10} {:>10.0} {ratio:>8} {p50:>8.2} {p99:>8.2}", measured.per_sec());
}

/// A process of this program that answers.
struct Asked {
    child: Child,
    ready: Ready,
}

impl Asked {
    fn start(what: &str) -> anyhow::Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg(what)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().context("no output")?).read_line(&mut line)?;
        let ready = serde_json::from_str(&line).with_context(|| format!("{what} did not start: {line}"))?;
        Ok(Self { child, ready })
    }

    /// Its resident memory at the most, in KiB.
    fn memory_kib(&self) -> anyhow::Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM")?;
        Ok(line.trim().trim_end_matches("kB").trim().parse()?)
    }

    /// Ends it; gives what it says last.
    fn end(&mut self) -> anyhow::Result<String> {
        drop(self.child.stdin.take());
        let mut said = String::new();
        self.child.stdout.take().context("no output")?.read_to_string(&mut said)?;
        self.child.wait()?;
        Ok(said)
    }
}

/// Says that it is ready, and waits until nobody asks any more.
async fn until_asked_no_more(ready: &Ready) -> anyhow::Result<()> {
    println!("{}", serde_json::to_string(ready)?);
    std::io::stdout().flush()?;
    actix_web::rt::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new())).await??;
    Ok(())
}

async fn serve_bare() -> anyhow::Result<()> {
    let server = HttpServer::new(|| {
        let answer = web::post().to(|body: web::Bytes| async move {
            std::hint::black_box(&body);
            HttpResponse::Accepted().finish()
        });
        Routes::new().route("/", answer)
    })
    .bind("127.0.0.1:0")?;
    let address = server.addrs().first().context("no address")?.to_string();
    let running = server.disable_signals().run();
    let handle = running.handle();
    actix_web::rt::spawn(running);
    let secret = signature::new_secret(&Chance::system()).expose_secret().to_owned();
    until_asked_no_more(&Ready { address, path: "/".to_owned(), secret }).await?;
    handle.stop(false).await;
    Ok(())
}

async fn serve_gateway() -> anyhow::Result<()> {
    let dir = std::env::temp_dir().join(format!("psa-gateway-bench-{}", std::process::id()));
    std::fs::create_dir_all(&dir)?;
    let url = match std::env::var("TEST_DATABASE_URL") {
        Ok(server) => database::new(&server).await?,
        Err(_) => format!("sqlite://{}", dir.join("gateway.db").display()),
    };
    let limit = "1000000";
    let settings = [
        ("listen", "127.0.0.1:0".to_owned()),
        ("data_dir", dir.display().to_string()),
        ("database_url", url),
        ("limit_per_address_per_sec", limit.to_owned()),
        ("limit_per_endpoint_per_sec", limit.to_owned()),
    ];
    let config = Config::from_pairs(settings).map_err(|problems| anyhow::anyhow!("{problems}"))?;
    let app = App::start(&config, None, Seams { is_stepped: true, ..Seams::default() }).await?;
    let viewer = Viewer::operator(Known::Gateway, "bench", Role::Owner);
    let new = NewOrganization { slug: "bench".to_owned(), name: "Bench".to_owned() };
    let organization = organization::create(&viewer, &app.ground, new).await?;
    let secret: SecretString = signature::new_secret(&app.ground.chance);
    let new = NewEndpoint {
        organization_id: organization.id,
        name: "Scanner".to_owned(),
        sender: "events".to_owned(),
        is_platform: false,
        psa_connection_id: None,
        scheme: "standard_webhooks".to_owned(),
        secret: Some(NewSecret::Used(secret.clone())),
        is_registered: false,
        allowed_addresses: Vec::new(),
        settings: None,
        learning: Learning::default(),
        problems: Vec::new(),
    };
    let endpoint = endpoints::create(&viewer, &app.ground, new).await?;
    let before = app.ground.db.statements();
    let ready = Ready {
        address: app.address().to_string(),
        path: format!("/webhooks/{}", endpoint.key),
        secret: secret.expose_secret().to_owned(),
    };
    until_asked_no_more(&ready).await?;
    println!("{} statements in all", app.ground.db.statements() - before);
    app.stop().await;
    std::fs::remove_dir_all(&dir)?;
    Ok(())
}

/// The clock of who signs.
fn now() -> Timestamp {
    Clock::default().now()
}
