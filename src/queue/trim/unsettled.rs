//! Deliveries that are understood and may have to be read again all the same.

use std::collections::BTreeSet;

use entity::{
    event::{self, Outcome},
    finding::{self, FindingState},
    waiting_finding,
};
use sea_orm::{
    ColumnTrait as _, Condition, DatabaseTransaction, DbErr, EntityTrait as _, ExprTrait as _,
    QueryFilter as _, QuerySelect as _,
    sea_query::{Alias, Expr, Query},
};
use uuid::Uuid;

/// Those of them of which something is held, or waits for its time; and the newest ones that speak of findings which
/// an endpoint has learned: they are read again where its baseline ends with tickets.
pub(super) async fn of(tx: &DatabaseTransaction, ids: &BTreeSet<Uuid>) -> Result<BTreeSet<Uuid>, DbErr> {
    if ids.is_empty() {
        return Ok(BTreeSet::new());
    }
    let deliveries = event::Entity::find()
        .select_only()
        .column(event::Column::WebhookDeliveryId)
        .distinct()
        .filter(event::Column::WebhookDeliveryId.is_in(ids.iter().copied()))
        .filter(
            Condition::any()
                .add(event::Column::Outcome.eq(Outcome::Held))
                .add(waits())
                .add(Condition::all().add(is_learned()).add(Expr::exists(newer()).not())),
        );
    Ok(deliveries.into_tuple::<Uuid>().all(tx).await?.into_iter().collect())
}

fn waits() -> Expr {
    use waiting_finding::Column as W;
    let of = |column: event::Column| Expr::col((event::Entity, column));
    let waiting = Query::select()
        .expr(Expr::value(1))
        .from(waiting_finding::Entity)
        // By its index; then the one event that waits.
        .and_where(Expr::col((waiting_finding::Entity, W::FindingId)).eq(of(event::Column::FindingId)))
        .and_where(Expr::col((waiting_finding::Entity, W::EventId)).eq(of(event::Column::Id)))
        .take();
    Expr::exists(waiting)
}

/// It got no ticket because its endpoint was learning, and its finding is known from there.
fn is_learned() -> Condition {
    use finding::Column as F;
    let known = Query::select()
        .expr(Expr::value(1))
        .from(finding::Entity)
        .and_where(
            Expr::col((finding::Entity, F::Id)).eq(Expr::col((event::Entity, event::Column::FindingId))),
        )
        .and_where(F::BaselineEndpointId.is_not_null())
        .and_where(F::State.eq(FindingState::Open))
        .take();
    Condition::all().add(event::Column::Outcome.eq(Outcome::Suppressed)).add(Expr::exists(known))
}

/// A newer event of the same finding that got no ticket either.
fn newer() -> sea_orm::sea_query::SelectStatement {
    use event::Column as E;
    let of = |column: E| Expr::col((Alias::new("newer"), column));
    let this = |column: E| Expr::col((event::Entity, column));
    let same = |column: E| of(column).eq(this(column));
    let later = Condition::any()
        .add(of(E::OccurredAt).gt(this(E::OccurredAt)))
        .add(same(E::OccurredAt).and(of(E::CreatedAt).gt(this(E::CreatedAt))))
        .add(same(E::OccurredAt).and(same(E::CreatedAt)).and(of(E::Id).gt(this(E::Id))));
    Query::select()
        .expr(Expr::value(1))
        .from_as(event::Entity, Alias::new("newer"))
        .and_where(same(E::FindingId))
        .and_where(same(E::Outcome))
        .and_where(same(E::Reason))
        .cond_where(later)
        .take()
}
