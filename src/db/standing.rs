//! Connections over which the gateway's own work reads, kept ready between its statements.
//!
//! Work that hangs on no leash and stands behind no wall wants of a connection what its predecessor wanted. The pool
//! does not know that: on PostgreSQL it pays two round trips beside each statement, on SQLite it wakes the connection's
//! thread twice more. That one broke meanwhile shows with its next statement, which goes over another one then: it only
//! reads.

#[cfg(test)]
mod tests;

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use sea_orm::{
    QueryResult, Statement, Values,
    sqlx::{
        self, AssertSqlSafe, Database, Executor, IntoArguments, Pool, pool::PoolConnection, query::Query,
    },
};
use sea_query_sqlx::SqlxValues;
use tokio::{task::JoinHandle, time::Instant};

use super::shelf::is_broken;

/// How many are kept at the most: as many as usually read at the same time.
const MOST: u32 = 2;
/// How long one is used again and again before the pool has a look at it.
const ROUND: Duration = Duration::from_mins(1);
/// How long one stands idle before it goes back to the pool: others may wait there.
const IDLE: Duration = Duration::from_millis(250);

/// Connections that nobody reads over at the moment.
#[derive(Debug)]
pub(super) struct Standing<D: Database> {
    pool: Pool<D>,
    /// How many may stand here: a quarter of the pool's at the most.
    most: usize,
    free: Mutex<Vec<Kept<D>>>,
    is_closed: AtomicBool,
    /// Takes back to the pool what has stood idle too long.
    sweeper: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Debug)]
struct Kept<D: Database> {
    open: PoolConnection<D>,
    /// Since when it has not been in the pool.
    out: Instant,
    /// Since when it stands here.
    since: Instant,
}

impl<D> Standing<D>
where
    D: Database,
    SqlxValues: IntoArguments<D>,
    for<'c> &'c mut D::Connection: Executor<'c, Database = D>,
    QueryResult: From<D::Row>,
{
    pub(super) fn new(pool: Pool<D>) -> Self {
        let most = (pool.options().get_max_connections() / 4).min(MOST);
        let most = usize::try_from(most).unwrap_or_default();
        Self {
            pool,
            most,
            free: Mutex::default(),
            is_closed: AtomicBool::new(false),
            sweeper: Mutex::default(),
        }
    }

    /// The rows of a statement that only reads. Call it on no leash and behind no wall: for that its connections are
    /// taken from the pool.
    pub(super) async fn rows(
        self: &Arc<Self>,
        statement: &Statement,
    ) -> Result<Vec<QueryResult>, sqlx::Error> {
        let ready = self.free().pop();
        if let Some(kept) = ready {
            match self.rows_over(kept, statement).await {
                Err(error) if is_broken(&error) => {
                    // What stands beside it has broken with it, as a rule.
                    drop(std::mem::take(&mut *self.free()));
                }
                answer => return answer,
            }
        }
        let open = self.pool.acquire().await?;
        let now = Instant::now();
        let fresh = Kept { open, out: now, since: now };
        self.rows_over(fresh, statement).await
    }

    /// Whoever gives up waiting, and an error, leave the connection to the pool, which looks at it.
    async fn rows_over(
        self: &Arc<Self>,
        mut kept: Kept<D>,
        statement: &Statement,
    ) -> Result<Vec<QueryResult>, sqlx::Error> {
        let rows = query(statement).fetch_all(&mut *kept.open).await?;
        self.put(kept);
        Ok(rows.into_iter().map(Into::into).collect())
    }

    fn put(self: &Arc<Self>, mut kept: Kept<D>) {
        kept.since = Instant::now();
        if kept.since - kept.out > ROUND || self.pool.is_closed() {
            return;
        }
        let mut free = self.free();
        // Looked at under the lock: whoever closes sets it before they take it.
        if free.len() >= self.most || self.is_closed.load(Ordering::Relaxed) {
            return;
        }
        free.push(kept);
        drop(free);
        let mut sweeper = self.sweeper.lock().unwrap_or_else(PoisonError::into_inner);
        if sweeper.as_ref().is_none_or(JoinHandle::is_finished) {
            let weak = Arc::downgrade(self);
            *sweeper = Some(tokio::spawn(async move {
                loop {
                    tokio::time::sleep(IDLE).await;
                    let Some(standing) = weak.upgrade() else { return };
                    if standing.sweep() {
                        return;
                    }
                }
            }));
        }
    }

    /// Gives back to the pool what has stood idle too long. Whether nothing is left.
    fn sweep(&self) -> bool {
        let mut free = self.free();
        let old: Vec<_> = free.extract_if(.., |kept| kept.since.elapsed() >= IDLE).collect();
        let is_empty = free.is_empty();
        drop(free);
        drop(old);
        is_empty
    }

    /// Gives them back to a pool that has none left for others.
    pub(super) fn give_way(&self) {
        if self.pool.num_idle() == 0 && self.pool.size() >= self.pool.options().get_max_connections() {
            drop(std::mem::take(&mut *self.free()));
        }
    }

    /// Gives them all back to the pool, and keeps none from now on.
    pub(super) fn close(&self) {
        self.is_closed.store(true, Ordering::Relaxed);
        drop(std::mem::take(&mut *self.free()));
    }

    fn free(&self) -> MutexGuard<'_, Vec<Kept<D>>> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<D: Database> Drop for Standing<D> {
    fn drop(&mut self) {
        let all = std::mem::take(self.free.get_mut().unwrap_or_else(PoisonError::into_inner));
        // The pool looks at them in a task. Where there are no tasks any more the program ends, and they with it.
        if tokio::runtime::Handle::try_current().is_err() {
            all.into_iter().for_each(std::mem::forget);
        }
    }
}

/// A statement, ready to be sent.
pub(super) fn query<D>(statement: &Statement) -> Query<'_, D, SqlxValues>
where
    D: Database,
    SqlxValues: IntoArguments<D>,
{
    let values = statement.values.clone().unwrap_or(Values(Vec::new()));
    sqlx::query_with(AssertSqlSafe(statement.sql.as_str()), SqlxValues(values))
}
