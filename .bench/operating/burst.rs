//! Very many findings at once.

use std::{
    collections::BTreeMap,
    ops::Range,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use psa_gateway::clock::Chance;
use serde_json::Value;
use tokio::task::JoinSet;

use crate::{
    arena::Arena,
    journal::{Says, Told},
    load::Door,
};

/// The first finding's number.
const FIRST: u64 = 10_000_000;
/// How many send at the same time.
const SENDERS: u64 = 64;

/// Sends a webhook for each, and again where it was not told 2xx, over so many connections; at the most so many a second
/// where that is said. How often which other status was answered, 0 for none at all.
pub async fn send(door: &Door, keys: Range<u64>, senders: u64, per_sec: Option<u64>) -> BTreeMap<u16, u64> {
    let (next, begun) = (Arc::new(AtomicU64::new(keys.start)), Instant::now());
    let refused: Arc<Mutex<BTreeMap<u16, u64>>> = Arc::default();
    let mut running = JoinSet::new();
    for _ in 0..senders {
        let (door, keys, next, refused) =
            (door.clone(), keys.clone(), Arc::clone(&next), Arc::clone(&refused));
        running.spawn(async move {
            loop {
                let key = next.fetch_add(1, Ordering::SeqCst);
                if key >= keys.end {
                    return;
                }
                if let Some(per_sec) = per_sec {
                    let due = begun + Duration::from_micros((key - keys.start) * 1_000_000 / per_sec);
                    tokio::time::sleep_until(due.into()).await;
                }
                insist(&door, key, &refused).await;
            }
        });
    }
    while let Some(ended) = running.join_next().await {
        ended.expect("a sender's end");
    }
    let refused = refused.lock().expect("unpoisoned");
    refused.clone()
}

/// Sends one until it is told 2xx, and waits as long as it is told to.
async fn insist(door: &Door, key: u64, refused: &Mutex<BTreeMap<u16, u64>>) {
    let lane = usize::try_from(key).unwrap_or(0) % door.lanes.len();
    let body = door.body(key, lane, Says::There, false).to_string();
    let id = format!("msg_{}", Chance::system().alphanumeric(24));
    let base = door.bases.lock().expect("unpoisoned")[0].clone();
    loop {
        door.journal.sent.fetch_add(1, Ordering::SeqCst);
        let sent = door.signed(&base, lane, &id, body.as_bytes(), door.time.now()).send().await;
        let (status, wait) = match sent {
            Ok(answer) if answer.status().is_success() => {
                if let Ok(told) = answer.json::<Value>().await {
                    let delivery = told["delivery"].as_str().unwrap_or_default().to_owned();
                    let told = Told { key, place: 0, says: Says::There, lane, message: id, delivery };
                    door.journal.is_told(told);
                    return;
                }
                (0, 1)
            }
            Ok(answer) => {
                let after = answer.headers().get("retry-after").and_then(|value| value.to_str().ok());
                (answer.status().as_u16(), after.and_then(|secs| secs.parse().ok()).unwrap_or(1))
            }
            Err(_) => (0, 1),
        };
        *refused.lock().expect("unpoisoned").entry(status).or_default() += 1;
        tokio::time::sleep(Duration::from_secs(wait)).await;
    }
}

/// A burst, and the time until everything of it is in the PSAs.
pub async fn burst(arena: &mut Arena, webhooks: u64, secs: u64) -> anyhow::Result<String> {
    let begun = Instant::now();
    let refused = send(&arena.door, FIRST..FIRST + webhooks, SENDERS, Some(webhooks / secs)).await;
    let (took, peak) = (begun.elapsed(), arena.nodes[0].measure());
    println!(
        "burst: {webhooks} webhooks told 2xx in {:.0} s, {} MB at the most, other answers {refused:?}",
        took.as_secs_f64(),
        peak / 1_024
    );
    let (mut decided, mut said) = (None, Instant::now());
    loop {
        let (deliveries, tickets, operations) = arena.left().await;
        if deliveries == 0 && decided.is_none() {
            decided = Some(begun.elapsed());
        }
        if (deliveries, tickets, operations) == (0, 0, 0) {
            break;
        }
        anyhow::ensure!(
            begun.elapsed() < arena.run.patience(),
            "left after {} s: {deliveries} deliveries, {tickets} tickets, {operations} operations",
            begun.elapsed().as_secs()
        );
        if said.elapsed() > Duration::from_secs(10) {
            said = Instant::now();
            arena
                .run
                .say(&format!("left: {deliveries} deliveries, {tickets} tickets, {operations} operations"));
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    println!(
        "burst: all decided {:.0} s after it began, all in the PSAs after {:.0} s; {} MB at the most",
        decided.unwrap_or_default().as_secs_f64(),
        begun.elapsed().as_secs_f64(),
        arena.nodes[0].measure() / 1_024
    );
    Ok(format!("{webhooks} webhooks in a burst"))
}
