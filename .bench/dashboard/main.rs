//! How many of a dashboard's questions a second are answered, beside a bare handler on the same machine in the same
//! run.
//!
//! ```text
//! cargo bench --bench dashboard                                       on an SQLite file of its own
//! TEST_DATABASE_URL=postgres://… cargo bench --bench dashboard        on a new database of that server
//! … -- --connections 16 --secs 3 --repetitions 3 --tickets 100000
//! … -- --serve                                                        seeds, prints an address and a token, and waits
//! ```
//!
//! 200 organizations with 50 mapped companies and 5 profiles each, and their tickets. An operator asks, with a token,
//! as a dashboard would: everything is on (authorization, the walls, limits, complexity), and no answer is kept.
#![recursion_limit = "256"] // the schema's futures are deep once they are optimized
#![expect(clippy::print_stdout, reason = "prints a table")]
#![expect(clippy::disallowed_methods, reason = "reads its own settings, and makes its own rows")]

#[path = "../asked.rs"]
mod asked;
#[path = "../database.rs"]
mod database;
#[path = "../load.rs"]
mod load;
mod rows;

use std::{sync::Arc, time::Duration};

use actix_web::web;
use anyhow::Context as _;
use entity::Role;
use psa_gateway::{
    app::{App, Seams},
    config::Config,
    organizations::{
        tokens::{self, NewToken},
        viewer::{Known, Viewer},
    },
};
use secrecy::ExposeSecret as _;
use serde_json::json;

use asked::{Asked, Ready, answer_bare, serve_bare, until_asked_no_more};
use load::{Load, Measured};

/// Name and text of each question.
const QUESTIONS: &[(&str, &str)] = &[
    (
        "q1 one organization with its profiles",
        "query Q1($org: ID!) { node(id: $org) { ... on Organization { id name \
         ticketProfiles(first: 5) { nodes { id name } } } } }",
    ),
    (
        "q2 50 organizations, 10 mappings, profiles",
        "query Q2 { organizations(first: 50) { nodes { id name \
         companyMappings(first: 10) { nodes { id isTicketingEnabled version } } \
         ticketProfiles(first: 5) { nodes { name } } } } }",
    ),
    (
        "q2 with the PSA's companies",
        "query Q2Psa { organizations(first: 50) { nodes { id name \
         companyMappings(first: 10) { nodes { id psaCompany { externalId } } } \
         ticketProfiles(first: 5) { nodes { name } } } } }",
    ),
    (
        "q3 50 open tickets and how many there are",
        "query Q3($org: ID!) { node(id: $org) { ... on Organization { tickets(first: 50, filter: { state: { in: [OPEN] } }) { \
         totalCount nodes { id title state severity externalId } } } } }",
    ),
    (
        "q4 counts by state and severity",
        "query Q4($org: ID!) { node(id: $org) { ... on Organization { statistics { tickets { \
         byState { state count } bySeverity { severity total { createdCount } } } } } } }",
    ),
];

struct Options {
    connections: usize,
    secs: u64,
    repetitions: usize,
    tickets: usize,
}

impl Options {
    fn of_arguments() -> anyhow::Result<Self> {
        let mut options = Self { connections: 16, secs: 3, repetitions: 3, tickets: 100_000 };
        let known =
            |argument: &String| !matches!(argument.as_str(), "--bench" | "--serve" | "--gateway" | "--bare");
        let mut arguments = std::env::args().skip(1).filter(known);
        while let Some(name) = arguments.next() {
            let value = arguments.next().context("a number follows each argument")?.parse::<usize>()?;
            match name.as_str() {
                "--connections" => options.connections = value.max(1),
                "--secs" => options.secs = u64::try_from(value.max(1))?,
                "--repetitions" => options.repetitions = value.max(1),
                "--tickets" => options.tickets = value,
                other => anyhow::bail!("{other} is not known; see the head of .bench/dashboard/main.rs"),
            }
        }
        Ok(options)
    }
}

fn main() -> anyhow::Result<()> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let options = Options::of_arguments()?;
    let is = |what: &str| std::env::args().any(|argument| argument == what);
    if is("--gateway") || is("--serve") {
        return actix_web::rt::System::new().block_on(serve_gateway(options.tickets));
    }
    if is("--bare") {
        let route = || web::resource("/").route(web::post().to(answer_bare));
        return actix_web::rt::System::new().block_on(serve_bare(route));
    }
    measure(&options)
}

