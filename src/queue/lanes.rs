//! Lanes: the right to call one PSA connection, held by one node at a time.
//!
//! A lane is leased with a fencing number. What its holder finds out counts only while the number is
//! still the holder's: a node that slept through its lease cannot overwrite its successor.
#![expect(clippy::disallowed_methods, reason = "lanes are claimed across organizations, by whoever is free")]

use entity::{Timestamp, lane};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, ExprTrait as _,
    QueryFilter as _, QueryOrder as _, QuerySelect as _, QueryTrait as _, Set,
    sea_query::{Expr, LockBehavior, LockType},
};
use uuid::Uuid;

use crate::db::Db;

/// How long a lane is held without renewal, in seconds. Longer than any one call to a PSA may take.
pub const LEASE_SECS: i64 = 90;

/// A held lane.
#[derive(Clone, Debug)]
pub struct Lease {
    /// The connection.
    pub psa_connection_id: Uuid,
    /// Whose it is.
    pub organization_id: Uuid,
    /// The fencing number.
    pub fence: i64,
}

/// The lane is another's by now: whatever was being done must be left to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the lane has a new holder")]
pub struct Fenced;

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
        budget: Set(None),
    };
    row.insert(tx).await.map(|_| ())
}

/// There is work in the lane at `at`, if not sooner. A connection that is switched off keeps it: its
/// lane is not claimed.
pub async fn wake(tx: &impl ConnectionTrait, psa_connection_id: Uuid, at: Timestamp) -> Result<(), DbErr> {
    lane::Entity::update_many()
        .col_expr(lane::Column::NextAt, Expr::value(at))
        .filter(lane::Column::Id.eq(psa_connection_id))
        .filter(lane::Column::NextAt.is_null().or(lane::Column::NextAt.gt(at)))
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
