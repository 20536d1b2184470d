//! A rolling restart of three nodes under load: nobody is told anything but 2xx.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use super::{Progress, Run};
use crate::{
    arena::{Arena, READY, Wish},
    dice::Dice,
    load::{Load, lives},
    table::Row,
};

const NODES: usize = 3;

pub async fn rolling(run: Run) -> Row {
    let server = match run.server().await {
        Ok(server) => server,
        Err(why) => return Row::skipped(run.fault, run.seed, why),
    };
    let rounds = run.scale.rounds.unwrap_or(1);
    let deliveries = run.scale.deliveries.unwrap_or(rounds * if run.is_brief { 450 } else { 900 });
    let wish = Wish { server: Some(server), nodes: NODES, ..Wish::usual(4, false) };
    let mut arena = Arena::start(&run, wish).await;
    let mut dice = Dice::new(run.seed, "rolling");
    let lives = lives(&mut dice, deliveries, 5, arena.door.organization.lanes.len());
    let load = Load::start(&arena.door, lives, 12, &mut dice);
    let progress = {
        let journal = Arc::clone(&arena.door.journal);
        Progress::of(&run, move || format!("{} of {deliveries} accepted", journal.count()))
    };
    let (mut broken, mut restarts) = (Vec::new(), 0_u64);
    for _ in 0..rounds {
        for node in 0..NODES {
            load.allow(deliveries / rounds / NODES as u64);
            tokio::time::sleep(Duration::from_millis(dice.between(200, 1_000))).await;
            arena.nodes[node].signal("TERM");
            match arena.nodes[node].ended_within(Duration::from_secs(30)).await {
                Some(status) if status.success() => {}
                ended => broken.push(format!("a node that was told to stop ended with {ended:?}")),
            }
            arena.nodes[node].kill();
            arena.nodes[node].start(&[]);
            arena.nodes[node].is_ready(&arena.door.http, READY).await.expect("the next version");
            restarts += 1;
        }
    }
    load.finish(&run, &arena.door).await;
    drop(progress);
    let refused = arena.door.journal.refused();
    if !refused.is_empty() {
        broken.push(format!("senders were refused: {refused:?}"));
    }
    let cut = arena.door.journal.cut.load(Ordering::SeqCst);
    if cut > 0 {
        broken.push(format!("{cut} requests were cut off without an answer"));
    }
    arena.close(format!("{restarts} restarts"), vec![format!("{cut} cut")], broken).await
}
