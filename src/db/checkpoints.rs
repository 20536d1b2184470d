//! Moves what was committed from the embedded database's write-ahead log into the file itself, beside those who write.
//!
//! SQLite does that by itself within a commit, each time the log has grown by a few megabytes: whoever commits then
//! waits for it. Here a thread of its own does it.

use std::{
    path::PathBuf,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU32, Ordering},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
};

use rusqlite::CachedStatement;
use tokio::sync::Mutex;

use super::Db;

/// After some so many pages (2.5 MiB) the thread is woken. Whoever commits while it has them written to the disk waits
/// behind them there, so that they are few.
const PAGES: u32 = 640;
/// How long a page is, in bytes: as SQLite has it where nobody asked for another length.
pub const PAGE: usize = 4_096;
/// How many pages a commit writes besides those that its rows fill: the ends of indexes.
const OF_A_COMMIT: u32 = 10;
/// How many pages rows fill that are written in the course of work, as a rule.
pub(super) const OF_WORK: u32 = 10;
/// From this length of the log on (96 MiB) the last of it is moved while nobody writes: only where nothing is left can
/// the log begin anew, and beside those who write all the time there is always something.
const LONG: i64 = 24_576;
/// From this length on (160 MiB) whoever commits moves what is left, should the thread be gone or not get along.
pub(super) const LOG_PAGES: &str = "40960";

/// Wakes the thread.
#[derive(Debug, Default)]
pub(super) struct Checkpoints {
    /// Some so many were committed since it was woken.
    pages: AtomicU32,
    /// Nothing where the machine gives no thread: commits do the work.
    thread: OnceLock<Option<SyncSender<()>>>,
}

impl Db {
    /// Something was committed to the embedded database, the rows of which fill so many pages.
    pub(super) fn has_committed(&self, pages: u32) {
        let more = pages.saturating_add(OF_A_COMMIT);
        if self.checkpoints.pages.fetch_add(more, Ordering::Relaxed).saturating_add(more) < PAGES {
            return;
        }
        self.checkpoints.pages.store(0, Ordering::Relaxed);
        let thread = self.checkpoints.thread.get_or_init(|| {
            let options = self.writer.get_sqlite_connection_pool().connect_options();
            start(options.get_filename().to_owned(), Arc::clone(&self.turn)).ok()
        });
        if let Some(thread) = thread {
            // It is at it already where this does not succeed.
            let _ = thread.try_send(());
        }
    }
}

/// Starts the thread. It ends with its [`Checkpoints`].
fn start(file: PathBuf, turn: Arc<Mutex<()>>) -> std::io::Result<SyncSender<()>> {
    let (wake, woken) = sync_channel(1);
    let work = move || {
        if let Err(error) = work(&file, &turn, &woken) {
            tracing::warn!(%error, "the log of the database is moved by those who write, who wait for it");
        }
    };
    std::thread::Builder::new().name("checkpoints".to_owned()).spawn(work)?;
    Ok(wake)
}

fn work(file: &std::path::Path, turn: &Mutex<()>, woken: &Receiver<()>) -> rusqlite::Result<()> {
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_WRITE | rusqlite::OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let own = rusqlite::Connection::open_with_flags(file, flags)?;
    own.pragma_update(None, "synchronous", super::apart::level())?;
    let mut checkpoint = own.prepare_cached("PRAGMA wal_checkpoint(PASSIVE)")?;
    while woken.recv().is_ok() {
        if length_after(&mut checkpoint) < LONG {
            continue;
        }
        // Once more beside those who write, so that what they wait for is little.
        length_after(&mut checkpoint);
        let _turn = turn.blocking_lock();
        length_after(&mut checkpoint);
    }
    Ok(())
}

/// Moves what can be moved, and gives how many pages the log has. Never waits for readers or writers, and leaves what
/// they still need.
fn length_after(checkpoint: &mut CachedStatement<'_>) -> i64 {
    checkpoint.query_row([], |row| row.get(1)).unwrap_or_else(|error| {
        tracing::debug!(%error, "the log of the database was not moved this time");
        0
    })
}
