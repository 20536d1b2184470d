//! Maintenance windows: times in which findings of a company, or of all, get no new tickets. One is open all the time
//! from its beginning to its end, or comes back every week in between: see [`weekly`].
#![expect(clippy::disallowed_methods, reason = "scopes every query by organization")]

mod check;

use entity::{Timestamp, maintenance_window};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, EntityTrait as _, IntoActiveModel as _, ModelTrait as _,
    QueryFilter as _, Set,
};
use uuid::Uuid;

use super::{
    companies,
    form::{Form, removed},
    lists::WindowList,
    once::Done,
    reach, versions,
    viewer::{Permission, Viewer},
};
use crate::{
    audit::{self, Change},
    decisions::{
        waiting,
        weekly::{self, Weekly},
    },
    error::{Error, Problem, ProblemCode},
    ground::Ground,
};

use check::{check_company, check_times, has_room, will_open};

const DAY: i64 = 86_400;
/// The longest window, in seconds: who wants more does not want tickets, and says so in a policy.
pub const MAX_LENGTH_SECS: i64 = 31 * DAY;
/// How far ahead a window may end, in seconds.
pub const MAX_AHEAD_SECS: i64 = 400 * DAY;
/// Where what comes back stands in the input.
const WEEKLY: &str = "weekly";
/// How many windows that are not over an organization may have: all of them are read with what is decided.
pub const MAX_WINDOWS: u64 = 500;

/// A window to be made.
#[derive(Clone, Debug)]
pub struct NewWindow {
    /// For whom.
    pub organization_id: Uuid,
    /// The company it is for; every company where there is none.
    pub company_id: Option<Uuid>,
    /// Name for people.
    pub name: String,
    /// From when on.
    pub starts_at: Timestamp,
    /// Until when.
    pub ends_at: Timestamp,
    /// How it comes back every week in between; none where it is open all the time.
    pub weekly: Option<Weekly>,
}

/// What is to be changed of a window; what is none stays.
#[derive(Clone, Debug, Default)]
pub struct WindowChange {
    /// Another company; `Some(None)` for every company.
    pub company_id: Option<Option<Uuid>>,
    /// Another name.
    pub name: Option<String>,
    /// Another beginning.
    pub starts_at: Option<Timestamp>,
    /// Another end: a moment that has passed ends the window.
    pub ends_at: Option<Timestamp>,
    /// Another way to come back; `Some(None)` to be open all the time.
    pub weekly: Option<Option<Weekly>>,
    /// The version that it must have.
    pub expected_version: Option<i32>,
}

/// Makes a window.
pub async fn create(
    viewer: &Viewer,
    ground: &Ground,
    new: NewWindow,
) -> Result<maintenance_window::Model, Error> {
    let organization_id = new.organization_id;
    viewer.may(Permission::ManagePolicies, organization_id)?;
    super::organization::living(viewer, ground, organization_id).await?;
    let now = ground.clock.now();
    let mut form = Form::default();
    let name = form.name(&new.name);
    if new.ends_at <= now {
        let message = "it would be over already; give an end that is to come";
        form.add(Problem::of("endsAt", ProblemCode::Invalid, message));
    }
    check_times(&mut form, (new.starts_at, new.ends_at), new.weekly.is_some(), now);
    check_company(ground, organization_id, new.company_id, &mut form).await?;
    form.extend(new.weekly.iter().flat_map(|weekly| weekly.problems(WEEKLY)));
    form.finish()?;
    let row = maintenance_window::Model {
        id: ground.chance.id(now),
        organization_id,
        company_id: new.company_id,
        name,
        starts_at: new.starts_at,
        ends_at: new.ends_at,
        weekly: new.weekly.as_ref().and_then(Weekly::stored),
        version: 1,
        created_at: now,
        updated_at: now,
    };
    will_open(&row, now)?;
    let (ground_of, by, once) = (ground.clone(), viewer.clone(), viewer.once());
    ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                once.begin(tx).await?;
                has_room(tx, organization_id, now).await?;
                companies::hold(tx, organization_id, row.company_id, "companyId").await?;
                let made = row.into_active_model().insert(tx).await?;
                once.finish(tx, &ground_of, &Done::row(made.id)).await?;
                audit::record(tx, &ground_of, &by, Change::made("maintenanceWindowCreate", &made)).await?;
                Ok::<_, Error>(made)
            })
        })
        .await
}

