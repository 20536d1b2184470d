//! How the database is set up, read from a connection like those that the gateway works with.

use std::time::{Duration, Instant};

use entity::Timestamp;
use sea_orm::{
    DbErr,
    sqlx::{self, Connection as _, SqlitePool},
};

use super::{Db, copy::Changes, leash::Leash};

/// How long a look at every page of the database may take.
const CHECKING: Duration = Duration::from_mins(5);

/// What time it is at the PostgreSQL server, in microseconds.
const THEIR_TIME: &str = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint";

/// How an SQLite database is set up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SqliteFacts {
    /// `wal`, or another way to keep a journal.
    pub journal_mode: String,
    /// 0 off, 1 normal, 2 full, 3 extra.
    pub synchronous: i64,
    /// Its size, in bytes.
    pub bytes: u64,
    /// What is wrong with its pages; none where nothing is. `Err` where looking took too long.
    pub damage: Result<Vec<String>, String>,
}

/// How a PostgreSQL server is set up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PostgresFacts {
    /// As the server says it, e.g. `15.8`.
    pub version: String,
    /// The same as a number, e.g. 150008.
    pub version_number: i64,
    /// `on` where what is committed is on disk.
    pub fsync: String,
    /// How long a commit waits.
    pub synchronous_commit: String,
    /// `on` where a page that was written in part can be mended.
    pub full_page_writes: String,
    /// Connections that the server takes, without those that only its administrators get.
    pub connections: i64,
    /// Connections that are open now.
    pub open: i64,
    /// How far the server's clock is ahead of ours, in milliseconds.
    pub ahead_millis: i64,
    /// Two connections of ours are served by one of the server's: a pooler hands them out anew for each transaction.
    pub has_transaction_pooler: bool,
}

impl Db {
    /// Which changes to the tables the database has had; changes nothing.
    pub async fn changes(&self) -> Result<Changes, DbErr> {
        let applied: Vec<String> = if self.is_sqlite() {
            let pool = self.reader.get_sqlite_connection_pool();
            let table =
                "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'seaql_migrations'";
            let tables: i64 = sqlx::query_scalar(table).fetch_one(pool).await.map_err(told)?;
            if tables == 0 { Vec::new() } else { applied_in(pool).await.map_err(told)? }
        } else {
            let pool = self.writer.get_postgres_connection_pool();
            let table = "SELECT to_regclass('seaql_migrations') IS NOT NULL";
            let is_there: bool = sqlx::query_scalar(table).fetch_one(pool).await.map_err(told)?;
            let applied = sqlx::query_scalar("SELECT version::text FROM seaql_migrations");
            if is_there { applied.fetch_all(pool).await.map_err(told)? } else { Vec::new() }
        };
        Ok(Changes::of(&applied))
    }

