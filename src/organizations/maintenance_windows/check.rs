//! Whether a window is within its bounds, and speaks of its own organization's things.
#![expect(clippy::disallowed_methods, reason = "scopes every query by organization")]

use entity::{Timestamp, company, maintenance_window, organization};
use sea_orm::{
    ColumnTrait as _, DatabaseTransaction, EntityTrait as _, PaginatorTrait as _, QueryFilter as _,
    QuerySelect as _, sea_query::LockType,
};
use uuid::Uuid;

use super::{DAY, MAX_AHEAD_SECS, MAX_LENGTH_SECS, MAX_WINDOWS};
use crate::{
    decisions::weekly,
    error::{Error, Problem, ProblemCode},
    ground::Ground,
    organizations::form::{Form, no_such},
};

pub(super) fn check_times(
    form: &mut Form,
    (starts_at, ends_at): (Timestamp, Timestamp),
    is_weekly: bool,
    now: Timestamp,
) {
    let mut wrong = |message: String| form.add(Problem::of("endsAt", ProblemCode::Invalid, message));
    if ends_at <= starts_at {
        wrong("it ends before it begins; give an end that is later than `startsAt`".to_owned());
    } else if !is_weekly && ends_at > starts_at.plus_secs(MAX_LENGTH_SECS) {
        let days = MAX_LENGTH_SECS / DAY;
        wrong(format!(
            "a window lasts at most {days} days; let it come back every week (`weekly`), or a policy say what \
             deserves a ticket"
        ));
    } else if ends_at > now.plus_secs(MAX_AHEAD_SECS) {
        wrong(format!("a window ends at most {} days from now", MAX_AHEAD_SECS / DAY));
    }
}

/// One that comes back every week has to do so once at least before it ends.
pub(super) fn will_open(row: &maintenance_window::Model, now: Timestamp) -> Result<(), Problem> {
    if row.weekly.is_none() || weekly::occurrence(row, now).is_some() {
        return Ok(());
    }
    let message = "it would end before it is open for the first time; give a later end, or other days";
    Err(Problem::of("endsAt", ProblemCode::Invalid, message))
}

pub(super) async fn check_company(
    ground: &Ground,
    organization_id: Uuid,
    id: Option<Uuid>,
    form: &mut Form,
) -> Result<(), Error> {
    let Some(id) = id else { return Ok(()) };
    let found = company::Entity::find_by_id(id)
        .filter(company::Column::OrganizationId.eq(organization_id))
        .one(ground.db.reader())
        .await?;
    if found.is_none() {
        form.add(no_such("companyId", "company"));
    }
    Ok(())
}

/// Whoever adds windows queues here.
pub(super) async fn has_room(
    tx: &DatabaseTransaction,
    organization_id: Uuid,
    now: Timestamp,
) -> Result<(), Error> {
    organization::Entity::find_by_id(organization_id).lock(LockType::NoKeyUpdate).one(tx).await?;
    let count = maintenance_window::Entity::find()
        .filter(maintenance_window::Column::OrganizationId.eq(organization_id))
        .filter(maintenance_window::Column::EndsAt.gt(now))
        .count(tx)
        .await?;
    if count < MAX_WINDOWS {
        return Ok(());
    }
    let message = format!("there are {MAX_WINDOWS} windows that are not over; remove one that is not needed");
    Err(Problem::of("organizationId", ProblemCode::WrongState, message).into())
}
