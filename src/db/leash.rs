//! Reading that stops when nobody waits for it any longer, in the database too.
//!
//! Giving up a future does not stop the statement that it waits for: the server goes on, and the connection is
//! busy until it is done. Work that runs on a [`Leash`] takes its connections with the leash tied to them:
//!
//! - on SQLite a progress handler looks at the leash every few thousand steps and interrupts the statement;
//! - on PostgreSQL the statement has a time limit of its own, and cutting the leash cancels it by
//!   `pg_cancel_backend`, over a connection kept for that.
//!
//! Writing is never on a leash: [`super::Db::write`] works in a task of its own.

#[cfg(test)]
mod tests;

use std::{
    cell::Cell,
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread::ThreadId,
    time::Duration,
};

use sea_orm::sqlx::{
    self, AssertSqlSafe, PgConnection, PgPool, Postgres, Row as _, Sqlite, SqliteConnection,
    pool::{PoolConnection, PoolOptions},
};
use tokio_util::sync::CancellationToken;

use super::{reader::Kept, walled::Floor};

/// How many steps of SQLite's virtual machine pass between two looks at the leash; some tens of microseconds.
const STEPS: i32 = 5_000;
/// How much longer than the leash a statement may take by its own limit, so that the leash is cut first.
const GRACE: Duration = Duration::from_secs(1);
/// How long cancelling one statement may take: others wait for a connection meanwhile.
const CANCELLING: Duration = Duration::from_secs(1);
/// Whom a connection works for, and how long a statement may take.
const TIE: &str = "SELECT pg_backend_pid(), set_config('role', coalesce($1, current_setting('role')), false), \
                   set_config('psa_gateway.organization', $2, false), set_config('statement_timeout', $3, false)";
/// Beyond so many, connections that are long gone are forgotten.
const MAX_HOLDERS: usize = 4_096;

tokio::task_local! {
    static LEASH: Leash;
    /// The process that a connection leads to which this task is taking from the pool.
    static TIED: Cell<Option<i32>>;
}

/// What work hangs on while somebody waits for it. Clones are the same leash.
#[derive(Clone, Debug)]
pub struct Leash(Arc<Held>);

#[derive(Debug)]
struct Held {
    id: u64,
    limit: Duration,
    cut: CancellationToken,
    /// The work was done or given up.
    over: CancellationToken,
    /// The connection that its statements go over on PostgreSQL.
    kept: Kept,
    /// Connections it has taken there.
    taken: Mutex<Vec<(Backends, i32)>>,
}

/// What a connection was told as it was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tie {
    /// As which role it acts; none for the one that it has.
    role: Option<String>,
    /// For which organization.
    organization: String,
    /// How long a statement may take, in milliseconds.
    limit: String,
}

/// Cuts the leash when it is dropped.
#[derive(Debug)]
pub struct Cut(Leash);

impl Drop for Cut {
    fn drop(&mut self) {
        self.0.cut();
    }
}

impl Leash {
    /// A new one, for work of which no statement may take longer than this.
    pub fn new(limit: Duration) -> Self {
        static IDS: AtomicU64 = AtomicU64::new(1);
        Self(Arc::new(Held {
            id: IDS.fetch_add(1, Ordering::Relaxed),
            limit,
            cut: CancellationToken::new(),
            over: CancellationToken::new(),
            kept: Kept::default(),
            taken: Mutex::default(),
        }))
    }

    /// Does the work until it is done or the leash is cut; none where it was cut.
    pub async fn hold<F: Future>(&self, work: F) -> Option<F::Output> {
        // Dropped after the work: see `carried`.
        let _over = self.0.over.clone().drop_guard();
        let work = LEASH.scope(self.clone(), work);
        let output = tokio::select! {
            biased;
            () = self.0.cut.cancelled() => None,
            output = work => Some(output),
        };
        self.0.kept.try_let_go();
        output
    }