/// The window of that id, where it is in reach.
pub async fn by_id(viewer: &Viewer, ground: &Ground, id: Uuid) -> Result<maintenance_window::Model, Error> {
    let found = maintenance_window::Entity::find_by_id(id).one(ground.db.reader()).await?;
    found.filter(|row| viewer.reaches(row.organization_id)).ok_or(Error::NotFound)
}

/// Changes a window.
pub async fn update(
    viewer: &Viewer,
    ground: &Ground,
    id: Uuid,
    change: WindowChange,
) -> Result<maintenance_window::Model, Error> {
    let old = by_id(viewer, ground, id).await?;
    let organization_id = old.organization_id;
    viewer.may(Permission::ManagePolicies, organization_id)?;
    let now = ground.clock.now();
    let mut form = Form::default();
    let name = form.name_change(change.name.as_deref());
    check_company(ground, organization_id, change.company_id.flatten(), &mut form).await?;
    form.extend(change.weekly.iter().flatten().flat_map(|weekly| weekly.problems(WEEKLY)));
    form.finish()?;
    let (ground_of, by) = (ground.clone(), viewer.clone());
    ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                let is_longer = change.ends_at.is_some_and(|ends_at| ends_at > now) && old.ends_at <= now;
                if is_longer {
                    has_room(tx, organization_id, now).await?;
                }
                companies::hold(tx, organization_id, change.company_id.flatten(), "companyId").await?;
                let old =
                    versions::locked::<maintenance_window::Entity>(tx, id, change.expected_version).await?;
                let (starts_at, ends_at) =
                    (change.starts_at.unwrap_or(old.starts_at), change.ends_at.unwrap_or(old.ends_at));
                let weekly = match &change.weekly {
                    Some(weekly) => weekly.as_ref().and_then(Weekly::stored),
                    None => old.weekly.clone(),
                };
                let mut form = Form::default();
                check_times(&mut form, (starts_at, ends_at), weekly.is_some(), now);
                form.finish()?;
                if change.weekly.is_some() && ends_at > now {
                    let (weekly, old) = (weekly.clone(), old.clone());
                    will_open(&maintenance_window::Model { starts_at, ends_at, weekly, ..old }, now)?;
                }
                let mut row = old.clone().into_active_model();
                if let Some(name) = name {
                    row.name = Set(name);
                }
                if let Some(company_id) = change.company_id {
                    row.company_id = Set(company_id);
                }
                row.starts_at = Set(starts_at);
                row.ends_at = Set(ends_at);
                row.weekly = Set(weekly);
                row.version = Set(old.version + 1);
                row.updated_at = Set(now);
                let changed = row.update(tx).await?;
                let change = Change::between("maintenanceWindowUpdate", &old, &changed);
                waiting::windows_changed(tx, organization_id, now).await?;
                audit::record(tx, &ground_of, &by, change).await?;
                Ok::<_, Error>(changed)
            })
        })
        .await
}

/// Removes a window; one that is open ends by that.
pub async fn delete(viewer: &Viewer, ground: &Ground, id: Uuid) -> Result<(), Error> {
    let row = by_id(viewer, ground, id).await?;
    viewer.may(Permission::ManagePolicies, row.organization_id)?;
    let (ground_of, by, organization_id) = (ground.clone(), viewer.clone(), row.organization_id);
    let now = ground.clock.now();
    ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                let change = Change::removed("maintenanceWindowDelete", &row);
                removed(&row.delete(tx).await?)?;
                waiting::windows_changed(tx, organization_id, now).await?;
                audit::record(tx, &ground_of, &by, change).await?;
                Ok::<_, Error>(())
            })
        })
        .await
}

/// A list that is to hold windows that are open, or that are not, with those that come back every week and are open
/// then: which these are no statement can tell.
pub async fn with_weekly(
    viewer: &Viewer,
    ground: &Ground,
    organization_id: Uuid,
    mut list: WindowList,
) -> Result<WindowList, Error> {
    use maintenance_window::Column as C;
    let Some((_, now)) = list.is_open else { return Ok(list) };
    let rows = reach::rows::<maintenance_window::Entity>(viewer)
        .filter(C::OrganizationId.eq(organization_id))
        .filter(C::EndsAt.gt(now))
        .filter(C::Weekly.is_not_null())
        .all(ground.db.reader())
        .await?;
    let is_open = |row: &maintenance_window::Model| {
        weekly::occurrence(row, now).is_some_and(|occurrence| occurrence.holds(now))
    };
    list.open_weekly = rows.iter().filter(|row| is_open(row)).map(|row| row.id).collect();
    Ok(list)
}

#[cfg(test)]
mod tests;
