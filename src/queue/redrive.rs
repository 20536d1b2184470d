//! Deciding deliveries again because a person asks for it.

use std::collections::HashMap;

use entity::{Timestamp, webhook_delivery, webhook_delivery::DeliveryState};
use sea_orm::{
    ActiveEnum as _, ColumnTrait as _, DatabaseTransaction, EntityTrait as _, ExprTrait as _,
    QueryFilter as _, QueryOrder as _, sea_query::Expr,
};
use uuid::Uuid;

use super::trim;
use crate::{
    audit::{self, Change},
    error::{Error, Problem, ProblemCode},
    ground::Ground,
    organizations::{
        once::Done,
        reach,
        viewer::{Permission, Viewer},
    },
};

/// Decides a delivery again: what is held or could not be read. What was decided stays, so that no ticket is
/// doubled.
pub async fn redrive(
    viewer: &Viewer,
    ground: &Ground,
    delivery_id: Uuid,
) -> Result<webhook_delivery::Model, Error> {
    let row = reach::by_id::<webhook_delivery::Entity>(viewer, ground, delivery_id).await?;
    viewer.may(Permission::Operate, row.organization_id)?;
    let (viewer_of, ground_of, once) = (viewer.clone(), ground.clone(), viewer.once());
    let row = ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                once.begin(tx).await?;
                let (mut found, changes) = again(tx, &viewer_of, &ground_of, &[delivery_id]).await?;
                let row = found.remove(&delivery_id).ok_or(Error::NotFound)?;
                if let Some(problem) = cannot_be_read(&["id"], &row) {
                    return Err(problem.into());
                }
                once.finish(tx, &ground_of, &Done::row(row.id)).await?;
                audit::record_all(tx, &ground_of, &viewer_of, changes).await?;
                Ok::<_, Error>(row)
            })
        })
        .await?;
    ground.wake.inbox();
    tracing::info!(delivery.id = %delivery_id, viewer = viewer.name, "a delivery is decided again");
    Ok(row)
}

/// The same with many at once, each with its own outcome.
pub async fn redrive_many(
    viewer: &Viewer,
    ground: &Ground,
    ids: Vec<Result<Uuid, Vec<Problem>>>,
) -> Result<Vec<Result<webhook_delivery::Model, Vec<Problem>>>, Error> {
    if !viewer.holds(Permission::Operate) {
        return Err(Permission::Operate.is_lacking());
    }
    let (viewer_of, ground_of, once) = (viewer.clone(), ground.clone(), viewer.once());
    let outcomes = ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                once.begin(tx).await?;
                let wanted: Vec<Uuid> = ids.iter().filter_map(|id| id.as_ref().ok().copied()).collect();
                let (found, changes) = again(tx, &viewer_of, &ground_of, &wanted).await?;
                let outcome = |id: Result<Uuid, Vec<Problem>>| {
                    let row = found.get(&id?).ok_or_else(unknown)?;
                    cannot_be_read(&[], row).map_or_else(|| Ok(row.clone()), |problem| Err(vec![problem]))
                };
                let outcomes: Vec<_> = ids.into_iter().map(outcome).collect();
                once.finish(tx, &ground_of, &Done::rows(&outcomes, |row: &webhook_delivery::Model| row.id))
                    .await?;
                audit::record_all(tx, &ground_of, &viewer_of, changes).await?;
                Ok::<_, Error>(outcomes)
            })
        })
        .await?;
    ground.wake.inbox();
    let count = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    tracing::info!(count, viewer = viewer.name, "deliveries are decided again");
    Ok(outcomes)
}

fn unknown() -> Vec<Problem> {
    let message = "there is no such delivery; take the id from a list of them";
    vec![Problem::at(&[], ProblemCode::NotFound, message)]
}

/// Why a delivery cannot be decided again.
fn cannot_be_read(field: &[&str], row: &webhook_delivery::Model) -> Option<Problem> {
    let why = trim::why_no_body(row)?;
    let message = format!("{why}; have the sender send what matters again");
    Some(Problem::at(field, ProblemCode::WrongState, message))
}

/// Queues those in reach that have their bodies, in one statement, and gives all in reach as they are then, without
/// their bodies, and what that changed.
async fn again(
    tx: &DatabaseTransaction,
    viewer: &Viewer,
    ground: &Ground,
    ids: &[Uuid],
) -> Result<(HashMap<Uuid, webhook_delivery::Model>, Vec<Change>), Error> {
    use webhook_delivery::Column as C;
    let in_reach = reach::rows::<webhook_delivery::Entity>(viewer).filter(C::Id.is_in(ids.iter().copied()));
    let before = in_reach.clone().order_by_asc(C::Id).all(tx).await?;
    // A new fence: a worker that holds it right now must not end what is asked for here.
    webhook_delivery::Entity::update_many()
        .col_expr(C::State, Expr::value(DeliveryState::Received.to_value()))
        .col_expr(C::Problem, Expr::value(None::<String>))
        .col_expr(C::RunAt, Expr::value(Some(ground.clock.now())))
        .col_expr(C::Attempts, Expr::value(0))
        .col_expr(C::LeaseUntil, Expr::value(Timestamp(0)))
        .col_expr(C::Fence, Expr::col(C::Fence).add(1))
        .filter(C::Id.is_in(before.iter().map(|row| row.id)))
        .filter(C::BodyRemovedAt.is_null())
        .exec(tx)
        .await?;
    let after: HashMap<_, _> = in_reach.all(tx).await?.into_iter().map(|row| (row.id, row)).collect();
    let change = |old: &webhook_delivery::Model| {
        let new = after.get(&old.id).filter(|new| new.body_removed_at.is_none())?;
        Some(Change::between("webhookDeliveryRedrive", old, new))
    };
    let changes = before.iter().filter_map(change).collect();
    Ok((after, changes))
}
