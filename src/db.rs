//! The database: embedded SQLite, or PostgreSQL shared by many nodes.
//!
//! Three rules are kept here so that nobody else needs to know them:
//!
//! - Every write runs in a task of its own ([`Db::write`]). A request that is given up in the middle
//!   then cannot leave a pooled connection inside an open transaction (sqlx 0.9.0 can:
//!   launchbadge/sqlx#4385). As a net under that rule, a PostgreSQL connection is rolled back before it
//!   is handed out.
//! - A transaction that SQLite has ended by itself, on a full disk, must not be taken for an open one: see
//!   `outside_transactions`.
//! - On SQLite there is one writer, and its transactions take the write lock when they begin; readers
//!   have a pool of their own. A deferred transaction that turns into a writer would fail at once.

mod apart;
mod checkpoints;
pub mod copy;
pub mod facts;
pub mod filter;
pub mod freight;
pub mod leash;
pub mod news;
pub mod page;
mod planner;
pub mod portions;
pub mod reader;
pub mod references;
mod shelf;
mod standing;
pub mod walled;

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use migration::MigratorTrait as _;
use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr,
    SqliteTransactionMode, TransactionOptions, TransactionTrait as _,
    sqlx::{
        self, Connection as _, Sqlite, pool::PoolOptions, sqlite::SqliteJournalMode,
        sqlite::SqliteSynchronous,
    },
};

pub use self::checkpoints::PAGE;
use self::{checkpoints::OF_WORK, news::News, reader::Reader, shelf::Shelf};
use crate::clock::Chance;
use tracing::Instrument as _;

/// How many statements a connection keeps prepared.
const STATEMENTS: usize = 500;
/// How many rows SQLite's thread may be ahead of who reads them.
const ROWS_AT_ONCE: usize = 512;
/// What the writer of an SQLite file keeps of it in memory, as negative KiB: 8 MiB, so that indexes whose pages change
/// with every batch are not read again and again.
const WRITERS_CACHE: &str = "-8192";
/// What each reader keeps: 2 MiB, SQLite's own choice.
const READERS_CACHE: &str = "-2000";

/// What a piece of work inside a transaction is.
pub type Work<'c, T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + Send + 'c>>;

/// The pools. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Db {
    writer: DatabaseConnection,
    reader: Reader,
    statements: Arc<AtomicU64>,
    /// How statements are cancelled on PostgreSQL.
    backends: Option<leash::Backends>,
    floor: walled::Floor,
    news: News,
    /// Whose turn it is to write to an embedded database: SQLite itself would have them try again and again.
    turn: Arc<tokio::sync::Mutex<()>>,
    checkpoints: Arc<checkpoints::Checkpoints>,
}

impl Db {
    /// Opens the database behind `url` (`sqlite://…` or `postgres://…`), making an SQLite file that is not
    /// there. Makes no tables: see [`Db::migrate`].
    pub async fn connect(url: &str, max_connections: u32) -> Result<Self, DbErr> {
        let statements = Arc::new(AtomicU64::new(0));
        let floor = walled::Floor::default();
        let (mut writer, mut reader, backends);
        if url.starts_with("sqlite:") {
            let mut writing = sqlite(url, 1, WRITERS_CACHE);
            writing.map_sqlx_sqlite_pool_opts(outside_transactions);
            writer = Database::connect(writing).await?;
            let mut reading = sqlite(url, max_connections.clamp(1, 8), READERS_CACHE);
            reading.map_sqlx_sqlite_pool_opts(leash::sqlite);
            reader = Database::connect(reading).await?;
            backends = None;
        } else {
            let known = leash::Backends::new(url, floor.clone())
                .map_err(|error| DbErr::Conn(sea_orm::RuntimeErr::SqlxError(Arc::new(error))))?;
            writer = Database::connect(postgres(url, max_connections.max(2), known.clone())).await?;
            reader = writer.clone();
            backends = Some(known);
        }
        for pool in [&mut writer, &mut reader] {
            let count = Arc::clone(&statements);
            pool.set_metric_callback(move |_| {
                count.fetch_add(1, Ordering::Relaxed);
            });
        }
        let news = News::new(u64::from_be_bytes(Chance::system().bytes()));
        let shelf = backends.as_ref().map(|backends| {
            let pool = reader.get_postgres_connection_pool().clone();
            Shelf::new(pool, backends.clone(), max_connections.max(2))
        });
        let reader = Reader::new(reader, shelf, Arc::clone(&statements));
        Ok(Self {
            writer,
            reader,
            statements,
            backends,
            floor,
            news,
            turn: Arc::default(),
            checkpoints: Arc::default(),
        })
    }

