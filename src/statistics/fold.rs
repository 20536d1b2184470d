//! Folding what triggers wrote down into the kept counts.
#![expect(clippy::disallowed_methods, reason = "counts of all organizations are folded alike")]

use std::collections::{BTreeMap, BTreeSet};

use entity::{
    tally::{self, About, Period},
    tally_delta,
};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, IntoActiveModel as _,
    QueryFilter as _, QueryOrder as _, QuerySelect as _,
    sea_query::{Expr, ExprTrait as _, LockBehavior, LockType, OnConflict, Query, SelectStatement},
};
use uuid::Uuid;

use super::buckets::month_of;
use crate::{error::Error, ground::Ground};

/// How many changes are folded at once: a few milliseconds of the one writer that SQLite has.
const AT_ONCE: u64 = 1_000;
/// How many rows go into one statement: eleven columns each, and SQLite takes 32,766 values.
const BATCH: usize = 1_000;

/// What a count is of. Sorted alike everywhere, so that two who fold at once wait for each other in one order.
type Key = (Uuid, Period, About, Uuid, i32, Uuid, i16, String);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Sum {
    count: i64,
    timed: i64,
    seconds: i64,
}

/// A change that is not folded yet.
pub fn any_waiting() -> SelectStatement {
    Query::select().column(tally_delta::Column::Id).from(tally_delta::Entity).limit(1).take()
}

/// Folds some changes. False where there were none. Several nodes may do so at once: each takes changes that
/// nobody else has taken.
pub async fn fold(ground: &Ground) -> Result<bool, Error> {
    let waiting = tally_delta::Entity::find().select_only().column(tally_delta::Column::Id);
    let waiting: Option<i64> = waiting.into_tuple().one(ground.db.reader()).await?;
    if waiting.is_none() {
        return Ok(false);
    }
    ground.db.write(|tx| Box::pin(async move { Ok(fold_in(tx).await? > 0) })).await
}

async fn fold_in(tx: &impl ConnectionTrait) -> Result<usize, DbErr> {
    let deltas = tally_delta::Entity::find()
        .order_by_asc(tally_delta::Column::Id)
        .limit(AT_ONCE)
        .lock_with_behavior(LockType::Update, LockBehavior::SkipLocked)
        .all(tx)
        .await?;
    if deltas.is_empty() {
        return Ok(0);
    }
    tally_delta::Entity::delete_many()
        .filter(tally_delta::Column::Id.is_in(deltas.iter().map(|delta| delta.id)))
        .exec(tx)
        .await?;
    let taken = deltas.len();
    let mut sums = sums(deltas);
    sums.retain(|_, sum| *sum != Sum::default());
    let has_less = sums.values().any(|sum| sum.count < 0);
    let places: (BTreeSet<Uuid>, BTreeSet<i32>) = sums.keys().map(|key| (key.0, key.4)).unzip();
    let mut rows = sums.into_iter().map(row).peekable();
    while rows.peek().is_some() {
        let batch: Vec<_> = rows.by_ref().take(BATCH).collect();
        add(tx, batch).await?;
    }
    if has_less {
        forget_nothings(tx, places).await?;
    }
    Ok(taken)
}

fn sums(deltas: Vec<tally_delta::Model>) -> BTreeMap<Key, Sum> {
    let mut sums: BTreeMap<Key, Sum> = BTreeMap::new();
    for delta in deltas {
        let everybody = (!delta.company_id.is_nil()).then(Uuid::nil);
        for company_id in [Some(delta.company_id), everybody].into_iter().flatten() {
            for (period, day) in [(Period::Day, delta.day), (Period::Month, month_of(delta.day))] {
                let key = (
                    delta.organization_id,
                    period,
                    delta.about,
                    company_id,
                    day,
                    delta.place_id,
                    delta.severity,
                    delta.state.clone(),
                );
                let sum = sums.entry(key).or_default();
                sum.count += delta.count;
                sum.timed += delta.timed;
                sum.seconds += delta.seconds;
            }
        }
    }
    sums
}

fn row((key, sum): (Key, Sum)) -> tally::ActiveModel {
    let (organization_id, period, about, company_id, day, place_id, severity, state) = key;
    let Sum { count, timed, seconds } = sum;
    let row = tally::Model {
        organization_id,
        period,
        about,
        company_id,
        day,
        place_id,
        severity,
        state,
        count,
        timed,
        seconds,
    };
    row.into_active_model().reset_all()
}

async fn add(tx: &impl ConnectionTrait, rows: Vec<tally::ActiveModel>) -> Result<(), DbErr> {
    use tally::Column as C;
    let key =
        [C::OrganizationId, C::Period, C::About, C::CompanyId, C::Day, C::PlaceId, C::Severity, C::State];
    let mut conflict = OnConflict::columns(key);
    for column in [C::Count, C::Timed, C::Seconds] {
        let more = Expr::col(("excluded", column));
        conflict.value(column, Expr::col((tally::Entity, column)).add(more));
    }
    tally::Entity::insert_many(rows).on_conflict(conflict).exec_without_returning(tx).await.map(|_| ())
}

/// Takes away counts that are nothing by now.
async fn forget_nothings(
    tx: &impl ConnectionTrait,
    (organization_ids, days): (BTreeSet<Uuid>, BTreeSet<i32>),
) -> Result<(), DbErr> {
    use sea_orm::Iterable as _;
    use tally::Column as C;
    tally::Entity::delete_many()
        .filter(C::OrganizationId.is_in(organization_ids))
        .filter(C::Period.is_in(Period::iter()))
        .filter(C::About.is_in(About::iter()))
        .filter(C::Day.is_in(days))
        .filter(C::Count.eq(0))
        .filter(C::Timed.eq(0))
        .filter(C::Seconds.eq(0))
        .exec(tx)
        .await
        .map(|_| ())
}
