//! A delivery is decided again, because somebody asks for it.
#![expect(clippy::disallowed_methods, reason = "scopes by the organization of the delivery")]

use entity::{Timestamp, webhook_delivery, webhook_delivery::DeliveryState};
use sea_orm::{
    ActiveEnum as _, ColumnTrait as _, EntityTrait as _, ExprTrait as _, QueryFilter as _, sea_query::Expr,
};
use uuid::Uuid;

use crate::{
    audit::{self, Change},
    error::Error,
    ground::Ground,
    organizations::viewer::{Permission, Viewer},
};

/// Decides a delivery again: what was held or could not be read. Events that are decided stay decided, so
/// that no ticket is doubled.
pub async fn redrive(
    viewer: &Viewer,
    ground: &Ground,
    delivery_id: Uuid,
) -> Result<webhook_delivery::Model, Error> {
    use webhook_delivery::Column as C;
    let found = webhook_delivery::Entity::find_by_id(delivery_id).one(ground.db.reader()).await?;
    let found = found.filter(|row| viewer.reaches(row.organization_id)).ok_or(Error::NotFound)?;
    viewer.may(Permission::Operate, found.organization_id)?;
    let now = ground.clock.now();
    let (ground_of, by) = (ground.clone(), viewer.clone());
    let row = ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                // A new fence: a worker that holds it right now must not end what is asked for here.
                webhook_delivery::Entity::update_many()
                    .col_expr(C::State, Expr::value(DeliveryState::Received.to_value()))
                    .col_expr(C::Problem, Expr::value(None::<String>))
                    .col_expr(C::RunAt, Expr::value(Some(now)))
                    .col_expr(C::Attempts, Expr::value(0))
                    .col_expr(C::LeaseUntil, Expr::value(Timestamp(0)))
                    .col_expr(C::Fence, Expr::col(C::Fence).add(1))
                    .filter(C::Id.eq(delivery_id))
                    .exec(tx)
                    .await?;
                let row = webhook_delivery::Entity::find_by_id(delivery_id).one(tx).await?;
                let row = row.ok_or(Error::NotFound)?;
                let change = Change::between("webhookDeliveryRedrive", &found, &row);
                audit::record(tx, &ground_of, &by, change).await?;
                Ok::<_, Error>(row)
            })
        })
        .await?;
    ground.wake.inbox();
    tracing::info!(delivery.id = %delivery_id, viewer = viewer.name, "a delivery is decided again");
    Ok(row)
}
