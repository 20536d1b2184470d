//! The queue against a model of it: whatever is stored, claimed, left behind, run out, finished late or taken up after a
//! restart, in whichever order, nothing is lost, nothing is done twice, and only one holder counts.

#![expect(clippy::disallowed_methods, reason = "looks at what the queue has written")]

use std::collections::BTreeMap;

use entity::{Timestamp, lane, webhook_delivery, webhook_delivery::DeliveryState};
use proptest::prelude::*;
use sea_orm::EntityTrait as _;
use uuid::Uuid;

use super::{
    inbox::{self, Verdict},
    lanes::{self, Leaving},
    left_behind,
};
use crate::{
    error::Error,
    fixtures::{self, Place as Acme},
    ground::Ground,
};

/// How long a claimed delivery is its worker's, in seconds.
const DELIVERY_LEASE_SECS: i64 = 60;

/// What may happen.
#[derive(Clone, Debug)]
enum Step {
    /// A delivery is stored.
    Store,
    /// A worker claims up to so many deliveries.
    Claim(u64),
    /// A worker that holds one of those claimed ends its work, however late.
    Finish(prop::sample::Index),
    /// It holds it for longer.
    Renew(prop::sample::Index),
    /// It dies.
    Die(prop::sample::Index),
    /// There is work in a lane.
    Wake(prop::sample::Index),
    /// A node claims a lane.
    ClaimLane,
    /// A holder asks whether a lane is still its own.
    Ask(prop::sample::Index),
    /// It gives it back.
    Release(prop::sample::Index),
    /// Time passes, in seconds.
    Pass(i64),
    /// The only process is started anew; those that held something may still be heard of.
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    let any = any::<prop::sample::Index>;
    prop_oneof![
        4 => Just(Step::Store),
        4 => (1_u64..4).prop_map(Step::Claim),
        4 => any().prop_map(Step::Finish),
        1 => any().prop_map(Step::Renew),
        1 => any().prop_map(Step::Die),
        3 => any().prop_map(Step::Wake),
        3 => Just(Step::ClaimLane),
        2 => any().prop_map(Step::Ask),
        2 => any().prop_map(Step::Release),
        3 => (1_i64..50).prop_map(Step::Pass),
        1 => Just(Step::Restart),
    ]
}

/// A delivery as it must be.
#[derive(Clone, Copy, Debug)]
struct Delivery {
    stored_at: Timestamp,
    lease_until: Timestamp,
    fence: i64,
    is_done: bool,
}

/// A lane as it must be.
#[derive(Clone, Copy, Debug)]
struct Lane {
    next_at: Option<Timestamp>,
    lease_until: Timestamp,
    fence: i64,
}

/// The queue and its model.
struct Both {
    ground: Ground,
    acme: Acme,
    pattern: webhook_delivery::Model,
    deliveries: BTreeMap<Uuid, Delivery>,
    /// Claims that somebody believes in.
    claims: Vec<webhook_delivery::Model>,
    lanes: BTreeMap<Uuid, Lane>,
    holders: Vec<lane::Model>,
}

impl Both {
    async fn new() -> Self {
        let ground = fixtures::ground().await;
        let acme = Acme::new(&ground, "acme").await;
        let endpoint = acme.endpoint().await;
        let pattern = acme.delivery(&endpoint, b"{}").await;
        let now = ground.clock.now();
        for place in [&acme, &acme.another("Other").await] {
            let (organization_id, id) = (place.organization_id, place.psa_connection_id);
            let create = ground.db.write::<_, Error, _>(move |tx| {
                Box::pin(async move { Ok(lanes::create(tx, organization_id, id, now).await?) })
            });
            create.await.unwrap();
        }
        let rows = lane::Entity::find().all(ground.db.reader()).await.unwrap();
        let lane =
            |row: &lane::Model| Lane { next_at: row.next_at, lease_until: row.lease_until, fence: row.fence };
        let lanes = rows.iter().map(|row| (row.id, lane(row))).collect();
        let (deliveries, claims, holders) = Default::default();
        Self { ground, acme, pattern, deliveries, claims, lanes, holders }
    }

