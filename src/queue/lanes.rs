//! Lanes: the right to call one PSA connection, held by one node at a time.
//!
//! A lane is leased with a fencing number. What its holder finds out counts only while the number is
//! still the holder's: a node that slept through its lease cannot overwrite its successor.
#![expect(clippy::disallowed_methods, reason = "lanes are claimed across organizations, by whoever is free")]

use entity::{
    Timestamp, billing_entry, billing_refresh, lane, psa_connection, sync_run,
    sync_run::{SyncKind, SyncStatus},
    sync_schedule, ticket, webhook_endpoint,
};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, Condition, ConnectionTrait, DatabaseTransaction, DbErr,
    EntityTrait as _, ExprTrait as _, FromQueryResult as _, PaginatorTrait as _, QueryFilter as _,
    QuerySelect as _, Set,
    sea_query::{CaseStatement, Expr, Func, LockBehavior, LockType, Order, Query, SelectStatement},
};
use uuid::Uuid;

use super::{budgets, outbox};
use crate::{
    db::news::{self, Happened, What},
    error::Error,
    ground::Ground,
};

/// How long a lane is held without renewal, in seconds. Whoever waits for a PSA renews it three times in that.
pub const LEASE_SECS: i64 = 30;

/// A rest shorter than this is no news, in seconds: a PSA's rate limits are part of the day.
const LONG_REST_SECS: i64 = 60;

/// Makes the lane of a new connection. Changes are asked for from now on.
pub async fn create(
    tx: &impl ConnectionTrait,
    organization_id: Uuid,
    psa_connection_id: Uuid,
    now: Timestamp,
) -> Result<(), DbErr> {
    let row = lane::ActiveModel {
        id: Set(psa_connection_id),
        organization_id: Set(organization_id),
        next_at: Set(None),
        poll_at: Set(None),
        poll_cursor: Set(Some(now)),
        paused_until: Set(Timestamp(0)),
        pause_reason: Set(None),
        failures: Set(0),
        lease_until: Set(Timestamp(0)),
        holder: Set(None),
        fence: Set(0),
        lists_at: Set(None),
        budget_key: Set(String::new()),
    };
    row.insert(tx).await.map(|_| ())
}

/// There is work in the lane at `at`, if not sooner. A connection that is switched off keeps it: its
/// lane is not claimed.
///
/// Always locks the lane's row, so that a holder that is just leaving either sees what this transaction
/// adds or waits for it. Call it at the end of a transaction, lanes in the order of their ids: nobody then
/// holds a lane and wants a ticket.
pub async fn wake(tx: &impl ConnectionTrait, psa_connection_id: Uuid, at: Timestamp) -> Result<(), DbErr> {
    use lane::Column as C;
    news::tell(Happened { what: What::LaneDue, organization_id: Uuid::nil(), id: psa_connection_id, at });
    let sooner = CaseStatement::new()
        .case(Condition::any().add(C::NextAt.is_null()).add(C::NextAt.gt(at)), Expr::value(at))
        .finally(Expr::col(C::NextAt));
    lane::Entity::update_many()
        .col_expr(C::NextAt, sooner.into())
        .filter(C::Id.eq(psa_connection_id))
        .exec(tx)
        .await
        .map(|_| ())
}

/// Ends a pause: the credentials were changed, or somebody asked for another try.
pub async fn resume(tx: &impl ConnectionTrait, psa_connection_id: Uuid, now: Timestamp) -> Result<(), DbErr> {
    lane::Entity::update_many()
        .col_expr(lane::Column::PausedUntil, Expr::value(Timestamp(0)))
        .col_expr(lane::Column::PauseReason, Expr::value(None::<String>))
        .col_expr(lane::Column::Failures, Expr::value(0))
        .filter(lane::Column::Id.eq(psa_connection_id))
        .exec(tx)
        .await?;
    wake(tx, psa_connection_id, now).await
}

/// The lane whose work has waited longest among those that may be served.
pub fn due(now: Timestamp) -> SelectStatement {
    use lane::Column as C;
    let enabled = Query::select()
        .column(psa_connection::Column::Id)
        .from(psa_connection::Entity)
        .and_where(psa_connection::Column::IsEnabled.eq(true))
        .take();
    Query::select()
        .column(C::Id)
        .from(lane::Entity)
        .and_where(C::NextAt.lte(now))
        .and_where(C::PausedUntil.lte(now))
        .and_where(C::LeaseUntil.lte(now))
        .and_where(C::Id.in_subquery(enabled))
        .order_by(C::NextAt, Order::Asc)
        .order_by(C::Id, Order::Asc)
        .limit(1)
        .take()
}

/// Claims the lane whose work has waited longest, for `node`. A lane whose lease has run out was left
/// behind by a node that died. Where there is none nothing is written.
pub async fn claim(ground: &Ground, node: &str) -> Result<Option<lane::Model>, Error> {
    claim_but(ground, node, Vec::new()).await
}

