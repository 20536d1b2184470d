//! Writing webhooks into the embedded database: one thread with a connection of its own, which waits for nothing but
//! the disk and its turn among those who write.

use std::panic::{AssertUnwindSafe, catch_unwind};

use rusqlite::{CachedStatement, Connection, ErrorCode, OptionalExtension as _, params};
use sea_orm::{DbErr, RuntimeErr};
use uuid::Uuid;

use super::{Accepted, BATCH, Receiver, Row, Stored, Waiting, answer, refuse};
use crate::{error::Error, ground::Ground};

const INSERT: &str = "INSERT INTO webhook_delivery (id, organization_id, webhook_endpoint_id, message_id, request_id, \
     verified_by, webhook_secret_id, headers, body, received_at, duplicate_count, state, run_at, attempts, lease_until, \
     fence, trace_context) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 0, 'received', ?10, 0, 0, 0, ?11) \
     ON CONFLICT (webhook_endpoint_id, message_id) DO NOTHING";
const REPEAT: &str = "UPDATE webhook_delivery SET duplicate_count = duplicate_count + 1 \
     WHERE webhook_endpoint_id = ?1 AND message_id = ?2 RETURNING id";
const OWNER: &str = "SELECT organization_id FROM webhook_endpoint WHERE id = ?1";

/// Starts the thread. It ends when nobody can send any more.
pub(super) fn start(ground: Ground, mut receiver: Receiver) -> std::io::Result<()> {
    let work = move || {
        let mut batch = Vec::with_capacity(BATCH);
        while receiver.blocking_recv_many(&mut batch, 1) > 0 {
            let served = catch_unwind(AssertUnwindSafe(|| serve(&ground, &mut batch, &mut receiver)));
            match served {
                Ok(Ok(())) => {}
                Ok(Err(error)) => refuse(&mut batch, &error),
                // Its senders are told to come again, by nobody answering them.
                Err(_) => batch.clear(),
            }
        }
    };
    std::thread::Builder::new().name("inbox".to_owned()).spawn(work).map(drop)
}

/// Writes this batch and those that come, over a new connection: until nobody can send any more, or writing fails.
/// What of the batch is left then was not stored.
fn serve(ground: &Ground, batch: &mut Vec<Waiting>, receiver: &mut Receiver) -> Result<(), Error> {
    let own = ground.db.own_sqlite().map_err(|error| away(&error))?;
    let mut hand = Hand::new(&own).map_err(|error| away(&error))?;
    loop {
        ground.db.is_open()?;
        let turn = ground.db.turn();
        // While it waited for its turn, others have come.
        while batch.len() < BATCH
            && let Ok(waiting) = receiver.try_recv()
        {
            batch.push(waiting);
        }
        let stored = hand.store(batch);
        if stored.is_err() && !own.is_autocommit() {
            own.execute_batch("ROLLBACK").map_err(|error| away(&error))?;
        }
        drop(turn);
        let statements = u64::try_from(batch.len()).unwrap_or_default();
        answer(ground, batch, stored.map_err(|error| away(&error))?, statements);
        if receiver.blocking_recv_many(batch, 1) == 0 {
            return Ok(());
        }
    }
}

/// What is asked of the database again and again, made ready once.
struct Hand<'c> {
    begin: CachedStatement<'c>,
    insert: CachedStatement<'c>,
    repeat: CachedStatement<'c>,
    owner: CachedStatement<'c>,
    commit: CachedStatement<'c>,
}

impl<'c> Hand<'c> {
    fn new(own: &'c Connection) -> rusqlite::Result<Self> {
        Ok(Self {
            begin: own.prepare_cached("BEGIN IMMEDIATE")?,
            insert: own.prepare_cached(INSERT)?,
            repeat: own.prepare_cached(REPEAT)?,
            owner: own.prepare_cached(OWNER)?,
            commit: own.prepare_cached("COMMIT")?,
        })
    }

    /// Stores rows in one commit; a row whose message came before is counted on the first one. On an error nothing of
    /// them is stored, and a transaction may be open.
    fn store(&mut self, batch: &mut [Waiting]) -> rusqlite::Result<Stored> {
        self.begin.execute([])?;
        let mut stored = Vec::with_capacity(batch.len());
        for Waiting { row, .. } in batch {
            let mut added = self.add(row);
            // Between look and store its organization may have been merged into another one.
            if added.as_ref().is_err_and(is_refused) && self.follow(row)? {
                added = self.add(row);
            }
            stored.push(match added {
                // A row that the database refuses (its endpoint was removed a moment ago) takes no other with it.
                Err(error) if is_refused(&error) => {
                    tracing::warn!(%error, "a webhook was refused by the database");
                    Err(Error::Internal(error.into()))
                }
                added => Ok(added?),
            });
        }
        self.commit.execute([])?;
        Ok(stored)
    }

    /// Whether the endpoint is another organization's than it was when it was looked up: then so is the row.
    fn follow(&mut self, row: &mut Row) -> rusqlite::Result<bool> {
        let owner = self
            .owner
            .query_row(params![row.webhook_endpoint_id.as_bytes()], |found| found.get::<_, [u8; 16]>(0));
        let owner = Uuid::from_bytes(owner.optional()?.unwrap_or_else(|| row.organization_id.into_bytes()));
        let has_moved = owner != row.organization_id;
        row.organization_id = owner;
        Ok(has_moved)
    }

    fn add(&mut self, row: &Row) -> rusqlite::Result<Accepted> {
        let inserted = self.insert.execute(params![
            row.id.as_bytes(),
            row.organization_id.as_bytes(),
            row.webhook_endpoint_id.as_bytes(),
            row.message_id,
            row.request_id,
            row.verified_by.as_ref(),
            row.webhook_secret_id.as_ref().map(Uuid::as_bytes),
            row.headers,
            &row.body[..],
            row.received_at.0,
            row.trace_context,
        ])?;
        if inserted == 1 {
            return Ok(Accepted { delivery_id: Some(row.id), is_repeated: false });
        }
        let first =
            self.repeat.query_row(params![row.webhook_endpoint_id.as_bytes(), row.message_id], |found| {
                found.get::<_, [u8; 16]>(0)
            });
        Ok(Accepted { delivery_id: Some(Uuid::from_bytes(first?)), is_repeated: true })
    }
}

/// Whether the database refuses the row, rather than failing.
fn is_refused(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation)
}

/// Nobody can be told more than that: the disk is full or failed, or another program writes all the time.
fn away(error: &rusqlite::Error) -> Error {
    Error::Unavailable(DbErr::Conn(RuntimeErr::Internal(error.to_string())))
}
