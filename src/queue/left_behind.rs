//! What a process that died had in hand on an embedded database, free again at the next start.
//!
//! One process works on such a database: when it starts, whoever held something is gone, and nobody has to wait until
//! leases run out. Should another work on it all the same, nothing is done twice: who claims what was freed gets a new
//! fencing number, and what the other finds out under the old one is void. An operation that was under way is looked
//! for at the PSA before it is tried again, as after every lease that ran out.

use entity::{Timestamp, lane, subscriber_lane, webhook_delivery};
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, sea_query::Expr};

use crate::{error::Error, ground::Ground};

/// Frees it; says how many deliveries and lanes that were. Nothing on a database that several nodes may share.
pub async fn free(ground: &Ground) -> Result<u64, Error> {
    if !ground.db.is_sqlite() {
        return Ok(0);
    }
    let now = ground.clock.now();
    ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                use lane::Column as L;
                use subscriber_lane::Column as S;
                use webhook_delivery::Column as D;
                let free = || Expr::value(Timestamp(0));
                let deliveries = webhook_delivery::Entity::update_many()
                    .col_expr(D::LeaseUntil, free())
                    // By the index of what is due: there are few of those, and many that are done.
                    .filter(D::RunAt.lte(now))
                    .filter(D::LeaseUntil.gt(0))
                    .exec(tx)
                    .await?;
                let lanes = lane::Entity::update_many()
                    .col_expr(L::LeaseUntil, free())
                    .col_expr(L::Holder, Expr::value(None::<String>))
                    .filter(L::LeaseUntil.gt(0))
                    .exec(tx)
                    .await?;
                let subscribers = subscriber_lane::Entity::update_many()
                    .col_expr(S::LeaseUntil, free())
                    .col_expr(S::Holder, Expr::value(None::<String>))
                    .filter(S::LeaseUntil.gt(0))
                    .exec(tx)
                    .await?;
                Ok(deliveries.rows_affected + lanes.rows_affected + subscribers.rows_affected)
            })
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{queue::lanes, testing};

    #[tokio::test]
    async fn a_lane_that_was_left_behind_is_free_at_once_and_what_its_holder_says_is_void() {
        let ground = testing::ground().await;
        let (organization, viewer) = ground.organization("acme").await;
        let connection = testing::connection(&ground, &viewer, organization.id, "halo").await;
        let (id, now) = (connection.id, ground.clock.now());
        let wake = ground
            .db
            .write::<_, Error, _>(move |tx| Box::pin(async move { Ok(lanes::wake(tx, id, now).await?) }));
        wake.await.unwrap();
        let held = lanes::claim(&ground, "killed").await.unwrap().expect("a lane with work");
        assert!(lanes::claim(&ground, "next").await.unwrap().is_none(), "it is held");

        let freed = free(&ground).await.unwrap();
        if !ground.db.is_sqlite() {
            assert_eq!(freed, 0, "another node may hold it");
            return;
        }
        assert_eq!(freed, 1);
        let again = lanes::claim(&ground, "next").await.unwrap().expect("nobody has to wait for the lease");
        assert!(again.fence > held.fence);
        let is_held = ground.db.write::<_, Error, _>(move |tx| {
            Box::pin(async move { Ok(lanes::still_held(tx, &held, now).await?) })
        });
        assert!(!is_held.await.unwrap());
    }
}
