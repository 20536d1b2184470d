//! Senders: each sends a webhook until it is told 2xx, as real ones do, and only then the next about the same problem.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use entity::Timestamp;
use psa_gateway::{clock::Chance, scanners::signature};
use serde_json::{Value, json};
use tokio::{sync::Semaphore, task::JoinSet};

use crate::{
    dice::Dice,
    faults::Run,
    journal::{Journal, Says, Told, key_name},
    setup::{Lane, Organization},
    time::Time,
};

/// How many problems a sender has in hand at a time.
const IN_HAND: usize = 8;

/// The webhooks about one problem, in their order.
#[derive(Clone, Debug)]
pub struct Life {
    pub key: u64,
    pub lane: usize,
    pub says: Vec<Says>,
}

/// Lives of so many webhooks in all, about `each` of them for a problem. Most are seen again and again, some end, and
/// some of those come back once.
pub fn lives(dice: &mut Dice, deliveries: u64, each: u64, lanes: usize) -> Vec<Life> {
    let mut lives = Vec::new();
    let mut left = deliveries;
    while left > 0 {
        let count = dice.between(1, each * 2 - 1).min(left);
        left -= count;
        let mut says = vec![Says::There; usize::try_from(count).unwrap_or(1)];
        if count >= 2 && dice.in_thousand(350) {
            let comes_back = count >= 3 && dice.in_thousand(300);
            let at = if comes_back { says.len() - 2 } else { says.len() - 1 };
            says[at] = Says::Over;
        }
        let lane = usize::try_from(dice.below(lanes as u64)).unwrap_or(0);
        lives.push(Life { key: lives.len() as u64, lane, says });
    }
    lives
}

/// Where senders knock.
#[derive(Clone)]
pub struct Door {
    pub http: reqwest::Client,
    pub organizations: Arc<Vec<Organization>>,
    pub lanes: Arc<Vec<Lane>>,
    pub time: Time,
    /// Where the time jumps, a good webhook may be refused for its age: it is then signed again.
    pub is_lenient: bool,
    /// What the stream knows again is accepted without an id, or with one that does not come to be.
    pub is_behind_stream: bool,
    /// The nodes that are said to be there.
    pub bases: Arc<Mutex<Vec<String>>>,
    pub journal: Arc<Journal>,
    /// Set when there is no use in trying again.
    pub gives_up: Arc<AtomicBool>,
}

impl Door {
    /// A webhook about a problem.
    pub fn body(&self, key: u64, lane: usize, says: Says, is_worse: bool) -> Value {
        let name = key_name(key);
        json!({
            "kind": match says { Says::There => "finding.opened", Says::Over => "finding.resolved" },
            "source": "torture",
            "client_ref": self.lanes[lane].alias,
            "finding_key": name,
            "severity": if is_worse { "critical" } else { "high" },
            "title": format!("{name} on web-{key}"),
            "occurred_at": self.time.really().rfc3339(),
            "asset": { "uid": format!("host-{key}"), "name": format!("web-{key}") },
        })
    }

    /// What is answered to a webhook that was signed at that time; none where nothing is.
    pub async fn answer_to(&self, base: &str, lane: usize, body: &[u8], at: Timestamp) -> Option<u16> {
        let id = format!("msg_{}", Chance::system().alphanumeric(24));
        self.signed(base, lane, &id, body, at).send().await.ok().map(|answer| answer.status().as_u16())
    }

    /// A signed request that was not sent yet.
    pub fn signed(
        &self,
        base: &str,
        lane: usize,
        id: &str,
        body: &[u8],
        at: Timestamp,
    ) -> reqwest::RequestBuilder {
        let organization = &self.organizations[self.lanes[lane].organization];
        let signed = signature::sign(&organization.secret, id, at, body);
        let url = format!("{base}{}", organization.path);
        let mut request = self.http.post(url).timeout(Duration::from_secs(10)).body(body.to_vec());
        for (name, value) in signed.expect("a signature").pairs() {
            request = request.header(name, value);
        }
        request
    }

    /// Sends it once; what it was told.
    async fn knock(&self, base: &str, lane: usize, id: &str, body: &[u8]) -> Result<String, Option<u16>> {
        let request = self.signed(base, lane, id, body, self.time.now());
        self.journal.sent.fetch_add(1, Ordering::SeqCst);
        let answer = match request.send().await {
            Ok(answer) => answer,
            Err(error) => {
                self.journal.unanswered.fetch_add(1, Ordering::SeqCst);
                if !error.is_connect() && !error.is_timeout() {
                    self.journal.cut.fetch_add(1, Ordering::SeqCst);
                }
                return Err(None);
            }
        };
        let status = answer.status();
        if !status.is_success() {
            self.journal.is_refused(status.as_u16());
            return Err(Some(status.as_u16()));
        }
        // The status is what counts; its body may be cut off by a kill. Then nobody knows the delivery's id, and the
        // webhook is sent again, as a sender does that got no whole answer.
        let told: Value = answer.json().await.map_err(|_| None)?;
        match told["delivery"].as_str() {
            Some(delivery) => Ok(delivery.to_owned()),
            None if self.is_behind_stream => Ok(String::new()),
            None => Err(None),
        }
    }

