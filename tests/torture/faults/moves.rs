//! An organization moves from one PostgreSQL database to another and back under load, while what moves it and a node are
//! killed at random.

use std::{
    process::{Child, Stdio},
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

/// What moves: the first of two organizations.
const ORGANIZATION: &str = "torture-0";
/// The other database.
const WEST: &str = "west";
/// A move takes some twenty seconds: what moves it is killed within these many milliseconds, or not at all.
const WITHIN_MS: u64 = 24_000;
/// How many of a thousand are killed.
const KILLED: u64 = 500;
/// A share of the webhooks is sent so often, and a move takes about so many shares.
const SHARE_EVERY: Duration = Duration::from_millis(200);
const SHARES: u64 = 100;
/// How long a move may take.
const LIMIT: Duration = Duration::from_mins(3);

pub async fn moves(run: Run) -> Row {
    let server = match run.server().await {
        Ok(server) => server,
        Err(why) => return Row::skipped(run.fault, run.seed, why),
    };
    let rounds = run.scale.rounds.unwrap_or(1);
    let deliveries = run.scale.deliveries.unwrap_or(rounds * 2_000);
    let chance = psa_gateway::clock::Chance::system();
    let other = format!("torture_west_{}", chance.alphanumeric(10)).to_lowercase();
    let shards = format!("{WEST}={}", server.database(&other).await);
    let wish = Wish {
        server: Some(server.clone()),
        nodes: 2,
        organizations: 2,
        settings: vec![("shards", shards)],
        ..Wish::usual(6, false)
    };
    let mut arena = Arena::start(&run, wish).await;
    let mut dice = Dice::new(run.seed, "moves");
    let lives = lives(&mut dice, deliveries, 4, arena.door.lanes.len());
    let load = Load::start(&arena.door, lives, 12, &mut dice);
    let moved = Arc::new(AtomicU64::new(0));
    let progress = {
        let (moved, journal) = (Arc::clone(&moved), Arc::clone(&arena.door.journal));
        Progress::of(&run, move || {
            let moved = moved.load(Ordering::SeqCst);
            format!("{moved} of {} moves, {} of {deliveries} accepted", rounds * 2, journal.count())
        })
    };
    let (mut broken, mut killed, again) = (Vec::new(), 0_u64, Arc::new(AtomicU64::new(0)));
    // There and back: what is asked about in the end is asked of the first database.
    for to in (0..rounds).flat_map(|_| [WEST, "main"]) {
        let words = ["organization", "move", ORGANIZATION, "--to", to];
        let moving = {
            let commands = [arena.nodes[0].command(&words), arena.nodes[0].command(&words)];
            let dies = dice.in_thousand(KILLED).then(|| Duration::from_millis(dice.below(WITHIN_MS)));
            let again = Arc::clone(&again);
            tokio::task::spawn_blocking(move || {
                let [mut first, mut second] = commands;
                let first = first.spawn().expect("the program starts");
                if !has_ended(first, dies.unwrap_or(LIMIT)) {
                    again.fetch_add(1, Ordering::SeqCst);
                    has_ended(second.spawn().expect("the program starts"), LIMIT);
                }
            })
        };
        let (node, begun) = (usize::from(dice.in_thousand(500)), Instant::now());
        let mut dies = Some(Duration::from_millis(dice.below(WITHIN_MS)));
        // Webhooks come all the while, and are told to come again.
        while !moving.is_finished() {
            load.allow(deliveries / rounds / 2 / SHARES + 1);
            tokio::time::sleep(SHARE_EVERY).await;
            if dies.take_if(|dies| begun.elapsed() > *dies).is_some() {
                arena.kill_and_start(node, &[]).await;
                killed += 1;
            }
        }
        moving.await.expect("no panic");
        let listed = arena.nodes[0].command(&["organization", "list"]).stdout(Stdio::piped()).output();
        let listed = String::from_utf8(listed.expect("the program runs").stdout).expect("words");
        let is_there =
            |line: &str| line.starts_with(to) && line.contains(ORGANIZATION) && line.ends_with("served");
        if !listed.lines().any(is_there) {
            broken.push(format!("it was not moved to {to}:\n{listed}"));
            break;
        }
        moved.fetch_add(1, Ordering::SeqCst);
    }
    load.finish(&run, &arena.door).await;
    drop(progress);
    let done = format!("{} moves", moved.load(Ordering::SeqCst));
    let again = again.load(Ordering::SeqCst);
    let remark = format!("{again} of them killed and run again; {killed} kills of a node meanwhile");
    let row = arena.close(done, vec![remark], broken).await;
    server.drop_database(&other).await;
    row
}

/// Whether it ends in time; else it is killed.
fn has_ended(mut child: Child, limit: Duration) -> bool {
    let begun = Instant::now();
    while begun.elapsed() < limit {
        if matches!(child.try_wait(), Ok(Some(_))) {
            return true;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let _ = child.kill();
    let _ = child.wait();
    false
}
