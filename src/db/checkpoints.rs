//! Moves what was committed from the embedded database's write-ahead log into the file itself, beside those who write.
//!
//! SQLite does that by itself within a commit, each time the log has grown by a few megabytes: whoever commits then
//! waits for it. Here a thread of its own does it, and commits do what it leaves over: see [`LOG_PAGES`].

use std::{
    path::PathBuf,
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
};

use super::Db;

/// After so many commits the thread is woken.
const COMMITS: u32 = 32;
/// From this length of the log on (128 MiB) a commit moves what is left: only where nothing is left can the log begin
/// anew, and beside those who write all the time there is always something. Whoever commits then waits some 20 ms, so
/// that it has to be seldom.
pub(super) const LOG_PAGES: &str = "32768";

/// Wakes the thread.
#[derive(Debug, Default)]
pub(super) struct Checkpoints {
    commits: AtomicU32,
    /// Nothing where the machine gives no thread: commits do the work.
    thread: OnceLock<Option<SyncSender<()>>>,
}

impl Db {
    /// Something was committed to the embedded database.
    pub(super) fn has_committed(&self) {
        if !(self.checkpoints.commits.fetch_add(1, Ordering::Relaxed) + 1).is_multiple_of(COMMITS) {
            return;
        }
        let thread = self.checkpoints.thread.get_or_init(|| {
            let options = self.writer.get_sqlite_connection_pool().connect_options();
            start(options.get_filename().to_owned()).ok()
        });
        if let Some(thread) = thread {
            // It is at it already where this does not succeed.
            let _ = thread.try_send(());
        }
    }
}

/// Starts the thread. It ends with its [`Checkpoints`].
fn start(file: PathBuf) -> std::io::Result<SyncSender<()>> {
    let (wake, woken) = sync_channel(1);
    let work = move || {
        if let Err(error) = work(&file, &woken) {
            tracing::warn!(%error, "the log of the database is moved by those who write, who wait for it");
        }
    };
    std::thread::Builder::new().name("checkpoints".to_owned()).spawn(work)?;
    Ok(wake)
}

fn work(file: &std::path::Path, woken: &Receiver<()>) -> rusqlite::Result<()> {
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_WRITE | rusqlite::OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let own = rusqlite::Connection::open_with_flags(file, flags)?;
    own.pragma_update(None, "synchronous", super::apart::level())?;
    let mut checkpoint = own.prepare("PRAGMA wal_checkpoint(PASSIVE)")?;
    while woken.recv().is_ok() {
        // Never waits for readers or writers, and leaves what they still need.
        if let Err(error) = checkpoint.query_row([], |_| Ok(())) {
            tracing::debug!(%error, "the log of the database was not moved this time");
        }
    }
    Ok(())
}
