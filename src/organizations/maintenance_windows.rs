//! Maintenance windows: times in which findings of a company, or of all, get no new tickets.
#![expect(clippy::disallowed_methods, reason = "scopes every query by organization")]

use entity::{Timestamp, company, maintenance_window, organization};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, DatabaseTransaction, EntityTrait as _, IntoActiveModel as _,
    ModelTrait as _, PaginatorTrait as _, QueryFilter as _, QuerySelect as _, Set, sea_query::LockType,
};
use uuid::Uuid;

use super::{
    form::{Form, no_such, removed},
    once::Done,
    versions,
    viewer::{Permission, Viewer},
};
use crate::{
    audit::{self, Change},
    decisions::waiting,
    error::{Error, Problem, ProblemCode},
    ground::Ground,
};

const DAY: i64 = 86_400;
/// The longest window, in seconds: who wants more does not want tickets, and says so in a policy.
pub const MAX_LENGTH_SECS: i64 = 31 * DAY;
/// How far ahead a window may end, in seconds.
pub const MAX_AHEAD_SECS: i64 = 400 * DAY;
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
    let now = ground.clock.now();
    let mut form = Form::default();
    let name = form.name(&new.name);
    if new.ends_at <= now {
        let message = "it would be over already; give an end that is to come";
        form.add(Problem::of("endsAt", ProblemCode::Invalid, message));
    }
    check_times(&mut form, new.starts_at, new.ends_at, now);
    check_company(ground, organization_id, new.company_id, &mut form).await?;
    form.finish()?;
    let row = maintenance_window::Model {
        id: ground.chance.id(now),
        organization_id,
        company_id: new.company_id,
        name,
        starts_at: new.starts_at,
        ends_at: new.ends_at,
        version: 1,
        created_at: now,
        updated_at: now,
    };
    let (ground_of, by, once) = (ground.clone(), viewer.clone(), viewer.once());
    ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                once.begin(tx).await?;
                has_room(tx, organization_id, now).await?;
                hold_company(tx, organization_id, row.company_id).await?;
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
                hold_company(tx, organization_id, change.company_id.flatten()).await?;
                let old =
                    versions::locked::<maintenance_window::Entity>(tx, id, change.expected_version).await?;
                let (starts_at, ends_at) =
                    (change.starts_at.unwrap_or(old.starts_at), change.ends_at.unwrap_or(old.ends_at));
                let mut form = Form::default();
                check_times(&mut form, starts_at, ends_at, now);
                form.finish()?;
                let mut row = old.clone().into_active_model();
                if let Some(name) = name {
                    row.name = Set(name);
                }
                if let Some(company_id) = change.company_id {
                    row.company_id = Set(company_id);
                }
                row.starts_at = Set(starts_at);
                row.ends_at = Set(ends_at);
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

fn check_times(form: &mut Form, starts_at: Timestamp, ends_at: Timestamp, now: Timestamp) {
    let mut wrong = |message: String| form.add(Problem::of("endsAt", ProblemCode::Invalid, message));
    if ends_at <= starts_at {
        wrong("it ends before it begins; give an end that is later than `startsAt`".to_owned());
    } else if ends_at > starts_at.plus_secs(MAX_LENGTH_SECS) {
        let days = MAX_LENGTH_SECS / DAY;
        wrong(format!(
            "a window lasts at most {days} days; for longer, let a policy say what deserves a ticket"
        ));
    } else if ends_at > now.plus_secs(MAX_AHEAD_SECS) {
        wrong(format!("a window ends at most {} days from now", MAX_AHEAD_SECS / DAY));
    }
}

async fn check_company(
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

/// Holds the company where it is until the transaction ends: somebody may be removing it.
async fn hold_company(
    tx: &DatabaseTransaction,
    organization_id: Uuid,
    id: Option<Uuid>,
) -> Result<(), Error> {
    let Some(id) = id else { return Ok(()) };
    let found = company::Entity::find_by_id(id)
        .filter(company::Column::OrganizationId.eq(organization_id))
        .lock(LockType::KeyShare)
        .one(tx)
        .await?;
    found.map(|_| ()).ok_or_else(|| no_such("companyId", "company").into())
}

/// Whoever adds windows queues here.
async fn has_room(tx: &DatabaseTransaction, organization_id: Uuid, now: Timestamp) -> Result<(), Error> {
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

#[cfg(test)]
mod tests;
