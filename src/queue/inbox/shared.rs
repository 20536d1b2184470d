//! Writing webhooks into PostgreSQL: a few hands with a connection each. One batch is one statement, which is its own
//! transaction: one message to the server and one back.
#![expect(clippy::disallowed_methods, reason = "asks whose an endpoint is")]

use std::{collections::HashMap, sync::Arc, time::Duration};

use entity::{webhook_delivery::DeliveryState, webhook_endpoint};
use sea_orm::{
    ActiveEnum as _, DbErr, EntityTrait as _, QuerySelect as _, RuntimeErr,
    sqlx::{self, PgConnection, Row as _},
};
use tokio::sync::Mutex;
use uuid::Uuid;

use super::{Accepted, BATCH, Receiver, Row, Stored, Waiting, answer, refuse};
use crate::{error::Error, ground::Ground};

/// How many batches are on their way at the same time: one is written while another waits for the disk.
const HANDS: usize = 2;
/// So few are written together, however many wait.
const FEW: usize = 16;
/// How long a batch may take. A server that does not answer would keep its hand for as long as the network likes.
const PATIENCE: Duration = Duration::from_secs(10);

const INSERT: &str = "INSERT INTO webhook_delivery (id, organization_id, webhook_endpoint_id, message_id, request_id, \
     verified_by, webhook_secret_id, headers, body, received_at, duplicate_count, state, run_at, attempts, lease_until, \
     fence, trace_context) \
     SELECT id, organization_id, webhook_endpoint_id, message_id, request_id, verified_by, webhook_secret_id, \
     headers::jsonb, body, received_at, 0, $12, received_at, 0, 0, 0, trace_context \
     FROM UNNEST($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::uuid[], $8::text[], \
     $9::bytea[], $10::bigint[], $11::text[]) AS came (id, organization_id, webhook_endpoint_id, message_id, request_id, \
     verified_by, webhook_secret_id, headers, body, received_at, trace_context) \
     ON CONFLICT (webhook_endpoint_id, message_id) DO NOTHING";
/// The first ones of messages that came before. What this very batch has stored is told from them by its id.
const FIRST: &str = "SELECT delivery.webhook_endpoint_id, delivery.message_id, delivery.id FROM webhook_delivery AS delivery \
     JOIN UNNEST($1::uuid[], $2::text[]) AS came (webhook_endpoint_id, message_id) \
     USING (webhook_endpoint_id, message_id)";
const REPEAT: &str = "UPDATE webhook_delivery SET duplicate_count = duplicate_count + came.times \
     FROM UNNEST($1::uuid[], $2::int[]) AS came (id, times) WHERE webhook_delivery.id = came.id";

/// Starts the hands. They end when nobody can send any more.
pub(super) fn start(ground: &Ground, receiver: Receiver) {
    let receiver = Arc::new(Mutex::new(receiver));
    for _ in 0..HANDS {
        let hand = Hand { ground: ground.clone(), own: None };
        tokio::spawn(hand.work(Arc::clone(&receiver)));
    }
}

/// How many of those that wait are written together: half of them. Where senders wait for their answers before they send
/// more, one half is on its way to the disk while the other is answered and comes again; all together, they and the disk
/// would wait for each other in turn.
fn share(waiting: usize) -> usize {
    (waiting / 2).clamp(FEW, BATCH)
}

struct Hand {
    ground: Ground,
    /// Opened for the first batch, and again after a failure.
    own: Option<PgConnection>,
}

impl Hand {
    async fn work(mut self, receiver: Arc<Mutex<Receiver>>) {
        let mut batch = Vec::with_capacity(BATCH);
        loop {
            {
                let mut receiver = receiver.lock().await;
                let share = share(receiver.len());
                if receiver.recv_many(&mut batch, share).await == 0 {
                    return;
                }
            }
            match self.store(&batch).await {
                Ok((stored, statements)) => answer(&self.ground, &mut batch, stored, statements),
                // One row that the database refuses (its endpoint was removed a moment ago, or is another organization's by
                // now) must not take the others with it.
                Err(Error::Internal(error)) => {
                    tracing::warn!(%error, "a batch of webhooks was refused; storing them one by one");
                    for waiting in std::mem::take(&mut batch) {
                        let mut alone = vec![waiting];
                        match self.store_alone(&mut alone).await {
                            Ok((stored, statements)) => answer(&self.ground, &mut alone, stored, statements),
                            Err(error) => refuse(&mut alone, &error),
                        }
                    }
                }
                Err(error) => refuse(&mut batch, &error),
            }
        }
    }

    /// Stores one row, as whoever's its endpoint is by now: between look and store its organization may have been merged into
    /// another one.
    async fn store_alone(&mut self, alone: &mut [Waiting]) -> Result<(Stored, u64), Error> {
        for Waiting { row, .. } in alone.iter_mut() {
            let owner: Option<Uuid> = webhook_endpoint::Entity::find_by_id(row.webhook_endpoint_id)
                .select_only()
                .column(webhook_endpoint::Column::OrganizationId)
                .into_tuple()
                .one(self.ground.db.reader())
                .await?;
            row.organization_id = owner.unwrap_or(row.organization_id);
        }
        self.store(alone).await
    }

