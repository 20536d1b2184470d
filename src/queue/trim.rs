//! What came in and was done long ago goes, in small steps: bodies of deliveries first, attempts, and at last what was
//! decided. Tickets, findings and the audit log stay.
//!
//! Each step looks at a bounded number of rows behind a [`Place`], oldest first, and removes those that nobody needs any
//! more in one short transaction. Several nodes may do so at once: each takes rows that no other has taken.
#![expect(clippy::disallowed_methods, reason = "what is too old goes, whosever it is")]

mod unsettled;

use std::collections::BTreeSet;

use entity::{
    Timestamp, attempt, event,
    event::Outcome,
    ticket_operation::{self, OperationState},
    webhook_delivery::{self, DeliveryState},
};
use sea_orm::{
    ColumnTrait as _, Condition, DatabaseTransaction, DbErr, EntityTrait as _, ExprTrait as _,
    QueryFilter as _, QueryOrder as _, QuerySelect as _, QueryTrait as _,
    sea_query::{Expr, Func, LockBehavior, LockType},
};
use serde_json::json;
use uuid::Uuid;

use crate::{error::Error, ground::Ground};

/// How many rows a step looks at: some milliseconds of the one writer that SQLite has.
const ROWS: usize = 250;
/// How many bytes of bodies a step removes, about: SQLite goes through each page of a long one.
const BYTES: i64 = 4 * 1_024 * 1_024;

/// Where the search for old rows has come to: behind a time, and behind an id among those of that time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    at: Timestamp,
    id: Uuid,
}

/// What one step came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// How many rows went.
    pub removed: u64,
    /// Where to go on; none at the end.
    pub next: Option<Place>,
}

/// Removes headers and bodies of deliveries that were understood before a time. What is still to be decided, or may be
/// decided again by itself, keeps them, and so does what could not be read: a person may redrive it.
pub async fn bodies(ground: &Ground, before: Timestamp, from: Place) -> Result<Swept, Error> {
    use webhook_delivery::Column as C;
    let length = Expr::from(Func::cust("LENGTH").arg(Expr::col(C::Body))).cast_as("bigint");
    let old: Vec<(Uuid, i64, i64)> = webhook_delivery::Entity::find()
        .select_only()
        .columns([C::Id, C::DecidedAt])
        .column_as(length, "bytes")
        .filter(is_whole())
        .filter(C::DecidedAt.lte(before))
        .filter(C::DecidedAt.gte(from.at))
        .filter(C::DecidedAt.gt(from.at).or(C::Id.gt(from.id)))
        .order_by_asc(C::DecidedAt)
        .order_by_asc(C::Id)
        .limit(ROWS as u64)
        .into_tuple()
        .all(ground.db.reader())
        .await?;
    let found = old.len();
    let mut bytes = 0;
    let some: Vec<(Uuid, i64)> = old
        .into_iter()
        .take_while(|(.., length)| {
            let is_room = bytes < BYTES;
            bytes += length;
            is_room
        })
        .map(|(id, at, _)| (id, at))
        .collect();
    let is_end = found < ROWS && some.len() == found;
    let next = some.last().filter(|_| !is_end).map(|(id, at)| Place { at: Timestamp(*at), id: *id });
    let ids: Vec<Uuid> = some.into_iter().map(|(id, _)| id).collect();
    if ids.is_empty() {
        return Ok(Swept { removed: 0, next });
    }
    let now = ground.clock.now();
    let removed = ground.db.write::<_, Error, _>(move |tx| {
        Box::pin(async move {
            // Locked first, looked at second: what is taken up again right now is seen here, or waits for this.
            let rows = webhook_delivery::Entity::find().filter(C::Id.is_in(ids)).filter(is_whole());
            let mut free: BTreeSet<Uuid> = rows
                .select_only()
                .column(C::Id)
                .lock_with_behavior(LockType::Update, LockBehavior::SkipLocked)
                .into_tuple()
                .all(tx)
                .await?
                .into_iter()
                .collect();
            for kept in unsettled::of(tx, &free).await? {
                free.remove(&kept);
            }
            Ok(remove_bodies(tx, free, now).await?)
        })
    });
    Ok(Swept { removed: removed.await?, next })
}

