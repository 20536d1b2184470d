//! The embedded database's file: copying it while it is written, looking into a copy, and having it alone.
//!
//! A copy is made by `VACUUM INTO`: one statement that reads one state of the database, whatever is written meanwhile,
//! and takes no lock that a writer waits for. (SQLite's back-up interface begins anew whenever another process writes,
//! and on a busy gateway may never end.) What is copied needs neither `-wal` nor `-shm`.
//!
//! Source: SQLite documentation, `VACUUM`, section 4; "Write-Ahead Logging", section 7 (read-only databases).

use std::{
    io,
    path::{Path, PathBuf},
    str::FromStr as _,
    time::Duration,
};

use migration::MigratorTrait as _;
use sea_orm::sqlx::{self, Connection as _, SqliteConnection, sqlite::SqliteConnectOptions};

/// How long somebody else's lock is waited for.
const WAIT: Duration = Duration::from_secs(10);
/// How many problems of a file are told.
const PROBLEMS: usize = 5;
/// How every SQLite database begins.
const BEGINNING: &[u8] = b"SQLite format 3\0";

/// Something is wrong with a file that should be a copy of our database.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// It is something else.
    #[error("it is no SQLite database")]
    NotSqlite,
    /// It is in use, or was copied while it was.
    #[error(
        "there is a file {0} beside it, so it is in use or was copied while it was; make the copy with \
         `psa-gateway backup`"
    )]
    HasJournal(String),
    /// It is damaged.
    #[error("it is damaged: {0}")]
    Damaged(String),
    /// It is another program's.
    #[error("it is an SQLite database of another program")]
    NotOurs,
    /// It cannot be read.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// SQLite says no.
    #[error(transparent)]
    Sqlite(#[from] sqlx::Error),
}

/// The changes to the tables that a database has had, held against those that this program knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// How many it lacks.
    pub missing: usize,
    /// Names of those that this program does not know: a newer one made them.
    pub unknown: Vec<String>,
}

impl Changes {
    pub(super) fn of(applied: &[String]) -> Self {
        let known: Vec<String> = names();
        Self {
            missing: known.iter().filter(|name| !applied.contains(name)).count(),
            unknown: applied.iter().filter(|name| !known.contains(name)).cloned().collect(),
        }
    }
}

fn names() -> Vec<String> {
    migration::Migrator::migrations().iter().map(|change| change.name().to_owned()).collect()
}

/// The file behind `url` (`sqlite://…`).
pub fn file_of(url: &str) -> Result<PathBuf, CopyError> {
    Ok(SqliteConnectOptions::from_str(url)?.get_filename().to_owned())
}

/// What SQLite writes beside a database: its journal, and what its users share.
pub fn beside(file: &Path) -> [PathBuf; 3] {
    ["-wal", "-shm", "-journal"].map(|ending| {
        let mut name = file.as_os_str().to_owned();
        name.push(ending);
        PathBuf::from(name)
    })
}

/// Copies a database as it is now, also while it is written. `copy` is not there, or is empty.
pub async fn copy(file: &Path, copy: &Path) -> Result<(), CopyError> {
    let mut connection = SqliteConnection::connect_with(&existing(file)).await?;
    let copied = sqlx::query("VACUUM INTO ?")
        .bind(copy.to_string_lossy().into_owned())
        .execute(&mut connection)
        .await
        .map(|_| ());
    connection.close().await?;
    Ok(copied?)
}

/// Looks at every page of a copy that nobody uses, and says which changes to the tables it has had.
pub async fn check(file: &Path) -> Result<Changes, CopyError> {
    let mut beginning = [0_u8; BEGINNING.len()];
    match io::Read::read_exact(&mut std::fs::File::open(file)?, &mut beginning) {
        Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => return Err(error.into()),
        read if read.is_err() || beginning != *BEGINNING => return Err(CopyError::NotSqlite),
        _ => {}
    }
    let full = |path: &PathBuf| std::fs::metadata(path).is_ok_and(|file| file.len() > 0);
    let [wal, _, journal] = beside(file);
    if let Some(path) = [wal, journal].into_iter().find(full) {
        return Err(CopyError::HasJournal(path.display().to_string()));
    }
    // Nothing is written beside it, and it may lie on a medium that takes no writing.
    let options = existing(file).read_only(true).immutable(true);
    let mut connection = SqliteConnection::connect_with(&options).await?;
    let looked = look(&mut connection).await;
    connection.close().await?;
    looked
}

