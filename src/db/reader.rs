//! Reading outside transactions.
//!
//! A connection of PostgreSQL is tied to whoever takes it, and looked at when it comes back: two round trips beside the
//! statement itself. What hangs on one leash ([`super::leash`]), all statements of a dashboard's query, therefore keeps
//! the connection that its first statement took.

use std::{
    ops::Deref,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use sea_orm::{
    ConnAcquireErr, ConnectionTrait, DatabaseConnection, DbBackend, DbErr, ExecResult, QueryResult,
    RuntimeErr, Statement, Values,
    sqlx::{self, AssertSqlSafe, PgPool, Postgres, pool::PoolConnection, query::Query},
};
use sea_query_sqlx::SqlxValues;
use tokio::sync::{Mutex, OwnedMutexGuard};
use uuid::Uuid;

use super::{leash::Leash, walled};

/// The pool that is read through.
#[derive(Clone, Debug)]
pub struct Reader {
    pool: DatabaseConnection,
    /// Counts statements that go around the pool.
    statements: Arc<AtomicU64>,
}

impl Reader {
    pub(super) fn new(pool: DatabaseConnection, statements: Arc<AtomicU64>) -> Self {
        Self { pool, statements }
    }

    /// The connection that this task's leash keeps; none where it is on no leash, and on SQLite.
    async fn kept(&self) -> Result<Option<Held>, DbErr> {
        if self.pool.get_database_backend() != DbBackend::Postgres {
            return Ok(None);
        }
        let Some(leash) = Leash::current() else { return Ok(None) };
        let pool = self.pool.get_postgres_connection_pool();
        let held = leash.connection().hold(pool, &self.statements).await?;
        self.statements.fetch_add(1, Ordering::Relaxed);
        Ok(Some(held))
    }
}

impl Deref for Reader {
    type Target = DatabaseConnection;

    fn deref(&self) -> &DatabaseConnection {
        &self.pool
    }
}

#[async_trait]
impl ConnectionTrait for Reader {
    fn get_database_backend(&self) -> DbBackend {
        self.pool.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.pool.execute_raw(statement).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.pool.execute_unprepared(sql).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        match self.kept().await? {
            Some(mut held) => Ok(held.rows(&statement).await?.into_iter().next()),
            None => self.pool.query_one_raw(statement).await,
        }
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        match self.kept().await? {
            Some(mut held) => held.rows(&statement).await,
            None => self.pool.query_all_raw(statement).await,
        }
    }
}

/// The connection that a leash keeps, from its first statement on.
#[derive(Clone, Debug, Default)]
pub(super) struct Kept(Arc<Mutex<Option<Connection>>>);

#[derive(Debug)]
struct Connection {
    open: PoolConnection<Postgres>,
    /// The organization that it was taken for.
    within: Option<Uuid>,
    /// The database that it leads to, by its count of statements.
    to: Arc<AtomicU64>,
}

impl Kept {
    /// Takes it for a statement; statements of one leash wait for each other. One that was taken for another
    /// organization, or leads to another database, goes back.
    async fn hold(&self, pool: &PgPool, to: &Arc<AtomicU64>) -> Result<Held, DbErr> {
        let mut kept = Arc::clone(&self.0).lock_owned().await;
        let within = walled::current();
        let is_it = |kept: &Connection| kept.within == within && Arc::ptr_eq(&kept.to, to);
        if !kept.as_ref().is_some_and(is_it) {
            *kept = None;
            let connection = pool.acquire().await.map_err(not_acquired)?;
            *kept = Some(Connection { open: connection, within, to: Arc::clone(to) });
        }
        Ok(Held(kept))
    }

    /// Gives it back to the pool.
    pub(super) async fn let_go(&self) {
        self.0.lock().await.take();
    }

    /// The same where nobody uses it in this moment. Who does gives it back as they end.
    pub(super) fn try_let_go(&self) {
        if let Ok(mut kept) = self.0.try_lock() {
            kept.take();
        }
    }
}

struct Held(OwnedMutexGuard<Option<Connection>>);

impl Held {
    async fn rows(&mut self, statement: &Statement) -> Result<Vec<QueryResult>, DbErr> {
        let Some(Connection { open, .. }) = self.0.as_mut() else { return Ok(Vec::new()) };
        match query(statement).fetch_all(&mut **open).await {
            Ok(rows) => Ok(rows.into_iter().map(Into::into).collect()),
            Err(error) => {
                // The connection broke, rather than the statement: the pool finds out, and the next one is another.
                if error.as_database_error().is_none() {
                    self.0.take();
                }
                Err(DbErr::Query(RuntimeErr::SqlxError(error.into())))
            }
        }
    }
}

fn query(statement: &Statement) -> Query<'_, Postgres, SqlxValues> {
    let values = statement.values.clone().unwrap_or(Values(Vec::new()));
    sqlx::query_with(AssertSqlSafe(statement.sql.as_str()), SqlxValues(values))
}

fn not_acquired(error: sqlx::Error) -> DbErr {
    match error {
        sqlx::Error::PoolTimedOut => DbErr::ConnectionAcquire(ConnAcquireErr::Timeout),
        sqlx::Error::PoolClosed => DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed),
        error => DbErr::Conn(RuntimeErr::SqlxError(error.into())),
    }
}
