//! How an organization's connections are, counted.

use std::collections::HashMap;

use entity::{
    Timestamp, lane,
    psa_connection::{self, Health},
};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait as _, QueryTrait as _,
    sea_query::{Asterisk, CaseStatement, Expr, ExprTrait as _, Func, JoinType},
};
use uuid::Uuid;

use super::sums::whole;
use crate::{
    error::Error,
    ground::Ground,
    organizations::{reach, viewer::Viewer},
};

/// How connections are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// All of them.
    pub all: i64,
    /// Switched on, and the last check or call worked.
    pub healthy: i64,
    /// Switched on, and the last check or call failed in a way that somebody must mend.
    pub failing: i64,
    /// Switched on, and never checked since the credentials were changed.
    pub unverified: i64,
    /// Switched off.
    pub disabled: i64,
    /// Switched on, and no call is made for the moment.
    pub paused: i64,
    /// Since when the oldest work that is due waits, of those switched on.
    pub oldest_due_at: Option<Timestamp>,
}

/// How the connections of each organization are, in one statement.
pub async fn counts(
    viewer: &Viewer,
    ground: &Ground,
    organization_ids: &[Uuid],
) -> Result<HashMap<Uuid, Counts>, Error> {
    use psa_connection::Column as C;
    let now = ground.clock.now();
    let is_on = || C::IsEnabled.eq(true);
    let health = |health| is_on().and(C::Health.eq(health));
    let count_if =
        |condition: Expr| whole(Expr::expr(CaseStatement::new().case(condition, 1_i64).finally(0_i64)).sum());
    let due_at = || Expr::col((lane::Entity, lane::Column::NextAt));
    let is_due = is_on().and(due_at().lte(now));
    let mut rows = reach::rows::<psa_connection::Entity>(viewer).into_query();
    rows.clear_selects()
        .column((psa_connection::Entity, C::OrganizationId))
        .expr_as(Func::count(Expr::col(Asterisk)), "all_of_them")
        .expr_as(count_if(health(Health::Healthy)), "healthy")
        .expr_as(count_if(health(Health::Failing)), "failing")
        .expr_as(count_if(health(Health::Unverified)), "unverified")
        .expr_as(count_if(C::IsEnabled.eq(false)), "disabled")
        .expr_as(
            count_if(is_on().and(Expr::col((lane::Entity, lane::Column::PausedUntil)).gt(now))),
            "paused",
        )
        .expr_as(Expr::expr(CaseStatement::new().case(is_due, due_at())).min(), "oldest_due_at")
        .join(
            JoinType::LeftJoin,
            lane::Entity,
            Expr::col((lane::Entity, lane::Column::Id)).eq(Expr::col((psa_connection::Entity, C::Id))),
        )
        .and_where(C::OrganizationId.is_in(organization_ids.iter().copied()))
        .group_by_col((psa_connection::Entity, C::OrganizationId));
    let mut found: HashMap<Uuid, Counts> =
        organization_ids.iter().map(|id| (*id, Counts::default())).collect();
    for row in ground.db.reader().query_all(&rows).await? {
        let counts = Counts {
            all: row.try_get("", "all_of_them")?,
            healthy: row.try_get("", "healthy")?,
            failing: row.try_get("", "failing")?,
            unverified: row.try_get("", "unverified")?,
            disabled: row.try_get("", "disabled")?,
            paused: row.try_get("", "paused")?,
            oldest_due_at: row.try_get::<Option<i64>>("", "oldest_due_at")?.map(Timestamp),
        };
        found.insert(row.try_get("", "organization_id")?, counts);
    }
    Ok(found)
}
