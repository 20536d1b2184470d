//! Connections of PostgreSQL over which dashboards read, kept at hand between their queries.
//!
//! One from the pool costs two round trips beside the statements themselves: it is tied to whoever takes it, and looked
//! at as it comes back. One from the shelf costs none where it is tied already as its next reader wants it, and one where
//! that is for another organization. That it broke meanwhile shows with its first statement, which goes over a new one
//! then: it only reads.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, ThreadId},
    time::Duration,
};

use sea_orm::{
    Statement,
    sqlx::{self, PgPool, Postgres, pool::PoolConnection, postgres::PgRow},
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinHandle,
    time::Instant,
};

use super::{
    leash::{Backends, Leash, Tie},
    standing::query,
};

/// How long a connection lies there before it goes back to the pool.
const IDLE: Duration = Duration::from_secs(1);
/// How long it is taken from there again and again before the pool has a look at it.
const ROUND: Duration = Duration::from_mins(1);
/// How long somebody waits for one before they take another from the pool: those who read may take their time.
const WAIT: Duration = Duration::from_millis(20);

/// Connections that nobody reads over at the moment.
#[derive(Debug)]
pub(super) struct Shelf {
    pool: PgPool,
    backends: Backends,
    /// Who may read over connections that come back here: fewer than the pool has, so that these leave some to everybody
    /// else.
    readers: Arc<Semaphore>,
    free: Mutex<Vec<Shelved>>,
    is_closed: AtomicBool,
    /// Takes back to the pool what has lain too long.
    sweeper: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Debug)]
struct Shelved {
    open: PoolConnection<Postgres>,
    tie: Tie,
    /// The server's process, where it told it.
    pid: Option<i32>,
    /// On which thread its answers arrive.
    home: Option<ThreadId>,
    /// Since when it has not been in the pool.
    out: Instant,
    /// Since when it lies here.
    since: Instant,
}

impl Shelf {
    /// An empty one before a pool of so many connections.
    pub(super) fn new(pool: PgPool, backends: Backends, connections: u32) -> Arc<Self> {
        let readers = usize::try_from(connections).unwrap_or(usize::MAX).saturating_mul(3) / 4;
        Arc::new(Self {
            pool,
            backends,
            readers: Arc::new(Semaphore::new(readers.clamp(1, Semaphore::MAX_PERMITS))),
            free: Mutex::default(),
            is_closed: AtomicBool::new(false),
            sweeper: Mutex::default(),
        })
    }

    /// Takes a connection, tied to that leash.
    pub(super) async fn take(self: &Arc<Self>, leash: &Leash) -> Result<Taken, sqlx::Error> {
        let Some(permit) = self.reader().await else {
            let kept = Some(self.of_the_pool(leash).await?);
            return Ok(Taken {
                kept,
                is_proved: true,
                is_clean: true,
                shelf: Arc::clone(self),
                permit: None,
            });
        };
        let wanted = self.backends.wanted(leash);
        let taken = |kept, is_proved| Taken {
            kept: Some(kept),
            is_proved,
            is_clean: true,
            shelf: Arc::clone(self),
            permit: Some(permit),
        };
        let Some(mut found) = self.pop(&wanted) else {
            return Ok(taken(self.of_the_pool(leash).await?, true));
        };
        if found.tie == wanted
            && let Some(pid) = found.pid
        {
            self.backends.note(pid, leash).await;
            return Ok(taken(found, false));
        }
        if self.backends.tie(&mut found.open).await.is_ok() {
            found.tie = wanted;
            return Ok(taken(found, true));
        }
        // It has broken: the pool finds that out.
        give_back(found);
        Ok(taken(self.of_the_pool(leash).await?, true))
    }

    /// Waits until fewer read than may.
    async fn reader(&self) -> Option<OwnedSemaphorePermit> {
        if let Ok(permit) = Arc::clone(&self.readers).try_acquire_owned() {
            return Some(permit);
        }
        tokio::time::timeout(WAIT, Arc::clone(&self.readers).acquire_owned()).await.ok()?.ok()
    }

    /// One from the pool, which ties it.
    async fn of_the_pool(&self, leash: &Leash) -> Result<Shelved, sqlx::Error> {
        let (open, pid) = Backends::acquire(&self.pool).await?;
        let now = Instant::now();
        let home = self.backends.home(pid);
        Ok(Shelved { open, tie: self.backends.wanted(leash), pid, home, out: now, since: now })
    }

