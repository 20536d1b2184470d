//! Forgetting policies as they stood, once no event refers to them.
#![expect(clippy::disallowed_methods, reason = "what nobody refers to goes, whosever it is")]

use entity::{Timestamp, event, policy_snapshot};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, ExprTrait as _, QueryFilter as _,
    QueryOrder as _, QuerySelect as _, sea_query::Expr,
};
use uuid::Uuid;

use super::rules::STAMPED_SECS;
use crate::{error::Error, ground::Ground};

/// How many are looked at in one go.
const ROWS: u64 = 20;

/// Removes snapshots that events were last held against before a time, unless one of these is still there: then they
/// are looked at again when as much time has gone by. Gives how many went, and whether there may be more.
pub async fn snapshots(ground: &Ground, before: Timestamp) -> Result<(u64, bool), Error> {
    use policy_snapshot::Column as C;
    let now = ground.clock.now();
    let old: Vec<(Uuid, Uuid, Option<i64>)> = policy_snapshot::Entity::find()
        .select_only()
        .columns([C::Id, C::OrganizationId, C::UsedAt])
        // A version before this one does not say when it used them.
        .filter(C::UsedAt.is_null().or(C::UsedAt.lte(before)))
        .order_by_asc(C::Id)
        .limit(ROWS)
        .into_tuple()
        .all(ground.db.reader())
        .await?;
    let has_more = old.len() as u64 == ROWS;
    let (mut gone, mut used) = (Vec::new(), Vec::new());
    for (id, organization_id, used_at) in old {
        let until = used_at.map(|at| Timestamp(at).plus_secs(2 * STAMPED_SECS));
        let is_used = match until {
            Some(until) => is_referred_to(ground.db.reader(), organization_id, id, until).await?,
            None => true,
        };
        if is_used { used.push(id) } else { gone.push(id) }
    }
    let removed = ground.db.write::<_, Error, _>(move |tx| {
        Box::pin(async move {
            if !used.is_empty() {
                policy_snapshot::Entity::update_many()
                    .col_expr(C::UsedAt, Expr::value(Some(now)))
                    .filter(C::Id.is_in(used))
                    .exec(tx)
                    .await?;
            }
            // An event may have been held against one meanwhile: then it says so.
            let removed = policy_snapshot::Entity::delete_many()
                .filter(C::Id.is_in(gone))
                .filter(C::UsedAt.lte(before))
                .exec(tx)
                .await?;
            Ok(removed.rows_affected)
        })
    });
    Ok((removed.await?, has_more))
}

/// Whether an event that was read until then names a snapshot.
async fn is_referred_to(
    db: &impl ConnectionTrait,
    organization_id: Uuid,
    id: Uuid,
    until: Timestamp,
) -> Result<bool, DbErr> {
    use event::Column as E;
    let found: Option<Uuid> = event::Entity::find()
        .select_only()
        .column(E::Id)
        .filter(E::OrganizationId.eq(organization_id))
        .filter(E::CreatedAt.lte(until))
        .filter(Expr::col(E::Steps).cast_as("TEXT").like(format!("%{id}%")))
        .limit(1)
        .into_tuple()
        .one(db)
        .await?;
    Ok(found.is_some())
}

#[cfg(test)]
mod tests {
    use sea_orm::IntoActiveModel as _;
    use serde_json::json;

    use super::*;
    use crate::fixtures::{self, Place};

    const DAY: i64 = 86_400;

    #[tokio::test]
    async fn policies_as_they_stood_go_once_no_event_names_them() {
        let ground = fixtures::ground().await;
        let acme = Place::new(&ground, "acme").await;
        let delivery = acme.delivery(&acme.endpoint().await, b"{}").await;
        let then = ground.clock.now();
        let snapshot = |id: u128, used_at| policy_snapshot::Model {
            id: Uuid::from_u128(id),
            organization_id: acme.organization_id,
            filters: json!([]),
            created_at: then,
            used_at,
        };
        for (id, used_at) in [(1, Some(then)), (2, Some(then)), (3, None)] {
            acme.insert(snapshot(id, used_at)).await;
        }
        let event = acme.event(&delivery, 0, None).await;
        let asked = json!([{ "step": "policy", "asked": { "snapshot": Uuid::from_u128(2), "count": 9 } }]);
        let event = event::Model { steps: asked, ..event };
        let named = ground.db.write::<_, DbErr, _>(move |tx| {
            Box::pin(async move {
                use sea_orm::ActiveModelTrait as _;
                event.into_active_model().reset_all().update(tx).await.map(|_| ())
            })
        });
        named.await.unwrap();
        ground.clock.advance_secs(401 * DAY);
        acme.insert(snapshot(4, Some(ground.clock.now()))).await;

        let before = || ground.clock.now().plus_secs(-400 * DAY);
        assert_eq!(snapshots(&ground, before()).await.unwrap(), (1, false));
        let left = policy_snapshot::Entity::find().order_by_asc(policy_snapshot::Column::Id);
        let left = left.all(ground.db.reader()).await.unwrap();
        let left: Vec<u128> = left.into_iter().map(|row| row.id.as_u128()).collect();
        assert_eq!(left, [2, 3, 4], "2 is named, 3 is of an older version, 4 is used");
        assert_eq!(snapshots(&ground, before()).await.unwrap(), (0, false));
        ground.clock.advance_secs(401 * DAY);
        assert_eq!(snapshots(&ground, before()).await.unwrap(), (2, false), "3 and 4 by now");
    }
}
