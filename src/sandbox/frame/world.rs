//! What a vendor is to the frame, and how the frame's parts share it.

use std::{
    collections::{BTreeSet, VecDeque},
    fmt::Debug,
    sync::{Mutex, PoisonError},
};

use entity::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::{Notify, watch};

use super::{
    call::Call,
    faults::Fault,
    ledger::{LedgerBilling, LedgerTicket},
    post::{Letter, Mail, Post, PostAnswer},
    reply::Reply,
};
use crate::clock::{Chance, Clock};

/// How many calls and letters are remembered.
pub(super) const REMEMBERED: usize = 10_000;

/// Time and chance of an instance.
#[derive(Clone, Debug)]
pub struct Ground {
    /// Tells tokens, quotas, search lag, retries of webhooks and all dates.
    pub clock: Clock,
    /// Makes the credentials, tokens and GUIDs.
    pub chance: Chance,
}

/// A right that the instance's administrator can take from the login; vendors bundle them differently, so
/// that taking one may take more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Right {
    /// To read companies.
    Companies,
    /// To read tickets.
    ReadTickets,
    /// To create and change tickets.
    WriteTickets,
    /// To close tickets.
    CloseTickets,
    /// To read the lists of values.
    PickLists,
    /// To register webhooks.
    Webhooks,
    /// To read and write configurations.
    Configurations,
    /// To read contacts.
    Contacts,
    /// To read and write what is billed.
    Billing,
}

/// A way to fail that every vendor has words of its own for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Too many calls; with seconds for `Retry-After` where given.
    RateLimited {
        /// Seconds.
        retry_after: Option<u64>,
    },
    /// Out of order: 500, 502, 503, 504 …
    Broken {
        /// The status.
        status: u16,
    },
    /// The login is no longer good.
    ExpiredLogin {
        /// 401, or what else the vendor answers then.
        status: u16,
    },
    /// The login may not do this.
    Forbidden,
    /// A rule of the vendor's says no, in these words; nothing is changed.
    Refused {
        /// The words.
        message: String,
    },
    /// An error in an answer whose status says that all is well; nothing is changed.
    Hidden,
}

/// What a person does to a ticket in the vendor's own pages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Deed {
    /// Closes it in the usual way.
    Close {
        /// A closing note; none where it is empty.
        #[serde(default)]
        text: String,
    },
    /// Opens it again.
    Reopen,
    /// Writes a note.
    Note {
        /// The text.
        #[serde(default)]
        text: String,
        /// Hidden from the customer.
        #[serde(default)]
        private: bool,
    },
    /// Sets a status, by the value the API knows it by.
    Status {
        /// The value.
        status: String,
    },
    /// Deletes it.
    Delete,
}

/// Why a person could not do it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct DeedError(pub String);

/// One call that reached the vendor's own paths.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
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

/// The vendor's calls that do something to a ticket, as [`Fault::on`] wants them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Calls {
    /// Creates a ticket, and may do other things too.
    pub create: &'static str,
    /// Adds a note.
    pub note: &'static str,
    /// Sets a ticket's status, and may do other things too.
    pub status: &'static str,
}