    fn now(&self) -> Timestamp {
        self.ground.clock.now()
    }

    async fn does(&mut self, step: Step) {
        match step {
            Step::Store => self.stores().await,
            Step::Claim(limit) => self.claims(limit).await,
            Step::Finish(index) if !self.claims.is_empty() => {
                let claim = self.claims.swap_remove(index.index(self.claims.len()));
                self.finishes(&claim).await;
            }
            Step::Renew(index) if !self.claims.is_empty() => {
                let claim = index.get(&self.claims).clone();
                self.renews(claim).await;
            }
            Step::Die(index) if !self.claims.is_empty() => {
                self.claims.swap_remove(index.index(self.claims.len()));
            }
            Step::Wake(index) => {
                let ids: Vec<Uuid> = self.lanes.keys().copied().collect();
                self.wakes(*index.get(&ids)).await;
            }
            Step::ClaimLane => self.claims_lane().await,
            Step::Ask(index) if !self.holders.is_empty() => {
                let held = index.get(&self.holders).clone();
                self.asks(held).await;
            }
            Step::Release(index) if !self.holders.is_empty() => {
                let held = self.holders.swap_remove(index.index(self.holders.len()));
                self.releases(held).await;
            }
            Step::Pass(secs) => self.ground.clock.advance_secs(secs),
            Step::Restart => self.restarts().await,
            Step::Finish(_) | Step::Renew(_) | Step::Die(_) | Step::Ask(_) | Step::Release(_) => {}
        }
    }

    async fn stores(&mut self) {
        let now = self.now();
        let id = self.ground.chance.id(now);
        let row = webhook_delivery::Model {
            id,
            message_id: id.to_string(),
            state: DeliveryState::Received,
            received_at: now,
            run_at: Some(now),
            attempts: 0,
            fence: 0,
            decided_at: None,
            ..self.pattern.clone()
        };
        self.acme.insert(row).await;
        let stored = Delivery { stored_at: now, lease_until: Timestamp(0), fence: 0, is_done: false };
        self.deliveries.insert(id, stored);
    }

    async fn claims(&mut self, limit: u64) {
        let now = self.now();
        let claimed = inbox::claim(&self.ground, Uuid::nil(), limit).await.unwrap();
        let mut due: Vec<(Timestamp, Uuid)> = self
            .deliveries
            .iter()
            .filter(|(_, one)| !one.is_done && one.lease_until <= now)
            .map(|(id, one)| (one.stored_at, *id))
            .collect();
        due.sort_unstable();
        due.truncate(usize::try_from(limit).unwrap());
        let ids: Vec<Uuid> = claimed.iter().map(|row| row.id).collect();
        assert_eq!(
            ids,
            due.into_iter().map(|(_, id)| id).collect::<Vec<_>>(),
            "the oldest that nobody holds"
        );
        for row in claimed {
            let one = self.deliveries.get_mut(&row.id).unwrap();
            one.fence += 1;
            one.lease_until = now.plus_secs(DELIVERY_LEASE_SECS);
            assert_eq!(row.fence, one.fence);
            self.claims.push(row);
        }
    }

    async fn finishes(&mut self, claim: &webhook_delivery::Model) {
        let (now, row) = (self.now(), claim.clone());
        let finish = self.ground.db.write::<_, Error, _>(move |tx| {
            Box::pin(async move { Ok(inbox::finish(tx, &row, Verdict::Understood, now).await?) })
        });
        let counts = finish.await.unwrap();
        let one = self.deliveries.get_mut(&claim.id).unwrap();
        assert_eq!(counts, claim.fence == one.fence, "only the latest claim counts");
        if counts {
            assert!(!one.is_done, "it is done once");
            one.is_done = true;
            one.lease_until = Timestamp(0);
        }
    }

    async fn renews(&mut self, claim: webhook_delivery::Model) {
        let (now, id, fence) = (self.now(), claim.id, claim.fence);
        let renew = self.ground.db.write::<_, Error, _>(move |tx| {
            Box::pin(async move { Ok(inbox::renew(tx, &claim, now).await?) })
        });
        let counts = renew.await.unwrap();
        let one = self.deliveries.get_mut(&id).unwrap();
        assert_eq!(counts, fence == one.fence, "only the latest claim is renewed");
        if counts {
            one.lease_until = now.plus_secs(DELIVERY_LEASE_SECS);
        }
    }

