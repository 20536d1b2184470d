//! Two nodes on one PostgreSQL; one is frozen past its lease, or cut off from the database. The other takes over, and
//! the first goes on in the middle of what it was doing.

use std::{sync::Arc, time::Duration};

use psa_gateway::sandbox::frame::{Fault, FaultKind};

use super::{Progress, Run};
use crate::{
    arena::{Arena, READY, Wish},
    dice::Dice,
    load::{Load, lives},
    table::Row,
};

/// How long a lane is leased, in seconds.
const LEASE_SECS: u64 = 30;

/// How a node is kept from going on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// SIGSTOP, and SIGCONT after it.
    Stopped,
    /// Nothing goes through between it and its database; it goes on itself, and still reaches the PSAs.
    CutOff,
}

pub async fn frozen(run: Run, how: How) -> Row {
    let server = match run.server().await {
        Ok(server) => server,
        Err(why) => return Row::skipped(run.fault, run.seed, why),
    };
    let rounds = run.scale.rounds.unwrap_or(1);
    let deliveries = run.scale.deliveries.unwrap_or(rounds * if run.is_brief { 300 } else { 500 });
    let is_cuttable = how == How::CutOff;
    let wish = Wish { server: Some(server), nodes: 2, is_cuttable, ..Wish::usual(8, false) };
    let mut arena = Arena::start(&run, wish).await;
    let mut dice = Dice::new(run.seed, run.fault);
    // Every creation is under way for a while: some will be when the node is stopped, and be done without it.
    let halo = arena.psa("halo").clone();
    let slow = Fault::always(halo.calls().create, FaultKind::Delay { ms: 120 });
    let late = Fault::always(halo.calls().create, FaultKind::DelayAnswer { ms: 120 });
    halo.fault(&arena.door.http, &[slow, late]).await;
    let lives = lives(&mut dice, deliveries, 2, arena.door.lanes.len());
    let load = Load::start(&arena.door, lives, 12, &mut dice);
    let progress = {
        let journal = Arc::clone(&arena.door.journal);
        Progress::of(&run, move || format!("{} of {deliveries} accepted", journal.count()))
    };
    let bases: Vec<String> = arena.nodes.iter().map(crate::process::Gateway::base).collect();
    let mut taken_over = 0;
    for round in 0..rounds {
        let away = match how {
            How::Stopped => usize::try_from(round % 2).unwrap_or(0),
            How::CutOff => 0,
        };
        load.allow(deliveries / rounds);
        tokio::time::sleep(Duration::from_millis(dice.between(800, 2_500))).await;
        match &arena.way {
            Some(way) => way.cut(),
            None => arena.nodes[away].signal("STOP"),
        }
        let before = halo.tickets(&arena.door.http).await.len();
        // Who is asked while a node is away asks the other one; senders try both where it still takes connections.
        bases[1 - away].clone_into(&mut arena.asker.bases[0]);
        if how == How::Stopped {
            *arena.door.bases.lock().expect("unpoisoned") = vec![bases[1 - away].clone()];
        }
        tokio::time::sleep(Duration::from_millis(
            dice.between(LEASE_SECS * 1_000 + 2_000, LEASE_SECS * 1_000 + 8_000),
        ))
        .await;
        taken_over += halo.tickets(&arena.door.http).await.len().saturating_sub(before);
        match &arena.way {
            Some(way) => way.heal(),
            None => arena.nodes[away].signal("CONT"),
        }
        arena.nodes[away].is_ready(&arena.door.http, READY).await.expect("a node that is back");
        bases[0].clone_into(&mut arena.asker.bases[0]);
        arena.door.bases.lock().expect("unpoisoned").clone_from(&bases);
    }
    load.finish(&run, &arena.door).await;
    drop(progress);
    halo.heal(&arena.door.http).await;
    let remark = format!("{taken_over} tickets made by the other node meanwhile");
    let what = if how == How::Stopped { "freezes" } else { "partitions" };
    arena.close(format!("{rounds} {what}"), vec![remark], Vec::new()).await
}
