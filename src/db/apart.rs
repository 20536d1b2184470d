//! Connections of the inbox's own, beside the pools: who takes webhooks in never waits until somebody else gives a
//! connection back.

use std::sync::atomic::Ordering;

use sea_orm::{
    ConnAcquireErr, DbErr,
    sqlx::{self, Connection as _, PgConnection, sqlite::SqliteSynchronous},
};
use tokio::sync::MutexGuard;

use super::{Db, WRITERS_CACHE, busy_timeout, checkpoints::LOG_PAGES, news::Happened, synchronous};

impl Db {
    /// A connection of the caller's own to the embedded database, for its own thread: a statement is then a call, and
    /// no message to another thread. Write in your turn only: see [`Db::turn`].
    pub fn own_sqlite(&self) -> rusqlite::Result<rusqlite::Connection> {
        let options = self.writer.get_sqlite_connection_pool().connect_options();
        let own = rusqlite::Connection::open_with_flags(
            options.get_filename(),
            rusqlite::OpenFlags::SQLITE_OPEN_READ_WRITE | rusqlite::OpenFlags::SQLITE_OPEN_NO_MUTEX,
        )?;
        own.busy_timeout(busy_timeout())?;
        own.pragma_update(None, "foreign_keys", true)?;
        own.pragma_update(None, "synchronous", level())?;
        own.pragma_update(None, "temp_store", "MEMORY")?;
        own.pragma_update(None, "cache_size", WRITERS_CACHE)?;
        own.pragma_update(None, "wal_autocheckpoint", LOG_PAGES)?;
        Ok(own)
    }

    /// Waits until nobody else of this program writes to the embedded database; others wait until it is dropped.
    /// Blocks its thread.
    pub fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn.blocking_lock()
    }

    /// A connection of the caller's own to PostgreSQL, as the role as which the gateway itself works.
    pub async fn own_postgres(&self) -> Result<PgConnection, sqlx::Error> {
        let options = self.writer.get_postgres_connection_pool().connect_options();
        PgConnection::connect_with(&options).await
    }

    /// An error once the pools were closed: connections of one's own are not to be used then either.
    pub fn is_open(&self) -> Result<(), DbErr> {
        let is_closed = if self.is_sqlite() {
            self.writer.get_sqlite_connection_pool().is_closed()
        } else {
            self.writer.get_postgres_connection_pool().is_closed()
        };
        if is_closed { Err(DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed)) } else { Ok(()) }
    }

    /// What was done over a connection of one's own, after its commit: how many statements it took, how many pages of
    /// the embedded database the rows of it fill, and what is told.
    pub fn has_happened(&self, statements: u64, pages: u32, told: Vec<Happened>) {
        self.statements.fetch_add(statements, Ordering::Relaxed);
        if self.is_sqlite() {
            self.has_committed(pages);
        }
        self.news.publish(told);
    }
}

/// How durable a commit is, as SQLite says it.
pub(super) fn level() -> &'static str {
    match synchronous() {
        SqliteSynchronous::Off => "OFF",
        SqliteSynchronous::Normal => "NORMAL",
        _ => "FULL",
    }
}