    /// Brings the tables up to date. Safe to call from several nodes at once.
    pub async fn migrate(&self) -> Result<(), DbErr> {
        if self.is_sqlite() {
            self.change_tables().await?;
            return planner::teach(&self.writer).await;
        }
        // One node at a time: the others wait here, then find nothing left to do. The lock belongs to
        // the transaction that holds it, so that it goes with a node that dies.
        #[expect(clippy::disallowed_methods, reason = "held across the migration, which commits for itself")]
        let lock = self.writer.begin().await?;
        lock.execute_unprepared("SELECT pg_advisory_xact_lock(5823917)").await?;
        self.change_tables().await?;
        self.floor.lay(&self.writer).await;
        lock.commit().await
    }

    /// Takes the last changes of the tables back.
    #[cfg(test)]
    pub(crate) async fn take_back(&self, changes: u32) -> Result<(), DbErr> {
        migration::Migrator::down(&self.writer, Some(changes)).await
    }

    /// Tables that a newer version has changed already are left as they are: its changes only add.
    async fn change_tables(&self) -> Result<(), DbErr> {
        let changes = self.changes().await?;
        if changes.missing == 0 && !changes.unknown.is_empty() {
            let unknown = changes.unknown.join(", ");
            tracing::warn!(unknown, "a newer version has changed the tables; working with them as they are");
            return Ok(());
        }
        migration::Migrator::up(&self.writer, None).await
    }

    /// How many changes to the tables are missing. Those that a newer version has added do not count.
    pub async fn pending_migrations(&self) -> Result<usize, DbErr> {
        Ok(self.changes().await?.missing)
    }

    /// For reading outside transactions.
    pub fn reader(&self) -> &Reader {
        &self.reader
    }

    /// What has happened, for those who watch.
    pub fn news(&self) -> &News {
        &self.news
    }

    /// Does `work` in one transaction and commits it; on an error nothing of it stays. Goes on to its end
    /// even when the caller is gone. What it tells ([`news::tell`]) is given out after the commit.
    pub async fn write<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: for<'c> FnOnce(&'c DatabaseTransaction) -> Work<'c, T, E> + Send + 'static,
        T: Send + 'static,
        E: From<DbErr> + Send + 'static,
    {
        // One that waits for a second connection while it keeps a first could wait for others that do the same.
        leash::let_go().await;
        if !self.is_sqlite() {
            self.reader.give_way();
        }
        let db = self.clone();
        let task = async move {
            let _turn = if db.is_sqlite() { Some(db.turn.lock().await) } else { None };
            #[expect(clippy::disallowed_methods, reason = "the one home of transactions")]
            let tx = db
                .writer
                .begin_with_options(TransactionOptions {
                    sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
                    ..TransactionOptions::default()
                })
                .await?;
            let (result, told) = news::gather(work(&tx)).await;
            match result {
                Ok(value) => {
                    tx.commit().await?;
                    db.has_happened(0, OF_WORK, told);
                    Ok(value)
                }
                Err(error) => {
                    if let Err(rollback) = tx.rollback().await {
                        tracing::warn!(error = %rollback, "a transaction could not be rolled back");
                    }
                    Err(error)
                }
            }
        };
        // In the span of who asks: what the work writes down of its trace is theirs.
        let task = tokio::spawn(walled::carried(task).in_current_span());
        match task.await {
            Ok(result) => result,
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Err(_) => Err(E::from(DbErr::Custom("the program is stopping".to_owned()))),
        }
    }

    /// Whether this is the embedded database.
    pub fn is_sqlite(&self) -> bool {
        self.reader.get_database_backend() == DbBackend::Sqlite
    }

    /// How many statements were sent so far.
    pub fn statements(&self) -> u64 {
        self.statements.load(Ordering::Relaxed)
    }

    /// The PostgreSQL pool, for what needs a connection of its own (`LISTEN`); none on SQLite.
    pub fn postgres_pool(&self) -> Option<&sqlx::PgPool> {
        (!self.is_sqlite()).then(|| self.writer.get_postgres_connection_pool())
    }

    /// Asks the database for an answer.
    pub async fn ping(&self) -> Result<(), DbErr> {
        self.reader.ping().await
    }

    /// Closes the pools.
    pub async fn close(self) -> Result<(), DbErr> {
        self.reader.close();
        if let Some(backends) = &self.backends {
            backends.close().await;
        }
        self.reader.close_by_ref().await?;
        self.writer.close().await
    }
}

