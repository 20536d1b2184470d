//! Clocks that are wrong, and are set while gateways work.
//!
//! `clock`: two nodes on one PostgreSQL, whose machines' clocks are wrong by an hour, one ahead and one behind, and jump.
//! No lane is taken from who holds it, no webhook that is an hour old is let in, and no good one is refused.
//!
//! `jumps`: one node on SQLite, which knows no other time than its machine's: no lane is taken from who holds it. What
//! was signed before a jump may be refused after it.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use entity::Timestamp;
use psa_gateway::sandbox::frame::{Fault, FaultKind};
use serde_json::{Value, json};

use super::{Progress, Run};
use crate::{
    arena::{Arena, Wish},
    dice::Dice,
    journal::Says,
    load::{Load, lives},
    table::Row,
};

const HOUR_MS: i64 = 3_600_000;
/// An attempt's end is written down a moment after it was read off the clock.
const MOMENT_MS: i64 = 100;

pub async fn clock(run: Run) -> Row {
    if !run.moves_time {
        return Row::skipped(run.fault, run.seed, "this program's time cannot be moved");
    }
    let server = match run.server().await {
        Ok(server) => server,
        Err(why) => return Row::skipped(run.fault, run.seed, why),
    };
    let jumps = run.scale.rounds.unwrap_or(20);
    let deliveries = run.scale.deliveries.unwrap_or(jumps * 20);
    let wish = Wish { server: Some(server), nodes: 2, ..Wish::usual(8, false) };
    let arena = Arena::start(&run, wish).await;
    let mut dice = Dice::new(run.seed, "clock");
    // Something is under way at every lane whenever a clock is set.
    let halo = arena.psa("halo").clone();
    let slow = Fault::always(halo.calls().create, FaultKind::Delay { ms: 60 });
    let late = Fault::always(halo.calls().create, FaultKind::DelayAnswer { ms: 60 });
    halo.fault(&arena.door.http, &[slow, late]).await;
    let lives = lives(&mut dice, deliveries, 2, arena.door.lanes.len());
    let load = Load::start(&arena.door, lives, 8, &mut dice);
    let progress = {
        let journal = Arc::clone(&arena.door.journal);
        Progress::of(&run, move || format!("{} of {deliveries} accepted", journal.count()))
    };
    let (mut done, mut stale, mut broken) = (0, 0, Vec::new());
    for jump in 0..jumps {
        if !run.has_time() {
            break;
        }
        load.allow(deliveries / jumps);
        for (at, node) in arena.nodes.iter().enumerate() {
            // At first one ahead and one behind; then anywhere.
            let by = match (jump, at) {
                (0, 0) => HOUR_MS,
                (0, _) => -HOUR_MS,
                _ => i64::try_from(dice.below(3)).unwrap_or(1) * HOUR_MS - HOUR_MS,
            };
            arena.time.is_wrong(&node.name, by);
        }
        done += 1;
        tokio::time::sleep(Duration::from_millis(dice.between(200, 900))).await;
        for node in &arena.nodes {
            for off in [-HOUR_MS, HOUR_MS] {
                let body = arena.door.body(90_000_000 + jump, 0, Says::There, false).to_string();
                let at = arena.time.now().plus_millis(off);
                match arena.door.answer_to(&node.base(), 0, body.as_bytes(), at).await {
                    Some(401) => stale += 1,
                    answer => {
                        broken.push(format!("a webhook signed {off} ms from now was answered {answer:?}"));
                    }
                }
            }
        }
    }
    load.finish(&run, &arena.door).await;
    drop(progress);
    comes_to_rest(&arena, &run).await;
    let attempts = attempts(&arena).await;
    broken.extend(interrupted(&attempts));
    broken.extend(held_twice(&attempts));
    halo.heal(&arena.door.http).await;
    let remark = format!("{stale} stale webhooks refused; {} attempts looked at", attempts.len());
    arena.close(format!("{done} jumps of two clocks"), vec![remark], broken).await
}

