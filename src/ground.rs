//! What every domain function works with.

pub mod dies;
mod last_seen;
mod looked_up;
mod memory;
mod recent;

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use tokio::sync::Notify;
use tokio_util::task::{TaskTracker, task_tracker::TaskTrackerToken};

use crate::{
    clock::{Chance, Clock},
    db::Db,
    vault::Vault,
};

pub use last_seen::{LastSeen, MemberNews, Shown, Sight};
pub use looked_up::{EndpointKeys, EndpointSecret, KnownToken};
pub use memory::Memory;
pub use recent::{Generation, Recent};

/// Database, time, chance and secrets. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Ground {
    /// The database.
    pub db: Db,
    /// Time.
    pub clock: Clock,
    /// Chance.
    pub chance: Chance,
    /// Secrets at rest.
    pub vault: Vault,
    /// Tells this node's workers that there is work.
    pub wake: Wake,
    /// Webhook endpoints looked up a moment ago, by the last part of their address; those that found nothing too.
    pub endpoints: Recent<EndpointKeys>,
    /// Access tokens looked up a moment ago, by the part that they are looked up by.
    pub tokens: Recent<KnownToken>,
    /// What modules remember between transactions.
    pub memory: Memory,
    /// Tokens and members that showed themselves.
    pub seen: LastSeen,
    /// Whether this node is about to stop.
    pub leaving: Leaving,
}

impl Ground {
    /// With nothing looked up yet.
    pub fn new(db: Db, clock: Clock, chance: Chance, vault: Vault) -> Self {
        Self {
            db,
            clock,
            chance,
            vault,
            wake: Wake::default(),
            endpoints: Recent::new(looked_up::ENDPOINT_SECS),
            tokens: Recent::new(looked_up::TOKEN_SECS),
            memory: Memory::default(),
            seen: LastSeen::default(),
            leaving: Leaving::default(),
        }
    }
}

/// Whether a node is about to stop: it still takes requests, and asks to be left alone from now on. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Leaving {
    has_begun: Arc<AtomicBool>,
    inside: TaskTracker,
}

impl Leaving {
    /// It is, from now on.
    pub fn begin(&self) {
        self.has_begun.store(true, Ordering::SeqCst);
    }

    /// Whether it is.
    pub fn has_begun(&self) -> bool {
        self.has_begun.load(Ordering::SeqCst)
    }

    /// A request is inside for as long as it keeps this.
    pub fn come_in(&self) -> TaskTrackerToken {
        self.inside.token()
    }

    /// Waits until nobody is inside.
    pub async fn all_served(&self) {
        self.inside.close();
        self.inside.wait().await;
    }
}

/// A kind of work, by who does it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// Deliveries to decide.
    Inbox,
    /// Operations, polls or readings to carry out.
    Outbox,
    /// Subscribers to tell something.
    Telling,
    /// Counts to fold.
    Counting,
    /// What is due because of the time alone.
    Timed,
}

impl Work {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Inbox, Self::Outbox, Self::Telling, Self::Counting, Self::Timed];

    /// Its name, for columns and logs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Inbox => "inbox",
            Self::Outbox => "outbox",
            Self::Telling => "telling",
            Self::Counting => "counting",
            Self::Timed => "timed",
        }
    }
}

/// Tells workers that there is work, after the commit that made it. A hint: one of them also looks once a second, which
/// finds what is due by now, and the work of other nodes.
#[derive(Clone, Debug, Default)]
pub struct Wake(Arc<[Notify; Work::ALL.len()]>);

impl Wake {
    /// There are deliveries to decide.
    pub fn inbox(&self) {
        self.one(Work::Inbox);
    }

    /// There are operations, polls or readings to carry out.
    pub fn outbox(&self) {
        self.one(Work::Outbox);
    }

    /// There is work of a kind: wakes one who does it, or keeps the next one from going to sleep.
    pub fn one(&self, work: Work) {
        self.bell(work).notify_one();
    }

    /// There is work of a kind: wakes all who sleep.
    pub fn everybody(&self, work: Work) {
        self.bell(work).notify_waiters();
    }

    /// Waits until woken for a kind of work.
    pub async fn called(&self, work: Work) {
        self.bell(work).notified().await;
    }

    fn bell(&self, work: Work) -> &Notify {
        let [inbox, outbox, telling, counting, timed] = &*self.0;
        match work {
            Work::Inbox => inbox,
            Work::Outbox => outbox,
            Work::Telling => telling,
            Work::Counting => counting,
            Work::Timed => timed,
        }
    }
}
