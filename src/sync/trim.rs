//! Forgetting readings of long ago.
#![expect(clippy::disallowed_methods, reason = "what is too old goes, whosever it is")]

use entity::{
    Timestamp,
    sync_run::{self, SyncStatus},
};
use sea_orm::{
    ColumnTrait as _, EntityTrait as _, ExprTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
    sea_query::{Alias, Expr, Query},
};
use uuid::Uuid;

use crate::{error::Error, ground::Ground};

/// How many are removed at a time.
const ROWS: u64 = 250;

/// Removes readings that ended before a time; of each kind and connection the last one stays. Gives how many went, and
/// whether there may be more.
pub async fn trim(ground: &Ground, before: Timestamp) -> Result<(u64, bool), Error> {
    use sync_run::Column as C;
    let of = |column: C| Expr::col((Alias::new("later"), column));
    let this = |column: C| Expr::col((sync_run::Entity, column));
    let later = Query::select()
        .expr(Expr::value(1))
        .from_as(sync_run::Entity, Alias::new("later"))
        .and_where(of(C::PsaConnectionId).eq(this(C::PsaConnectionId)))
        .and_where(of(C::Kind).eq(this(C::Kind)))
        .and_where(of(C::Id).gt(this(C::Id)))
        .take();
    let old: Vec<Uuid> = sync_run::Entity::find()
        .select_only()
        .column(C::Id)
        .filter(C::Status.is_in([SyncStatus::Succeeded, SyncStatus::Failed, SyncStatus::Cancelled]))
        .filter(C::FinishedAt.lte(before))
        .filter(Expr::exists(later))
        .order_by_asc(C::Id)
        .limit(ROWS)
        .into_tuple()
        .all(ground.db.reader())
        .await?;
    let has_more = old.len() as u64 == ROWS;
    if old.is_empty() {
        return Ok((0, false));
    }
    let removed = ground.db.write::<_, Error, _>(move |tx| {
        Box::pin(async move {
            let removed = sync_run::Entity::delete_many().filter(C::Id.is_in(old)).exec(tx).await?;
            Ok(removed.rows_affected)
        })
    });
    Ok((removed.await?, has_more))
}
