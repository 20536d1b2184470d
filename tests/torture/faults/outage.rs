//! The PSA is away for three days while its customers' webhooks go on; then it comes back to a long queue.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use psa_gateway::sandbox::frame::{Fault, FaultKind};

use super::{Progress, Run};
use crate::{
    arena::{Arena, Wish},
    dice::Dice,
    journal::key_in,
    load::{Load, lives},
    table::Row,
};

const HOURS: u64 = 72;
/// So many hours go by at once.
const STEP_HOURS: u64 = 6;
/// Organizations, each with a connection of its own.
const ORGANIZATIONS: usize = 4;
/// How many tickets one lane's turn makes at the most.
const TURN: usize = 25;
/// A lane that failed rests so long at the most.
const LONGEST_REST: Duration = Duration::from_mins(16);

pub async fn outage(run: Run) -> Row {
    if !run.moves_time {
        return Row::skipped(run.fault, run.seed, "this program's time cannot be moved");
    }
    let deliveries = run.scale.deliveries.unwrap_or(if run.is_brief { 600 } else { 100_000 });
    let wish = Wish {
        server: Run::server_if_given(),
        organizations: ORGANIZATIONS,
        // Fewer than there are lanes: they have to take turns.
        settings: vec![("lane_workers", "2".to_owned())],
        ..Wish::usual(ORGANIZATIONS, false)
    };
    let arena = Arena::start(&run, wish).await;
    let mut dice = Dice::new(run.seed, "outage");
    let mut lives = lives(&mut dice, deliveries, 1, ORGANIZATIONS);
    // One organization has seven tenths of it.
    for life in &mut lives {
        life.lane = match life.key % 10 {
            0..7 => 0,
            rest => usize::try_from(rest - 6).unwrap_or(1),
        };
    }
    let lane_of: BTreeMap<u64, usize> = lives.iter().map(|life| (life.key, life.lane)).collect();
    let halo = arena.psa("halo").clone();
    halo.fault(&arena.door.http, &[Fault::always("*", FaultKind::DropBeforeCommit)]).await;
    let before = halo.tickets(&arena.door.http).await.len();
    let load = Load::start(&arena.door, lives, 16, &mut dice);
    let progress = {
        let journal = Arc::clone(&arena.door.journal);
        Progress::of(&run, move || format!("{} of {deliveries} accepted", journal.count()))
    };
    let (steps, mut allowed, mut broken) = (HOURS / STEP_HOURS, 0, Vec::new());
    for step in 1..=steps {
        let until = deliveries * step / steps;
        load.allow(until - allowed);
        allowed = until;
        // Nothing is under way when the time moves on: what was signed is hours old then.
        let end = Instant::now() + Duration::from_mins(30);
        while arena.door.journal.count() < until && Instant::now() < end {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        arena.time.goes_on(Duration::from_hours(STEP_HOURS));
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    load.finish(&run, &arena.door).await;
    drop(progress);
    let end = Instant::now() + run.patience();
    while Instant::now() < end {
        let looked = Instant::now();
        if arena.left().await.0 == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(200).max(looked.elapsed() * 10)).await;
    }
    let queued = arena.left().await.2;
    if halo.tickets(&arena.door.http).await.len() != before {
        broken.push("the PSA was not away".to_owned());
    }
    halo.heal(&arena.door.http).await;
    let back = Instant::now();
    arena.time.goes_on(LONGEST_REST);
    arena.rests().await;
    let drained = back.elapsed();

    // Fair: who has little waits for about as many of each other's tickets as of its own.
    let ledger = halo.tickets(&arena.door.http).await;
    let order: Vec<usize> = ledger
        .iter()
        .skip(before)
        .filter_map(|ticket| lane_of.get(&key_in(&ticket.title)?).copied())
        .collect();
    let mut last_places = Vec::new();
    for lane in 1..ORGANIZATIONS {
        let own = order.iter().filter(|one| **one == lane).count();
        let last = order.iter().rposition(|one| *one == lane).map_or(0, |at| at + 1);
        last_places.push(last);
        let fair = own * ORGANIZATIONS * 3 / 2 + TURN * ORGANIZATIONS;
        if last > fair {
            broken
                .push(format!("an organization with {own} tickets had its last one as number {last} of all"));
        }
    }
    let remark = format!(
        "{queued} operations waited; drained in {} s; organizations with {} each were done by number {}",
        drained.as_secs(),
        order.iter().filter(|one| **one == 1).count(),
        last_places.iter().max().copied().unwrap_or(0),
    );
    arena.close(format!("{HOURS} hours"), vec![remark], broken).await
}
