//! The PSA's quota is half of what there is to do, and at other times it asks to be left alone: with `Retry-After`, and
//! without. Counted by the calls that the sandbox has seen.

use std::time::{Duration, Instant};

use psa_gateway::sandbox::frame::{Fault, FaultKind};

use super::Run;
use crate::{
    arena::{Arena, Wish},
    dice::Dice,
    load::{Load, lives},
    psas::LedgerCall,
    table::Row,
};

/// HaloPSA's quota: so many calls in any five minutes.
const QUOTA: u64 = 500;
const TOO_MANY: u64 = 429;
/// How long the sandbox asks to be left alone, in seconds.
const RETRY_AFTER: u64 = 4;
/// After so long nobody can have missed that it did, in microseconds.
const HEARD_AFTER: i64 = 1_000_000;
const LANES: usize = 3;
/// What each other lane may have taken out of the shared budget before it hears of it.
const IN_HAND: usize = 4;

/// What the sandbox was asked, beyond the latest that it remembers.
#[derive(Default)]
struct Watch {
    calls: Vec<LedgerCall>,
}

impl Watch {
    async fn look(&mut self, arena: &Arena) {
        let asked = arena.psa("halo").asked(&arena.door.http).await;
        let last = self.calls.last().map_or(i64::MIN, |call| call.at);
        self.calls.extend(asked.into_iter().filter(|call| call.at > last));
    }

    fn refused(&self) -> Vec<&LedgerCall> {
        self.calls.iter().filter(|call| call.status == TOO_MANY).collect()
    }
}

pub async fn rate(run: Run) -> Row {
    let rounds = run.scale.rounds.unwrap_or(if run.is_brief { 3 } else { 50 });
    let deliveries = run.scale.deliveries.unwrap_or(QUOTA * 2);
    // The quota is the gateway's to know, and the sandbox counts for itself.
    let settings = vec![("psa_calls", String::new())];
    let wish =
        Wish { server: Run::server_if_given(), settings, has_limits: true, ..Wish::usual(LANES, false) };
    let arena = Arena::start(&run, wish).await;
    let mut dice = Dice::new(run.seed, "rate");
    let (mut watch, mut broken) = (Watch::default(), Vec::new());

    // More than it takes, with nobody else calling: it must never have to refuse.
    let load = Load::start(&arena.door, lives(&mut dice, deliveries, 1, LANES), 8, &mut dice);
    load.finish(&run, &arena.door).await;
    {
        let mut resting = std::pin::pin!(arena.rests());
        loop {
            tokio::select! {
                _ = &mut resting => break,
                // The sandbox remembers its latest calls only.
                () = tokio::time::sleep(Duration::from_secs(2)) => watch.look(&arena).await,
            }
        }
    }
    watch.look(&arena).await;
    let over = watch.refused().len();
    if over > 0 {
        broken.push(format!("{over} calls over the quota"));
    }
    let asked = watch.calls.len();

    // It asks to be left alone for a while.
    let halo = arena.psa("halo").clone();
    let (mut patient, mut hasty) = (Watch::default(), 0);
    patient.look(&arena).await;
    patient.calls.retain(|call| call.status != TOO_MANY);
    let (mut met, mut key) = ([0_u64; 2], deliveries);
    for round in 0..rounds {
        let retry_after = (round % 3 != 2).then_some(RETRY_AFTER);
        let fault = FaultKind::RateLimited { retry_after };
        halo.fault(&arena.door.http, &[Fault::once(halo.calls().create, fault)]).await;
        for lane in 0..LANES * 4 {
            let told = (key, 0, lane % LANES, crate::journal::Says::There);
            arena.door.deliver(told, &mut dice).await;
            key += 1;
        }
        let end = Instant::now() + Duration::from_secs(20);
        while !halo.faults(&arena.door.http).await.is_empty() && Instant::now() < end {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        tokio::time::sleep(Duration::from_secs(RETRY_AFTER + 1)).await;
        patient.look(&arena).await;
        let Some(at) = patient.refused().last().map(|call| call.at) else { continue };
        met[usize::from(retry_after.is_none())] += 1;
        if retry_after.is_some() {
            let (from, to) = (at + HEARD_AFTER, at + i64::try_from(RETRY_AFTER).unwrap_or(0) * 1_000_000);
            hasty += patient.calls.iter().filter(|call| call.at > from && call.at < to).count();
        }
        halo.heal(&arena.door.http).await;
        patient.calls.clear();
        patient.look(&arena).await;
        patient.calls.retain(|call| call.status != TOO_MANY);
    }
    if hasty > usize::try_from(met[0]).unwrap_or(0) * (LANES - 1) * IN_HAND {
        broken.push(format!("{hasty} calls while the PSA had asked to be left alone"));
    }
    let [timed, untimed] = met;
    if timed == 0 {
        broken.push("no call was refused".to_owned());
    }
    let remark = format!(
        "{asked} calls for {deliveries} tickets, {over} over the quota of {QUOTA} in 5 minutes; {hasty} calls while it \
         asked to be left alone"
    );
    arena.close(format!("{timed} × 429 with Retry-After, {untimed} without"), vec![remark], broken).await
}
