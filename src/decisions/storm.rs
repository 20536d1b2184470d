//! The storm brake: so many new tickets of a policy within an hour, and no more.
#![expect(clippy::disallowed_methods, reason = "scopes every query by organization")]

use entity::{Timestamp, policy, ticket};
use sea_orm::{
    ColumnTrait as _, DatabaseTransaction, DbErr, EntityTrait as _, QueryFilter as _, QuerySelect as _,
};
use uuid::Uuid;

use super::handling::Handling;
use crate::ground::Ground;

/// Within which time tickets are counted, in seconds.
const SPAN_SECS: i64 = 3_600;

/// How many tickets a policy opens within an hour; none where there is no cap.
pub(super) fn cap(handling: &Handling) -> Option<u64> {
    handling.storm_cap.and_then(|cap| u64::try_from(cap).ok()).filter(|cap| *cap > 0)
}

/// Tickets that were opened after this moment count by then.
pub(super) fn since(now: Timestamp) -> Timestamp {
    now.plus_secs(-SPAN_SECS)
}

/// That the brake holds, in words.
pub(super) fn words(handling: &Handling) -> String {
    let cap = handling.storm_cap.unwrap_or_default();
    format!("the policy has opened {cap} tickets within an hour: goes on one for all")
}

/// How many tickets a policy has opened within the span, as far as `enough`. Those that are planned at the very moment on
/// other connections of the database are not seen: the cap may be passed by as many as are decided at once.
pub(super) async fn opened_lately(
    tx: &DatabaseTransaction,
    ground: &Ground,
    policy: &policy::Model,
    enough: u64,
) -> Result<u64, DbErr> {
    use ticket::Column as C;
    let ids: Vec<Uuid> = ticket::Entity::find()
        .select_only()
        .column(C::Id)
        .filter(C::OrganizationId.eq(policy.organization_id))
        .filter(C::PolicyId.eq(policy.id))
        .filter(C::CreatedAt.gt(since(ground.clock.now())))
        .limit(enough)
        .into_tuple()
        .all(tx)
        .await?;
    Ok(ids.len() as u64)
}
