//! Waiting that is over sooner, because a person has changed what was waited for.

use entity::{
    Timestamp, mute,
    waiting_finding::{self, WaitsFor},
};
use sea_orm::{
    ColumnTrait as _, Condition, DatabaseTransaction, DbErr, EntityTrait as _, QueryFilter as _,
    sea_query::Expr,
};
use uuid::Uuid;

/// Has what waits for the end of a maintenance window looked at again: windows have changed.
pub async fn windows_changed(
    tx: &DatabaseTransaction,
    organization_id: Uuid,
    now: Timestamp,
) -> Result<(), DbErr> {
    use waiting_finding::Column as C;
    due(
        tx,
        now,
        Condition::all()
            .add(C::OrganizationId.eq(organization_id))
            .add(C::WaitsFor.eq(WaitsFor::Maintenance)),
    )
    .await
}

/// Has what waits for the end of a mute looked at again: it was taken away, or ends sooner. `mute` is as it was.
pub async fn mute_changed(tx: &DatabaseTransaction, mute: &mute::Model, now: Timestamp) -> Result<(), DbErr> {
    use waiting_finding::Column as C;
    // What a group's mute keeps quiet is known by the moment at which that ends: what else waits for the same moment
    // is looked at for nothing, and waits again.
    let waits = Condition::all()
        .add(C::OrganizationId.eq(mute.organization_id))
        .add(C::WaitsFor.eq(WaitsFor::Mute))
        .add(C::DueAt.eq(mute.until))
        .add_option(mute.finding_id.map(|id| C::FindingId.eq(id)));
    due(tx, now, waits).await
}

async fn due(tx: &DatabaseTransaction, now: Timestamp, which: Condition) -> Result<(), DbErr> {
    waiting_finding::Entity::update_many()
        .col_expr(waiting_finding::Column::DueAt, Expr::value(now))
        .filter(which)
        .exec(tx)
        .await
        .map(|_| ())
}