fn sqlite(url: &str, max_connections: u32, cache: &'static str) -> ConnectOptions {
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(max_connections)
        .min_connections(1)
        .acquire_timeout(Duration::from_secs(10))
        .test_before_acquire(false)
        .sqlx_logging(false)
        .map_sqlx_sqlite_opts(move |options| {
            options
                .create_if_missing(true)
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(synchronous())
                .foreign_keys(true)
                .busy_timeout(busy_timeout())
                .statement_cache_capacity(STATEMENTS)
                // A batch of rows is handed over at once, not fifty by fifty with two threads waking each other.
                .row_buffer_size(ROWS_AT_ONCE)
                // What a statement may have to take back is kept in memory, not in a file of its own.
                .pragma("temp_store", "MEMORY")
                .pragma("cache_size", cache)
                .pragma("wal_autocheckpoint", checkpoints::LOG_PAGES)
        });
    options
}

/// How long a writer waits for another program that writes to the same file, e.g. a command that is run beside the gateway.
const fn busy_timeout() -> Duration {
    Duration::from_secs(10)
}

/// What is committed is on disk. Only a torture that has to notice when it is not can say otherwise, and only to a
/// program that was built for development.
#[cfg(debug_assertions)]
#[expect(clippy::disallowed_methods, reason = "no setting: a program for use does not have it")]
fn synchronous() -> SqliteSynchronous {
    match std::env::var("TORTURE_SYNCHRONOUS").as_deref() {
        Ok("off") => SqliteSynchronous::Off,
        Ok("normal") => SqliteSynchronous::Normal,
        _ => SqliteSynchronous::Full,
    }
}

/// What is committed is on disk.
#[cfg(not(debug_assertions))]
const fn synchronous() -> SqliteSynchronous {
    SqliteSynchronous::Full
}

/// A connection is handed out only outside of any transaction; else it is closed, and another one opened.
///
/// Where the disk is full or fails, SQLite ends a transaction by itself. sqlx 0.9.0 does not hear of it, takes the next
/// transaction for one inside of the last, and what is rolled back then leaves it open: everything after that would
/// look stored to the writer, and be gone with it.
fn outside_transactions(options: PoolOptions<Sqlite>) -> PoolOptions<Sqlite> {
    options.before_acquire(|connection, _| {
        Box::pin(async move {
            if !connection.is_in_transaction() {
                return Ok(true);
            }
            // A rollback may be on its way, which is over when this is answered.
            connection.ping().await?;
            Ok(!connection.is_in_transaction())
        })
    })
}

fn postgres(url: &str, max_connections: u32, backends: leash::Backends) -> ConnectOptions {
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(max_connections)
        .acquire_timeout(Duration::from_secs(5))
        .test_before_acquire(false)
        .sqlx_logging(false)
        .map_sqlx_postgres_opts(|options| options.statement_cache_capacity(STATEMENTS))
        .map_sqlx_postgres_pool_opts(move |options| backends.tied(options));
    options
}

#[cfg(test)]
mod tests {
    //! The first trap of the ground: a transaction that is given up while it begins.
    #![expect(clippy::disallowed_methods, reason = "does on purpose what the rest of the program must not")]

    use super::*;

    /// How often a transaction is given up while it begins. Without the rollback before a connection is
    /// handed out, a good part of these leaves a connection inside a transaction.
    const GIVEN_UP: u32 = 2_000;

    async fn open(dir: &std::path::Path) -> Db {
        let url = std::env::var("TEST_DATABASE_URL")
            .unwrap_or_else(|_| format!("sqlite://{}", dir.join("test.db").display()));
        Db::connect(&url, 4).await.expect("the test database opens")
    }

