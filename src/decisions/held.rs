//! Events that wait for somebody to mend something.
#![expect(clippy::disallowed_methods, reason = "scopes every query by organization")]

use entity::{Timestamp, event, webhook_delivery};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _, QuerySelect as _,
    QueryTrait as _, sea_query::Expr,
};
use uuid::Uuid;

/// Decides an organization's held events again: call it in the transaction that mends what they may wait
/// for (a mapping, an alias, a profile). Events that still lack something are held again. Gives the number of
/// deliveries queued.
pub async fn release(tx: &impl ConnectionTrait, organization_id: Uuid, now: Timestamp) -> Result<u64, DbErr> {
    let held = event::Entity::find()
        .select_only()
        .column(event::Column::WebhookDeliveryId)
        .filter(event::Column::OrganizationId.eq(organization_id))
        .filter(event::Column::Outcome.eq(event::Outcome::Held))
        .into_query();
    webhook_delivery::Entity::update_many()
        .col_expr(webhook_delivery::Column::RunAt, Expr::value(now))
        .col_expr(webhook_delivery::Column::Attempts, Expr::value(0))
        .filter(webhook_delivery::Column::OrganizationId.eq(organization_id))
        .filter(webhook_delivery::Column::Id.in_subquery(held))
        .exec(tx)
        .await
        .map(|result| result.rows_affected)
}
