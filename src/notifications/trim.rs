//! Forgetting what was told long ago.
#![expect(clippy::disallowed_methods, reason = "what is too old goes, whosever it is")]

use entity::notification::{self, NotificationKind, NotificationState};
use sea_orm::{
    ActiveEnum as _, ColumnTrait as _, Condition, EntityTrait as _, ExprTrait as _, QueryFilter as _,
    QueryOrder as _, QuerySelect as _,
    sea_query::{Alias, Expr, Query},
};
use uuid::Uuid;

use crate::{error::Error, ground::Ground};

/// How long what has arrived is kept, in seconds: 30 days. What was given up is kept until its subscriber goes: somebody
/// may want it sent again.
pub const KEPT_SECS: i64 = 30 * 86_400;
/// How many are removed at a time.
const TRIM: u64 = 500;

/// Removes notifications that arrived more than 30 days ago, with the tries to send them, some at a time. Gives how
/// many.
pub async fn trim(ground: &Ground) -> Result<usize, Error> {
    use notification::Column as C;
    let old: Vec<Uuid> = notification::Entity::find()
        .select_only()
        .column(C::Id)
        .filter(C::State.eq(NotificationState::Done))
        .filter(C::FinishedAt.lte(ground.clock.now().plus_secs(-KEPT_SECS)))
        .filter(is_settled())
        .order_by_asc(C::FinishedAt)
        .limit(TRIM)
        .into_tuple()
        .all(ground.db.reader())
        .await?;
    let count = old.len();
    if count > 0 {
        ground
            .db
            .write(move |tx| {
                Box::pin(async move {
                    notification::Entity::delete_many()
                        .filter(C::Id.is_in(old))
                        // Somebody may have had it sent again meanwhile.
                        .filter(C::State.eq(NotificationState::Done))
                        .exec(tx)
                        .await?;
                    Ok::<_, Error>(())
                })
            })
            .await?;
    }
    Ok(count)
}

/// That a connection is broken is settled once something later was told of it: until then it is what says that
/// its recovery is news.
fn is_settled() -> Condition {
    use notification::Column as C;
    let of = |column: C| Expr::col((Alias::new("later"), column));
    let same = |column: C| of(column).equals((notification::Entity, column));
    let later = Query::select()
        .expr(Expr::value(1))
        .from_as(notification::Entity, Alias::new("later"))
        .and_where(same(C::WebhookSubscriberId))
        .and_where(same(C::SubjectId))
        .and_where(of(C::Number).gt(Expr::col((notification::Entity, C::Number))))
        .take();
    Condition::any().add(C::Kind.ne(NotificationKind::ConnectionBroken.to_value())).add(Expr::exists(later))
}

#[cfg(test)]
mod tests;
