//! A rolling restart of three nodes under load: nobody is told anything but 2xx.
//!
//! As in use, a load balancer stands before them: it keeps connections, asks each node twice in a second whether it is
//! ready, and sends nothing to one that says no. With a program of the version before, nodes of both versions work on
//! one database: first the old one is replaced node by node, and in the next round it is put back.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use futures_util::future::join_all;

use super::{Progress, Run};
use crate::{
    arena::{Arena, READY, Wish},
    dice::Dice,
    load::{Door, Load, lives},
    process::Gateway,
    table::Row,
};

const NODES: usize = 3;
/// What a node says of a connection to its database that was gone before its work was done.
const LEFT_ALONE: &str = "is being shutdown";
/// How often the load balancer looks.
const LOOKS_EVERY: Duration = Duration::from_millis(500);

pub async fn rolling(run: Run) -> Row {
    let server = match run.server().await {
        Ok(server) => server,
        Err(why) => return Row::skipped(run.fault, run.seed, why),
    };
    let rounds = run.scale.rounds.unwrap_or(1);
    let deliveries = run.scale.deliveries.unwrap_or(rounds * 900);
    let wish = Wish { server: Some(server), nodes: NODES, ..Wish::usual(4, false) };
    let mut arena = Arena::start(&run, wish).await;
    arena.door.http = reqwest::Client::builder().no_proxy().build().expect("a client");
    let balancer = tokio::spawn(balance(arena.door.clone(), arena.nodes.iter().map(Gateway::base).collect()));
    let mut dice = Dice::new(run.seed, "rolling");
    let lives = lives(&mut dice, deliveries, 5, arena.door.lanes.len());
    let load = Load::start(&arena.door, lives, 12, &mut dice);
    let progress = {
        let journal = Arc::clone(&arena.door.journal);
        Progress::of(&run, move || format!("{} of {deliveries} accepted", journal.count()))
    };
    let (mut broken, mut restarts) = (Vec::new(), 0_u64);
    for round in 0..rounds {
        for node in 0..NODES {
            // Requests all the while, not only at the beginning.
            let share = deliveries / rounds / NODES as u64;
            let flow = async {
                for _ in 0..20 {
                    load.allow(share / 20 + 1);
                    tokio::time::sleep(Duration::from_millis(150)).await;
                }
            };
            let restart = async {
                tokio::time::sleep(Duration::from_millis(dice.between(200, 1_000))).await;
                arena.nodes[node].signal("TERM");
                match arena.nodes[node].ended_within(Duration::from_secs(30)).await {
                    Some(status) if status.success() => {}
                    ended => broken.push(format!("a node that was told to stop ended with {ended:?}")),
                }
                arena.nodes[node].kill();
                let next = if round % 2 == 0 { Some(&run.binary) } else { run.before.as_ref() };
                next.unwrap_or(&run.binary).clone_into(&mut arena.nodes[node].binary);
                arena.nodes[node].start(&[]);
                arena.nodes[node].is_ready(&arena.door.http, READY).await.expect("the next version");
                // The load balancer hears of it before the next node goes.
                tokio::time::sleep(LOOKS_EVERY * 2).await;
            };
            tokio::join!(flow, restart);
            restarts += 1;
        }
    }
    load.finish(&run, &arena.door).await;
    drop(progress);
    let journal = &arena.door.journal;
    let refused = journal.refused();
    let (cut, unanswered) = (journal.cut.load(Ordering::SeqCst), journal.unanswered.load(Ordering::SeqCst));
    if !refused.is_empty() {
        broken.push(format!("senders were refused: {refused:?}"));
    }
    let remark = if run.before.is_some() {
        // The version before may stop in a ruder way: told, and not judged.
        format!("both versions at once; {cut} cut, {unanswered} without an answer in all")
    } else {
        if unanswered > 0 {
            broken.push(format!("{unanswered} requests were not answered, {cut} of them cut off"));
        }
        let left: usize = arena.nodes.iter().map(|node| node.has_said(LEFT_ALONE)).sum();
        if left > 0 {
            broken.push(format!(
                "nodes that were told to stop had no database {left} times before they were done"
            ));
        }
        format!("{unanswered} without an answer")
    };
    balancer.abort();
    *arena.door.bases.lock().expect("unpoisoned") = arena.nodes.iter().map(Gateway::base).collect();
    arena.close(format!("{restarts} restarts"), vec![remark], broken).await
}

/// Keeps the list of nodes that are ready.
async fn balance(door: Door, nodes: Vec<String>) {
    loop {
        // At the same time, and not for long: all of it takes less than the notice that a node gives.
        let http = &door.http;
        let asked = nodes.iter().map(|base| async move {
            let asked = http.get(format!("{base}/health/ready")).timeout(LOOKS_EVERY * 2).send();
            asked.await.is_ok_and(|answer| answer.status().is_success()).then(|| base.clone())
        });
        let ready: Vec<String> = join_all(asked).await.into_iter().flatten().collect();
        *door.bases.lock().expect("unpoisoned") = ready;
        tokio::time::sleep(LOOKS_EVERY).await;
    }
}
