//! Reading outside transactions.
//!
//! What hangs on one leash ([`super::leash`]), all statements of a dashboard's query, keeps the connection of PostgreSQL
//! that its first statement took from the shelf. The gateway's own work reads over connections that are kept for it.

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
    RuntimeErr, Statement, sqlx,
};
use tokio::sync::{Mutex, OwnedMutexGuard};
use uuid::Uuid;

use super::{
    leash::Leash,
    shelf::{Shelf, Taken},
    standing::Standing,
    walled,
};

/// The pool that is read through.
#[derive(Clone, Debug)]
pub struct Reader {
    pool: DatabaseConnection,
    /// Where connections to PostgreSQL are taken by who is on a leash.
    shelf: Option<Arc<Shelf>>,
    /// Those of who is on none, and behind no wall.
    standing: AnyStanding,
    /// Counts statements that go around the pool.
    statements: Arc<AtomicU64>,
}

impl Reader {
    pub(super) fn new(
        pool: DatabaseConnection,
        shelf: Option<Arc<Shelf>>,
        statements: Arc<AtomicU64>,
    ) -> Self {
        let standing = if pool.get_database_backend() == DbBackend::Postgres {
            AnyStanding::Postgres(Arc::new(Standing::new(pool.get_postgres_connection_pool().clone())))
        } else {
            AnyStanding::Sqlite(Arc::new(Standing::new(pool.get_sqlite_connection_pool().clone())))
        };
        Self { pool, shelf, standing, statements }
    }

    /// Keeps no connection from the pool from now on.
    pub(super) fn close(&self) {
        if let Some(shelf) = &self.shelf {
            shelf.close();
        }
        match &self.standing {
            AnyStanding::Sqlite(standing) => standing.close(),
            AnyStanding::Postgres(standing) => standing.close(),
        }
    }

    /// Keeps no connection that others wait for.
    pub(super) fn give_way(&self) {
        match &self.standing {
            AnyStanding::Sqlite(standing) => standing.give_way(),
            AnyStanding::Postgres(standing) => standing.give_way(),
        }
    }

    /// The rows of a statement, over the connection that the task's work is to go over.
    async fn rows(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        if let Some(mut held) = self.kept().await? {
            return held.rows(&statement).await;
        }
        if Leash::current().is_some() || walled::current().is_some() {
            self.give_way();
            return self.pool.query_all_raw(statement).await;
        }
        self.statements.fetch_add(1, Ordering::Relaxed);
        let rows = match &self.standing {
            AnyStanding::Sqlite(standing) => standing.rows(&statement).await,
            AnyStanding::Postgres(standing) => standing.rows(&statement).await,
        };
        rows.map_err(|error| match error {
            error @ (sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed) => not_acquired(error),
            error => DbErr::Query(RuntimeErr::SqlxError(error.into())),
        })
    }

    /// The connection that this task's leash keeps; none where it is on no leash, and on SQLite.
    async fn kept(&self) -> Result<Option<Held>, DbErr> {
        let (Some(from), Some(leash)) = (&self.shelf, Leash::current()) else { return Ok(None) };
        self.give_way();
        let held = Kept::hold(leash, from).await?;
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
        Ok(self.rows(statement).await?.into_iter().next())
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.rows(statement).await
    }
}

#[derive(Clone, Debug)]
enum AnyStanding {
    Sqlite(Arc<Standing<sqlx::Sqlite>>),
    Postgres(Arc<Standing<sqlx::Postgres>>),
}

/// The connection that a leash keeps, from its first statement on.
#[derive(Clone, Debug, Default)]
pub(super) struct Kept(Arc<Mutex<Option<Connection>>>);

#[derive(Debug)]
struct Connection {
    taken: Taken,
    /// The organization that it was taken for.
    within: Option<Uuid>,
    /// Where it was taken from.
    from: Arc<Shelf>,
}

impl Kept {
    /// Takes it for a statement; statements of one leash wait for each other. One that was taken for another
    /// organization, or leads to another database, goes back.
    async fn hold(leash: Leash, shelf: &Arc<Shelf>) -> Result<Held, DbErr> {
        let mut kept = Arc::clone(&leash.connection().0).lock_owned().await;
        let within = walled::current();
        let is_it = |kept: &Connection| kept.within == within && Arc::ptr_eq(&kept.from, shelf);
        if !kept.as_ref().is_some_and(is_it) {
            *kept = None;
            let taken = shelf.take(&leash).await.map_err(not_acquired)?;
            *kept = Some(Connection { taken, within, from: Arc::clone(shelf) });
        }
        Ok(Held { leash, kept })
    }

    /// Gives it back.
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

struct Held {
    leash: Leash,
    kept: OwnedMutexGuard<Option<Connection>>,
}

impl Held {
    async fn rows(&mut self, statement: &Statement) -> Result<Vec<QueryResult>, DbErr> {
        let Some(Connection { taken, .. }) = self.kept.as_mut() else { return Ok(Vec::new()) };
        match taken.rows(&self.leash, statement).await {
            Ok(rows) => Ok(rows.into_iter().map(Into::into).collect()),
            Err(error) => {
                // The connection broke, rather than the statement: the pool finds out, and the next one is another.
                if error.as_database_error().is_none() {
                    self.kept.take();
                }
                Err(DbErr::Query(RuntimeErr::SqlxError(error.into())))
            }
        }
    }
}

fn not_acquired(error: sqlx::Error) -> DbErr {
    match error {
        sqlx::Error::PoolTimedOut => DbErr::ConnectionAcquire(ConnAcquireErr::Timeout),
        sqlx::Error::PoolClosed => DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed),
        error => DbErr::Conn(RuntimeErr::SqlxError(error.into())),
    }
}