/// The same, but for some: a node that holds a lane itself knows that its holder is alive, whatever time it is.
pub async fn claim_but(ground: &Ground, node: &str, not: Vec<Uuid>) -> Result<Option<lane::Model>, Error> {
    use lane::Column as C;
    let now = ground.clock.now();
    let mut free = due(now);
    if !not.is_empty() {
        free.and_where(C::Id.is_not_in(not));
    }
    if ground.db.reader().query_one(&free).await?.is_none() {
        return Ok(None);
    }
    let node = node.to_owned();
    ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                free.lock_with_behavior(LockType::Update, LockBehavior::SkipLocked);
                let update = Query::update()
                    .table(lane::Entity)
                    .value(C::LeaseUntil, now.plus_secs(LEASE_SECS))
                    .value(C::Holder, node)
                    .value(C::Fence, Expr::col(C::Fence).add(1))
                    .and_where(C::Id.in_subquery(free))
                    .returning_all()
                    .take();
                let row = tx.query_one(&update).await?;
                Ok(row.map(|row| lane::Model::from_query_result(&row, "")).transpose()?)
            })
        })
        .await
}

/// Whether the holder may call now, where at most `parallel` lanes may spend a budget at the same time. Its row is
/// locked while they are counted, so that two that come at once see each other.
pub async fn may_call(
    ground: &Ground,
    held: &lane::Model,
    budget_key: &str,
    parallel: u32,
) -> Result<bool, Error> {
    use lane::Column as C;
    let (held, key, now) = (held.clone(), budget_key.to_owned(), ground.clock.now());
    ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                budgets::lock(tx, &key, now).await?;
                if held.budget_key != key {
                    lane::Entity::update_many()
                        .col_expr(C::BudgetKey, Expr::value(key.as_str()))
                        .filter(C::Id.eq(held.id))
                        .exec(tx)
                        .await?;
                }
                let others = lane::Entity::find()
                    .filter(C::BudgetKey.eq(key.as_str()))
                    .filter(C::LeaseUntil.gt(now))
                    .filter(C::Id.ne(held.id))
                    .count(tx)
                    .await?;
                Ok(others < u64::from(parallel))
            })
        })
        .await
}

/// Whether the lane is still held under this number; if so its lease is renewed. Ask inside the
/// transaction that records what was found out, before writing: the row stays locked to its end.
pub async fn still_held(tx: &DatabaseTransaction, held: &lane::Model, now: Timestamp) -> Result<bool, DbErr> {
    let result = lane::Entity::update_many()
        .col_expr(lane::Column::LeaseUntil, Expr::value(now.plus_secs(LEASE_SECS)))
        .filter(lane::Column::Id.eq(held.id))
        .filter(lane::Column::Fence.eq(held.fence))
        .exec(tx)
        .await?;
    Ok(result.rows_affected == 1)
}

/// What a holder leaves behind for the next one.
#[derive(Clone, Debug, Default)]
pub struct Leaving {
    /// No call before this, and why.
    pub pause: Option<(Timestamp, String)>,
    /// How many calls in a row failed.
    pub failures: i32,
    /// When changes are asked for next.
    pub poll_at: Option<Timestamp>,
    /// Up to when they are known.
    pub poll_cursor: Option<Timestamp>,
    /// When the pick lists are read again.
    pub lists_at: Option<Timestamp>,
}

/// Gives a lane back, and works out when it has work next.
pub async fn release(ground: &Ground, held: &lane::Model, leaving: Leaving) -> Result<(), Error> {
    use lane::Column as C;
    let (id, fence, now) = (held.id, held.fence, ground.clock.now());
    let rests = leaving.pause.as_ref().is_some_and(|(until, _)| *until >= now.plus_secs(LONG_REST_SECS));
    let recovers = leaving.pause.is_none() && held.failures > 0;
    let news =
        Happened { what: What::ConnectionHealthChanged, organization_id: held.organization_id, id, at: now };
    ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                // Locked first, looked second: work that is being added right now either is seen here, or
                // finds the lane as this leaves it and sets `next_at` itself.
                let mut lock = Query::select();
                lock.column(C::Id).from(lane::Entity).and_where(C::Id.eq(id)).lock(LockType::Update);
                tx.query_one(&lock).await?;
                let next_at = [
                    outbox::next_at(tx, id).await?,
                    refresh_at(tx, id).await?,
                    runs_at(tx, id).await?,
                    schedules_at(tx, id).await?,
                    registrations_at(tx, id).await?,
                    verification_at(tx, id).await?,
                    billing_at(tx, id).await?,
                    leaving.poll_at,
                    leaving.lists_at,
                ]
                .into_iter()
                .flatten()
                .min();
                let (paused_until, pause_reason) = leaving.pause.unzip();
                lane::Entity::update_many()
                    .col_expr(C::NextAt, Expr::value(next_at))
                    .col_expr(C::PollAt, Expr::value(leaving.poll_at))
                    .col_expr(C::PollCursor, Expr::value(leaving.poll_cursor))
                    .col_expr(C::ListsAt, Expr::value(leaving.lists_at))
                    .col_expr(C::PausedUntil, Expr::value(paused_until.unwrap_or_default()))
                    .col_expr(C::PauseReason, Expr::value(pause_reason))
                    .col_expr(C::Failures, Expr::value(leaving.failures))
                    .col_expr(C::LeaseUntil, Expr::value(Timestamp(0)))
                    .col_expr(C::Holder, Expr::value(None::<String>))
                    .filter(C::Id.eq(id))
                    .filter(C::Fence.eq(fence))
                    .exec(tx)
                    .await?;
                if rests || recovers {
                    news::tell(news);
                }
                Ok(())
            })
        })
        .await
}

