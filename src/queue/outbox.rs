//! The outbox: what is to be done at PSAs, written in the transaction of its cause.
//!
//! An operation is enqueued on a transaction and never on a pool, so that a fact without its consequence
//! cannot be written. The operations of one ticket are carried out in their order; a refused creation (or link)
//! holds up what comes after it, a refused note does not.
#![expect(
    clippy::disallowed_methods,
    reason = "scoped by lane, ticket or operation; lanes cross organizations"
)]

use entity::{
    Timestamp, attempt, lane,
    ticket_operation::{self, OperationKind, OperationState},
};
use sea_orm::{
    ActiveEnum as _, ActiveModelTrait as _, ColumnTrait as _, Condition, DatabaseTransaction, DbErr,
    EntityTrait as _, ExprTrait as _, IntoActiveModel as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _, Select, Set,
    sea_query::{Alias, Expr, LockType, Query},
};
use serde_json::Value;
use uuid::Uuid;

use super::restored;
use crate::{
    db::{
        filter::none_is_found,
        news::{self, Happened, What},
        portions,
    },
    error::Error,
    ground::Ground,
    telemetry::traces,
};

/// How many operations one statement writes: 18 columns each, and SQLite takes 32,766 values.
const ROWS: usize = 500;

/// An operation to be enqueued.
#[derive(Clone, Debug)]
pub struct NewOperation {
    /// Whose it is.
    pub organization_id: Uuid,
    /// The lane.
    pub psa_connection_id: Uuid,
    /// The ticket.
    pub ticket_id: Uuid,
    /// Its place on the ticket, from 1.
    pub position: i64,
    /// What to do.
    pub kind: OperationKind,
    /// Title and text to send.
    pub payload: Value,
    /// The event that asks for it.
    pub event_id: Option<Uuid>,
}

/// An operation as it is enqueued, due at once.
pub fn row(ground: &Ground, new: NewOperation) -> ticket_operation::Model {
    let now = ground.clock.now();
    ticket_operation::Model {
        id: ground.chance.id(now),
        organization_id: new.organization_id,
        psa_connection_id: new.psa_connection_id,
        ticket_id: new.ticket_id,
        position: new.position,
        kind: new.kind,
        state: OperationState::Ready,
        payload: new.payload,
        run_at: now,
        attempts: 0,
        uncertain_since: None,
        last_error_code: None,
        last_error: None,
        event_id: new.event_id,
        created_at: now,
        finished_at: None,
        trace_context: traces::current(),
    }
}

/// Enqueues operations. Whoever does it ends the transaction with [`super::lanes::wake`], or holds the lane.
pub async fn enqueue(tx: &DatabaseTransaction, rows: Vec<ticket_operation::Model>) -> Result<(), DbErr> {
    for chunk in portions::of(&rows, ROWS) {
        let rows = chunk.iter().map(|row| row.clone().into_active_model().reset_all());
        ticket_operation::Entity::insert_many(rows).exec_without_returning(tx).await?;
    }
    Ok(())
}

/// No earlier operation of the ticket is still to be done, and its creation was not refused.
fn is_its_turn() -> Condition {
    use ticket_operation::Column as C;
    let earlier = Alias::new("earlier");
    let blocking = Query::select()
        .column((earlier.clone(), C::Id))
        .from_as(ticket_operation::Entity, earlier.clone())
        .and_where(Expr::col((earlier.clone(), C::TicketId)).equals((ticket_operation::Entity, C::TicketId)))
        .and_where(
            Expr::col((earlier.clone(), C::Position)).lt(Expr::col((ticket_operation::Entity, C::Position))),
        )
        .cond_where(
            Condition::any()
                .add(Expr::col((earlier.clone(), C::State)).eq(OperationState::Ready.to_value()))
                .add(
                    Expr::col((earlier.clone(), C::State)).eq(OperationState::Failed.to_value()).and(
                        Expr::col((earlier, C::Kind))
                            .is_in([OperationKind::Create.to_value(), OperationKind::Link.to_value()]),
                    ),
                ),
        )
        .take();
    none_is_found(blocking)
}

/// Of the lane's operations whose turn it is the one that is due first.
fn first_in_turn(lane_id: Uuid) -> Select<ticket_operation::Entity> {
    use ticket_operation::Column as C;
    ticket_operation::Entity::find()
        .filter(C::PsaConnectionId.eq(lane_id))
        .filter(C::State.eq(OperationState::Ready))
        .filter(is_its_turn())
        .order_by_asc(C::RunAt)
        .order_by_asc(C::Id)
        .limit(1)
}

/// The lane's next operation that is due and whose turn it is.
pub async fn next(ground: &Ground, held: &lane::Model) -> Result<Option<ticket_operation::Model>, Error> {
    let due = first_in_turn(held.id).filter(ticket_operation::Column::RunAt.lte(ground.clock.now()));
    Ok(due.one(ground.db.reader()).await?)
}

/// When the lane's next operation is due.
pub(super) async fn next_at(tx: &DatabaseTransaction, lane_id: Uuid) -> Result<Option<Timestamp>, DbErr> {
    let first = first_in_turn(lane_id).select_only().column(ticket_operation::Column::RunAt);
    Ok(first.into_tuple().one(tx).await?.map(Timestamp))
}

