//! Breaks the real program on purpose, and judges from outside what became of it.
//!
//! Gateways and sandboxes run in processes of their own, on real databases, and are killed, frozen, starved and lied
//! to. An auditor compares what senders were told with what stands in the sandboxes' ledgers.
#![recursion_limit = "256"] // the schema's futures are deep once they are optimized
#![expect(unreachable_pub, reason = "everything in here is for this program")]
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "it stops at the first surprise, talks to who started it, and plays the outside world"
)]

mod arena;
mod arguments;
mod auditor;
mod dice;
mod faults;
mod graphql;
mod journal;
mod load;
mod nats;
mod place;
mod process;
mod proxy;
mod psas;
mod setup;
mod table;
mod time;

use std::{process::ExitCode, sync::Arc, time::Instant};

use tokio::sync::Semaphore;

use arguments::{Deed, USAGE, Wishes};
use faults::{FAULTS, Fault, Run};
use table::{Row, Verdict};

fn main() -> ExitCode {
    let wishes = match Wishes::read(std::env::args().skip(1)) {
        Ok(wishes) => wishes,
        Err(problem) => {
            eprintln!("{problem}");
            return ExitCode::from(2);
        }
    };
    let faults: Vec<&'static Fault> = FAULTS.iter().filter(|fault| wishes.wants(fault.name)).collect();
    match wishes.deed {
        Deed::Try => {}
        Deed::Help => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        Deed::List => {
            for fault in faults {
                println!("{:<10} {}", fault.name, fault.about);
            }
            return ExitCode::SUCCESS;
        }
        Deed::ListTersely => {
            for fault in faults {
                println!("{}: test", fault.name);
            }
            return ExitCode::SUCCESS;
        }
    }
    if faults.is_empty() {
        println!("0 of {} faults are asked for", FAULTS.len());
        return ExitCode::SUCCESS;
    }
    let threads = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let rows = threads.block_on(try_all(&wishes, faults));
    println!("\n{}", table::table(&rows));
    let is_broken = rows.iter().any(|row| matches!(row.verdict, Verdict::Broken(_)));
    ExitCode::from(u8::from(is_broken))
}

/// Briefly some at the same time, else one after the other.
async fn try_all(wishes: &Wishes, faults: Vec<&'static Fault>) -> Vec<Row> {
    println!("torture: seed {}, {} faults", wishes.seed, faults.len());
    let began = Instant::now();
    let mut rows = Vec::new();
    if wishes.is_brief() {
        let turns = Arc::new(Semaphore::new(wishes.at_once));
        let running: Vec<_> = faults
            .into_iter()
            .map(|fault| {
                let (turns, run) = (Arc::clone(&turns), Run::new(fault, wishes, began));
                let tried = async move {
                    let _turn = turns.acquire().await;
                    (fault.try_it)(run).await
                };
                (fault, tokio::spawn(tried))
            })
            .collect();
        for (fault, running) in running {
            rows.push(shown(fault, wishes.seed, running.await));
        }
    } else {
        for fault in faults {
            let tried = tokio::spawn((fault.try_it)(Run::new(fault, wishes, began))).await;
            rows.push(shown(fault, wishes.seed, tried));
        }
    }
    rows
}

/// A fault that could not be tried to its end has broken something too.
fn shown(fault: &Fault, seed: u64, tried: Result<Row, tokio::task::JoinError>) -> Row {
    let row = tried.unwrap_or_else(|error| Row {
        verdict: Verdict::Broken(vec![format!("it came to no end: {error}")]),
        ..Row::skipped(fault.name, seed, "")
    });
    println!("{}", table::line(&row));
    row
}