async fn refresh_at(tx: &DatabaseTransaction, lane_id: Uuid) -> Result<Option<Timestamp>, DbErr> {
    let first: Option<Option<i64>> = ticket::Entity::find()
        .select_only()
        .column_as(ticket::Column::RefreshAt.min(), "first")
        .filter(ticket::Column::PsaConnectionId.eq(lane_id))
        .filter(ticket::Column::RefreshAt.is_not_null())
        .into_tuple()
        .one(tx)
        .await?;
    Ok(first.flatten().map(Timestamp))
}

async fn runs_at(tx: &DatabaseTransaction, lane_id: Uuid) -> Result<Option<Timestamp>, DbErr> {
    use sync_run::Column as C;
    let first: Option<Option<i64>> = sync_run::Entity::find()
        .select_only()
        .expr_as(Func::min(Func::coalesce([Expr::col(C::DueAt), Expr::col(C::CreatedAt)])), "first")
        .filter(C::PsaConnectionId.eq(lane_id))
        .filter(C::Status.is_in([SyncStatus::Queued, SyncStatus::Running]))
        .filter(C::Kind.ne(SyncKind::CompanyImportFinish))
        .into_tuple()
        .one(tx)
        .await?;
    Ok(first.flatten().map(Timestamp))
}

async fn schedules_at(tx: &DatabaseTransaction, lane_id: Uuid) -> Result<Option<Timestamp>, DbErr> {
    use sync_schedule::Column as C;
    let first: Option<Option<i64>> = sync_schedule::Entity::find()
        .select_only()
        .column_as(C::NextAt.min(), "first")
        .filter(C::PsaConnectionId.eq(lane_id))
        .filter(C::IsEnabled.eq(true))
        .into_tuple()
        .one(tx)
        .await?;
    Ok(first.flatten().map(Timestamp))
}

async fn registrations_at(tx: &DatabaseTransaction, lane_id: Uuid) -> Result<Option<Timestamp>, DbErr> {
    use webhook_endpoint::Column as C;
    let first: Option<Option<i64>> = webhook_endpoint::Entity::find()
        .select_only()
        .column_as(C::RegistrationDueAt.min(), "first")
        .filter(C::PsaConnectionId.eq(lane_id))
        .filter(C::RegistrationDueAt.is_not_null())
        .into_tuple()
        .one(tx)
        .await?;
    Ok(first.flatten().map(Timestamp))
}

async fn verification_at(tx: &DatabaseTransaction, lane_id: Uuid) -> Result<Option<Timestamp>, DbErr> {
    let due: Option<Option<i64>> = psa_connection::Entity::find_by_id(lane_id)
        .select_only()
        .column(psa_connection::Column::VerificationDueAt)
        .into_tuple()
        .one(tx)
        .await?;
    Ok(due.flatten().map(Timestamp))
}

async fn billing_at(tx: &DatabaseTransaction, lane_id: Uuid) -> Result<Option<Timestamp>, DbErr> {
    let entry: Option<Option<i64>> = billing_entry::Entity::find()
        .select_only()
        .column_as(billing_entry::Column::RunAt.min(), "first")
        .filter(billing_entry::Column::PsaConnectionId.eq(lane_id))
        .filter(billing_entry::Column::RunAt.is_not_null())
        .into_tuple()
        .one(tx)
        .await?;
    let refresh: Option<Option<i64>> = billing_refresh::Entity::find()
        .select_only()
        .column_as(billing_refresh::Column::RunAt.min(), "first")
        .filter(billing_refresh::Column::PsaConnectionId.eq(lane_id))
        .filter(billing_refresh::Column::RunAt.is_not_null())
        .into_tuple()
        .one(tx)
        .await?;
    Ok([entry.flatten(), refresh.flatten()].into_iter().flatten().min().map(Timestamp))
}

/// The longest any lane's due work has waited; for health and metrics.
pub async fn oldest_due(ground: &Ground) -> Result<Option<Timestamp>, Error> {
    let oldest: Option<Option<i64>> = lane::Entity::find()
        .select_only()
        .column_as(lane::Column::NextAt.min(), "oldest")
        .filter(lane::Column::NextAt.is_not_null())
        .filter(lane::Column::NextAt.lte(ground.clock.now()))
        .into_tuple()
        .one(ground.db.reader())
        .await?;
    Ok(oldest.flatten().map(Timestamp))
}

#[cfg(test)]
mod tests;
