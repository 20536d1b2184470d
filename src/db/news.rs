//! News: what has happened, as a hint for those who watch.
//!
//! Whoever changes something tells it inside the transaction ([`tell`]). It is kept beside the transaction
//! and given out after the commit: nobody hears of what was rolled back, and who hears of something can
//! read it. The same thing told twice in one transaction is told once.
//!
//! At most once, and no history: a watcher that falls behind is let go, and reads again what it wants to
//! know. What a watcher has waiting is bounded.

mod nodes;

use std::{
    cell::RefCell,
    collections::{HashMap, HashSet},
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use entity::Timestamp;
use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc;
use uuid::Uuid;

/// How much may wait for one watcher.
const WAITING: usize = 1_024;
/// How much one transaction may tell; what is beyond it stays untold.
const TOLD_AT_ONCE: usize = 10_000;
/// How much may wait to be told to other nodes.
const OUTGOING: usize = 8_192;

/// Kinds of news. The numbers go between nodes of different versions: give new kinds new ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum What {
    /// A ticket was planned or changed; the id is the ticket's.
    TicketUpdated = 1,
    /// A webhook was stored that had not come before; the id is the delivery's.
    DeliveryReceived = 2,
    /// An attempt to carry out an operation has ended; the id is the operation's.
    OperationAttempted = 3,
    /// A reading began, went on or ended; the id is the reading's.
    SyncRunProgressed = 4,
    /// A connection works, fails, rests, or was switched on or off; the id is the connection's.
    ConnectionHealthChanged = 5,
    /// Somebody may do other things than before, or nothing any more; the id is the token's or member's.
    AccessChanged = 6,
    /// A subscriber is to be told something; the id is its lane's, and the organization is nil: workers alone hear it.
    NotificationDue = 7,
    /// There is work in a lane; the id is the connection's, and the organization is nil: workers alone hear it.
    LaneDue = 8,
    /// An entry of the billing ledger was planned or moved on; the id is the entry's.
    BillingEntryChanged = 9,
}

impl What {
    const ALL: [Self; 9] = [
        Self::TicketUpdated,
        Self::DeliveryReceived,
        Self::OperationAttempted,
        Self::SyncRunProgressed,
        Self::ConnectionHealthChanged,
        Self::AccessChanged,
        Self::NotificationDue,
        Self::LaneDue,
        Self::BillingEntryChanged,
    ];

    fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|what| *what as u8 == number)
    }
}

/// Something that has happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Happened {
    /// What.
    pub what: What,
    /// In whose organization; nil for what is the installation's.
    pub organization_id: Uuid,
    /// To what.
    pub id: Uuid,
    /// When.
    pub at: Timestamp,
}

/// News as they are heard: with the node that told them and their number there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heard {
    /// What has happened.
    pub happened: Happened,
    node: u64,
    number: u64,
}

impl Heard {
    /// The same for everybody who hears it, and no other news have it. Opaque: a number that counts would tell
    /// each organization how much happens in the others.
    pub fn event_id(&self) -> String {
        let digest = Sha256::new()
            .chain_update(self.node.to_be_bytes())
            .chain_update(self.number.to_be_bytes())
            .finalize();
        URL_SAFE_NO_PAD.encode(digest.get(..15).unwrap_or_default())
    }
}

tokio::task_local! {
    static TOLD: RefCell<Told>;
}

#[derive(Default)]
struct Told {
    all: Vec<Happened>,
    known: HashSet<(What, Uuid)>,
}

/// Tells news once the transaction that this is called in is committed.
pub fn tell(happened: Happened) {
    let told = TOLD.try_with(|told| {
        let mut told = told.borrow_mut();
        if told.known.contains(&(happened.what, happened.id)) {
            return;
        }
        if told.all.len() < TOLD_AT_ONCE {
            told.known.insert((happened.what, happened.id));
            told.all.push(happened);
        }
    });
    if told.is_err() {
        tracing::error!(what = ?happened.what, "told outside of Db::write: nobody hears of it");
    }
}

