//! What is done to the gateway, one file each.

mod auditor;
mod clock;
mod database;
mod disk;
mod frozen;
mod kill;
mod moves;
mod outage;
mod power;
mod psa;
mod rate;
mod rolling;
mod same;
mod steps;
mod stream;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use futures_util::future::BoxFuture;
use psa_gateway::clock::Clock;

use self::{frozen::How, psa::Evil};
use crate::{arguments::Wishes, place, place::Server, table::Row, time};

/// A fault that can be tried.
#[derive(Clone, Copy)]
pub struct Fault {
    pub name: &'static str,
    pub about: &'static str,
    /// How long a brief round of it is evil at the most, in seconds.
    pub secs: u64,
    pub try_it: fn(Run) -> BoxFuture<'static, Row>,
}

/// All of them, in the order in which they are begun: those that wait most come first.
pub const FAULTS: &[Fault] = &[
    Fault {
        name: "auditor",
        about: "a doubled ticket and a lost delivery are planted, and must be found",
        secs: 1,
        try_it: |run| Box::pin(std::future::ready(auditor::auditor(&run))),
    },
    Fault {
        name: "kill",
        about: "kill -9 at random instants under load, restart",
        secs: 90,
        try_it: |run| Box::pin(kill::kill(run)),
    },
    Fault {
        name: "steps",
        about: "kill -9 at each named step of a ticket's way",
        secs: 100,
        try_it: |run| Box::pin(steps::steps(run)),
    },
    Fault {
        name: "frozen",
        about: "two nodes on one PostgreSQL, one frozen (SIGSTOP) past its lease and thawed",
        secs: 20,
        try_it: |run| Box::pin(frozen::frozen(run, How::Stopped)),
    },
    Fault {
        name: "partition",
        about: "two nodes on one PostgreSQL, one cut off from it past its lease, and healed",
        secs: 20,
        try_it: |run| Box::pin(frozen::frozen(run, How::CutOff)),
    },
    Fault {
        name: "moves",
        about: "an organization moves between two PostgreSQL databases and back; the move and a node are killed",
        secs: 120,
        try_it: |run| Box::pin(moves::moves(run)),
    },
    Fault {
        name: "stream",
        about: "a stream of NATS before the database: the edge, the node that works and NATS killed at random",
        secs: 90,
        try_it: |run| Box::pin(stream::stream(run)),
    },
    Fault {
        name: "psa",
        about: "the PSA does it and cuts the link, answers 500, or times out; search lags",
        secs: 20,
        try_it: |run| Box::pin(psa::psa(run, Evil::Lost)),
    },
    Fault {
        name: "answers",
        about: "the PSA answers late, twice, half, HTML, 100 MB, deep JSON",
        secs: 20,
        try_it: |run| Box::pin(psa::psa(run, Evil::Strange)),
    },
    Fault {
        name: "rate",
        about: "the PSA's quota is half the demand; it answers 429 with and without Retry-After",
        secs: 40,
        try_it: |run| Box::pin(rate::rate(run)),
    },
    Fault {
        name: "outage",
        about: "the PSA is away for 72 hours of moved time, and comes back to a long queue",
        secs: 30,
        try_it: |run| Box::pin(outage::outage(run)),
    },
    Fault {
        name: "power",
        about: "the power fails: what SQLite has not synced to the disk is gone, or half of it",
        secs: 30,
        try_it: |run| Box::pin(power::power(run)),
    },
    Fault {
        name: "clock",
        about: "two nodes on one PostgreSQL whose machines' clocks are wrong by an hour, and jump",
        secs: 20,
        try_it: |run| Box::pin(clock::clock(run)),
    },
    Fault {
        name: "jumps",
        about: "one node on SQLite whose machine's clock jumps by an hour, forwards and backwards",
        secs: 20,
        try_it: |run| Box::pin(clock::jumps(run)),
    },
    Fault {
        name: "database",
        about: "PostgreSQL restarted, crashed, its connections cut, under load",
        secs: 25,
        try_it: |run| Box::pin(database::database(run)),
    },
    Fault {
        name: "rolling",
        about: "rolling restart (SIGTERM) of three nodes under load, behind a load balancer",
        secs: 40,
        try_it: |run| Box::pin(rolling::rolling(run)),
    },
    Fault {
        name: "same",
        about: "the same finding a hundred times in parallel, under different message ids",
        secs: 20,
        try_it: |run| Box::pin(same::same(run)),
    },
    Fault {
        name: "disk",
        about: "the disk is full while webhooks come in",
        secs: 20,
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

/// How long a brief round goes on sending when no more evil is done, and how long it may take to come to rest then.
const SENDING: Duration = Duration::from_secs(10);
const RESTING: Duration = Duration::from_mins(1);

/// One try.
#[derive(Clone, Debug)]
pub struct Run {
    pub fault: &'static str,
    pub seed: u64,
    pub scale: Scale,
    pub is_brief: bool,
    pub binary: PathBuf,
    /// The program of the version before, where that is asked for.
    pub before: Option<PathBuf>,
    /// Whether gateways and sandboxes can be told what time it is.
    pub moves_time: bool,
    pub keep: bool,
    /// How long a brief round is evil.
    evil: Duration,
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
            before: wishes.before.clone().filter(|_| fault.name == "rolling"),
            moves_time: wishes.before.is_none() && hears_of_time(&wishes.binary),
            evil: Duration::from_secs(fault.secs),
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
        let usual = if self.is_brief { RESTING } else { Duration::from_hours(1) };
        self.scale.patience.unwrap_or(usual)
    }

    /// A brief round has to end: no new evil is done after this.
    pub fn has_time(&self) -> bool {
        !self.is_brief || self.since_ready() < self.evil
    }

    /// A brief round sends no more after a while.
    pub fn may_send(&self) -> bool {
        !self.is_brief || self.since_ready() < self.evil + SENDING
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

/// Whether a program can be told what time it is, and where to die: one that is built for use cannot. It is asked to
/// sign something in a year of its own.
fn hears_of_time(binary: &Path) -> bool {
    let place = std::env::temp_dir().join(format!("psa-gateway-torture-{}.clock", std::process::id()));
    let year = Duration::from_hours(24 * 365);
    fs::write(&place, format!("0 {}\n", year.as_millis())).expect("a file can be written");
    let signed = Command::new(binary)
        .args(["sign", "--secret", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "--file", "/dev/null"])
        .env(time::VARIABLE, &place)
        .output();
    let _ = fs::remove_file(&place);
    let said = signed.map(|signed| String::from_utf8_lossy(&signed.stdout).into_owned()).unwrap_or_default();
    let at =
        said.lines().find_map(|line| line.strip_prefix("webhook-timestamp:")?.trim().parse::<i64>().ok());
    let now = Clock::system().now().0 / 1_000_000;
    at.is_some_and(|at| at > now + i64::try_from(year.as_secs() / 2).unwrap_or(0))
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
