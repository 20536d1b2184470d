//! Lanes of subscribers: the right to call one, held by one node at a time.
//!
//! They work like the [lanes](super::lanes) of PSA connections: a lease with a fencing number, and a rest after
//! failures. They are simpler, because nothing is asked of a subscriber: a lease is longer than any call, so that
//! nobody has to renew it meanwhile.
//!
//! In a transaction a lane's row is locked after tickets and connections, and before the subscriber's own row, its
//! notifications and the audit log.
#![expect(clippy::disallowed_methods, reason = "lanes are claimed across organizations, by whoever is free")]

use entity::{Timestamp, subscriber_lane, webhook_subscriber};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, Condition, ConnectionTrait, DatabaseTransaction, DbErr,
    EntityTrait as _, ExprTrait as _, FromQueryResult as _, QueryFilter as _, QuerySelect as _, Set,
    sea_query::{CaseStatement, Expr, LockBehavior, LockType, Order, Query, SelectStatement},
};
use uuid::Uuid;

use super::notifications;
use crate::{
    db::news::{self, Happened, What},
    error::Error,
    ground::Ground,
};

/// How long a lane is held without renewal, in seconds: several times what a call may take.
pub const LEASE_SECS: i64 = 60;
/// How many lanes of one organization are served at the same time: subscribers that answer slowly keep nobody else's
/// from their turn.
const MOST_OF_ONE: i64 = 2;

/// Makes the lane of a new subscriber.
pub async fn create(tx: &DatabaseTransaction, organization_id: Uuid, id: Uuid) -> Result<(), DbErr> {
    let row = subscriber_lane::ActiveModel {
        id: Set(id),
        organization_id: Set(organization_id),
        next_at: Set(None),
        paused_until: Set(Timestamp(0)),
        pause_reason: Set(None),
        failures: Set(0),
        last_number: Set(0),
        lease_until: Set(Timestamp(0)),
        holder: Set(None),
        fence: Set(0),
    };
    row.insert(tx).await.map(|_| ())
}

/// When there is something to tell: at `at`, if not sooner.
fn sooner(at: Timestamp) -> CaseStatement {
    use subscriber_lane::Column as C;
    CaseStatement::new()
        .case(Condition::any().add(C::NextAt.is_null()).add(C::NextAt.gt(at)), Expr::value(at))
        .finally(Expr::col(C::NextAt))
}

/// Reserves so many numbers for what a subscriber is told next, and wakes its lane. The row stays locked to the end of
/// the transaction: numbers are in the order of the commits. Gives the first; none where the subscriber is gone.
pub(super) async fn reserve(
    tx: &DatabaseTransaction,
    id: Uuid,
    count: i64,
    at: Timestamp,
) -> Result<Option<i64>, DbErr> {
    use subscriber_lane::Column as C;
    let update = Query::update()
        .table(subscriber_lane::Entity)
        .value(C::NextAt, sooner(at))
        .value(C::LastNumber, Expr::col(C::LastNumber).add(count))
        .and_where(C::Id.eq(id))
        .returning_col(C::LastNumber)
        .take();
    let row = tx.query_one(&update).await?;
    let last: Option<i64> = row.map(|row| row.try_get("", "last_number")).transpose()?;
    if last.is_some() {
        call(id, at);
    }
    Ok(last.map(|last| last - count + 1))
}

/// Tells workers, on every node, once this transaction is committed.
fn call(id: Uuid, at: Timestamp) {
    news::tell(Happened { what: What::NotificationDue, organization_id: Uuid::nil(), id, at });
}

/// Ends a rest, and wakes the lane: the subscriber was changed, or somebody asked for another try.
pub async fn resume(tx: &DatabaseTransaction, id: Uuid, now: Timestamp) -> Result<(), DbErr> {
    use subscriber_lane::Column as C;
    call(id, now);
    subscriber_lane::Entity::update_many()
        .col_expr(C::PausedUntil, Expr::value(Timestamp(0)))
        .col_expr(C::PauseReason, Expr::value(None::<String>))
        .col_expr(C::Failures, Expr::value(0))
        .col_expr(C::NextAt, sooner(now).into())
        .filter(C::Id.eq(id))
        .exec(tx)
        .await
        .map(|_| ())
}

