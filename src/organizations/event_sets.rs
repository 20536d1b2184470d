//! Event sets: named choices of event kinds, for policies.
#![expect(clippy::disallowed_methods, reason = "scopes every query by organization")]

mod choices;

use entity::{
    company_mapping,
    event_set::{self, RemediationGrain},
    organization, policy,
};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, DatabaseTransaction, DbErr, EntityTrait as _, ExprTrait as _,
    IntoActiveModel as _, ModelTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _, Set,
    sea_query::{Expr, LockType},
};
use serde_json::json;
use uuid::Uuid;

use super::{
    form::{Form, MAX_NAME, removed, taken},
    once::Done,
    versions,
    viewer::{Permission, Viewer},
};
use crate::{
    audit::{self, Change},
    decisions::{event_sets::Choice, held},
    error::{Error, Problem, ProblemCode},
    ground::Ground,
};

/// How many policies are named when a set cannot be removed.
const NAMED: u64 = 5;

/// An event set to be made.
#[derive(Clone, Debug)]
pub struct NewEventSet {
    /// For whom.
    pub organization_id: Uuid,
    /// Name for people; unique in the organization.
    pub name: String,
    /// Whether new policies take it where they name none.
    pub is_default: bool,
    /// How what is to be mended is put together.
    pub remediation_grain: RemediationGrain,
    /// What is in it.
    pub choices: Vec<Choice>,
}

/// What is to be changed of an event set; what is none stays.
#[derive(Clone, Debug, Default)]
pub struct EventSetChange {
    /// Another name.
    pub name: Option<String>,
    /// Whether it is the default; making it so takes that from another one.
    pub is_default: Option<bool>,
    /// Another grain.
    pub remediation_grain: Option<RemediationGrain>,
    /// All that is in it, anew.
    pub choices: Option<Vec<Choice>>,
    /// The version that it must have.
    pub expected_version: Option<i32>,
}

/// Makes an event set.
pub async fn create(viewer: &Viewer, ground: &Ground, new: NewEventSet) -> Result<event_set::Model, Error> {
    viewer.may(Permission::ManagePolicies, new.organization_id)?;
    super::organization::living(viewer, ground, new.organization_id).await?;
    let mut form = Form::default();
    let name = form.name(&new.name);
    choices::check(&new.choices, &mut form);
    form.finish()?;
    let row = row(ground, NewEventSet { name, ..new });
    make(viewer, ground, "eventSetCreate", row).await
}

/// Makes another set of the same choices, which is not the default.
pub async fn copy(
    viewer: &Viewer,
    ground: &Ground,
    id: Uuid,
    name: Option<&str>,
) -> Result<event_set::Model, Error> {
    let old = by_id(viewer, ground, id).await?;
    viewer.may(Permission::ManagePolicies, old.organization_id)?;
    let mut form = Form::default();
    let name = form.name_change(name).unwrap_or_else(|| copied(&old.name));
    form.finish()?;
    let now = ground.clock.now();
    let row = event_set::Model {
        id: ground.chance.id(now),
        name,
        is_default: false,
        version: 1,
        created_at: now,
        updated_at: now,
        ..old
    };
    make(viewer, ground, "eventSetCopy", row).await
}

/// The name of a copy.
pub(super) fn copied(name: &str) -> String {
    format!("Copy of {name}").chars().take(MAX_NAME).collect()
}

/// A set as it will stand in the table.
pub(super) fn row(ground: &Ground, new: NewEventSet) -> event_set::Model {
    let now = ground.clock.now();
    event_set::Model {
        id: ground.chance.id(now),
        organization_id: new.organization_id,
        name: new.name,
        is_default: new.is_default,
        remediation_grain: new.remediation_grain,
        choices: json!(new.choices),
        version: 1,
        created_at: now,
        updated_at: now,
    }
}

async fn make(
    viewer: &Viewer,
    ground: &Ground,
    action: &'static str,
    row: event_set::Model,
) -> Result<event_set::Model, Error> {
    let (ground_of, by, once) = (ground.clone(), viewer.clone(), viewer.once());
    ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                once.begin(tx).await?;
                if row.is_default {
                    lock_default(tx, row.organization_id).await?;
                    clear_default(tx, row.organization_id, None).await?;
                }
                let in_use = name_in_use(&row.name);
                let made = row.into_active_model().insert(tx).await.map_err(taken("name", in_use))?;
                once.finish(tx, &ground_of, &Done::row(made.id)).await?;
                audit::record(tx, &ground_of, &by, Change::made(action, &made)).await?;
                Ok::<_, Error>(made)
            })
        })
        .await
}

/// The set of that id, where it is in reach.
pub async fn by_id(viewer: &Viewer, ground: &Ground, id: Uuid) -> Result<event_set::Model, Error> {
    let found = event_set::Entity::find_by_id(id).one(ground.db.reader()).await?;
    found.filter(|row| viewer.reaches(row.organization_id)).ok_or(Error::NotFound)
}

