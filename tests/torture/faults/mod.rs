//! What is done to the gateway, one file each.

mod auditor;
mod database;
mod disk;
mod frozen;
mod kill;
mod psa;
mod rolling;
mod same;
mod steps;

use std::{
    fs,
    path::PathBuf,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use futures_util::future::BoxFuture;

use crate::{arguments::Wishes, place, place::Server, table::Row};

/// A fault that can be tried.
#[derive(Clone, Copy)]
pub struct Fault {
    pub name: &'static str,
    pub about: &'static str,
    pub try_it: fn(Run) -> BoxFuture<'static, Row>,
}

/// All of them, in the order of the table.
pub const FAULTS: &[Fault] = &[
    Fault {
        name: "auditor",
        about: "a doubled ticket and a lost delivery are planted, and must be found",
        try_it: |run| Box::pin(std::future::ready(auditor::auditor(&run))),
    },
    Fault {
        name: "kill",
        about: "kill -9 at random instants under load, restart",
        try_it: |run| Box::pin(kill::kill(run)),
    },
    Fault {
        name: "steps",
        about: "kill -9 at each named step of a ticket's way (all of them with --features torture)",
        try_it: |run| Box::pin(steps::steps(run)),
    },
    Fault {
        name: "psa",
        about: "the PSA does it and cuts the link, answers 500, late, twice, half, HTML, 100 MB, deep JSON; search lags",
        try_it: |run| Box::pin(psa::psa(run)),
    },
    Fault {
        name: "same",
        about: "the same finding a hundred times in parallel, under different message ids",
        try_it: |run| Box::pin(same::same(run)),
    },
    Fault {
        name: "frozen",
        about: "two nodes on one PostgreSQL, one frozen (SIGSTOP) past its lease and thawed",
        try_it: |run| Box::pin(frozen::frozen(run)),
    },
    Fault {
        name: "database",
        about: "PostgreSQL restarted, crashed, its connections cut, under load",
        try_it: |run| Box::pin(database::database(run)),
    },
    Fault {
        name: "rolling",
        about: "rolling restart (SIGTERM) of three nodes under load",
        try_it: |run| Box::pin(rolling::rolling(run)),
    },
    Fault {
        name: "disk",
        about: "the disk is full while webhooks come in",
        try_it: |run| Box::pin(disk::disk(run)),
    },
];

/// How much of it.
#[derive(Clone, Debug)]
pub struct Scale {
    pub kills: Option<u64>,
    pub deliveries: Option<u64>,
    pub rounds: Option<u64>,
    pub groups: Option<u64>,
    /// How long to wait at the end; in a brief round, up to its end.
    pub patience: Option<Duration>,
}

/// How long a brief round is evil, how long it sends, and when it is judged at the latest, from when it was set up: in
/// about two minutes all of it is over. Work that a killed gateway had in hand is taken up when its lease runs out,
/// after a minute.
const EVIL: Duration = Duration::from_secs(20);
const SENDING: Duration = Duration::from_secs(30);
const BRIEF: Duration = Duration::from_secs(90);

/// One try.
#[derive(Clone, Debug)]
pub struct Run {
    pub fault: &'static str,
    pub seed: u64,
    pub scale: Scale,
    pub is_brief: bool,
    pub binary: PathBuf,
    pub keep: bool,
    pub began: Instant,
    /// When all was set up, once it is.
    pub ready: Arc<OnceLock<Instant>>,
}

impl Run {
    pub fn new(fault: &Fault, wishes: &Wishes, began: Instant) -> Self {
        let is_brief = wishes.is_brief();
        Self {
            fault: fault.name,
            seed: wishes.seed,
            scale: Scale {
                kills: wishes.kills,
                deliveries: wishes.deliveries,
                rounds: wishes.rounds,
                groups: wishes.groups,
                patience: wishes.patience,
            },
            is_brief,
            binary: wishes.binary.clone(),
            keep: wishes.keep,
            began,
            ready: Arc::default(),
        }
    }

    /// How long it has been set up; a slow machine takes its time for that.
    fn since_ready(&self) -> Duration {
        self.ready.get().map_or(Duration::ZERO, Instant::elapsed)
    }

    /// How long everything may take to come to rest.
    pub fn patience(&self) -> Duration {
        let usual = if self.is_brief {
            BRIEF.saturating_sub(self.since_ready()).max(Duration::from_secs(3))
        } else {
            Duration::from_hours(1)
        };
        self.scale.patience.unwrap_or(usual)
    }

    /// A brief round has to end: no new evil is done after this.
    pub fn has_time(&self) -> bool {
        !self.is_brief || self.since_ready() < EVIL
    }

    /// A brief round sends no more after a while.
    pub fn may_send(&self) -> bool {
        !self.is_brief || self.since_ready() < SENDING
    }

    /// A folder of its own.
    pub fn folder(&self) -> PathBuf {
        let name = format!("psa-gateway-torture-{}-{}", std::process::id(), self.fault);
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(&folder).expect("a temporary folder");
        folder
    }

    /// Tells who watches how it goes.
    pub fn say(&self, what: &str) {
        eprintln!("[{:>5} s] {}: {what}", self.began.elapsed().as_secs(), self.fault);
    }

    /// The server of `TEST_DATABASE_URL`; a file where there is none.
    pub fn server_if_given() -> Option<Server> {
        place::given().map(Server::Given)
    }

    /// A PostgreSQL server, whichever.
    pub async fn server(&self) -> Result<Server, String> {
        let folder = self.folder();
        tokio::task::spawn_blocking(move || Server::any(&folder)).await.expect("a server")
    }
}

/// Tells every ten seconds how it goes, until it is dropped.
pub struct Progress(Arc<AtomicBool>);

impl Progress {
    pub fn of(run: &Run, words: impl Fn() -> String + Send + 'static) -> Self {
        let (over, run) = (Arc::new(AtomicBool::new(false)), run.clone());
        let is_over = Arc::clone(&over);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(Duration::from_secs(10)).await;
                if is_over.load(Ordering::SeqCst) {
                    return;
                }
                run.say(&words());
            }
        });
        Self(over)
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}
