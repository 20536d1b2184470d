//! kill -9 at each named step of a ticket's way.
//!
//! A program that is built for development, or with the cargo feature `torture`, dies by itself, exactly there. One that
//! is built for use is killed while a sandbox holds a call, which reaches the steps that touch the PSA: before and after
//! it does what it is asked.

use std::time::{Duration, Instant};

use psa_gateway::{
    ground::dies::Step,
    sandbox::frame::{Fault, FaultKind},
};

use super::Run;
use crate::{
    arena::{Arena, Wish},
    dice::Dice,
    journal::Says,
    table::Row,
};

/// How many lanes take turns: one whose holder died rests until its lease has run out.
const LANES: usize = 12;
/// How long a call is held, in milliseconds.
const HOLD_MS: u64 = 8_000;
/// How long a step may let us wait for it.
const COMES_WITHIN: Duration = Duration::from_secs(20);

/// What has to be sent for a step to be reached.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// A new problem.
    Opens,
    /// A new one whose creation loses its answer, so that it is looked for.
    Searches,
    /// A known one again.
    Notes,
    /// A known one that is over.
    Closes,
}

const fn way(step: Step) -> Way {
    match step {
        Step::Searched => Way::Searches,
        Step::Noted => Way::Notes,
        Step::StatusSet => Way::Closes,
        _ => Way::Opens,
    }
}

/// Calls that a sandbox holds, before or after its work.
const HELD: [(&str, Way, bool); 7] = [
    ("create asked", Way::Opens, false),
    ("created", Way::Opens, true),
    ("searched", Way::Searches, true),
    ("note asked", Way::Notes, false),
    ("noted", Way::Notes, true),
    ("close asked", Way::Closes, false),
    ("closed", Way::Closes, true),
];

struct Steps {
    arena: Arena,
    dice: Dice,
    /// Known problems by their number, with the lane of each.
    known: Vec<(u64, usize)>,
    next_key: u64,
    next_lane: usize,
    reached: u64,
    missed: Vec<String>,
}

pub async fn steps(run: Run) -> Row {
    let rounds = run.scale.rounds.unwrap_or(3);
    let wish = Wish { server: Run::server_if_given(), ..Wish::usual(LANES, false) };
    let arena = Arena::start(&run, wish).await;
    let dice = Dice::new(run.seed, "steps");
    let mut steps =
        Steps { arena, dice, known: Vec::new(), next_key: 0, next_lane: 0, reached: 0, missed: Vec::new() };
    // As time: another program may know nothing of it.
    let is_named = run.moves_time;
    let mut rounds_done = 0;
    for round in 0..rounds {
        if !run.has_time() {
            break;
        }
        run.say(&format!("round {} of {rounds}", round + 1));
        // Room for one that is missed.
        let each = if is_named { 1 } else { 2 };
        steps.prepare(each * 2).await;
        if is_named {
            for step in Step::ALL {
                steps.dies_at(step).await;
            }
        } else {
            for (name, way, is_after) in HELD {
                steps.is_killed_in(name, way, is_after).await;
            }
        }
        rounds_done += 1;
    }
    let kinds = if is_named { Step::ALL.len() } else { HELD.len() };
    let how = if is_named { "named in the program" } else { "held by the sandbox" };
    let (reached, tried) = (steps.reached, rounds_done * kinds as u64);
    let missed = steps.missed;
    let mut broken = Vec::new();
    if missed.len() as u64 * 5 > tried {
        broken.push(format!("{} of {tried} steps were not reached: {}", missed.len(), missed.join(", ")));
    }
    steps.arena.close(format!("{reached} kills at {kinds} steps"), vec![how.to_owned()], broken).await
}

impl Steps {
    fn lane(&mut self) -> usize {
        self.next_lane += 1;
        self.next_lane % LANES
    }