fn measure(options: &Options) -> anyhow::Result<()> {
    let tickets = options.tickets.to_string();
    let mut bare = Asked::start(&["--bare"])?;
    let mut gateway = Asked::start(&["--gateway", "--tickets", &tickets])?;
    let database = if std::env::var("TEST_DATABASE_URL").is_ok() { "PostgreSQL" } else { "SQLite" };
    println!("{database}: {tickets} tickets, {} connections, {} s each", options.connections, options.secs);
    println!("{:<44} {:>10} {:>8} {:>8} {:>8} {:>8}", "", "requests/s", "ratio", "p50 ms", "p99 ms", "bytes");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let load = |asked: &Asked, status, secs, query: &'static str| {
        let (connections, duration) = (options.connections, Duration::from_secs(secs));
        let load = Load { address: asked.ready.address.clone(), connections, duration, status };
        let (asked, gateway) = (asked.ready.clone(), gateway.ready.clone());
        load.run(Arc::new(move |connection, number| {
            Ok(request(&asked, &gateway, query, connection + usize::try_from(number)?))
        }))
    };
    for (name, query) in QUESTIONS {
        let mut seen: Vec<(f64, Measured)> = Vec::new();
        for number in 0..=options.repetitions {
            let ceiling = runtime.block_on(load(&bare, 202, 1, query))?;
            let ours = runtime.block_on(load(&gateway, 200, options.secs, query))?;
            if number > 0 {
                seen.push((ours.per_sec() / ceiling.per_sec(), ours)); // after one to warm up
            }
        }
        seen.sort_by(|a, b| a.1.per_sec().total_cmp(&b.1.per_sec()));
        let Some((ratio, median)) = seen.get(seen.len() / 2) else { continue };
        println!(
            "{name:<44} {:>10.0} {ratio:>8.3} {:>8.2} {:>8.2} {:>8}",
            median.per_sec(),
            median.percentile_ms(50),
            median.percentile_ms(99),
            median.answer_bytes
        );
    }
    println!("the gateway's memory: {} MB at the most", gateway.memory_kib()? / 1024);
    gateway.end()?;
    bare.end()?;
    Ok(())
}

/// A question about one of the organizations, in turn.
fn request(asked: &Ready, gateway: &Ready, query: &str, turn: usize) -> Vec<u8> {
    let ids: Vec<&str> = gateway.path.split(',').collect();
    let org = ids.get(turn % ids.len().max(1)).copied().unwrap_or_default();
    let variables = if query.contains("$org") { json!({ "org": org }) } else { json!({}) };
    let body = json!({ "query": query, "variables": variables }).to_string();
    let path = if asked.secret.is_empty() { "/" } else { "/graphql" };
    format!(
        "POST {path} HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\naccept: application/json\r\n\
         authorization: Bearer {}\r\ncontent-length: {}\r\n\r\n{body}",
        asked.address,
        gateway.secret,
        body.len()
    )
    .into_bytes()
}

async fn serve_gateway(tickets: usize) -> anyhow::Result<()> {
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
        ("limit_per_token_per_sec", limit.to_owned()),
        ("graphql_cost_bucket", "1000000000".to_owned()),
        ("graphql_cost_restore_per_sec", "1000000000".to_owned()),
    ];
    let config = Config::from_pairs(settings).map_err(|problems| anyhow::anyhow!("{problems}"))?;
    let app = App::start(&config, None, Seams { is_stepped: true, ..Seams::default() }).await?;
    let organizations = rows::furnish(&app, tickets).await?;
    let viewer = Viewer::operator(Known::Gateway, "bench", Role::Owner);
    let new = NewToken::plain(None, "bench", Role::Owner);
    let (_, token) = tokens::create(&viewer, &app.ground, new).await?;
    let ready = Ready {
        address: app.address().to_string(),
        path: organizations.join(","),
        secret: token.expose_secret().to_owned(),
    };
    until_asked_no_more(&ready).await?;
    app.stop().await;
    std::fs::remove_dir_all(&dir)?;
    Ok(())
}
