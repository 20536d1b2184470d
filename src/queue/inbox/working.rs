//! Working on what was stored: claimed for a while, then finished, given back, or looked at again later.
#![expect(clippy::disallowed_methods, reason = "scopes every query by delivery; claims cross organizations")]

use std::collections::BTreeMap;

use entity::{Timestamp, webhook_delivery, webhook_delivery::DeliveryState};
use sea_orm::{
    ActiveEnum as _, ColumnTrait as _, ConnectionTrait as _, DatabaseTransaction, DbErr, EntityTrait as _,
    ExprTrait as _, FromQueryResult as _, QueryFilter as _, QuerySelect as _,
    sea_query::{Expr, LockBehavior, LockType, Order, Query, SelectStatement},
};
use uuid::Uuid;

use crate::{db::portions, error::Error, ground::Ground};

/// How long a claimed delivery is its worker's, in seconds.
const LEASE_SECS: i64 = 60;
/// After how many failures of ours a delivery is dead. Failures of the database are not counted.
const MAX_ATTEMPTS: i32 = 12;

/// A delivery that is due.
pub fn due(now: Timestamp) -> SelectStatement {
    use webhook_delivery::Column as C;
    Query::select()
        .column(C::Id)
        .from(webhook_delivery::Entity)
        .and_where(C::RunAt.lte(now))
        .and_where(C::LeaseUntil.lte(now))
        .limit(1)
        .take()
}

/// Whether a delivery is due.
pub async fn is_any_due(ground: &Ground) -> Result<bool, Error> {
    Ok(ground.db.reader().query_one(&due(ground.clock.now())).await?.is_some())
}

/// Claims up to `limit` deliveries that are due, of the organizations after `last` in a circle, each one's oldest first.
/// One with a great many is in its turn once, and does not keep the others from theirs. What has an expired lease was
/// left behind by a worker that died, and is due again.
pub async fn claim(ground: &Ground, last: Uuid, limit: u64) -> Result<Vec<webhook_delivery::Model>, Error> {
    use webhook_delivery::Column as C;
    let now = ground.clock.now();
    ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                let mut claimed = claim_some(tx, C::OrganizationId.gt(last), now, limit).await?;
                if claimed.is_empty() {
                    claimed = claim_some(tx, C::OrganizationId.lte(last), now, limit).await?;
                }
                claimed.sort_by_key(|row| (row.organization_id, row.received_at, row.id));
                Ok(claimed)
            })
        })
        .await
}

async fn claim_some(
    tx: &DatabaseTransaction,
    whose: Expr,
    now: Timestamp,
    limit: u64,
) -> Result<Vec<webhook_delivery::Model>, DbErr> {
    use webhook_delivery::Column as C;
    let due = Query::select()
        .column(C::Id)
        .from(webhook_delivery::Entity)
        .and_where(whose)
        .and_where(C::RunAt.lte(now))
        .and_where(C::LeaseUntil.lte(now))
        .order_by(C::OrganizationId, Order::Asc)
        .order_by(C::RunAt, Order::Asc)
        .order_by(C::Id, Order::Asc)
        .limit(limit)
        .lock_with_behavior(LockType::Update, LockBehavior::SkipLocked)
        .take();
    let update = Query::update()
        .table(webhook_delivery::Entity)
        .value(C::LeaseUntil, now.plus_secs(LEASE_SECS))
        .value(C::Fence, Expr::col(C::Fence).add(1))
        .value(C::Attempts, Expr::col(C::Attempts).add(1))
        .and_where(C::Id.in_subquery(due))
        .returning_all()
        .take();
    let rows = tx.query_all(&update).await?;
    rows.iter().map(|row| webhook_delivery::Model::from_query_result(row, "")).collect()
}

/// What a worker found a delivery to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Its events are decided.
    Understood,
    /// It cannot be read; `redrive` it after mending.
    Dead(String),
}

/// Ends the work on a delivery, in the transaction that holds its consequences. False where the lease is
/// another's by now: roll back.
pub async fn finish(
    tx: &DatabaseTransaction,
    delivery: &webhook_delivery::Model,
    verdict: Verdict,
    now: Timestamp,
) -> Result<bool, DbErr> {
    use webhook_delivery::Column as C;
    let (state, problem) = match verdict {
        Verdict::Understood => (DeliveryState::Understood, None),
        Verdict::Dead(problem) => (DeliveryState::Dead, Some(problem)),
    };
    let result = webhook_delivery::Entity::update_many()
        .col_expr(C::State, Expr::value(state.to_value()))
        .col_expr(C::Problem, Expr::value(problem))
        .col_expr(C::RunAt, Expr::value(None::<Timestamp>))
        .col_expr(C::LeaseUntil, Expr::value(Timestamp(0)))
        .col_expr(C::DecidedAt, Expr::value(Some(now)))
        .filter(C::Id.eq(delivery.id))
        .filter(C::Fence.eq(delivery.fence))
        .exec(tx)
        .await?;
    Ok(result.rows_affected == 1)
}