/// Writes down that an attempt begins, before the PSA is called. Gives the operation as it stands then,
/// and the attempt. An attempt that never ended was cut off with its process: since then it is not known
/// whether it was carried out. None where the operation is no longer to be done.
pub async fn begin(
    tx: &DatabaseTransaction,
    ground: &Ground,
    operation_id: Uuid,
    node: &str,
) -> Result<Option<(ticket_operation::Model, attempt::Model)>, DbErr> {
    let now = ground.clock.now();
    let operation = ticket_operation::Entity::find_by_id(operation_id).lock(LockType::Update).one(tx).await?;
    let Some(operation) = operation.filter(|operation| operation.state == OperationState::Ready) else {
        return Ok(None);
    };
    let last = match operation.attempts {
        0 => None,
        number => {
            attempt::Entity::find()
                .filter(attempt::Column::TicketOperationId.eq(operation.id))
                .filter(attempt::Column::Number.eq(number))
                .one(tx)
                .await?
        }
    };
    let mut uncertain_since = operation.uncertain_since;
    if let Some(last) = last.filter(|last| last.finished_at.is_none()) {
        // It may have asked the PSA up to a moment ago: how long it lived is not known.
        uncertain_since = Some(now);
        let mut last: attempt::ActiveModel = last.into();
        last.finished_at = Set(Some(now));
        last.outcome = Set(Some("interrupted".to_owned()));
        last.message =
            Set(Some("the gateway stopped in the middle; it is not known whether the PSA did it".to_owned()));
        last.update(tx).await?;
        attempted(&operation, now);
    }
    if operation.kind == OperationKind::Create && operation.attempts == 0 && uncertain_since.is_none() {
        // Before the database was put back the ticket may have been made already.
        uncertain_since = restored::in_force(tx, now).await?.map(|restored| restored.at);
    }
    let number = operation.attempts + 1;
    let begun = ticket_operation::Model { attempts: number, uncertain_since, ..operation.clone() };
    let mut row = ticket_operation::ActiveModel { attempts: Set(number), ..Default::default() };
    if operation.uncertain_since != uncertain_since {
        row.uncertain_since = Set(uncertain_since);
    }
    write(tx, begun.id, row).await?;
    let attempt = attempt::Model {
        id: ground.chance.id(now),
        organization_id: begun.organization_id,
        ticket_operation_id: begun.id,
        number,
        started_at: now,
        finished_at: None,
        outcome: None,
        response_status: None,
        latency_ms: None,
        message: None,
        node: node.to_owned(),
    };
    let row = attempt.clone().into_active_model().reset_all();
    attempt::Entity::insert(row).exec_without_returning(tx).await?;
    Ok(Some((begun, attempt)))
}

/// Writes columns of an operation whose row is locked.
async fn write(tx: &DatabaseTransaction, id: Uuid, row: ticket_operation::ActiveModel) -> Result<(), DbErr> {
    use ticket_operation::Column as C;
    let written = ticket_operation::Entity::update_many().set(row).filter(C::Id.eq(id)).exec(tx).await?;
    if written.rows_affected == 1 { Ok(()) } else { Err(DbErr::RecordNotUpdated) }
}

fn attempted(operation: &ticket_operation::Model, at: Timestamp) {
    let (organization_id, id) = (operation.organization_id, operation.id);
    news::tell(Happened { what: What::OperationAttempted, organization_id, id, at });
}

/// How an attempt ended.
#[derive(Clone, Debug, Default)]
pub struct Ended {
    /// `done`, `found`, `waiting` or the code of the error.
    pub outcome: &'static str,
    /// HTTP status of the PSA's last answer.
    pub response_status: Option<i32>,
    /// How long the PSA took in all, in milliseconds.
    pub latency_ms: Option<i64>,
    /// What was seen, in words.
    pub message: Option<String>,
}

/// What becomes of the operation.
#[derive(Clone, Debug)]
pub enum After {
    /// It is done.
    Done,
    /// Try again at that time.
    Again {
        /// When.
        run_at: Timestamp,
        /// Since when it is not known whether it was carried out.
        uncertain_since: Option<Timestamp>,
    },
    /// Given up until somebody retries it.
    Failed,
}

/// Writes down how an attempt ended.
pub async fn end(
    tx: &DatabaseTransaction,
    ground: &Ground,
    operation: &ticket_operation::Model,
    attempt: &attempt::Model,
    ended: Ended,
    after: After,
) -> Result<(), DbErr> {
    let now = ground.clock.now();
    let mut row = <ticket_operation::ActiveModel as Default>::default();
    let is_error = !matches!(ended.outcome, "done" | "found" | "waiting");
    if is_error {
        row.last_error_code = Set(Some(ended.outcome.to_owned()));
        row.last_error = Set(ended.message.clone());
    }
    match after {
        After::Done => {
            row.state = Set(OperationState::Done);
            row.uncertain_since = Set(None);
            row.finished_at = Set(Some(now));
        }
        After::Again { run_at, uncertain_since } => {
            row.run_at = Set(run_at);
            row.uncertain_since = Set(uncertain_since);
        }
        After::Failed => {
            row.state = Set(OperationState::Failed);
            row.finished_at = Set(Some(now));
        }
    }
    write(tx, operation.id, row).await?;
    let row = attempt::ActiveModel {
        finished_at: Set(Some(now)),
        outcome: Set(Some(ended.outcome.to_owned())),
        response_status: Set(ended.response_status),
        latency_ms: Set(ended.latency_ms),
        message: Set(ended.message),
        ..Default::default()
    };
    let of_it = attempt::Column::Id.eq(attempt.id);
    let written = attempt::Entity::update_many().set(row).filter(of_it).exec(tx).await?;
    if written.rows_affected != 1 {
        return Err(DbErr::RecordNotUpdated);
    }
    attempted(operation, now);
    Ok(())
}