/// Understood, waiting for nothing, and with its body. An index has these, and those that are dead.
fn is_whole() -> Condition {
    use webhook_delivery::Column as C;
    Condition::all()
        .add(C::State.eq(DeliveryState::Understood))
        .add(C::RunAt.is_null())
        .add(C::BodyRemovedAt.is_null())
}

/// The one place where bodies are removed.
async fn remove_bodies(tx: &DatabaseTransaction, ids: BTreeSet<Uuid>, now: Timestamp) -> Result<u64, DbErr> {
    use webhook_delivery::Column as C;
    if ids.is_empty() {
        return Ok(0);
    }
    let removed = webhook_delivery::Entity::update_many()
        .col_expr(C::Headers, Expr::value(json!([])))
        .col_expr(C::Body, Expr::value(Vec::<u8>::new()))
        .col_expr(C::BodyRemovedAt, Expr::value(Some(now)))
        .filter(C::Id.is_in(ids))
        .exec(tx)
        .await?;
    Ok(removed.rows_affected)
}

/// Removes the attempts of operations that were done or cancelled before a time. Those of what was given up stay: a
/// person may retry it.
pub async fn attempts(ground: &Ground, before: Timestamp, from: Place) -> Result<Swept, Error> {
    use attempt::Column as A;
    use ticket_operation::Column as O;
    let old: Vec<(Uuid, Uuid)> = attempt::Entity::find()
        .select_only()
        .columns([A::Id, A::TicketOperationId])
        .filter(A::Id.gt(from.id))
        .filter(A::Id.lt(first_id_at(before)))
        .order_by_asc(A::Id)
        .limit(ROWS as u64)
        .into_tuple()
        .all(ground.db.reader())
        .await?;
    let next = next_of(&old, |(id, _)| *id);
    let operations: BTreeSet<Uuid> = old.iter().map(|(_, operation_id)| *operation_id).collect();
    if operations.is_empty() {
        return Ok(Swept { removed: 0, next });
    }
    let removed = ground.db.write::<_, Error, _>(move |tx| {
        Box::pin(async move {
            let settled: BTreeSet<Uuid> = ticket_operation::Entity::find()
                .select_only()
                .column(O::Id)
                .filter(O::Id.is_in(operations))
                .filter(O::State.is_in([OperationState::Done, OperationState::Cancelled]))
                .filter(O::FinishedAt.lte(before))
                .lock_with_behavior(LockType::Update, LockBehavior::SkipLocked)
                .into_tuple()
                .all(tx)
                .await?
                .into_iter()
                .collect();
            let gone = old.into_iter().filter(|(_, of)| settled.contains(of)).map(|(id, _)| id);
            let removed = attempt::Entity::delete_many().filter(A::Id.is_in(gone)).exec(tx).await?;
            Ok(removed.rows_affected)
        })
    });
    Ok(Swept { removed: removed.await?, next })
}

/// Events that say why a ticket was opened, opened again or closed, or that are not settled: they stay.
const STAY: [Outcome; 5] =
    [Outcome::Opened, Outcome::Reopened, Outcome::Closed, Outcome::Held, Outcome::Waiting];