    /// Stores rows in one commit; a row whose message came before is counted on the first one. Gives what became of
    /// them, and how many statements it took.
    async fn store(&mut self, batch: &[Waiting]) -> Result<(Stored, u64), Error> {
        // In one order everywhere, so that two batches with the same messages never wait for each other; and once each.
        let mut rows: Vec<&Row> = batch.iter().map(|waiting| &waiting.row).collect();
        rows.sort_by(|a, b| a.message().cmp(&b.message()).then(a.id.cmp(&b.id)));
        rows.dedup_by(|later, first| later.message() == first.message());
        let is_kept = self.own.is_some();
        let mut written = self.write(&rows, batch).await;
        // A connection that was kept may have been lost long ago. What it has stored all the same is found by its id.
        if is_kept && matches!(written, Err(Error::Unavailable(_))) {
            written = self.write(&rows, batch).await;
        }
        written
    }

    async fn write(&mut self, rows: &[&Row], batch: &[Waiting]) -> Result<(Stored, u64), Error> {
        let mut own = self.own.take();
        self.ground.db.is_open()?;
        let writing = async {
            let own = match &mut own {
                Some(own) => own,
                none => none.insert(self.ground.db.own_postgres().await?),
            };
            write(own, rows, batch).await
        };
        let written = if let Ok(written) = tokio::time::timeout(PATIENCE, writing).await {
            written.map_err(|error| DbErr::Exec(RuntimeErr::SqlxError(Arc::new(error))).into())
        } else {
            let words = format!("no answer within {} seconds", PATIENCE.as_secs());
            Err(Error::Unavailable(DbErr::Conn(RuntimeErr::Internal(words))))
        };
        // After an error nobody knows what a connection is in the middle of.
        if written.is_ok() {
            self.own = own;
        }
        written
    }
}

async fn write(
    own: &mut PgConnection,
    rows: &[&Row],
    batch: &[Waiting],
) -> Result<(Stored, u64), sqlx::Error> {
    let inserted = insert(own, rows).await?;
    let mut statements = 1;
    let mut found = Vec::new();
    let first_of: HashMap<(Uuid, &str), Uuid> = if inserted == rows.len() {
        rows.iter().map(|row| (row.message(), row.id)).collect()
    } else {
        statements += 1;
        found.extend(first(own, rows).await?);
        found.iter().map(|(endpoint_id, message_id, id)| ((*endpoint_id, message_id.as_str()), *id)).collect()
    };
    let mut again: HashMap<Uuid, i32> = HashMap::new();
    let stored = batch.iter().map(|Waiting { row, .. }| {
        let Some(&delivery_id) = first_of.get(&row.message()) else {
            // The first one was removed for its age between two statements: when it comes again, it is new.
            return Err(Error::Unavailable(DbErr::RecordNotFound(row.id.to_string())));
        };
        let is_repeated = delivery_id != row.id;
        if is_repeated {
            *again.entry(delivery_id).or_default() += 1;
        }
        Ok(Accepted { delivery_id: Some(delivery_id), is_repeated })
    });
    let stored = stored.collect();
    if !again.is_empty() {
        statements += 1;
        let mut again: Vec<_> = again.into_iter().collect();
        again.sort_unstable(); // two hands never wait for each other
        let (ids, times): (Vec<Uuid>, Vec<i32>) = again.into_iter().unzip();
        sqlx::query(REPEAT).bind(ids).bind(times).execute(own).await?;
    }
    Ok((stored, statements))
}

/// Inserts rows whose messages are new; gives how many those are.
async fn insert(own: &mut PgConnection, rows: &[&Row]) -> Result<usize, sqlx::Error> {
    fn all<'r, T>(rows: &[&'r Row], what: impl Fn(&'r Row) -> T) -> Vec<T> {
        rows.iter().map(|row| what(row)).collect()
    }
    let inserted = sqlx::query(INSERT)
        .bind(all(rows, |row| row.id))
        .bind(all(rows, |row| row.organization_id))
        .bind(all(rows, |row| row.webhook_endpoint_id))
        .bind(all(rows, |row| row.message_id.as_str()))
        .bind(all(rows, |row| row.request_id.as_str()))
        .bind(all(rows, |row| row.verified_by.as_ref()))
        .bind(all(rows, |row| row.webhook_secret_id))
        .bind(all(rows, |row| row.headers.as_str()))
        .bind(all(rows, |row| &row.body[..]))
        .bind(all(rows, |row| row.received_at.0))
        .bind(all(rows, |row| row.trace_context.as_deref()))
        .bind(DeliveryState::Received.to_value())
        .execute(own)
        .await?
        .rows_affected();
    Ok(usize::try_from(inserted).unwrap_or(usize::MAX))
}

/// The stored ones of messages.
async fn first(own: &mut PgConnection, rows: &[&Row]) -> Result<Vec<(Uuid, String, Uuid)>, sqlx::Error> {
    let endpoints: Vec<Uuid> = rows.iter().map(|row| row.webhook_endpoint_id).collect();
    let messages: Vec<&str> = rows.iter().map(|row| row.message_id.as_str()).collect();
    let found = sqlx::query(FIRST).bind(endpoints).bind(messages).fetch_all(own).await?;
    found.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?))).collect()
}