/// One vendor's instance.
pub trait World: Send + Sized + 'static {
    /// The platform's key.
    const KEY: &'static str;
    /// For people.
    const LABEL: &'static str;
    /// What to let fail.
    const CALLS: Calls;
    /// Switches for what differs between instances of this vendor, an ordinary one by default.
    type Options: Clone + Debug + Default + Send + 'static;

    /// An instance as it is on its first day: customers, lists of values, nobody's tickets.
    fn new(ground: Ground, options: Self::Options) -> Self;

    /// What a customer would type into the gateway's credential form, by key of the field. `url` is where
    /// the instance listens.
    fn credentials(&self, url: &str) -> Vec<(&'static str, String)>;

    /// Answers one of the vendor's own paths, authentication, quota and all.
    fn answer(&mut self, call: &Call) -> Reply;

    /// How this vendor fails.
    fn fail(&self, call: &Call, failure: &Failure) -> Reply;

    /// A call has come in and is not answered yet; a reply refuses it. For quotas on calls at the same time.
    fn arrives(&mut self, _call: &Call) -> Option<Reply> {
        None
    }

    /// A call that came in is answered, or cut.
    fn leaves(&mut self, _call: &Call) {}

    /// As many calls as anybody likes from now on; nothing to do where the vendor is not known to count them.
    fn lift_limits(&mut self) {}

    /// All tickets ever made, in the order of creation.
    fn ledger(&self) -> Vec<LedgerTicket>;

    /// The lines of all recurring invoices, in the order of creation; nothing where the vendor has none.
    fn billing(&self) -> Vec<LedgerBilling> {
        Vec::new()
    }

    /// Names of the people who can do deeds.
    fn people(&self) -> Vec<String>;

    /// What a person does in the vendor's own pages; fires the webhooks that it fires there.
    fn deed(&mut self, ticket: &str, who: &str, deed: &Deed) -> Result<(), DeedError>;

    /// Takes rights from the login; all others are given back. False where this vendor cannot take one of
    /// them by itself; then nothing is changed.
    fn deny(&mut self, denied: &BTreeSet<Right>) -> bool;

    /// What waits to be sent.
    fn post(&mut self) -> &mut Post;

    /// Last touches just before a letter goes: a signature, a time. Its address is emptied where the
    /// subscription is gone.
    fn dress(&mut self, _letter: &mut Letter) {}

    /// What became of a letter. The letter is given back with a later `due` where the vendor tries again.
    fn posted(&mut self, _letter: Letter, _answer: &PostAnswer) -> Option<Letter> {
        None
    }

    /// Where the vendor's webhooks are set up by hand in its pages: a person enters this address (and the
    /// secret, where one is used). False where the vendor has no such page.
    fn set_up_webhook(&mut self, _address: &str, _secret: Option<&str>) -> bool {
        false
    }
}

/// A vendor's instance and what the frame keeps about it.
pub(super) struct Inside<W> {
    pub(super) ground: Ground,
    pub(super) world: W,
    pub(super) faults: Vec<Fault>,
    pub(super) calls: VecDeque<Recorded>,
    pub(super) letters: VecDeque<Letter>,
    pub(super) down: bool,
}

impl<W: World> Inside<W> {
    pub(super) fn record(&mut self, call: Recorded) {
        if self.calls.len() >= REMEMBERED {
            self.calls.pop_front();
        }
        self.calls.push_back(call);
    }

    /// How many letters are to be sent now.
    pub(super) fn pending(&mut self) -> usize {
        let now = self.ground.clock.now();
        if self.down { 0 } else { self.world.post().pending(now) }
    }
}

/// The instance as the server, the handle and the post room share it.
pub(super) struct Shared<W> {
    inside: Mutex<Inside<W>>,
    /// Wakes the post room.
    pub(super) letters: Notify,
    /// How many letters wait or are under way.
    pub(super) pending: watch::Sender<usize>,
}

impl<W: World> Shared<W> {
    pub(super) fn new(ground: Ground, options: W::Options) -> Self {
        let inside = Inside {
            world: W::new(ground.clone(), options),
            ground,
            faults: Vec::new(),
            calls: VecDeque::new(),
            letters: VecDeque::new(),
            down: false,
        };
        Self { inside: Mutex::new(inside), letters: Notify::new(), pending: watch::Sender::new(0) }
    }

    /// Looks at or changes the instance; wakes the post room where there is post.
    pub(super) fn with<T>(&self, change: impl FnOnce(&mut Inside<W>) -> T) -> T {
        let mut inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        let result = change(&mut inside);
        let pending = inside.pending();
        self.pending.send_replace(pending);
        if pending > 0 {
            self.letters.notify_one();
        }
        result
    }

    pub(super) fn set_mail(&self, mail: Mail) {
        self.with(|inside| inside.world.post().set_mail(mail));
    }
}