/// Ends the work on deliveries that are understood, in the transaction that holds their consequences. False where a
/// lease is another's by now: roll back.
pub async fn finish_all(
    tx: &DatabaseTransaction,
    deliveries: &[&webhook_delivery::Model],
    now: Timestamp,
) -> Result<bool, DbErr> {
    use webhook_delivery::Column as C;
    if deliveries.is_empty() {
        return Ok(true);
    }
    // Nearly all are claimed for the first time: one statement, which finds its rows by the primary key.
    let mut by_fence: BTreeMap<i64, Vec<Uuid>> = BTreeMap::new();
    for delivery in deliveries {
        by_fence.entry(delivery.fence).or_default().push(delivery.id);
    }
    let mut finished = 0;
    for (fence, ids) in by_fence {
        let result = webhook_delivery::Entity::update_many()
            .col_expr(C::State, Expr::value(DeliveryState::Understood.to_value()))
            .col_expr(C::Problem, Expr::value(None::<String>))
            .col_expr(C::RunAt, Expr::value(None::<Timestamp>))
            .col_expr(C::LeaseUntil, Expr::value(Timestamp(0)))
            .col_expr(C::DecidedAt, Expr::value(Some(now)))
            .filter(C::Id.is_in(portions::filled(ids)))
            .filter(C::Fence.eq(fence))
            .exec(tx)
            .await?;
        finished += result.rows_affected;
    }
    Ok(usize::try_from(finished) == Ok(deliveries.len()))
}

/// Holds a delivery for longer, where it takes several transactions. False where the lease is another's by
/// now.
pub async fn renew(
    tx: &DatabaseTransaction,
    delivery: &webhook_delivery::Model,
    now: Timestamp,
) -> Result<bool, DbErr> {
    use webhook_delivery::Column as C;
    let result = webhook_delivery::Entity::update_many()
        .col_expr(C::LeaseUntil, Expr::value(now.plus_secs(LEASE_SECS)))
        .filter(C::Id.eq(delivery.id))
        .filter(C::Fence.eq(delivery.fence))
        .exec(tx)
        .await?;
    Ok(result.rows_affected == 1)
}

/// Decides a delivery with held events again after a while, more and more seldom, up to once a day. What
/// they wait for releases them as a rule; this finds what was mended in the moment they were held.
pub async fn look_again(
    tx: &DatabaseTransaction,
    delivery: &webhook_delivery::Model,
    now: Timestamp,
) -> Result<(), DbErr> {
    use webhook_delivery::Column as C;
    let after = match delivery.attempts {
        ..=1 => 60,
        2 => 600,
        3 => 7_200,
        _ => 86_400,
    };
    webhook_delivery::Entity::update_many()
        .col_expr(C::RunAt, Expr::value(Some(now.plus_secs(after))))
        .col_expr(C::Attempts, Expr::value(Ord::min(delivery.attempts, 4)))
        .filter(C::Id.eq(delivery.id))
        .exec(tx)
        .await
        .map(|_| ())
}

/// The same for a delivery that was decided before, and of which something is held only now.
pub async fn look_again_soon(
    tx: &DatabaseTransaction,
    organization_id: Uuid,
    delivery_id: Uuid,
    now: Timestamp,
) -> Result<(), DbErr> {
    use webhook_delivery::Column as C;
    webhook_delivery::Entity::update_many()
        .col_expr(C::RunAt, Expr::value(Some(now.plus_secs(60))))
        .col_expr(C::Attempts, Expr::value(1))
        .filter(C::OrganizationId.eq(organization_id))
        .filter(C::Id.eq(delivery_id))
        .exec(tx)
        .await
        .map(|_| ())
}

/// Gives a delivery back after a failure of ours, to be tried again later; after many it is dead.
pub async fn put_back(ground: &Ground, delivery: &webhook_delivery::Model, why: &Error) -> Result<(), Error> {
    let is_away = matches!(why, Error::Unavailable(_));
    try_again(ground, delivery, format!("deciding it failed: {why}"), is_away).await
}

/// Gives a delivery back, to be tried again later; after many attempts it is dead, unless what is missing is `away`
/// for a while and not this delivery's fault.
pub async fn try_again(
    ground: &Ground,
    delivery: &webhook_delivery::Model,
    problem: String,
    is_away: bool,
) -> Result<(), Error> {
    use webhook_delivery::Column as C;
    let now = ground.clock.now();
    let (id, fence, attempts) = (delivery.id, delivery.fence, delivery.attempts);
    let after = crate::queue::backoff::delay_secs(
        u32::try_from(attempts).unwrap_or(1),
        1,
        300,
        ground.chance.fraction(),
    );
    ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                let is_dead = attempts >= MAX_ATTEMPTS && !is_away;
                let state = if is_dead { DeliveryState::Dead } else { DeliveryState::Received };
                webhook_delivery::Entity::update_many()
                    .col_expr(C::State, Expr::value(state.to_value()))
                    .col_expr(C::Problem, Expr::value(Some(problem)))
                    .col_expr(C::RunAt, Expr::value((!is_dead).then(|| now.plus_secs(after))))
                    .col_expr(C::LeaseUntil, Expr::value(Timestamp(0)))
                    .filter(C::Id.eq(id))
                    .filter(C::Fence.eq(fence))
                    .exec(tx)
                    .await
                    .map(|_| ())
                    .map_err(Error::from)
            })
        })
        .await
}

/// When the oldest delivery that is due came in; for health and metrics.
pub async fn oldest_due(ground: &Ground) -> Result<Option<Timestamp>, Error> {
    use webhook_delivery::Column as C;
    let oldest: Option<Option<i64>> = webhook_delivery::Entity::find()
        .select_only()
        .column_as(C::RunAt.min(), "oldest")
        .filter(C::RunAt.is_not_null())
        .into_tuple()
        .one(ground.db.reader())
        .await?;
    Ok(oldest.flatten().map(Timestamp))
}