    /// Cuts it as soon as the guard is dropped, e.g. with the future of a request whose client has left.
    pub fn cut_when_dropped(&self) -> Cut {
        Cut(self.clone())
    }

    /// Stops the work. Nothing happens where it is done already.
    pub fn cut(&self) {
        if self.0.over.is_cancelled() {
            return;
        }
        self.0.cut.cancel();
        let taken = std::mem::take(&mut *self.0.taken.lock().unwrap_or_else(PoisonError::into_inner));
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        for (backends, pid) in taken {
            let id = self.0.id;
            runtime.spawn(async move { backends.cancel(pid, id).await });
        }
    }

    /// The connection that its statements go over.
    pub(super) fn connection(&self) -> &Kept {
        &self.0.kept
    }

    /// The leash of this task.
    pub(super) fn current() -> Option<Self> {
        LEASH.try_with(Clone::clone).ok()
    }
}

/// Gives the connection back that this task's leash keeps, where it does.
pub(super) async fn let_go() {
    if let Some(leash) = Leash::current() {
        leash.0.kept.let_go().await;
    }
}

/// The same work, to be done in a task of its own, on the leash of this one.
///
/// It goes on a little longer than the work that waits for it: whoever waits is gone first.
pub fn carried<F: Future<Output = ()>>(work: F) -> impl Future<Output = ()> {
    let leash = Leash::current();
    async move {
        let Some(leash) = leash else { return work.await };
        let over = leash.0.over.clone();
        tokio::select! {
            biased;
            () = over.cancelled() => {}
            () = LEASH.scope(leash, work) => {}
        }
    }
}

/// Ties the leash of whoever takes a connection to it.
pub(super) fn sqlite(options: PoolOptions<Sqlite>) -> PoolOptions<Sqlite> {
    options
        .after_connect(|connection, _| Box::pin(tie(connection)))
        .before_acquire(|connection, _| Box::pin(async move { tie(connection).await.map(|()| true) }))
}

async fn tie(connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    let mut handle = connection.lock_handle().await?;
    match Leash::current() {
        Some(leash) => {
            let cut = leash.0.cut.clone();
            handle.set_progress_handler(STEPS, move || !cut.is_cancelled());
        }
        None => handle.remove_progress_handler(),
    }
    Ok(())
}

/// PostgreSQL's processes, and on which leash each one works.
#[derive(Clone, Debug)]
pub(super) struct Backends {
    /// What they may see.
    floor: Floor,
    holders: Arc<tokio::sync::Mutex<HashMap<i32, u64>>>,
    /// On which thread each was connected to: there its answers arrive, and are waited for at the least expense.
    homes: Arc<Mutex<HashMap<i32, ThreadId>>>,
    /// One connection, opened when something is to be cancelled and closed when it was idle for a while.
    canceller: PgPool,
}

impl Backends {
    pub(super) fn new(url: &str, floor: Floor) -> Result<Self, sqlx::Error> {
        let canceller = PoolOptions::<Postgres>::new()
            .max_connections(1)
            .acquire_timeout(Duration::from_secs(5))
            .idle_timeout(Duration::from_mins(1))
            .connect_lazy(url)?;
        Ok(Self { floor, holders: Arc::default(), homes: Arc::default(), canceller })
    }

    /// Ties the leash of whoever takes a connection to it.
    pub(super) fn tied(&self, options: PoolOptions<Postgres>) -> PoolOptions<Postgres> {
        let (new, idle) = (self.clone(), self.clone());
        options
            .after_connect(move |connection, _| {
                let new = new.clone();
                Box::pin(async move {
                    if let Some(pid) = new.tie(connection).await? {
                        new.is_at_home_here(pid);
                    }
                    Ok(())
                })
            })
            .before_acquire(move |connection, _| {
                let idle = idle.clone();
                Box::pin(async move { idle.tie(connection).await.map(|_| true) })
            })
    }

    /// What a connection of that leash is to be told.
    pub(super) fn wanted(&self, leash: &Leash) -> Tie {
        let (role, organization) = self.floor.wanted();
        let limit = (leash.0.limit + GRACE).as_millis().to_string();
        Tie { role: role.map(str::to_owned), organization, limit }
    }

