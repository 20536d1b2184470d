//! The storm brake: so many new tickets of a policy within an hour, and no more.
#![expect(clippy::disallowed_methods, reason = "scopes every query by organization")]

use std::collections::HashMap;

use entity::{Timestamp, ticket};
use sea_orm::{
    ColumnTrait as _, DatabaseTransaction, DbErr, EntityTrait as _, QueryFilter as _, QuerySelect as _,
};
use uuid::Uuid;

use super::handling::Handling;

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

/// How many tickets each policy of an organization has opened within the span. Those that are planned at the very moment
/// on other connections of the database are not seen: a cap may be passed by as many as are decided at once.
pub(super) async fn opened_lately(
    tx: &DatabaseTransaction,
    organization_id: Uuid,
    now: Timestamp,
) -> Result<HashMap<Uuid, u64>, DbErr> {
    use ticket::Column as C;
    let counts: Vec<(Uuid, i64)> = ticket::Entity::find()
        .select_only()
        .column(C::PolicyId)
        .column_as(C::Id.count(), "opened")
        .filter(C::OrganizationId.eq(organization_id))
        .filter(C::CreatedAt.gt(since(now)))
        .filter(C::PolicyId.is_not_null())
        .group_by(C::PolicyId)
        .into_tuple()
        .all(tx)
        .await?;
    Ok(counts.into_iter().map(|(id, count)| (id, u64::try_from(count).unwrap_or(0))).collect())
}
