//! Taking what goes from the workers, for a while.

use entity::{Timestamp, lane, subscriber_lane, webhook_delivery};
use futures_util::future::BoxFuture;
use sea_orm::{
    ColumnTrait as _, DatabaseTransaction, DbErr, EntityTrait as _, ExprTrait as _, QueryFilter as _,
    sea_query::Expr,
};

use super::Selection;
use crate::{error::Error, ground::Ground};

/// How long work is kept from workers before it begins, in seconds. Where it never begins, they go on after that.
const FENCED_SECS: i64 = 60;
/// How often it is begun again where it and somebody else stand in each other's way.
const TRIES: usize = 3;
/// Who holds a lane meanwhile.
const HOLDER: &str = "a change of organizations";

/// Carries it out with the workers kept away, and begins again where somebody was in the middle of something.
pub(in crate::organizations) async fn fenced<'a, T>(
    ground: &Ground,
    selection: &Selection,
    carry_out: impl Fn() -> BoxFuture<'a, Result<T, Error>>,
) -> Result<T, Error> {
    let mut tries = 0;
    loop {
        tries += 1;
        let until = ground.clock.now().plus_secs(FENCED_SECS);
        let of = selection.clone();
        ground.db.write(move |tx| Box::pin(async move { take(tx, &of, until).await })).await?;
        match carry_out().await {
            Err(Error::Unavailable(error)) if tries < TRIES => {
                tracing::warn!(%error, "a change of organizations was in somebody's way; it begins again");
            }
            other => return other,
        }
    }
}

/// Lets go what was taken.
pub(super) async fn free(tx: &DatabaseTransaction, selection: &Selection) -> Result<(), DbErr> {
    take(tx, selection, Timestamp(0)).await
}

/// Nobody else holds the lanes that go, up to a time; nor any delivery of the source: whoever reads one now knows companies
/// that are another's then.
pub(in crate::organizations) async fn take(
    tx: &DatabaseTransaction,
    selection: &Selection,
    until: Timestamp,
) -> Result<(), DbErr> {
    use {lane::Column as L, subscriber_lane::Column as S, webhook_delivery::Column as D};
    let holder = (until > Timestamp(0)).then(|| HOLDER.to_owned());
    webhook_delivery::Entity::update_many()
        .col_expr(D::Fence, Expr::col(D::Fence).add(1))
        .col_expr(D::LeaseUntil, Expr::value(until))
        .filter(D::OrganizationId.eq(selection.source_id))
        .filter(D::RunAt.is_not_null())
        .exec(tx)
        .await?;
    lane::Entity::update_many()
        .col_expr(L::Fence, Expr::col(L::Fence).add(1))
        .col_expr(L::LeaseUntil, Expr::value(until))
        .col_expr(L::Holder, Expr::value(holder.clone()))
        .filter(selection.rows("lane"))
        .exec(tx)
        .await?;
    subscriber_lane::Entity::update_many()
        .col_expr(S::Fence, Expr::col(S::Fence).add(1))
        .col_expr(S::LeaseUntil, Expr::value(until))
        .col_expr(S::Holder, Expr::value(holder))
        .filter(selection.rows("subscriber_lane"))
        .exec(tx)
        .await?;
    Ok(())
}
