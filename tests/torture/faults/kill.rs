//! kill -9 at random instants under load, restart.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use super::{Progress, Run};
use crate::{
    arena::{Arena, Wish},
    dice::Dice,
    load::{Load, lives},
    table::Row,
};

/// How long after a start the next kill comes at the latest, in milliseconds; in a brief round, and by hand.
const LATEST_MS: (u64, u64) = (500, 1_500);

pub async fn kill(run: Run) -> Row {
    let kills = run.scale.kills.unwrap_or(50);
    let deliveries = run.scale.deliveries.unwrap_or(if run.is_brief { 1_500 } else { kills * 50 });
    let latest = if run.is_brief { LATEST_MS.0 } else { LATEST_MS.1 };
    let wish =
        Wish { server: Run::server_if_given(), ..Wish::usual(if run.is_brief { 4 } else { 16 }, true) };
    let mut arena = Arena::start(&run, wish).await;
    let mut dice = Dice::new(run.seed, "kill");
    // So many problems that there is always something to be done at the PSAs.
    let each = if deliveries > 100_000 { 25 } else { 4 };
    let lives = lives(&mut dice, deliveries, each, arena.door.lanes.len());
    let load = Load::start(&arena.door, lives, 24, &mut dice);
    let killed = Arc::new(AtomicU64::new(0));
    let progress = {
        let (killed, journal) = (Arc::clone(&killed), Arc::clone(&arena.door.journal));
        Progress::of(&run, move || {
            let killed = killed.load(Ordering::SeqCst);
            format!("{killed} of {kills} kills, {} of {deliveries} accepted", journal.count())
        })
    };
    for _ in 0..kills {
        if !run.has_time() {
            break;
        }
        // Webhooks come while it starts, while it works, and when it dies; at times there is little to do.
        let share = dice.between(1, (deliveries / kills).max(1) * 2);
        load.allow(share);
        let (end, before) = (Instant::now() + Duration::from_millis(latest), arena.door.journal.count());
        let enough = dice.between(0, share);
        while arena.door.journal.count() < before + enough && Instant::now() < end {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        tokio::time::sleep(Duration::from_micros(dice.below(150_000))).await;
        arena.kill_and_start(0, &[]).await;
        killed.fetch_add(1, Ordering::SeqCst);
    }
    load.finish(&run, &arena.door).await;
    drop(progress);
    let killed = killed.load(Ordering::SeqCst);
    let mut broken = Vec::new();
    if run.is_brief && killed < kills {
        broken.push(format!("{killed} of {kills} kills: the machine was too slow for more"));
    }
    arena.close(format!("{killed} kills"), Vec::new(), broken).await
}