async fn look(connection: &mut SqliteConnection) -> Result<Changes, CopyError> {
    let said: Vec<String> = sqlx::query_scalar("PRAGMA quick_check(5)").fetch_all(&mut *connection).await?;
    if said != ["ok"] {
        return Err(CopyError::Damaged(said.into_iter().take(PROBLEMS).collect::<Vec<_>>().join("; ")));
    }
    let table = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'seaql_migrations'";
    let tables: i64 = sqlx::query_scalar(table).fetch_one(&mut *connection).await?;
    if tables == 0 {
        return Err(CopyError::NotOurs);
    }
    let applied: Vec<String> =
        sqlx::query_scalar("SELECT version FROM seaql_migrations").fetch_all(&mut *connection).await?;
    let changes = Changes::of(&applied);
    // Somebody else's table of that name has none of ours.
    if changes.missing == names().len() { Err(CopyError::NotOurs) } else { Ok(changes) }
}

/// Makes a database one file that nobody has open. False where somebody has: nothing was changed then.
pub async fn fold(file: &Path) -> Result<bool, CopyError> {
    let options = existing(file).busy_timeout(Duration::from_secs(1));
    let mut connection = SqliteConnection::connect_with(&options).await?;
    // Whoever has the database open in this mode holds a lock that stands against leaving it.
    let mode: Result<String, _> =
        sqlx::query_scalar("PRAGMA journal_mode = DELETE").fetch_one(&mut connection).await;
    connection.close().await?;
    match mode {
        Ok(mode) => Ok(mode == "delete"),
        Err(error) if is_busy(&error) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

fn is_busy(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code().map(std::borrow::Cow::into_owned));
    // The extended codes of SQLITE_BUSY (5) and SQLITE_LOCKED (6).
    code.and_then(|code| code.parse::<i32>().ok()).is_some_and(|code| matches!(code & 0xff, 5 | 6))
}

fn existing(file: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new().filename(file).create_if_missing(false).busy_timeout(WAIT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{clock::Chance, db::Db};

    struct Folder(PathBuf);

    impl Folder {
        fn new() -> Self {
            let folder = std::env::temp_dir().join(format!("copy-{}", Chance::system().alphanumeric(12)));
            std::fs::create_dir(&folder).unwrap();
            Self(folder)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    async fn database(file: &Path) -> Db {
        let db = Db::connect(&format!("sqlite://{}", file.display()), 2).await.unwrap();
        db.migrate().await.unwrap();
        db
    }

    #[tokio::test]
    async fn a_database_in_use_is_copied_whole_and_is_not_had_alone() {
        let folder = Folder::new();
        let (file, other) = (folder.0.join("gateway.db"), folder.0.join("copy.db"));
        let db = database(&file).await;
        copy(&file, &other).await.unwrap();
        assert_eq!(check(&other).await.unwrap(), Changes::default());
        assert!(matches!(check(&file).await, Err(CopyError::HasJournal(_))));
        assert!(!fold(&file).await.unwrap(), "the gateway has it open");
        db.ping().await.unwrap();
        db.close().await.unwrap();
        assert!(fold(&file).await.unwrap());
        assert!(beside(&file).iter().all(|path| !path.exists()), "it is one file");
        assert_eq!(check(&file).await.unwrap(), Changes::default());
    }

    #[tokio::test]
    async fn a_copy_that_is_damaged_or_something_else_is_told_apart() {
        let folder = Folder::new();
        let (file, other) = (folder.0.join("gateway.db"), folder.0.join("other.db"));
        std::fs::write(&other, "a letter to somebody").unwrap();
        assert!(matches!(check(&other).await, Err(CopyError::NotSqlite)));
        std::fs::write(&other, "").unwrap();
        assert!(matches!(check(&other).await, Err(CopyError::NotSqlite)));
        let empty = Db::connect(&format!("sqlite://{}", file.display()), 2).await.unwrap();
        empty.close().await.unwrap();
        fold(&file).await.unwrap();
        std::fs::remove_file(&file).unwrap();

        database(&file).await.close().await.unwrap();
        assert!(fold(&file).await.unwrap());
        let mut bytes = std::fs::read(&file).unwrap();
        for byte in bytes.iter_mut().skip(4_096).step_by(512) {
            *byte ^= 0x5a;
        }
        std::fs::write(&file, bytes).unwrap();
        let damaged = check(&file).await;
        assert!(matches!(damaged, Err(CopyError::Damaged(_) | CopyError::Sqlite(_))), "{damaged:?}");
    }

    #[test]
    fn changes_of_a_newer_program_are_named() {
        let mut applied = names();
        assert_eq!(Changes::of(&applied), Changes::default());
        applied.pop();
        applied.push("m20990101_000001_tomorrow".to_owned());
        let changes = Changes::of(&applied);
        assert_eq!((changes.missing, changes.unknown), (1, vec!["m20990101_000001_tomorrow".to_owned()]));
    }
}