    /// Tickets that are open, to be noted and closed.
    async fn prepare(&mut self, count: usize) {
        self.known.clear();
        for _ in 0..count {
            let (key, lane) = (self.next_key, self.lane());
            self.next_key += 1;
            self.arena.door.deliver((key, 0, lane, Says::There), &mut self.dice).await;
            self.known.push((key, lane));
        }
        let names: Vec<String> = self.known.iter().map(|(key, _)| crate::journal::key_name(*key)).collect();
        let end = Instant::now() + Duration::from_secs(45);
        while Instant::now() < end {
            let ledger = self.arena.psa("halo").tickets(&self.arena.door.http).await;
            if names.iter().all(|name| ledger.iter().any(|ticket| ticket.title.contains(name))) {
                // Written down by the gateway, too.
                tokio::time::sleep(Duration::from_millis(300)).await;
                return;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// Sends what leads to a step. Does not wait for the answer: the program may die before it gives one, and then the
    /// webhook is sent again.
    fn sends(&mut self, way: Way) -> tokio::task::JoinHandle<bool> {
        let told = match way {
            Way::Opens | Way::Searches => {
                let (key, lane) = (self.next_key, self.lane());
                self.next_key += 1;
                (key, 0, lane, Says::There)
            }
            Way::Notes | Way::Closes => {
                let (key, lane) = self.known.pop().expect("a ticket to be noted or closed");
                (key, 1, lane, if way == Way::Notes { Says::There } else { Says::Over })
            }
        };
        let (door, mut dice) = (self.arena.door.clone(), Dice::new(self.dice.below(u64::MAX), "sender"));
        tokio::spawn(async move { door.deliver(told, &mut dice).await })
    }

    async fn loses_the_next_answer(&self) {
        let halo = self.arena.psa("halo");
        let lost = Fault::once(halo.calls().create, FaultKind::DropAfterCommit);
        halo.fault(&self.arena.door.http, &[lost]).await;
    }

    /// The program dies by itself.
    async fn dies_at(&mut self, step: Step) {
        let way = way(step);
        // Not waited for: it may die before it takes requests.
        self.arena.nodes[0].kill();
        self.arena.nodes[0].start(&[("TORTURE_DIES_AT", step.name())]);
        if way == Way::Searches {
            self.loses_the_next_answer().await;
        }
        let sent = self.sends(way);
        let (end, mut has_died) = (Instant::now() + COMES_WITHIN, false);
        while !has_died && Instant::now() < end {
            has_died = self.arena.nodes[0].ended_within(Duration::from_millis(500)).await.is_some();
            if !has_died && way == Way::Searches {
                // It is looked for after a while only.
                self.arena.time.goes_on(Duration::from_secs(10));
            }
        }
        if has_died {
            self.reached += 1;
        } else {
            self.missed.push(step.name().to_owned());
        }
        self.arena.kill_and_start(0, &[]).await;
        self.arena.psa("halo").heal(&self.arena.door.http).await;
        sent.await.expect("a sender's end");
    }

    /// The program is killed while the sandbox holds a call of its.
    async fn is_killed_in(&mut self, name: &str, way: Way, is_after: bool) {
        let http = self.arena.door.http.clone();
        let halo = self.arena.psa("halo").clone();
        let calls = halo.calls();
        let on = match way {
            Way::Opens => calls.create,
            Way::Searches => "GET /api/Tickets",
            Way::Notes => calls.note,
            Way::Closes => calls.status,
        };
        if way == Way::Searches {
            self.loses_the_next_answer().await;
        }
        let held =
            if is_after { FaultKind::DelayAnswer { ms: HOLD_MS } } else { FaultKind::Delay { ms: HOLD_MS } };
        halo.fault(&http, &[Fault::once(on, held)]).await;
        let sent = self.sends(way);
        let end = Instant::now() + COMES_WITHIN;
        let mut is_reached = false;
        while !is_reached && Instant::now() < end {
            is_reached = halo.faults(&http).await.is_empty();
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        if is_reached {
            self.reached += 1;
        } else {
            self.missed.push(name.to_owned());
        }
        self.arena.kill_and_start(0, &[]).await;
        halo.heal(&http).await;
        sent.await.expect("a sender's end");
    }
}