    /// One that is tied as wanted, of this thread where there is one; or else any.
    fn pop(&self, wanted: &Tie) -> Option<Shelved> {
        let (mut free, here) = (self.free(), Some(thread::current().id()));
        let is_tied = |lying: &Shelved| lying.tie == *wanted;
        let of_here = free.iter().rposition(|lying| lying.home == here && is_tied(lying));
        let at = of_here.or_else(|| free.iter().rposition(is_tied)).or(free.len().checked_sub(1))?;
        Some(free.swap_remove(at))
    }

    fn put(self: &Arc<Self>, mut kept: Shelved) {
        let now = Instant::now();
        if now - kept.out > ROUND || self.is_closed.load(Ordering::Relaxed) || self.pool.is_closed() {
            return give_back(kept);
        }
        kept.since = now;
        self.free().push(kept);
        // Whoever closed it meanwhile did not see this one.
        if self.is_closed.load(Ordering::Relaxed) {
            return self.clear();
        }
        let mut sweeper = self.sweeper.lock().unwrap_or_else(PoisonError::into_inner);
        if sweeper.as_ref().is_none_or(JoinHandle::is_finished) {
            let weak = Arc::downgrade(self);
            *sweeper = Some(tokio::spawn(async move {
                loop {
                    tokio::time::sleep(IDLE).await;
                    let Some(found) = weak.upgrade() else { return };
                    found.sweep();
                }
            }));
        }
    }

    /// Gives back to the pool what has lain too long.
    fn sweep(&self) {
        let now = Instant::now();
        let old: Vec<_> = self.free().extract_if(.., |lying| now - lying.since >= IDLE).collect();
        old.into_iter().for_each(give_back);
    }

    /// Gives all that lies here back to the pool.
    fn clear(&self) {
        let all = std::mem::take(&mut *self.free());
        all.into_iter().for_each(give_back);
    }

    /// The same, and keeps nothing from now on.
    pub(super) fn close(&self) {
        self.is_closed.store(true, Ordering::Relaxed);
        self.clear();
    }

    fn free(&self) -> std::sync::MutexGuard<'_, Vec<Shelved>> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Shelf {
    fn drop(&mut self) {
        self.clear();
    }
}

/// The pool looks at it in a task of its own; where there are no tasks any more, it is closed.
fn give_back(kept: Shelved) {
    if tokio::runtime::Handle::try_current().is_err() {
        drop(kept.open.detach());
    }
}

/// A connection that somebody reads over. It goes back where it came from as it is dropped.
#[derive(Debug)]
pub(super) struct Taken {
    /// There until it is dropped.
    kept: Option<Shelved>,
    /// It has answered since it was taken.
    is_proved: bool,
    /// No statement is on its way, and the last one did not fail.
    is_clean: bool,
    shelf: Arc<Shelf>,
    /// To be one of those whose connections come back to the shelf; given back last.
    permit: Option<OwnedSemaphorePermit>,
}

impl Taken {
    /// The rows of a statement that only reads. Where the connection has broken on the shelf, over another one.
    pub(super) async fn rows(
        &mut self,
        leash: &Leash,
        statement: &Statement,
    ) -> Result<Vec<PgRow>, sqlx::Error> {
        loop {
            let Some(kept) = &mut self.kept else { return Err(sqlx::Error::PoolClosed) };
            self.is_clean = false;
            match query(statement).fetch_all(&mut *kept.open).await {
                Ok(rows) => {
                    (self.is_clean, self.is_proved) = (true, true);
                    return Ok(rows);
                }
                Err(error) if !self.is_proved && is_broken(&error) => {
                    if let Some(broken) = self.kept.take() {
                        give_back(broken);
                    }
                    // What lies beside it has broken with it, as a rule.
                    self.shelf.clear();
                    self.kept = Some(self.shelf.of_the_pool(leash).await?);
                    self.is_proved = true;
                }
                Err(error) => return Err(error),
            }
        }
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        match self.kept.take() {
            Some(kept) if self.is_clean && self.permit.is_some() => self.shelf.put(kept),
            Some(kept) => give_back(kept),
            None => {}
        }
    }
}

/// Whether it is the connection that failed, rather than the statement: it is gone, or the server ends it (PostgreSQL,
/// appendix A: 57P0x, 08xxx).
pub(super) fn is_broken(error: &sqlx::Error) -> bool {
    error.as_database_error().is_none_or(|error| {
        error.code().is_some_and(|code| code.starts_with("57P") || code.starts_with("08"))
    })
}