    fn temp_dir(name: &str) -> std::path::PathBuf {
        let dir = std::env::temp_dir().join(format!("psa-gateway-{name}-{}", uuid::Uuid::now_v7()));
        std::fs::create_dir_all(&dir).expect("a temporary folder can be made");
        dir
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn a_transaction_given_up_while_it_begins_swallows_nobody_elses_write() {
        let dir = temp_dir("begin");
        let (db, other) = (open(&dir).await, open(&dir).await);
        let table = format!("trap_{}", uuid::Uuid::now_v7().simple());
        db.writer.execute_unprepared(&format!("CREATE TABLE {table} (id BIGINT PRIMARY KEY)")).await.unwrap();
        let mut lost = 0;
        for id in 0..GIVEN_UP {
            // Dropped after 0 to about 0.2 ms: before, while and after the BEGIN is on its way.
            let begin =
                tokio::time::timeout(Duration::from_micros(u64::from(id % 40) * 5), db.writer.begin());
            drop(begin.await);
            db.writer.execute_unprepared(&format!("INSERT INTO {table} (id) VALUES ({id})")).await.unwrap();
            let seen = other
                .writer
                .query_one_raw(sea_orm::Statement::from_string(
                    other.writer.get_database_backend(),
                    format!("SELECT id FROM {table} WHERE id = {id}"),
                ))
                .await
                .unwrap();
            lost += u32::from(seen.is_none());
        }
        db.writer.execute_unprepared(&format!("DROP TABLE {table}")).await.unwrap();
        assert_eq!(lost, 0, "{lost} of {GIVEN_UP} writes vanished in somebody else's transaction");
    }

    #[tokio::test]
    async fn a_transaction_that_sqlite_has_ended_by_itself_swallows_no_later_write() {
        let dir = temp_dir("ended");
        let url = format!("sqlite://{}", dir.join("test.db").display());
        let db = Db::connect(&url, 4).await.unwrap();
        db.writer.execute_unprepared("CREATE TABLE ended (id BIGINT PRIMARY KEY)").await.unwrap();
        let insert = |id: i64, ends: &'static str| {
            db.write::<(), DbErr, _>(move |tx| {
                Box::pin(async move {
                    tx.execute_unprepared(&format!("INSERT INTO ended (id) VALUES ({id})")).await?;
                    // What a full disk does: the transaction is over, and nobody but SQLite knows.
                    tx.execute_unprepared(ends).await?;
                    if ends == "ROLLBACK" {
                        Err(DbErr::Custom("the disk is full".to_owned()))
                    } else {
                        Ok(())
                    }
                })
            })
        };
        insert(1, "ROLLBACK").await.unwrap_err();
        insert(2, "NOT SQL").await.unwrap_err();
        insert(3, "SELECT 1").await.unwrap();
        let kept = sea_orm::Statement::from_string(DbBackend::Sqlite, "SELECT id FROM ended".to_owned());
        let rows = db.reader.query_all_raw(kept).await.unwrap();
        assert_eq!(rows.len(), 1, "only what was committed is there, and it is there for everybody");
        assert_eq!(rows[0].try_get::<i64>("", "id").unwrap(), 3);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn a_write_goes_on_to_its_end_when_its_caller_is_gone() {
        let dir = temp_dir("write");
        let db = open(&dir).await;
        let table = format!("gone_{}", uuid::Uuid::now_v7().simple());
        db.writer.execute_unprepared(&format!("CREATE TABLE {table} (id BIGINT PRIMARY KEY)")).await.unwrap();
        let (begun, has_begun) = tokio::sync::oneshot::channel();
        let (go_on, may_go_on) = tokio::sync::oneshot::channel::<()>();
        let (done, is_done) = tokio::sync::oneshot::channel();
        let insert = format!("INSERT INTO {table} (id) VALUES (1)");
        let writing = db.write::<(), DbErr, _>(move |tx| {
            Box::pin(async move {
                let _ = begun.send(());
                let _ = may_go_on.await;
                tx.execute_unprepared(&insert).await?;
                let _ = done.send(());
                Ok(())
            })
        });
        tokio::select! {
            _ = writing => unreachable!("it waits to be allowed to go on"),
            _ = has_begun => {}
        }
        let _ = go_on.send(());
        is_done.await.unwrap();
        let count = sea_orm::Statement::from_string(
            db.writer.get_database_backend(),
            format!("SELECT id FROM {table}"),
        );
        // The next transaction waits for the one that writes, or sees it committed.
        let rows = loop {
            let rows = db.writer.query_all_raw(count.clone()).await.unwrap().len();
            if rows > 0 {
                break rows;
            }
            tokio::task::yield_now().await;
        };
        assert_eq!(rows, 1);
        db.writer.execute_unprepared(&format!("DROP TABLE {table}")).await.unwrap();
    }
}