/// Does a transaction's work and gathers what it tells.
pub(super) async fn gather<T>(work: impl Future<Output = T>) -> (T, Vec<Happened>) {
    let scope = TOLD.scope(RefCell::default(), async {
        let value = work.await;
        (value, TOLD.with(|told| std::mem::take(&mut told.borrow_mut().all)))
    });
    scope.await
}

/// Whose news of a kind; none for everybody's.
type Place = (What, Option<Uuid>);
type Ear = mpsc::Sender<Heard>;

/// Gives out news on this node, and to other nodes of the same database. Cheap to clone.
#[derive(Clone)]
pub struct News(Arc<Inside>);

struct Inside {
    /// A number of this node's own.
    node: u64,
    count: AtomicU64,
    /// Watchers by what they watch.
    watchers: Mutex<HashMap<Place, HashMap<u64, Ear>>>,
    /// Where there are other nodes.
    others: OnceLock<mpsc::Sender<Heard>>,
}

impl fmt::Debug for News {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("News").field("node", &self.0.node).finish_non_exhaustive()
    }
}

impl News {
    /// Of a node that has this number and no other has.
    pub(super) fn new(node: u64) -> Self {
        Self(Arc::new(Inside {
            node,
            count: AtomicU64::new(0),
            watchers: Mutex::default(),
            others: OnceLock::new(),
        }))
    }

    /// Watches one kind of news: of one organization, or of all. Ends when the watch is dropped.
    pub fn watch(&self, what: What, organization_id: Option<Uuid>) -> Watch {
        let (ear, heard) = mpsc::channel(WAITING);
        let (place, number) = ((what, organization_id), self.0.count.fetch_add(1, Ordering::Relaxed));
        self.watchers().entry(place).or_default().insert(number, ear);
        Watch { news: self.clone(), place, number, heard }
    }

    /// Whether anybody on this node watches that.
    pub fn is_watched(&self, what: What) -> bool {
        self.watchers().keys().any(|(watched, _)| *watched == what)
    }

    /// Whether this node has told them itself.
    pub fn is_own(&self, heard: &Heard) -> bool {
        heard.node == self.0.node
    }

    /// News that only the caller hears of: what it has found to be so when it began to watch.
    pub fn now(&self, happened: Happened) -> Heard {
        Heard { happened, node: self.0.node, number: self.0.count.fetch_add(1, Ordering::Relaxed) }
    }

    /// Gives out what a committed transaction has told.
    pub(super) fn publish(&self, told: Vec<Happened>) {
        for happened in told {
            let heard = self.now(happened);
            self.spread(heard);
            if let Some(others) = self.0.others.get()
                && others.try_send(heard).is_err()
            {
                tracing::debug!(what = ?happened.what, "too much to tell other nodes; this stays here");
            }
        }
    }

    /// Gives out news to the watchers of this node. One that does not keep up is let go.
    fn spread(&self, heard: Heard) {
        let Happened { what, organization_id, .. } = heard.happened;
        let mut watchers = self.watchers();
        for place in [(what, Some(organization_id)), (what, None)] {
            if let Some(ears) = watchers.get_mut(&place) {
                ears.retain(|_, ear| ear.try_send(heard).is_ok());
            }
        }
    }

    fn watchers(&self) -> MutexGuard<'_, HashMap<Place, HashMap<u64, Ear>>> {
        self.0.watchers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Hears news of one kind.
#[derive(Debug)]
pub struct Watch {
    news: News,
    place: Place,
    number: u64,
    heard: mpsc::Receiver<Heard>,
}

impl Watch {
    /// The next news; none where the watcher fell behind and was let go. Cancelling loses nothing.
    pub async fn next(&mut self) -> Option<Heard> {
        self.heard.recv().await
    }

    /// The next news that are here already.
    pub fn waiting(&mut self) -> Option<Heard> {
        self.heard.try_recv().ok()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let mut watchers = self.news.watchers();
        if let Some(ears) = watchers.get_mut(&self.place) {
            ears.remove(&self.number);
            if ears.is_empty() {
                watchers.remove(&self.place);
            }
        }
    }
}

#[cfg(test)]
mod tests;