/// The lane whose work has waited longest among those that may be served.
pub fn due(now: Timestamp) -> SelectStatement {
    use subscriber_lane::Column as C;
    let enabled = Query::select()
        .column(webhook_subscriber::Column::Id)
        .from(webhook_subscriber::Entity)
        .and_where(webhook_subscriber::Column::IsEnabled.eq(true))
        .take();
    let busy = Query::select()
        .column(C::OrganizationId)
        .from(subscriber_lane::Entity)
        .and_where(C::LeaseUntil.gt(now))
        .group_by_col(C::OrganizationId)
        .and_having(C::Id.count().gte(MOST_OF_ONE))
        .take();
    Query::select()
        .column(C::Id)
        .from(subscriber_lane::Entity)
        .and_where(C::NextAt.lte(now))
        .and_where(C::PausedUntil.lte(now))
        .and_where(C::LeaseUntil.lte(now))
        .and_where(C::Id.in_subquery(enabled))
        .and_where(C::OrganizationId.not_in_subquery(busy))
        .order_by(C::NextAt, Order::Asc)
        .order_by(C::Id, Order::Asc)
        .limit(1)
        .take()
}

/// Claims a lane with work for `node`. Where there is none nothing is written.
pub async fn claim(ground: &Ground, node: &str) -> Result<Option<subscriber_lane::Model>, Error> {
    use subscriber_lane::Column as C;
    let now = ground.clock.now();
    if ground.db.reader().query_one(&due(now)).await?.is_none() {
        return Ok(None);
    }
    let node = node.to_owned();
    ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                let mut free = due(now);
                free.lock_with_behavior(LockType::Update, LockBehavior::SkipLocked);
                let update = Query::update()
                    .table(subscriber_lane::Entity)
                    .value(C::LeaseUntil, now.plus_secs(LEASE_SECS))
                    .value(C::Holder, node)
                    .value(C::Fence, Expr::col(C::Fence).add(1))
                    .and_where(C::Id.in_subquery(free))
                    .returning_all()
                    .take();
                let row = tx.query_one(&update).await?;
                Ok(row.map(|row| subscriber_lane::Model::from_query_result(&row, "")).transpose()?)
            })
        })
        .await
}

/// Whether the lane is still held under this number; if so its lease is renewed. The row stays locked to the end of
/// the transaction: ask before anything else is locked.
pub async fn still_held(
    tx: &DatabaseTransaction,
    held: &subscriber_lane::Model,
    now: Timestamp,
) -> Result<bool, DbErr> {
    use subscriber_lane::Column as C;
    let result = subscriber_lane::Entity::update_many()
        .col_expr(C::LeaseUntil, Expr::value(now.plus_secs(LEASE_SECS)))
        .filter(C::Id.eq(held.id))
        .filter(C::Fence.eq(held.fence))
        .exec(tx)
        .await?;
    Ok(result.rows_affected == 1)
}

/// What a holder leaves behind for the next one.
#[derive(Clone, Debug, Default)]
pub struct Leaving {
    /// Nothing is sent before this, and why.
    pub pause: Option<(Timestamp, String)>,
    /// How many tries in a row failed.
    pub failures: i32,
}

/// Gives a lane back, and works out when it has work next. One that has had its turn stands behind those that wait.
pub async fn release(ground: &Ground, held: &subscriber_lane::Model, leaving: Leaving) -> Result<(), Error> {
    use subscriber_lane::Column as C;
    let (id, fence, now) = (held.id, held.fence, ground.clock.now());
    ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                // Locked first, looked second: what is being added right now either is seen here, or finds the lane
                // as this leaves it.
                let lock = subscriber_lane::Entity::find_by_id(id).lock(LockType::Update);
                lock.one(tx).await?;
                let next_at = notifications::next_at(tx, id).await?.map(|at| std::cmp::max(at, now));
                let (paused_until, pause_reason) = leaving.pause.unzip();
                subscriber_lane::Entity::update_many()
                    .col_expr(C::NextAt, Expr::value(next_at))
                    .col_expr(C::PausedUntil, Expr::value(paused_until.unwrap_or_default()))
                    .col_expr(C::PauseReason, Expr::value(pause_reason))
                    .col_expr(C::Failures, Expr::value(leaving.failures))
                    .col_expr(C::LeaseUntil, Expr::value(Timestamp(0)))
                    .col_expr(C::Holder, Expr::value(None::<String>))
                    .filter(C::Id.eq(id))
                    .filter(C::Fence.eq(fence))
                    .exec(tx)
                    .await?;
                Ok(())
            })
        })
        .await
}

#[cfg(test)]
mod tests;