/// Removes events that were decided before a time, of deliveries whose bodies have gone before; at last the deliveries
/// that have none left. Events that opened or closed a ticket stay, with their delivery. Gives apart how many events and
/// how many deliveries went.
pub async fn events(ground: &Ground, before: Timestamp, from: Place) -> Result<(Swept, u64), Error> {
    use event::Column as E;
    use webhook_delivery::Column as C;
    let rows: Vec<(Uuid, Option<i64>, Option<i64>)> = webhook_delivery::Entity::find()
        .select_only()
        .columns([C::Id, C::BodyRemovedAt, C::DecidedAt])
        .filter(C::Id.gt(from.id))
        .filter(C::Id.lt(first_id_at(before)))
        .order_by_asc(C::Id)
        .limit(ROWS as u64)
        .into_tuple()
        .all(ground.db.reader())
        .await?;
    let is_old = |decided: Option<i64>| decided.is_some_and(|at| Timestamp(at) <= before);
    let next = next_of(&rows, |(id, ..)| *id);
    let old: Vec<Uuid> = rows
        .into_iter()
        .filter(|(_, removed, decided)| removed.is_some() && is_old(*decided))
        .map(|(id, ..)| id)
        .collect();
    if old.is_empty() {
        return Ok((Swept { removed: 0, next }, 0));
    }
    let said: Vec<Uuid> = event::Entity::find()
        .select_only()
        .column(E::Id)
        .filter(E::WebhookDeliveryId.is_in(old.iter().copied()))
        .filter(E::Outcome.is_not_in(STAY))
        .filter(E::DecidedAt.lte(before))
        .limit(ROWS as u64)
        .into_tuple()
        .all(ground.db.reader())
        .await?;
    if said.is_empty() {
        let removed = empty_deliveries(ground, old).await?;
        return Ok((Swept { removed: 0, next }, removed));
    }
    let removed = ground.db.write::<_, Error, _>(move |tx| {
        Box::pin(async move {
            let free: Vec<Uuid> = event::Entity::find()
                .select_only()
                .column(E::Id)
                .filter(E::Id.is_in(said))
                .filter(E::Outcome.is_not_in(STAY))
                .lock_with_behavior(LockType::Update, LockBehavior::SkipLocked)
                .into_tuple()
                .all(tx)
                .await?;
            let removed = event::Entity::delete_many().filter(E::Id.is_in(free)).exec(tx).await?;
            Ok(removed.rows_affected)
        })
    });
    let removed = removed.await?;
    // Once more from the same place, until these deliveries have none that goes; past those that another node has.
    Ok((Swept { removed, next: if removed > 0 { Some(from) } else { next } }, 0))
}

async fn empty_deliveries(ground: &Ground, ids: Vec<Uuid>) -> Result<u64, Error> {
    use webhook_delivery::Column as C;
    let removed = ground.db.write::<_, Error, _>(move |tx| {
        Box::pin(async move {
            let with_events = event::Entity::find()
                .select_only()
                .column(event::Column::WebhookDeliveryId)
                .filter(event::Column::WebhookDeliveryId.is_in(ids.iter().copied()))
                .into_query();
            let free: Vec<Uuid> = webhook_delivery::Entity::find()
                .select_only()
                .column(C::Id)
                .filter(C::Id.is_in(ids))
                .filter(C::State.eq(DeliveryState::Understood))
                .filter(C::RunAt.is_null())
                .filter(C::BodyRemovedAt.is_not_null())
                .filter(C::Id.not_in_subquery(with_events))
                .lock_with_behavior(LockType::Update, LockBehavior::SkipLocked)
                .into_tuple()
                .all(tx)
                .await?;
            let removed = webhook_delivery::Entity::delete_many().filter(C::Id.is_in(free)).exec(tx).await?;
            Ok(removed.rows_affected)
        })
    });
    removed.await
}

/// Where to go on behind rows that are in the order of their ids; none where there are no more.
fn next_of<T>(rows: &[T], id: impl Fn(&T) -> Uuid) -> Option<Place> {
    let last = rows.last().filter(|_| rows.len() >= ROWS)?;
    Some(Place { at: Timestamp::default(), id: id(last) })
}

/// Ids of rows that were made before a time are less: they begin with the time.
pub fn first_id_at(at: Timestamp) -> Uuid {
    let millis = u64::try_from(at.0 / 1_000).unwrap_or_default();
    uuid::Builder::from_unix_timestamp_millis(millis, &[0; 10]).into_uuid()
}

/// Why a delivery has neither headers nor body; none where they are there.
pub fn why_no_body(delivery: &webhook_delivery::Model) -> Option<String> {
    let removed_at = delivery.body_removed_at?;
    let days = removed_at.millis_since(delivery.received_at) / 86_400_000;
    Some(format!(
        "its headers and body were removed {days} days after they came in (`keep_deliveries_days`, or a split of \
         organizations); what was decided stays"
    ))
}

#[cfg(test)]
mod tests;
