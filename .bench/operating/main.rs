//! What it is like to run one gateway: how soon it is there, what it uses while nothing is to be done, how soon a webhook
//! is at the PSA, what a ticket costs beside the PSA's own time, and what a burst does.
//!
//! ```text
//! cargo bench --bench operating                                       on an SQLite file of its own
//! TEST_DATABASE_URL=postgres://… cargo bench --bench operating        on a new database of that server
//! … -- --starts 5 --idle-secs 30 --singles 40 --tickets 4000 --burst 200000 --burst-secs 60
//! ```
//!
//! The real program and the sandbox PSAs, in processes of their own, are set up and looked at from outside, with the
//! arena of `tests/torture/`. A burst is of findings that are all new and each become a ticket; afterwards the auditor
//! of `tests/torture/` compares what senders were told with what stands in the PSAs.
#![recursion_limit = "256"] // the schema's futures are deep once they are optimized
#![expect(dead_code, reason = "of the arena's modules only some is needed here")]
#![expect(unreachable_pub, reason = "everything in here is for this program")]
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "it stops at the first surprise, talks to who started it, and plays the outside world"
)]

#[path = "../../tests/torture/arena.rs"]
mod arena;
#[path = "../../tests/torture/arguments.rs"]
mod arguments;
#[path = "../../tests/torture/auditor.rs"]
mod auditor;
mod burst;
#[path = "../../tests/torture/dice.rs"]
mod dice;
#[path = "../../tests/torture/faults/mod.rs"]
mod faults;
#[path = "../../tests/torture/graphql.rs"]
mod graphql;
#[path = "../../tests/torture/journal.rs"]
mod journal;
#[path = "../../tests/torture/load.rs"]
mod load;
#[path = "../../tests/torture/nats.rs"]
mod nats;
#[path = "../../tests/torture/place.rs"]
mod place;
#[path = "../../tests/torture/process.rs"]
mod process;
#[path = "../../tests/torture/proxy.rs"]
mod proxy;
#[path = "../../tests/torture/psas.rs"]
mod psas;
#[path = "../../tests/torture/setup.rs"]
mod setup;
#[path = "../../tests/torture/table.rs"]
mod table;
#[path = "../../tests/torture/time.rs"]
mod time;
mod used;

use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde_json::{Value, json};

use arena::{Arena, Wish};
use arguments::Wishes;
use dice::Dice;
use faults::{Fault, Run};
use journal::Says;
use table::Verdict;
use used::Used;

/// Lanes, all on one platform.
const LANES: usize = 8;

struct Options {
    starts: u64,
    idle_secs: u64,
    singles: u64,
    tickets: u64,
    burst: u64,
    burst_secs: u64,
}