    /// How the embedded database is set up; none on PostgreSQL.
    pub async fn sqlite_facts(&self) -> Result<Option<SqliteFacts>, DbErr> {
        if !self.is_sqlite() {
            return Ok(None);
        }
        let pool = self.writer.get_sqlite_connection_pool();
        let whole = |statement: &'static str| async move {
            sqlx::query_scalar::<_, i64>(statement).fetch_one(pool).await.map_err(told)
        };
        let journal_mode = sqlx::query_scalar("PRAGMA journal_mode").fetch_one(pool).await.map_err(told)?;
        let (pages, size) = (whole("PRAGMA page_count").await?, whole("PRAGMA page_size").await?);
        // A connection of the readers': nobody who writes waits for it, and it can be stopped.
        let reader = self.reader.get_sqlite_connection_pool();
        let leash = Leash::new(CHECKING);
        let checked =
            leash.hold(async { sqlx::query_scalar("PRAGMA quick_check(5)").fetch_all(reader).await });
        let too_long = async {
            tokio::time::sleep(CHECKING).await;
            leash.cut();
            std::future::pending::<()>().await;
        };
        let said = tokio::select! {
            said = checked => said,
            () = too_long => None,
        };
        let damage = match said {
            Some(said) => {
                let said: Vec<String> = said.map_err(told)?;
                Ok(said.into_iter().filter(|line| line != "ok").collect())
            }
            None => Err(format!("not done within {} seconds", CHECKING.as_secs())),
        };
        Ok(Some(SqliteFacts {
            journal_mode,
            synchronous: whole("PRAGMA synchronous").await?,
            bytes: u64::try_from(pages.saturating_mul(size)).unwrap_or_default(),
            damage,
        }))
    }

    /// What time it is at the PostgreSQL server, and how long it took to ask; none on SQLite.
    pub async fn now(&self) -> Result<Option<(Timestamp, Duration)>, DbErr> {
        let Some(pool) = self.postgres_pool() else { return Ok(None) };
        let mut one = pool.acquire().await.map_err(told)?;
        let timer = Instant::now();
        let theirs: i64 = sqlx::query_scalar(THEIR_TIME).fetch_one(&mut *one).await.map_err(told)?;
        Ok(Some((Timestamp(theirs), timer.elapsed())))
    }

    /// How the PostgreSQL server is set up; none on SQLite. `now` tells our time.
    pub async fn postgres_facts(&self, now: impl Fn() -> Timestamp) -> Result<Option<PostgresFacts>, DbErr> {
        match self.postgres_pool() {
            Some(pool) => postgres(pool, now).await.map(Some).map_err(told),
            None => Ok(None),
        }
    }
}

async fn applied_in(pool: &SqlitePool) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar("SELECT version FROM seaql_migrations").fetch_all(pool).await
}

async fn postgres(pool: &sqlx::PgPool, now: impl Fn() -> Timestamp) -> Result<PostgresFacts, sqlx::Error> {
    let mut one = pool.acquire().await?;
    let setting = "SELECT current_setting($1)";
    let mut settings = Vec::new();
    for name in [
        "server_version",
        "server_version_num",
        "fsync",
        "synchronous_commit",
        "full_page_writes",
        "max_connections",
        "superuser_reserved_connections",
    ] {
        settings.push(sqlx::query_scalar::<_, String>(setting).bind(name).fetch_one(&mut *one).await?);
    }
    let mut settings = settings.into_iter();
    let mut text = || settings.next().unwrap_or_default();
    let (version, number) = (text(), text());
    let (fsync, synchronous_commit, full_page_writes) = (text(), text(), text());
    let (most, reserved) = (text(), text());
    let whole = |text: &str| text.parse::<i64>().unwrap_or_default();
    let open =
        sqlx::query_scalar("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'")
            .fetch_one(&mut *one)
            .await?;
    let (asked, timer) = (now(), Instant::now());
    let theirs: i64 = sqlx::query_scalar(THEIR_TIME).fetch_one(&mut *one).await?;
    let half_way = i64::try_from(timer.elapsed().as_millis() / 2).unwrap_or_default();
    Ok(PostgresFacts {
        version,
        version_number: whole(&number),
        fsync,
        synchronous_commit,
        full_page_writes,
        connections: whole(&most) - whole(&reserved),
        open,
        ahead_millis: Timestamp(theirs).millis_since(asked) - half_way,
        has_transaction_pooler: is_shared(&mut one, pool).await?,
    })
}

/// Whether a second connection of ours gets the server's process that has just served the first, while both are open.
async fn is_shared(one: &mut sqlx::PgConnection, pool: &sqlx::PgPool) -> Result<bool, sqlx::Error> {
    let pid = "SELECT pg_backend_pid()";
    let mut other = pool.acquire().await?;
    let first: i32 = sqlx::query_scalar(pid).fetch_one(&mut *one).await?;
    // What is in a transaction keeps its process.
    let mut held = other.begin().await?;
    let second: i32 = sqlx::query_scalar(pid).fetch_one(&mut *held).await?;
    let third: i32 = sqlx::query_scalar(pid).fetch_one(&mut *one).await?;
    held.rollback().await?;
    Ok(first == second || first != third)
}

fn told(error: sqlx::Error) -> DbErr {
    DbErr::Query(sea_orm::RuntimeErr::SqlxError(std::sync::Arc::new(error)))
}