    async fn wakes(&mut self, id: Uuid) {
        let now = self.now();
        let wake = self
            .ground
            .db
            .write::<_, Error, _>(move |tx| Box::pin(async move { Ok(lanes::wake(tx, id, now).await?) }));
        wake.await.unwrap();
        let one = self.lanes.get_mut(&id).unwrap();
        one.next_at = Some(one.next_at.map_or(now, |at| at.min(now)));
    }

    async fn claims_lane(&mut self) {
        let now = self.now();
        let claimed = lanes::claim(&self.ground, "node").await.unwrap();
        let due = self
            .lanes
            .iter()
            .filter(|(_, one)| one.next_at.is_some_and(|at| at <= now) && one.lease_until <= now)
            .map(|(id, one)| (one.next_at, *id))
            .min();
        assert_eq!(claimed.as_ref().map(|row| row.id), due.map(|(_, id)| id), "what has waited longest");
        let Some(row) = claimed else { return };
        let one = self.lanes.get_mut(&row.id).unwrap();
        one.fence += 1;
        one.lease_until = now.plus_secs(lanes::LEASE_SECS);
        assert_eq!(row.fence, one.fence);
        self.holders.push(row);
    }

    async fn asks(&mut self, held: lane::Model) {
        let (now, id, fence) = (self.now(), held.id, held.fence);
        let ask = self.ground.db.write::<_, Error, _>(move |tx| {
            Box::pin(async move { Ok(lanes::still_held(tx, &held, now).await?) })
        });
        let is_held = ask.await.unwrap();
        let one = self.lanes.get_mut(&id).unwrap();
        assert_eq!(is_held, fence == one.fence, "only the latest holder holds it");
        if is_held {
            one.lease_until = now.plus_secs(lanes::LEASE_SECS);
        }
    }

    async fn releases(&mut self, held: lane::Model) {
        lanes::release(&self.ground, &held, Leaving::default()).await.unwrap();
        let row = lane::Entity::find_by_id(held.id).one(self.ground.db.reader()).await.unwrap().unwrap();
        let one = self.lanes.get_mut(&held.id).unwrap();
        assert_eq!(row.fence, one.fence);
        if held.fence == one.fence {
            // When there is work next is the database's to say.
            (one.next_at, one.lease_until) = (row.next_at, Timestamp(0));
        }
        assert_eq!(row.lease_until, one.lease_until, "who holds it no longer gives nothing back");
        assert_eq!(row.next_at, one.next_at);
    }

    async fn restarts(&mut self) {
        left_behind::free(&self.ground).await.unwrap();
        if !self.ground.db.is_sqlite() {
            return;
        }
        for one in self.deliveries.values_mut() {
            one.lease_until = Timestamp(0);
        }
        for one in self.lanes.values_mut() {
            one.lease_until = Timestamp(0);
        }
    }

    /// With time enough everything is done, once.
    async fn ends(mut self) {
        self.ground.clock.advance_secs(DELIVERY_LEASE_SECS);
        let late = std::mem::take(&mut self.claims);
        self.claims(10_000).await;
        for claim in late.iter().chain(&std::mem::take(&mut self.claims)) {
            self.finishes(claim).await;
        }
        assert!(self.deliveries.values().all(|one| one.is_done), "nothing is lost: {:?}", self.deliveries);
        self.claims(10_000).await;
        assert!(self.claims.is_empty(), "nothing is done again");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, max_shrink_iters: 60, ..ProptestConfig::default() })]
    #[test]
    fn nothing_is_lost_or_done_twice_whatever_happens_in_whichever_order(
        steps in prop::collection::vec(step(), 1..80),
    ) {
        let threads = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        threads.block_on(async {
            let mut both = Both::new().await;
            for step in steps {
                both.does(step).await;
            }
            both.ends().await;
        });
    }
}
