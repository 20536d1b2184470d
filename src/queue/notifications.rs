//! The outbox of notifications: what subscribers are told, written in the transaction of what has happened.
//!
//! What is told of one subject (a ticket, a connection) is sent in its order: a later one waits until the earlier
//! one has arrived or was given up.
#![expect(
    clippy::disallowed_methods,
    reason = "scoped by subscriber or notification; lanes cross organizations"
)]

use std::collections::BTreeMap;

use entity::{
    Timestamp,
    notification::{self, NotificationKind, NotificationState},
    notification_attempt, subscriber_lane,
};
use sea_orm::{
    ActiveEnum as _, ActiveModelTrait as _, ColumnTrait as _, Condition, ConnectionTrait,
    DatabaseTransaction, DbErr, EntityTrait as _, ExprTrait as _, IntoActiveModel, QueryFilter as _,
    QueryOrder as _, QuerySelect as _, Set,
    sea_query::{Alias, Expr, LockType, Query},
};
use uuid::Uuid;

use super::subscriber_lanes;
use crate::{db::filter::none_is_found, error::Error, ground::Ground};

/// Something that a subscriber is to be told.
#[derive(Clone, Debug)]
pub struct NewNotification {
    /// Whose it is.
    pub organization_id: Uuid,
    /// Who is told.
    pub webhook_subscriber_id: Uuid,
    /// What has happened.
    pub kind: NotificationKind,
    /// The body.
    pub payload: String,
    /// What it is about: what is told of one subject arrives in its order.
    pub subject_id: Uuid,
    /// The ticket, where it is about one.
    pub ticket_id: Option<Uuid>,
    /// The connection, where it is about one, or about a ticket there.
    pub psa_connection_id: Option<Uuid>,
    /// The event, where it is about one.
    pub event_id: Option<Uuid>,
    /// The policy that opened the ticket, or wants it told.
    pub policy_id: Option<Uuid>,
}

/// Enqueues notifications, due at once, and wakes the lanes of who is told. Call it with tickets and connections
/// locked already, and before lanes of connections are woken. Gives the rows.
pub async fn enqueue(
    tx: &DatabaseTransaction,
    ground: &Ground,
    new: Vec<NewNotification>,
) -> Result<Vec<notification::Model>, DbErr> {
    let now = ground.clock.now();
    // Lanes are locked in the order of their ids.
    let mut by_subscriber: BTreeMap<Uuid, Vec<NewNotification>> = BTreeMap::new();
    for one in new {
        by_subscriber.entry(one.webhook_subscriber_id).or_default().push(one);
    }
    let mut rows = Vec::new();
    for (id, told) in by_subscriber {
        let count = i64::try_from(told.len()).unwrap_or(i64::MAX);
        // Who has gone meanwhile is told nothing.
        let Some(first) = subscriber_lanes::reserve(tx, id, count, now).await? else { continue };
        rows.extend((first..).zip(told).map(|(number, one)| notification::Model {
            id: ground.chance.id(now),
            organization_id: one.organization_id,
            webhook_subscriber_id: id,
            number,
            kind: one.kind,
            state: NotificationState::Ready,
            payload: one.payload,
            subject_id: one.subject_id,
            ticket_id: one.ticket_id,
            psa_connection_id: one.psa_connection_id,
            event_id: one.event_id,
            policy_id: one.policy_id,
            run_at: now,
            attempts: 0,
            failures: 0,
            last_status: None,
            last_error: None,
            created_at: now,
            finished_at: None,
        }));
    }
    if !rows.is_empty() {
        let inserted = rows.iter().cloned().map(IntoActiveModel::into_active_model);
        notification::Entity::insert_many(inserted).exec_without_returning(tx).await?;
    }
    Ok(rows)
}

/// Nothing earlier about the same subject is still to be sent.
fn is_its_turn() -> Condition {
    use notification::Column as C;
    let earlier = Alias::new("earlier");
    let of = |column: C| Expr::col((Alias::new("earlier"), column));
    let same = |column: C| of(column).equals((notification::Entity, column));
    let blocking = Query::select()
        .expr(of(C::Id))
        .from_as(notification::Entity, earlier)
        .and_where(same(C::WebhookSubscriberId))
        .and_where(same(C::SubjectId))
        .and_where(of(C::Number).lt(Expr::col((notification::Entity, C::Number))))
        .and_where(of(C::State).eq(NotificationState::Ready.to_value()))
        .take();
    none_is_found(blocking)
}

/// The subscriber's next one whose turn it is, due by then where that is said.
async fn first(
    db: &impl ConnectionTrait,
    subscriber_id: Uuid,
    by: Option<Timestamp>,
) -> Result<Option<notification::Model>, DbErr> {
    use notification::Column as C;
    notification::Entity::find()
        .filter(C::WebhookSubscriberId.eq(subscriber_id))
        .filter(C::State.eq(NotificationState::Ready))
        .filter(Condition::all().add_option(by.map(|by| C::RunAt.lte(by))))
        .filter(is_its_turn())
        .order_by_asc(C::RunAt)
        .order_by_asc(C::Number)
        .limit(1)
        .one(db)
        .await
}