pub async fn jumps(run: Run) -> Row {
    if !run.moves_time {
        return Row::skipped(run.fault, run.seed, "this program's time cannot be moved");
    }
    let jumps = run.scale.rounds.unwrap_or(20);
    let deliveries = run.scale.deliveries.unwrap_or(jumps * 20);
    let mut arena = Arena::start(&run, Wish::usual(8, false)).await;
    arena.door.is_lenient = true;
    let mut dice = Dice::new(run.seed, "jumps");
    let halo = arena.psa("halo").clone();
    let late = Fault::always(halo.calls().create, FaultKind::DelayAnswer { ms: 120 });
    halo.fault(&arena.door.http, &[late]).await;
    let lives = lives(&mut dice, deliveries, 2, arena.door.lanes.len());
    let load = Load::start(&arena.door, lives, 8, &mut dice);
    let (mut done, mut is_ahead) = (0, false);
    for _ in 0..jumps {
        if !run.has_time() {
            break;
        }
        load.allow(deliveries / jumps);
        tokio::time::sleep(Duration::from_millis(dice.between(200, 900))).await;
        arena.time.is_set(if is_ahead { -HOUR_MS } else { HOUR_MS });
        is_ahead = !is_ahead;
        done += 1;
    }
    load.finish(&run, &arena.door).await;
    // What was to be done by the clock that was ahead is due by now.
    arena.time.is_set(HOUR_MS * 2);
    comes_to_rest(&arena, &run).await;
    let attempts = attempts(&arena).await;
    let broken = interrupted(&attempts).into_iter().collect();
    halo.heal(&arena.door.http).await;
    let remark = format!("{} attempts looked at", attempts.len());
    arena.close(format!("{done} jumps"), vec![remark], broken).await
}

/// Without moving the time: a lease must not run out by that.
async fn comes_to_rest(arena: &Arena, run: &Run) {
    let end = Instant::now() + run.patience();
    while arena.left().await != (0, 0, 0) && Instant::now() < end {
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
}

/// Nobody dies here: an attempt that its holder did not end is one whose lane was taken away.
fn interrupted(attempts: &[Attempt]) -> Option<String> {
    let count = attempts.iter().filter(|attempt| attempt.outcome == "interrupted").count();
    (count > 0)
        .then(|| format!("{count} attempts were interrupted: their lanes were taken from a living holder"))
}

/// A try at a PSA, as the API tells it.
struct Attempt {
    lane: String,
    node: String,
    from: Timestamp,
    to: Option<Timestamp>,
    outcome: String,
}

async fn attempts(arena: &Arena) -> Vec<Attempt> {
    let query = "query($id: ID!, $after: String) { node(id: $id) { ... on Organization {
           ticketOperations(first: 100, after: $after) { pageInfo { hasNextPage endCursor } nodes {
             psaConnection { id } attempts(first: 20) { nodes { node startedAt finishedAt outcome } } } } } } }";
    let time = |value: &Value| value.as_str().and_then(Timestamp::parse_rfc3339);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (mut attempts, mut after) = (Vec::new(), Value::Null);
    loop {
        let variables = json!({ "id": arena.door.organizations[0].id, "after": after });
        let data = arena.asker.ask(query, variables).await;
        let page = &data["node"]["ticketOperations"];
        for operation in page["nodes"].as_array().into_iter().flatten() {
            for attempt in operation["attempts"]["nodes"].as_array().into_iter().flatten() {
                attempts.push(Attempt {
                    lane: text(&operation["psaConnection"]["id"]),
                    node: text(&attempt["node"]),
                    from: time(&attempt["startedAt"]).expect("a time"),
                    to: time(&attempt["finishedAt"]),
                    outcome: text(&attempt["outcome"]),
                });
            }
        }
        if page["pageInfo"]["hasNextPage"] != true {
            return attempts;
        }
        after = page["pageInfo"]["endCursor"].clone();
    }
}

/// Attempts of two nodes at one time on one lane.
fn held_twice(attempts: &[Attempt]) -> Vec<String> {
    let mut of_lane: BTreeMap<&str, Vec<&Attempt>> = BTreeMap::new();
    for attempt in attempts {
        of_lane.entry(&attempt.lane).or_default().push(attempt);
    }
    let mut twice = Vec::new();
    for (lane, mut attempts) in of_lane {
        attempts.sort_by_key(|attempt| attempt.from);
        for pair in attempts.windows(2) {
            let over = pair[0].to.map_or(i64::MAX, |to| to.millis_since(pair[1].from));
            if pair[0].node != pair[1].node && over > MOMENT_MS {
                twice.push(format!("{lane} was held by {} and {} at a time", pair[0].node, pair[1].node));
            }
        }
    }
    twice
}