/// Changes a set, for all policies that use it, and decides held events again.
pub async fn update(
    viewer: &Viewer,
    ground: &Ground,
    id: Uuid,
    change: EventSetChange,
) -> Result<event_set::Model, Error> {
    let old = by_id(viewer, ground, id).await?;
    viewer.may(Permission::ManagePolicies, old.organization_id)?;
    let mut form = Form::default();
    let name = form.name_change(change.name.as_deref());
    if let Some(choices) = &change.choices {
        choices::check(choices, &mut form);
    }
    form.finish()?;
    let (organization_id, now) = (old.organization_id, ground.clock.now());
    let in_use = name_in_use(name.as_deref().unwrap_or_default());
    let (ground_of, by) = (ground.clone(), viewer.clone());
    let changed = ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                if change.is_default == Some(true) {
                    lock_default(tx, organization_id).await?;
                }
                let old = versions::locked::<event_set::Entity>(tx, id, change.expected_version).await?;
                if change.is_default == Some(true) {
                    clear_default(tx, organization_id, Some(id)).await?;
                }
                let mut row = old.clone().into_active_model();
                if let Some(name) = name {
                    row.name = Set(name);
                }
                if let Some(is_default) = change.is_default {
                    row.is_default = Set(is_default);
                }
                if let Some(grain) = change.remediation_grain {
                    row.remediation_grain = Set(grain);
                }
                if let Some(choices) = change.choices {
                    row.choices = Set(json!(choices));
                }
                row.version = Set(old.version + 1);
                row.updated_at = Set(now);
                let changed = row.update(tx).await.map_err(taken("name", in_use))?;
                held::release(tx, organization_id, now).await?;
                audit::record(tx, &ground_of, &by, Change::between("eventSetUpdate", &old, &changed)).await?;
                Ok::<_, Error>(changed)
            })
        })
        .await?;
    ground.wake.inbox();
    Ok(changed)
}

/// Removes a set that no policy uses.
pub async fn delete(viewer: &Viewer, ground: &Ground, id: Uuid) -> Result<(), Error> {
    let row = by_id(viewer, ground, id).await?;
    viewer.may(Permission::ManagePolicies, row.organization_id)?;
    let (ground_of, by) = (ground.clone(), viewer.clone());
    ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                // A policy that is being given this set holds its row: see `policies`.
                event_set::Entity::find_by_id(id).lock(LockType::Update).one(tx).await?;
                let users = users(tx, row.organization_id, id).await?;
                if !users.is_empty() {
                    let message = format!(
                        "the event set is used by {}; let them use another one first",
                        users.join(", ")
                    );
                    return Err(Problem::of("id", ProblemCode::InUse, message).into());
                }
                let change = Change::removed("eventSetDelete", &row);
                removed(&row.delete(tx).await?)?;
                audit::record(tx, &ground_of, &by, change).await?;
                Ok::<_, Error>(())
            })
        })
        .await
}

/// The policies that use a set, by their names, and whether mappings do.
async fn users(tx: &DatabaseTransaction, organization_id: Uuid, id: Uuid) -> Result<Vec<String>, DbErr> {
    let found = policy::Entity::find()
        .filter(policy::Column::OrganizationId.eq(organization_id))
        .filter(policy::Column::EventSetId.eq(id))
        .order_by_asc(policy::Column::Position)
        .limit(NAMED + 1)
        .all(tx)
        .await?;
    let more = found.len() > usize::try_from(NAMED).unwrap_or(usize::MAX);
    let names = found.iter().take(usize::try_from(NAMED).unwrap_or(usize::MAX));
    let names = names.map(|policy| format!("the policy \"{}\"", policy.name));
    let mapped = company_mapping::Entity::find()
        .filter(company_mapping::Column::OrganizationId.eq(organization_id))
        .filter(company_mapping::Column::EventSetId.eq(id))
        .limit(1)
        .one(tx)
        .await?
        .map(|_| "company mappings".to_owned());
    Ok(names.chain(more.then(|| "others".to_owned())).chain(mapped).collect())
}

/// Whoever makes a set the default queues here, before any set's row is locked.
async fn lock_default(tx: &DatabaseTransaction, organization_id: Uuid) -> Result<(), DbErr> {
    organization::Entity::find_by_id(organization_id).lock(LockType::NoKeyUpdate).one(tx).await.map(|_| ())
}

/// Takes the default away from whichever other set has it.
async fn clear_default(
    tx: &DatabaseTransaction,
    organization_id: Uuid,
    but: Option<Uuid>,
) -> Result<(), DbErr> {
    use event_set::Column as C;
    let mut update = event_set::Entity::update_many()
        .col_expr(C::IsDefault, Expr::value(false))
        .col_expr(C::Version, Expr::col(C::Version).add(1))
        .filter(C::OrganizationId.eq(organization_id))
        .filter(C::IsDefault.eq(true));
    if let Some(but) = but {
        update = update.filter(C::Id.ne(but));
    }
    update.exec(tx).await.map(|_| ())
}

fn name_in_use(name: &str) -> String {
    format!("another event set of this organization is named {name}; choose a different name")
}

#[cfg(test)]
mod tests;