impl Options {
    fn of_arguments() -> anyhow::Result<Self> {
        let mut options =
            Self { starts: 5, idle_secs: 30, singles: 40, tickets: 4_000, burst: 200_000, burst_secs: 60 };
        let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
        while let Some(name) = arguments.next() {
            let value = arguments.next().context("a number follows each argument")?.parse::<u64>()?;
            match name.as_str() {
                "--starts" => options.starts = value,
                "--idle-secs" => options.idle_secs = value,
                "--singles" => options.singles = value,
                "--tickets" => options.tickets = value,
                "--burst" => options.burst = value,
                "--burst-secs" => options.burst_secs = value.max(1),
                other => anyhow::bail!("{other} is not known; see the head of .bench/operating/main.rs"),
            }
        }
        Ok(options)
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let options = Options::of_arguments()?;
    let words = ["--binary", env!("CARGO_BIN_EXE_psa-gateway"), "--rounds", "1"].map(str::to_owned);
    let wishes = Wishes::read(words.into_iter()).map_err(anyhow::Error::msg)?;
    let fault =
        Fault { name: "operating", about: "", secs: 0, try_it: |_| unreachable!("measured, not tried") };
    let run = Run::new(&fault, &wishes, Instant::now());
    let server = Run::server_if_given();
    println!("{}", if server.is_some() { "PostgreSQL" } else { "SQLite" });
    let wish = Wish { server, is_time_told: false, ..Wish::usual(LANES, false) };
    let mut arena = Arena::start(&run, wish).await;
    // Senders keep their connections here.
    arena.door.http = reqwest::Client::builder().no_proxy().build()?;
    if options.starts > 0 {
        starts(&mut arena, options.starts).await?;
    }
    if options.idle_secs > 0 {
        idle(&arena, options.idle_secs).await;
    }
    if options.singles > 0 {
        singles(&arena, options.singles).await?;
    }
    if options.tickets > 0 {
        tickets(&arena, options.tickets).await?;
    }
    if options.starts > 0 && options.tickets > 0 {
        starts(&mut arena, options.starts).await?;
    }
    let done = match options.burst {
        0 => "no burst".to_owned(),
        webhooks => burst::burst(&mut arena, webhooks, options.burst_secs).await?,
    };
    let row = arena.close(done, Vec::new(), Vec::new()).await;
    println!("{}", table::line(&row));
    anyhow::ensure!(row.verdict == Verdict::Held, "the auditor does not confirm what was measured");
    Ok(())
}

/// How long after its start it takes requests, on a database that is there.
async fn starts(arena: &mut Arena, count: u64) -> anyhow::Result<()> {
    let mut took = Vec::new();
    for _ in 0..count {
        let node = &mut arena.nodes[0];
        node.signal("TERM");
        node.ended_within(Duration::from_mins(1)).await.context("the gateway does not end")?;
        let begun = Instant::now();
        node.start(&[]);
        node.is_ready(&arena.door.http, arena::READY).await.map_err(anyhow::Error::msg)?;
        took.push(begun.elapsed());
    }
    took.sort_unstable();
    let (median, most) = (took[took.len() / 2].as_millis(), took[took.len() - 1].as_millis());
    println!("start: ready after {median} ms (median of {count}), {most} ms at the most");
    Ok(())
}

/// What it uses while nothing happens.
async fn idle(arena: &Arena, secs: u64) {
    tokio::time::sleep(Duration::from_secs(5)).await;
    let before = Used::by(arena.nodes[0].id());
    tokio::time::sleep(Duration::from_secs(secs)).await;
    let after = Used::by(arena.nodes[0].id());
    let share = per_mille(after.cpu.saturating_sub(before.cpu), Duration::from_secs(secs));
    println!("idle: {share:.1} ‰ of a core over {secs} s, {} MB resident", after.resident_kib / 1_024);
}

fn per_mille(part: Duration, of: Duration) -> f64 {
    part.as_secs_f64() * 1_000.0 / of.as_secs_f64()
}

/// How long after it was sent a webhook's ticket is asked for at the PSA, one at a time on an idle gateway.
async fn singles(arena: &Arena, count: u64) -> anyhow::Result<()> {
    let (mut dice, halo) = (Dice::new(arena.run.seed, "singles"), arena.psa("halo").clone());
    let mut took = Vec::new();
    for key in 0..count {
        tokio::time::sleep(Duration::from_millis(dice.between(300, 700))).await;
        let known = halo.asked(&arena.door.http).await.len();
        let sent = arena.time.now();
        let lane = usize::try_from(dice.below(arena.door.lanes.len() as u64)).unwrap_or(0);
        arena.door.deliver((key, 0, lane, Says::There), &mut dice).await;
        let end = Instant::now() + Duration::from_secs(10);
        loop {
            if let Some(first) = halo.asked(&arena.door.http).await.get(known) {
                took.push(first.at - sent.0);
                break;
            }
            anyhow::ensure!(
                Instant::now() < end,
                "a webhook on an idle gateway came to no ticket within 10 s"
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    took.sort_unstable();
    let at = |percent: usize| took.get(took.len() * percent / 100).copied().unwrap_or_default() / 1_000;
    println!(
        "one webhook on an idle gateway: the PSA is asked after {} ms (median of {}), p90 {} ms",
        at(50),
        took.len(),
        at(90)
    );
    Ok(())
}

/// What a ticket costs the gateway once it is decided: they wait until their connections are switched on.
async fn tickets(arena: &Arena, count: u64) -> anyhow::Result<()> {
    enable(arena, false).await;
    let first = 1_000_000;
    let before = Used::by(arena.nodes[0].id());
    burst::send(&arena.door, first..first + count, 32, None).await;
    let end = Instant::now() + Duration::from_mins(10);
    while arena.left().await.2 < count {
        anyhow::ensure!(Instant::now() < end, "{count} webhooks were not decided within 10 minutes");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    let decided = Used::by(arena.nodes[0].id());
    let begun = Instant::now();
    enable(arena, true).await;
    while arena.left().await.2 > 0 {
        anyhow::ensure!(Instant::now() < end, "{count} tickets were not carried out within 10 minutes");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    let (took, after) = (begun.elapsed(), Used::by(arena.nodes[0].id()));
    let each = |from: Duration, to: Duration| per_mille(to.saturating_sub(from), Duration::from_secs(count));
    println!(
        "{count} tickets: {:.2} ms of CPU each to take in and decide, {:.2} ms each to carry out, {:.0} a second",
        each(before.cpu, decided.cpu),
        each(decided.cpu, after.cpu),
        per_mille(Duration::from_secs(count), took) / 1_000.0
    );
    Ok(())
}

/// Switches all connections on or off.
async fn enable(arena: &Arena, is_enabled: bool) {
    let query = "query($id: ID!) { node(id: $id) { ... on Organization { psaConnections(first: 100) { nodes { id } } } } }";
    let found = arena.asker.ask(query, json!({ "id": arena.door.organizations[0].id })).await;
    let connections = found.pointer("/node/psaConnections/nodes").and_then(Value::as_array).cloned();
    for connection in connections.unwrap_or_default() {
        let query = "mutation($input: PsaConnectionUpdateInput!) { psaConnectionUpdate(input: $input) {
               psaConnection { id } userErrors { field message } } }";
        let input = json!({ "input": { "id": connection["id"], "isEnabled": is_enabled } });
        arena.asker.ask(query, input).await;
    }
}
