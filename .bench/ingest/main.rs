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

#[path = "../asked.rs"]
mod asked;
#[path = "../database.rs"]
mod database;
#[path = "../load.rs"]
mod load;

use std::{sync::Arc, time::Duration};

use actix_web::web;
use anyhow::Context as _;
use entity::{Role, Timestamp};
use psa_gateway::{
    app::{App, Seams},
    clock::Clock,
    config::Config,
    organizations::{
        endpoints::{self, Learning, NewEndpoint, NewSecret},
        organization::{self, NewOrganization},
        viewer::{Known, Viewer},
    },
    scanners::signature,
};
use secrecy::{ExposeSecret as _, SecretString};

use asked::{Asked, Ready, answer_bare, serve_bare, until_asked_no_more};
use load::{Load, Measured};

/// How long a body is, in bytes.
const BODY: usize = 2_048;

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
        Some("--bare") => {
            let route = || web::resource("/").route(web::post().to(answer_bare));
            actix_web::rt::System::new().block_on(serve_bare(route))
        }
        _ => measure(&Options::of_arguments()?),
    }
}

fn measure(options: &Options) -> anyhow::Result<()> {
    let (mut bare, mut gateway) = (Asked::start(&["--bare"])?, Asked::start(&["--gateway"])?);
    let database = if std::env::var("TEST_DATABASE_URL").is_ok() { "PostgreSQL" } else { "SQLite" };
    println!("{database}: 2 KB signed, {} connections, {} s a repetition", options.connections, options.secs);
    println!("{:<10} {:>10} {:>8} {:>8} {:>8}", "", "requests/s", "ratio", "p50 ms", "p99 ms");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let mut ratios = Vec::new();
    let secret = SecretString::from(gateway.ready.secret.clone());
    let load = |asked: &Asked, secs| {
        let load = Load {
            address: asked.ready.address.clone(),
            connections: options.connections,
            duration: Duration::from_secs(secs),
            status: 202,
        };
        let (ready, secret, run) = (asked.ready.clone(), secret.clone(), now().0);
        load.run(Arc::new(move |connection, number| {
            request(&ready, &secret, &format!("msg_{run}_{connection}_{number}"))
        }))
    };
    let mut taken = 0;
    for number in 0..=options.repetitions {
        let ceiling = runtime.block_on(load(&bare, 2))?;
        let ours = runtime.block_on(load(&gateway, options.secs))?;
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

/// A webhook of 2 KB, signed for the gateway or with any secret for the bare handler.
fn request(ready: &Ready, secret: &SecretString, id: &str) -> anyhow::Result<Vec<u8>> {
    let head = format!(
        "{{\"kind\":\"finding.opened\",\"source\":\"scanner\",\"client_ref\":\"northwind\",\"finding_key\":\"{id}\",\
         \"severity\":\"high\",\"title\":\"Outdated library\",\"body\":\""
    );
    let mut body = head.into_bytes();
    body.resize(BODY - 2, b'x');
    body.extend_from_slice(b"\"}");
    let signed = signature::sign(secret.expose_secret(), id, now(), &body)?;
    let mut request = format!(
        "POST {} HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\nwebhook-id: {id}\r\n\
         webhook-timestamp: {}\r\nwebhook-signature: {}\r\ncontent-length: {}\r\n\r\n",
        ready.path,
        ready.address,
        signed.timestamp,
        signed.signature,
        body.len()
    )
    .into_bytes();
    request.extend_from_slice(&body);
    Ok(request)
}

fn print(measured: &Measured, what: &str, ratio: Option<f64>) {
    let ratio = ratio.map(|ratio| format!("{ratio:.2}")).unwrap_or_default();
    let (p50, p99) = (measured.percentile_ms(50), measured.percentile_ms(99));
    println!("{what:<10} {:>10.0} {ratio:>8} {p50:>8.2} {p99:>8.2}", measured.per_sec());
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
