//! The clock's door: deliveries are decided and operations carried out here, where adapters and domain meet.
//!
//! [`Workers::step`] does one piece of whatever is due. Production loops over it; tests call it until nothing
//! is due, and move the clock in between.

mod assets;
mod billing;
mod carry;
mod configurations;
mod contacts;
mod copying;
mod following;
mod inbox;
mod lane;
mod left_out;
mod looking;
mod notifications;
mod outcome;
mod psa_tickets;
mod readings;
mod registrations;
mod search;
mod subscriptions;
mod timed;
mod trimming;
mod verification;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures_util::future::BoxFuture;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use self::inbox::InboxTurn;
use crate::{
    db::news::What,
    decisions::closing,
    error::Error,
    ground::{Ground, Work},
    metrics::Metrics,
    outbound::GuardedClient,
    psa::{self, http::Outbound},
    queue::budget::RateLimit,
    scanners::signature::sns,
    statistics,
    sync::companies::Seen,
};

pub use trimming::Keep;

/// How often one of them looks for work that nobody told of, and wakes the others.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How often each looks for itself, in case it was not woken.
const LOOK_ANYWAY: Duration = Duration::from_secs(30);
/// How many subscribers are told something at the same time.
const SUBSCRIBER_WORKERS: usize = 4;
/// How often what nobody has seen for long, or is kept long enough, is looked for.
const TIDY_EVERY: Duration = Duration::from_mins(1);
/// How long whoever removes what is too old rests after each step: whoever writes meanwhile comes first.
const REST: Duration = Duration::from_millis(250);

/// How workers go about it.
#[derive(Clone, Debug)]
pub struct WorkerOptions {
    /// This node's name, for leases and attempts.
    pub node: String,
    /// How many decide deliveries at the same time.
    pub inbox_workers: usize,
    /// How many lanes are served at the same time.
    pub lane_workers: usize,
    /// How often a PSA is asked what has changed, in seconds.
    pub poll_interval_secs: i64,
    /// Where others reach the gateway: scheme, host and port, for webhooks that it registers.
    pub public_url: String,
    /// How long what came and went is kept.
    pub keep: Keep,
}

/// What workers work with. Cheap to clone.
#[derive(Clone)]
pub struct Workers(Arc<Inside>);

struct Inside {
    ground: Ground,
    outbound: Outbound,
    subscribers: GuardedClient,
    metrics: Metrics,
    sns: sns::Desk,
    options: WorkerOptions,
    clients: Mutex<HashMap<Uuid, Client>>,
    /// Lanes that are served here right now.
    serving: lane::Serving,
    /// Whose deliveries were claimed last.
    inbox_turn: tokio::sync::Mutex<InboxTurn>,
    /// Whose findings were looked at last, of those that have waited long enough.
    turn: tokio::sync::Mutex<Uuid>,
    /// Which companies runs that are under way have seen.
    seen: Mutex<HashMap<Uuid, Seen>>,
    /// How far the search for what is too old has come.
    rounds: tokio::sync::Mutex<trimming::Rounds>,
}

/// A client as it was used last, with the token it holds.
#[derive(Clone)]
struct Client {
    psa: Arc<dyn psa::Psa>,
    platform: &'static str,
    search_delay_secs: i64,
    has_private_notes: bool,
    parallel: u32,
    credentials_version: i32,
    budget_key: String,
    rate: Option<RateLimit>,
}

impl Workers {
    /// Nothing runs yet: call [`Workers::step`], or [`Workers::run`]. `outbound` calls PSAs, `subscribers` those who are
    /// told what becomes of tickets.
    pub fn new(
        ground: Ground,
        outbound: Outbound,
        subscribers: GuardedClient,
        metrics: Metrics,
        sns: sns::Desk,
        options: WorkerOptions,
    ) -> Self {
        let (clients, serving, inbox_turn, turn, seen, rounds) = Default::default();
        Self(Arc::new(Inside {
            ground,
            outbound,
            subscribers,
            metrics,
            sns,
            options,
            clients,
            serving,
            inbox_turn,
            turn,
            seen,
            rounds,
        }))
    }

