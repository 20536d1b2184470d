//! The PSA does what it is asked and lies about it or says nothing; or it answers far too late, too much, or nonsense.

use std::sync::Arc;

use psa_gateway::sandbox::frame::{Doubling, Fault, FaultKind};

use super::{Progress, Run};
use crate::{
    arena::{Arena, Wish},
    dice::Dice,
    load::{Load, lives},
    table::Row,
};

/// How long the gateway waits for an answer here, in seconds.
const TIMEOUT_SECS: u64 = 3;
/// What the gateway may use at the most whatever a PSA sends, in megabytes.
const MOST_MEGABYTES: u64 = 256;
/// How many calls are planned for at a time.
const AHEAD: u32 = 200;

/// What is wrong with its answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evil {
    /// It does what it is asked, and the answer is lost in one way or another.
    Lost,
    /// It is late, doubled, half, or something else.
    Strange,
}

/// The faults of the next calls that create tickets: a tenth of them lose their answer, or seven in a hundred get a
/// strange one (brief: three times as many).
fn evils(dice: &mut Dice, on: &str, evil: Evil, times: u64, lag_ms: i64) -> Vec<Fault> {
    let mut faults = Vec::new();
    for skip in 0..AHEAD {
        let mut meets = |kind| faults.push(Fault { on: on.to_owned(), kind, times: Some(1), skip });
        let throw = dice.below(1_000);
        match evil {
            Evil::Lost if throw < 100 * times => {
                if throw % 4 == 3 {
                    meets(FaultKind::SearchLag { ms: lag_ms });
                }
                meets(match throw % 4 {
                    0 => FaultKind::ErrorAfterCommit { status: 500 },
                    1 => FaultKind::DelayAnswer { ms: TIMEOUT_SECS * 1_000 + 1_500 },
                    _ => FaultKind::DropAfterCommit,
                });
            }
            Evil::Strange if throw < 70 * times => meets(match throw % 7 {
                0 => FaultKind::DelayAnswer { ms: 1_500 },
                1 => FaultKind::DuplicateAnswer { form: Doubling::Twice },
                2 => FaultKind::TruncatedBody,
                3 => FaultKind::Html { status: 200 },
                4 => FaultKind::HugeBody { bytes: 100 * 1_024 * 1_024 },
                5 => FaultKind::DeepJson { depth: 200_000 },
                _ => FaultKind::ErrorAfterCommit { status: 504 },
            }),
            _ => {}
        }
    }
    faults
}

pub async fn psa(run: Run, evil: Evil) -> Row {
    let deliveries = run.scale.deliveries.unwrap_or(if run.is_brief { 400 } else { 5_000 });
    let times = if run.is_brief { 3 } else { 1 };
    let wish = Wish {
        server: Run::server_if_given(),
        settings: vec![("psa_timeout_secs", TIMEOUT_SECS.to_string())],
        ..Wish::usual(if run.is_brief { 4 } else { 12 }, true)
    };
    let mut arena = Arena::start(&run, wish).await;
    let mut dice = Dice::new(run.seed, run.fault);
    let lanes = arena.door.lanes.len();
    let lives = lives(&mut dice, deliveries, 3, lanes);
    let lag_ms = if run.is_brief { 15_000 } else { 90_000 };
    let mut load = Load::start(&arena.door, lives, 8, &mut dice);
    let progress = {
        let journal = Arc::clone(&arena.door.journal);
        Progress::of(&run, move || format!("{} of {deliveries} accepted", journal.count()))
    };
    let mut met = 0;
    // A few at a time, so that the PSAs are asked all the while.
    while !load.is_over() && run.has_time() {
        for psa in &arena.sandboxes.psas {
            if psa.faults(&arena.door.http).await.is_empty() {
                let faults = evils(&mut dice, psa.calls().create, evil, times, lag_ms);
                met += faults.len();
                psa.fault(&arena.door.http, &faults).await;
            }
        }
        load.allow((deliveries / 40).max(1));
        tokio::time::sleep(std::time::Duration::from_millis(if run.is_brief { 400 } else { 1_000 })).await;
    }
    load.finish(&run, &arena.door).await;
    drop(progress);
    let mut broken = Vec::new();
    if run.is_brief {
        for psa in &arena.sandboxes.psas {
            met -= psa.faults(&arena.door.http).await.len();
            psa.heal(&arena.door.http).await;
        }
    } else {
        arena.rests().await;
        for psa in &arena.sandboxes.psas {
            met -= psa.faults(&arena.door.http).await.len();
            psa.heal(&arena.door.http).await;
        }
    }
    if arena.nodes[0].has_ended() {
        broken.push("the gateway has ended".to_owned());
    }
    let megabytes = arena.nodes[0].measure() / 1_024;
    if megabytes > MOST_MEGABYTES {
        broken
            .push(format!("the gateway had {megabytes} MB of memory, {MOST_MEGABYTES} at the most are fine"));
    }
    if met == 0 {
        broken.push("no fault was met".to_owned());
    }
    arena.close(format!("{met} evil answers"), vec![format!("{megabytes} MB at the most")], broken).await
}
