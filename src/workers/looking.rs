//! Looking for work that nobody told of: what other nodes have left, and what is due by the time alone.
//!
//! One statement a second asks for all of it, so that a gateway with nothing to do does next to nothing. Where there is
//! something, those who do it are woken, and look for themselves.

use entity::Timestamp;
use sea_orm::{
    ConnectionTrait as _,
    sea_query::{Expr, ExprTrait as _, Query, SelectStatement},
};
use tokio_util::sync::CancellationToken;

use super::Workers;
use crate::{
    db::news::What,
    decisions::{closing, waiting},
    error::Error,
    ground::{Ground, Work},
    queue::{inbox, lanes, subscriber_lanes},
    statistics::fold,
    sync::imports::applying,
    tickets::listing,
};

/// What of each kind of work is due at a time.
fn due(work: Work, now: Timestamp) -> Vec<SelectStatement> {
    match work {
        Work::Inbox => vec![inbox::due(now)],
        Work::Outbox => vec![lanes::due(now)],
        Work::Telling => vec![subscriber_lanes::due(now)],
        Work::Counting => vec![fold::any_waiting()],
        Work::Timed => {
            vec![waiting::any_due(now), listing::any_due(now), closing::any_due(now), applying::any_due(now)]
        }
    }
}

/// Which kinds of work are due, in one statement.
async fn all_due(ground: &Ground) -> Result<Vec<Work>, Error> {
    let now = ground.clock.now();
    let mut statement = Query::select();
    for work in Work::ALL {
        let any = due(work, now).into_iter().map(Expr::exists).reduce(Expr::or);
        statement.expr_as(any.unwrap_or_else(|| Expr::value(false)), work.name());
    }
    let Some(row) = ground.db.reader().query_one(&statement).await? else { return Ok(Vec::new()) };
    let is_due = |work: &Work| row.try_get("", work.name());
    let mut found = Vec::new();
    for work in Work::ALL {
        if is_due(&work)? {
            found.push(work);
        }
    }
    Ok(found)
}

impl Workers {
    /// Wakes those for whom there is work. Always false: others do it.
    pub(super) async fn look(&self) -> Result<bool, Error> {
        let ground = &self.0.ground;
        for work in all_due(ground).await? {
            ground.wake.everybody(work);
        }
        Ok(false)
    }

    /// Wakes workers for what other nodes tell, at once; what is not heard is found a second later.
    pub(super) async fn hear_others(self, stop: CancellationToken) {
        let (news, wake) = (self.0.ground.db.news(), &self.0.ground.wake);
        let mut watches = [(What::DeliveryReceived, Work::Inbox), (What::LaneDue, Work::Outbox)]
            .map(|(what, work)| (what, news.watch(what, None), work));
        loop {
            let [(_, deliveries, _), (_, lanes, _)] = &mut watches;
            let (heard, at) = tokio::select! {
                heard = deliveries.next() => (heard, 0),
                heard = lanes.next() => (heard, 1),
                () = stop.cancelled() => return,
            };
            let Some((what, watch, work)) = watches.get_mut(at) else { return };
            match heard {
                Some(heard) if news.is_own(&heard) => {}
                Some(_) => wake.one(*work),
                // Who was too slow to hear everything watches anew.
                None => {
                    *watch = news.watch(*what, None);
                    wake.one(*work);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures;

    #[tokio::test]
    async fn a_gateway_with_nothing_to_do_finds_nothing_in_one_statement() {
        let ground = fixtures::ground().await;
        let before = ground.db.statements();
        assert_eq!(all_due(&ground).await.unwrap(), []);
        assert_eq!(ground.db.statements() - before, 1);
    }

    #[tokio::test]
    async fn what_is_due_is_found_at_its_time_and_not_before() {
        let ground = fixtures::ground().await;
        let place = fixtures::Place::new(&ground, "acme").await;
        let now = ground.clock.now();
        let id = place.psa_connection_id;
        let organization_id = place.organization_id;
        ground
            .db
            .write::<_, Error, _>(move |tx| {
                Box::pin(async move {
                    lanes::create(tx, organization_id, id, now).await?;
                    Ok(lanes::wake(tx, id, now.plus_secs(60)).await?)
                })
            })
            .await
            .unwrap();
        assert_eq!(all_due(&ground).await.unwrap(), []);
        ground.clock.advance_secs(60);
        assert_eq!(all_due(&ground).await.unwrap(), [Work::Outbox]);
        let held = lanes::claim(&ground, "node").await.unwrap();
        assert!(held.is_some());
        assert_eq!(all_due(&ground).await.unwrap(), [], "somebody holds it");
    }
}