/// When the subscriber is told something next.
pub(super) async fn next_at(
    db: &impl ConnectionTrait,
    subscriber_id: Uuid,
) -> Result<Option<Timestamp>, DbErr> {
    Ok(first(db, subscriber_id, None).await?.map(|row| row.run_at))
}

/// What is to be sent next by who holds the lane.
pub async fn next(
    ground: &Ground,
    held: &subscriber_lane::Model,
) -> Result<Option<notification::Model>, Error> {
    Ok(first(ground.db.reader(), held.id, Some(ground.clock.now())).await?)
}

/// Writes down that a try begins, before the subscriber is called. An earlier one that never ended was cut off with
/// its process: what it sent may have arrived, and is recognised by its id. None where there is nothing to send any
/// more.
pub async fn begin(
    tx: &DatabaseTransaction,
    ground: &Ground,
    id: Uuid,
    node: &str,
) -> Result<Option<(notification::Model, notification_attempt::Model)>, DbErr> {
    use notification_attempt::Column as A;
    let now = ground.clock.now();
    let found = notification::Entity::find_by_id(id).lock(LockType::Update).one(tx).await?;
    let Some(row) = found.filter(|row| row.state == NotificationState::Ready) else { return Ok(None) };
    notification_attempt::Entity::update_many()
        .col_expr(A::FinishedAt, Expr::value(Some(now)))
        .col_expr(A::Outcome, Expr::value(Some("interrupted")))
        .col_expr(A::Message, Expr::value(Some("the gateway stopped in the middle; it may have arrived")))
        .filter(A::NotificationId.eq(id))
        .filter(A::FinishedAt.is_null())
        .exec(tx)
        .await?;
    let number = row.attempts + 1;
    let mut row = row.into_active_model();
    row.attempts = Set(number);
    let row = row.update(tx).await?;
    let attempt = notification_attempt::ActiveModel {
        id: Set(ground.chance.id(now)),
        organization_id: Set(row.organization_id),
        notification_id: Set(id),
        number: Set(number),
        started_at: Set(now),
        finished_at: Set(None),
        outcome: Set(None),
        response_status: Set(None),
        latency_ms: Set(None),
        message: Set(None),
        node: Set(node.to_owned()),
    };
    Ok(Some((row, attempt.insert(tx).await?)))
}

/// How a try ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// `done`, or the code of what went wrong.
    pub outcome: &'static str,
    /// HTTP status of the answer.
    pub response_status: Option<i32>,
    /// How long the subscriber took, in milliseconds.
    pub latency_ms: i64,
    /// What went wrong, in words.
    pub message: Option<String>,
}

/// What becomes of a notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum After {
    /// It has arrived.
    Done,
    /// Tried again then.
    Again(Timestamp),
    /// Given up until somebody redrives it.
    Failed,
}

/// Writes down how a try ended.
pub async fn end(
    tx: &DatabaseTransaction,
    ground: &Ground,
    (row, attempt): (notification::Model, notification_attempt::Model),
    ended: Ended,
    after: After,
) -> Result<(), DbErr> {
    let now = ground.clock.now();
    let failures = row.failures + 1;
    let mut row = row.into_active_model();
    row.last_status = Set(ended.response_status);
    row.last_error = Set(ended.message.clone());
    match after {
        After::Done => {
            row.state = Set(NotificationState::Done);
            row.finished_at = Set(Some(now));
        }
        After::Again(run_at) => {
            row.run_at = Set(run_at);
            row.failures = Set(failures);
        }
        After::Failed => {
            row.state = Set(NotificationState::Failed);
            row.failures = Set(failures);
            row.finished_at = Set(Some(now));
        }
    }
    row.update(tx).await?;
    let mut attempt = attempt.into_active_model();
    attempt.finished_at = Set(Some(now));
    attempt.outcome = Set(Some(ended.outcome.to_owned()));
    attempt.response_status = Set(ended.response_status);
    attempt.latency_ms = Set(Some(ended.latency_ms));
    attempt.message = Set(ended.message);
    attempt.update(tx).await.map(|_| ())
}

/// A subscriber answers again: what waited for its next try is due at once.
pub async fn hurry(tx: &DatabaseTransaction, subscriber_id: Uuid, now: Timestamp) -> Result<(), DbErr> {
    use notification::Column as C;
    notification::Entity::update_many()
        .col_expr(C::RunAt, Expr::value(now))
        .filter(C::WebhookSubscriberId.eq(subscriber_id))
        .filter(C::State.eq(NotificationState::Ready))
        .filter(C::RunAt.gt(now))
        .exec(tx)
        .await
        .map(|_| ())
}

/// Sends these again, whatever became of them: due at once, with every try before them.
pub async fn again(tx: &DatabaseTransaction, ids: &[Uuid], now: Timestamp) -> Result<(), DbErr> {
    use notification::Column as C;
    notification::Entity::update_many()
        .col_expr(C::State, Expr::value(NotificationState::Ready.to_value()))
        .col_expr(C::RunAt, Expr::value(now))
        .col_expr(C::Failures, Expr::value(0))
        .col_expr(C::FinishedAt, Expr::value(None::<Timestamp>))
        .filter(C::Id.is_in(ids.iter().copied()))
        .exec(tx)
        .await
        .map(|_| ())
}