    /// Says for whom this connection works from now on, sets the time limit and notes who works on it, in one round
    /// trip, which also shows whether the server is there. The process that works on it.
    pub(super) async fn tie(&self, connection: &mut PgConnection) -> Result<Option<i32>, sqlx::Error> {
        let leash = Leash::current();
        let rows = if let Some(leash) = &leash {
            // Reading, a query at a time: with every one of a dashboard's, so that it is prepared.
            let Tie { role, organization, limit } = self.wanted(leash);
            let tie = sqlx::query(TIE).bind(role).bind(organization).bind(limit);
            tie.fetch_all(connection).await?
        } else {
            // Ends what a cancelled `begin` may have left open. Where nothing is, a rollback alone would write a
            // warning into the server's log each time.
            let statement = format!(
                "BEGIN; ROLLBACK; {}RESET statement_timeout; SELECT pg_backend_pid()",
                self.floor.statement()
            );
            sqlx::raw_sql(AssertSqlSafe(statement)).fetch_all(connection).await?
        };
        let Some(pid) = rows.first().map(|row| row.try_get::<i32, _>(0)).transpose()? else {
            return Ok(None);
        };
        let _ = TIED.try_with(|tied| tied.set(Some(pid)));
        match leash {
            Some(leash) => self.note(pid, &leash).await,
            None => drop(self.holders.lock().await.remove(&pid)),
        }
        Ok(Some(pid))
    }

    fn is_at_home_here(&self, pid: i32) {
        let mut homes = self.homes.lock().unwrap_or_else(PoisonError::into_inner);
        if homes.len() >= MAX_HOLDERS {
            homes.clear();
        }
        homes.insert(pid, std::thread::current().id());
    }

    /// On which thread that process was connected to.
    pub(super) fn home(&self, pid: Option<i32>) -> Option<ThreadId> {
        self.homes.lock().unwrap_or_else(PoisonError::into_inner).get(&pid?).copied()
    }

    /// A connection of the pool, tied to this task's leash, and the process that it leads to.
    pub(super) async fn acquire(
        pool: &PgPool,
    ) -> Result<(PoolConnection<Postgres>, Option<i32>), sqlx::Error> {
        let taking = async { Ok((pool.acquire().await?, TIED.with(Cell::get))) };
        TIED.scope(Cell::new(None), taking).await
    }

    /// Notes that this process works on that leash from now on.
    pub(super) async fn note(&self, pid: i32, leash: &Leash) {
        let mut holders = self.holders.lock().await;
        if holders.len() >= MAX_HOLDERS {
            holders.clear();
        }
        holders.insert(pid, leash.0.id);
        let mut taken = leash.0.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.iter().all(|(_, known)| *known != pid) {
            taken.push((self.clone(), pid));
        }
    }

    /// Cancels what a process does, where it still works on that leash. While this is looked at nobody takes a
    /// connection, so that nobody else's statement is hit.
    async fn cancel(&self, pid: i32, id: u64) {
        let mut canceller = match self.canceller.acquire().await {
            Ok(canceller) => canceller,
            Err(error) => {
                tracing::warn!(%error, "a statement could not be cancelled; its time limit ends it");
                return;
            }
        };
        let mut holders = self.holders.lock().await;
        if holders.get(&pid) != Some(&id) {
            return;
        }
        let cancelling = sqlx::query("SELECT pg_cancel_backend($1)").bind(pid).execute(&mut *canceller);
        match tokio::time::timeout(CANCELLING, cancelling).await {
            Ok(Ok(_)) => {
                holders.remove(&pid);
            }
            Ok(Err(error)) => tracing::warn!(%error, "a statement could not be cancelled"),
            Err(_) => tracing::warn!("cancelling a statement took too long"),
        }
    }

    pub(super) async fn close(&self) {
        self.canceller.close().await;
    }
}
