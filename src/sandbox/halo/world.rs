//! Everything an instance remembers, behind one lock.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

use entity::Timestamp;
use tokio::sync::{Notify, watch};

use super::{
    access::Access,
    customers::{Client, Site, User},
    delivery::Outgoing,
    faults::Fault,
    handle::HaloOptions,
    seed,
    ticket::Ticket,
    webhooks::Subscriptions,
};

/// How many calls are kept for [`HaloSandbox::requests`](super::HaloSandbox::requests).
const REMEMBERED_CALLS: usize = 10_000;

/// One call that reached the sandbox under `/api` or `/auth`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// In capitals.
    pub method: String,
    /// As sent, without the query.
    pub path: String,
    /// As sent, without the question mark.
    pub query: String,
    /// The status answered; 0 where the connection was cut.
    pub status: u16,
    /// When it came, by the clock.
    pub at: Timestamp,
}

/// One Halo instance.
#[derive(Debug)]
pub(super) struct World {
    pub(super) options: HaloOptions,
    pub(super) access: Access,
    pub(super) clients: Vec<Client>,
    pub(super) sites: Vec<Site>,
    pub(super) users: Vec<User>,
    pub(super) tickets: Vec<Ticket>,
    pub(super) last_ticket_id: i64,
    pub(super) subscriptions: Subscriptions,
    pub(super) outgoing: Outgoing,
    pub(super) faults: Vec<Fault>,
    pub(super) calls: VecDeque<Recorded>,
    pub(super) down: bool,
}

impl World {
    pub(super) fn new(options: HaloOptions) -> Self {
        let (clients, sites, users) = seed::customers(options.clock.now());
        Self {
            access: Access::new(&options),
            clients,
            sites,
            users,
            tickets: Vec::new(),
            last_ticket_id: seed::LAST_TICKET_ID,
            subscriptions: Subscriptions::default(),
            outgoing: Outgoing::default(),
            faults: Vec::new(),
            calls: VecDeque::new(),
            down: false,
            options,
        }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.options.clock.now()
    }

    pub(super) fn record(&mut self, call: Recorded) {
        if self.calls.len() >= REMEMBERED_CALLS {
            self.calls.pop_front();
        }
        self.calls.push_back(call);
    }
}

/// The instance as the server, the handle and the post room share it.
#[derive(Debug)]
pub(super) struct Shared {
    world: Mutex<World>,
    /// Wakes the post room.
    pub(super) post: Notify,
    /// How many deliveries wait or are under way.
    pub(super) pending: watch::Sender<usize>,
}

impl Shared {
    pub(super) fn new(options: HaloOptions) -> Self {
        Self { world: Mutex::new(World::new(options)), post: Notify::new(), pending: watch::Sender::new(0) }
    }

    /// Looks at or changes the instance; wakes the post room where there is post.
    pub(super) fn with<T>(&self, change: impl FnOnce(&mut World) -> T) -> T {
        let mut world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        let result = change(&mut world);
        let pending = if world.down { 0 } else { world.outgoing.pending() };
        self.pending.send_replace(pending);
        if pending > 0 {
            self.post.notify_one();
        }
        result
    }
}
