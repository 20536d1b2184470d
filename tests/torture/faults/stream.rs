//! A stream of NATS in front of the database: a node at the edge that takes webhooks in, one that works, and the stream's
//! server are killed at random, alone and together.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use super::{Progress, Run};
use crate::{
    arena::{Arena, READY, Wish},
    dice::Dice,
    load::{Load, lives},
    nats::Nats,
    table::Row,
};

/// How long there is peace between two kills at the most, in milliseconds.
const PEACE_MS: u64 = 800;
/// How long the stream's server is away at the most, in milliseconds.
const AWAY_MS: u64 = 1_000;
/// The node at the edge, and the one that works.
const EDGE: usize = 0;
const WORKER: usize = 1;

pub async fn stream(run: Run) -> Row {
    let (server, mut nats) = match (run.server().await, Nats::start(&run.folder())) {
        (Ok(server), Ok(nats)) => (server, nats),
        (Err(why), _) | (_, Err(why)) => return Row::skipped(run.fault, run.seed, why),
    };
    let kills = run.scale.kills.or(run.scale.rounds).unwrap_or(10);
    let deliveries = run.scale.deliveries.unwrap_or(kills * 60);
    let wish = Wish {
        server: Some(server),
        nodes: 2,
        edges: 1,
        settings: vec![("nats_url", nats.url())],
        ..Wish::usual(if run.is_brief { 4 } else { 16 }, false)
    };
    let mut arena = Arena::start(&run, wish).await;
    let mut dice = Dice::new(run.seed, "stream");
    let lives =
        lives(&mut dice, deliveries, if deliveries > 100_000 { 25 } else { 4 }, arena.door.lanes.len());
    let load = Load::start(&arena.door, lives, 16, &mut dice);
    let killed = Arc::new(AtomicU64::new(0));
    let progress = {
        let (killed, journal) = (Arc::clone(&killed), Arc::clone(&arena.door.journal));
        Progress::of(&run, move || {
            let killed = killed.load(Ordering::SeqCst);
            format!("{killed} of {kills} kills, {} of {deliveries} accepted", journal.count())
        })
    };
    let mut of_nats = 0;
    while killed.load(Ordering::SeqCst) < kills && run.has_time() {
        load.allow(deliveries / kills + 1);
        tokio::time::sleep(Duration::from_millis(dice.between(20, PEACE_MS))).await;
        let (edge, worker, stream) = match dice.below(6) {
            0 => (true, false, false),
            1 => (false, true, false),
            2 => (false, false, true),
            3 => (true, false, true),
            4 => (false, true, true),
            _ => (true, true, false),
        };
        if stream {
            nats.kill();
            of_nats += 1;
        }
        for (node, _) in [(EDGE, edge), (WORKER, worker)].into_iter().filter(|(_, dies)| *dies) {
            arena.nodes[node].kill();
        }
        tokio::time::sleep(Duration::from_millis(dice.below(AWAY_MS))).await;
        for (node, _) in [(EDGE, edge), (WORKER, worker)].into_iter().filter(|(_, dies)| *dies) {
            arena.nodes[node].start(&[]);
        }
        // Nodes start whether the stream is there or not.
        if stream {
            tokio::time::sleep(Duration::from_millis(dice.below(AWAY_MS))).await;
            nats = started(nats).await;
        }
        for (node, _) in [(EDGE, edge), (WORKER, worker)].into_iter().filter(|(_, dies)| *dies) {
            let ready = arena.nodes[node].is_ready(&arena.door.http, READY).await;
            ready.expect("a gateway starts again after it was killed");
        }
        let dead = u64::from(edge) + u64::from(worker) + u64::from(stream);
        killed.fetch_add(dead, Ordering::SeqCst);
    }
    load.finish(&run, &arena.door).await;
    drop(progress);
    let killed = killed.load(Ordering::SeqCst);
    let mut broken = Vec::new();
    // What nobody has taken out yet is in no list of the gateway's.
    let begun = Instant::now();
    while nats.holds(&arena.door.http).await > 0 && begun.elapsed() < run.patience() {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let held = nats.holds(&arena.door.http).await;
    if held > 0 {
        broken.push(format!("{held} webhooks are still in the stream"));
    }
    if run.is_brief && killed < kills {
        broken.push(format!("{killed} of {kills} kills: the machine was too slow for more"));
    }
    let remark = format!("{of_nats} of them of NATS");
    arena.close(format!("{killed} kills"), vec![remark], broken).await
}

async fn started(mut nats: Nats) -> Nats {
    let beginning = tokio::task::spawn_blocking(move || {
        nats.begin().expect("NATS starts again after it was killed");
        nats
    });
    beginning.await.expect("no panic")
}
