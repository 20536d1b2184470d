//! Connections over which the gateway's own work reads, kept ready between its statements.
//!
//! Work that hangs on no leash and stands behind no wall wants of a connection what its predecessor wanted. The pool
//! does not know that: on PostgreSQL it pays two round trips beside each statement, on SQLite it wakes the connection's
//! thread twice more. That one broke meanwhile shows with its next statement, which goes over another one then: it only
//! reads.

use std::{
    sync::{
        Mutex, PoisonError,
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
use tokio::time::Instant;

use super::shelf::is_broken;

/// How many are kept at the most: as many as usually read at the same time.
const MOST: u32 = 2;
/// How long one is used again and again before the pool has a look at it.
const ROUND: Duration = Duration::from_mins(1);

/// Connections that nobody reads over at the moment.
#[derive(Debug)]
pub(super) struct Standing<D: Database> {
    pool: Pool<D>,
    /// How many may stand here: a quarter of the pool's at the most.
    most: usize,
    free: Mutex<Vec<Kept<D>>>,
    is_closed: AtomicBool,
}

#[derive(Debug)]
struct Kept<D: Database> {
    open: PoolConnection<D>,
    /// Since when it has not been in the pool.
    out: Instant,
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
        Self { pool, most, free: Mutex::default(), is_closed: AtomicBool::new(false) }
    }

    /// The rows of a statement that only reads. Call it on no leash and behind no wall: for that its connections are
    /// taken from the pool.
    pub(super) async fn rows(&self, statement: &Statement) -> Result<Vec<QueryResult>, sqlx::Error> {
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
        let fresh = Kept { open: self.pool.acquire().await?, out: Instant::now() };
        self.rows_over(fresh, statement).await
    }

    /// Whoever gives up waiting, and an error, leave the connection to the pool, which looks at it.
    async fn rows_over(
        &self,
        mut kept: Kept<D>,
        statement: &Statement,
    ) -> Result<Vec<QueryResult>, sqlx::Error> {
        let rows = query(statement).fetch_all(&mut *kept.open).await?;
        self.put(kept);
        Ok(rows.into_iter().map(Into::into).collect())
    }

    fn put(&self, kept: Kept<D>) {
        if kept.out.elapsed() > ROUND || self.pool.is_closed() {
            return;
        }
        let mut free = self.free();
        // Looked at under the lock: whoever closes sets it before they take it.
        if free.len() < self.most && !self.is_closed.load(Ordering::Relaxed) {
            free.push(kept);
        }
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

    fn free(&self) -> std::sync::MutexGuard<'_, Vec<Kept<D>>> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn query<D>(statement: &Statement) -> Query<'_, D, SqlxValues>
where
    D: Database,
    SqlxValues: IntoArguments<D>,
{
    let values = statement.values.clone().unwrap_or(Values(Vec::new()));
    sqlx::query_with(AssertSqlSafe(statement.sql.as_str()), SqlxValues(values))
}