    /// Does one piece of work that is due. False where nothing was.
    // In a box: so it is compiled here, and not once more in each program that calls it.
    pub fn step(&self) -> BoxFuture<'_, Result<bool, Error>> {
        Box::pin(self.one_step())
    }

    async fn one_step(&self) -> Result<bool, Error> {
        let decided = self.decide_some().await?;
        let served = Box::pin(self.serve_lane(&CancellationToken::new())).await?;
        let told = Box::pin(self.serve_subscriber(&CancellationToken::new())).await?;
        let folded = statistics::fold::fold(&self.0.ground).await?;
        if decided || served || told || folded {
            return Ok(true);
        }
        // What the time alone brings comes last: there is little of it.
        let kept = self.keep_time().await?;
        let tidied = self.tidy().await?;
        Ok(self.trim().await? || tidied || kept)
    }

    /// Works until `stop` is called and what was begun is finished.
    pub async fn run(&self, stop: CancellationToken) {
        let mut tasks = tokio::task::JoinSet::new();
        let options = &self.0.options;
        let jobs = std::iter::repeat_n(Job::Inbox, options.inbox_workers.max(1))
            .chain(std::iter::repeat_n(Job::Lanes, options.lane_workers.max(1)))
            .chain(std::iter::repeat_n(Job::Notifications, SUBSCRIBER_WORKERS))
            .chain([Job::Tallies, Job::Timed, Job::Looking, Job::Tidying, Job::Trimming]);
        let mut job_of = HashMap::new();
        if !self.0.ground.db.is_sqlite() {
            tasks.spawn(self.clone().hear_others(stop.clone()));
        }
        for job in jobs {
            job_of.insert(tasks.spawn(self.clone().repeat(job, stop.clone())).id(), job);
        }
        while let Some(ended) = tasks.join_next().await {
            // A fault of ours in one piece of work must not end all of it: its lease runs out, and it is
            // taken up again.
            if let Err(error) = ended
                && let Some(job) = job_of.remove(&error.id())
                && !stop.is_cancelled()
            {
                tracing::error!(error = %error, job = ?job, "a worker fell over; another takes its place");
                job_of.insert(tasks.spawn(self.clone().repeat(job, stop.clone())).id(), job);
            }
        }
    }

    async fn repeat(self, job: Job, stop: CancellationToken) {
        let calls = || self.0.ground.db.news().watch(What::NotificationDue, None);
        let mut called_to_tell = matches!(job, Job::Notifications).then(calls);
        while !stop.is_cancelled() {
            // What was called for until here is about to be looked for.
            while called_to_tell.as_mut().is_some_and(|watch| watch.waiting().is_some()) {}
            let done = match job {
                Job::Inbox => self.decide_some().await,
                Job::Lanes => Box::pin(self.serve_lane(&stop)).await,
                Job::Notifications => Box::pin(self.serve_subscriber(&stop)).await,
                Job::Tallies => statistics::fold::fold(&self.0.ground).await,
                Job::Timed => self.keep_time().await,
                Job::Looking => self.look().await,
                Job::Tidying => self.tidy().await,
                Job::Trimming => self.trim().await,
            };
            let called = async {
                let wake = &self.0.ground.wake;
                match (job.work(), &mut called_to_tell) {
                    (Some(work), Some(watch)) => {
                        tokio::select! {
                            // Who was too slow to hear everything watches anew.
                            heard = watch.next() => if heard.is_none() { *watch = calls() },
                            () = wake.called(work) => {}
                        }
                    }
                    (Some(work), None) => wake.called(work).await,
                    (None, _) => std::future::pending::<()>().await,
                }
            };
            match done {
                Ok(true) => {
                    if let Some(rest) = job.rests() {
                        tokio::select! {
                            () = tokio::time::sleep(rest) => {}
                            () = stop.cancelled() => {}
                        }
                    }
                }
                Ok(false) => {
                    tokio::select! {
                        () = called => {}
                        () = tokio::time::sleep(job.looks_every()) => {}
                        () = stop.cancelled() => {}
                    }
                }
                Err(error) => {
                    let cause = std::error::Error::source(&error).map(ToString::to_string);
                    tracing::error!(error = %error, cause, job = ?job, "work failed; trying again in a moment");
                    tokio::select! {
                        () = tokio::time::sleep(LOOK_EVERY) => {}
                        () = stop.cancelled() => {}
                    }
                }
            }
        }
    }

    /// Ends what has not been seen for long. False where there was nothing.
    async fn tidy(&self) -> Result<bool, Error> {
        let ground = &self.0.ground;
        let ended = closing::age(ground).await?;
        if ended > 0 {
            ground.wake.outbox();
        }
        Ok(ended > 0)
    }

    fn known_client(&self, connection_id: Uuid) -> Option<Client> {
        self.0.clients.lock().unwrap_or_else(PoisonError::into_inner).get(&connection_id).cloned()
    }

    fn remember_client(&self, connection_id: Uuid, client: Client) {
        self.0.clients.lock().unwrap_or_else(PoisonError::into_inner).insert(connection_id, client);
    }
}

/// What a worker does over and over.
#[derive(Clone, Copy, Debug)]
enum Job {
    Inbox,
    Lanes,
    Notifications,
    Tallies,
    Timed,
    Looking,
    Tidying,
    Trimming,
}

impl Job {
    /// What it is woken for.
    const fn work(self) -> Option<Work> {
        match self {
            Self::Inbox => Some(Work::Inbox),
            Self::Lanes => Some(Work::Outbox),
            Self::Notifications => Some(Work::Telling),
            Self::Tallies => Some(Work::Counting),
            Self::Timed => Some(Work::Timed),
            Self::Looking | Self::Tidying | Self::Trimming => None,
        }
    }

    /// How often it looks for work that nobody told of.
    const fn looks_every(self) -> Duration {
        match self {
            Self::Inbox | Self::Lanes | Self::Notifications | Self::Tallies | Self::Timed => LOOK_ANYWAY,
            Self::Looking => LOOK_EVERY,
            Self::Tidying | Self::Trimming => TIDY_EVERY,
        }
    }

    /// How long it leaves the database to others after it has done something.
    const fn rests(self) -> Option<Duration> {
        match self {
            Self::Trimming => Some(REST),
            _ => None,
        }
    }
}