    /// Sends it until it is told 2xx. False where that was given up.
    pub async fn deliver(&self, told: (u64, u32, usize, Says), dice: &mut Dice) -> bool {
        let (key, place, lane, says) = told;
        let is_worse = place > 0 && dice.in_thousand(100);
        let body = self.body(key, lane, says, is_worse).to_string();
        let id = format!("msg_{}", Chance::system().alphanumeric(24));
        let mut at = usize::try_from(dice.below(1 << 16)).unwrap_or(0);
        while !self.gives_up.load(Ordering::SeqCst) {
            let bases = self.bases.lock().expect("unpoisoned").clone();
            if !bases.is_empty() {
                match self.knock(&bases[at % bases.len()], lane, &id, body.as_bytes()).await {
                    Ok(delivery) => {
                        let message = id.clone();
                        self.journal.is_told(Told { key, place, says, lane, message, delivery });
                        return true;
                    }
                    Err(Some(401)) if self.is_lenient => {}
                    Err(Some(status @ 400..=428)) => {
                        panic!("a good webhook is refused by {status}: {body}")
                    }
                    Err(_) => at += 1,
                }
            }
            tokio::time::sleep(Duration::from_millis(dice.between(10, 60))).await;
        }
        self.journal.is_unsure(key);
        false
    }
}

/// Senders at work.
pub struct Load {
    turns: Arc<Semaphore>,
    senders: JoinSet<()>,
}

impl Load {
    /// So many senders share the lives; each webhook waits for a turn ([`Load::allow`]).
    pub fn start(door: &Door, lives: Vec<Life>, senders: usize, dice: &mut Dice) -> Self {
        let turns = Arc::new(Semaphore::new(0));
        let mut shares: Vec<Vec<Life>> = vec![Vec::new(); senders];
        for (at, life) in lives.into_iter().enumerate() {
            shares[at % senders].push(life);
        }
        let mut running = JoinSet::new();
        for share in shares {
            let dice = Dice::new(dice.below(u64::MAX), "sender");
            running.spawn(send(door.clone(), share, dice, Arc::clone(&turns)));
        }
        Self { turns, senders: running }
    }

    /// So many more may be sent.
    pub fn allow(&self, count: u64) {
        let room = (Semaphore::MAX_PERMITS - self.turns.available_permits()) as u64;
        self.turns.add_permits(usize::try_from(count.min(room)).unwrap_or(0));
    }

    /// Lets everything be sent, and waits for it; a brief round sends no more after a while.
    pub async fn finish(mut self, run: &Run, door: &Door) {
        self.allow(u64::from(u32::MAX));
        loop {
            tokio::select! {
                ended = self.senders.join_next() => match ended {
                    Some(ended) => ended.expect("a sender's end"),
                    None => return,
                },
                () = tokio::time::sleep(Duration::from_millis(200)) => {
                    if !run.may_send() {
                        door.gives_up.store(true, Ordering::SeqCst);
                    }
                }
            }
        }
    }

    pub fn is_over(&mut self) -> bool {
        while self.senders.try_join_next().is_some() {}
        self.senders.is_empty()
    }
}

async fn send(door: Door, mut share: Vec<Life>, mut dice: Dice, turns: Arc<Semaphore>) {
    share.reverse();
    let mut in_hand: Vec<(Life, u32)> = Vec::new();
    loop {
        while in_hand.len() < IN_HAND
            && let Some(life) = share.pop()
        {
            in_hand.push((life, 0));
        }
        if in_hand.is_empty() {
            return;
        }
        let Ok(turn) = turns.acquire().await else { return };
        turn.forget();
        if door.gives_up.load(Ordering::SeqCst) {
            return;
        }
        let at = usize::try_from(dice.below(in_hand.len() as u64)).unwrap_or(0);
        let (life, place) = &mut in_hand[at];
        let says = life.says[*place as usize];
        if !door.deliver((life.key, *place, life.lane, says), &mut dice).await {
            return;
        }
        *place += 1;
        if *place as usize >= life.says.len() {
            in_hand.swap_remove(at);
        }
    }
}
