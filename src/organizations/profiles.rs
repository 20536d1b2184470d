//! Ticket profiles: how tickets are made and closed on one connection.
//!
//! A profile is held against the connection's pick lists as they were last loaded (`rules`), when it is
//! saved and again whenever somebody asks what is wrong with it: lists change in the PSA.
#![expect(clippy::disallowed_methods, reason = "scopes every query by organization")]

mod rules;
mod suggest;

use std::collections::BTreeMap;

use entity::{company_mapping, organization, policy, psa_connection, ticket, ticket_profile};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, DatabaseTransaction, DbErr, EntityTrait as _, ExprTrait as _,
    IntoActiveModel as _, ModelTrait as _, QueryFilter as _, QuerySelect as _, Set,
    sea_query::{Expr, LockType},
};
use serde_json::json;
use uuid::Uuid;

use super::{
    form::{Form, no_such, removed, taken},
    once::Done,
    versions,
    viewer::{Permission, Viewer},
};
use crate::{
    audit::{self, Change},
    decisions::held,
    error::{Error, Problem, ProblemCode},
    ground::Ground,
    sync::pick_lists,
    tickets::template,
};

pub use rules::{ProfileFieldRule, ProfileValues, problems};
pub use suggest::{open_status, suggest};

/// The longest value, in characters.
pub const MAX_VALUE: usize = 255;

/// A profile to be made.
#[derive(Clone, Debug)]
pub struct NewProfile {
    /// On which connection.
    pub psa_connection_id: Uuid,
    /// Name for people; unique in the organization.
    pub name: String,
    /// Whether it is used where neither mapping nor policy names one.
    pub is_default: bool,
    /// What tickets get.
    pub values: ProfileValues,
    /// How a new ticket is worded.
    pub templates: Templates,
}

/// Templates of a new ticket's title and body; ours where there is none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Templates {
    /// Of the title.
    pub title: Option<String>,
    /// Of the body.
    pub body: Option<String>,
}

impl Templates {
    /// Without blank ones; what is wrong with the others goes into the form.
    fn checked(self, form: &mut Form) -> Self {
        let mut read = |field: &'static str, text: Option<String>| {
            let text = text.filter(|text| !text.trim().is_empty())?;
            if let Err(problem) = template::check(&text) {
                form.add(Problem::of(field, ProblemCode::Invalid, problem));
            }
            Some(text)
        };
        Self { title: read("titleTemplate", self.title), body: read("bodyTemplate", self.body) }
    }
}

/// What is to be changed of a profile; what is none stays.
#[derive(Clone, Debug, Default)]
pub struct ProfileChange {
    /// Another name.
    pub name: Option<String>,
    /// Whether it is the default; making it so takes that from another one.
    pub is_default: Option<bool>,
    /// All values of fields anew.
    pub fields: Option<BTreeMap<String, String>>,
    /// The status to create tickets in; `Some(None)` leaves it to the PSA.
    pub status_on_create: Option<Option<String>>,
    /// The status that closes tickets.
    pub status_on_close: Option<String>,
    /// Another title template, or none.
    pub title_template: Option<Option<String>>,
    /// Another body template, or none.
    pub body_template: Option<Option<String>>,
    /// The version that it must have.
    pub expected_version: Option<i32>,
}

/// Makes a profile and decides held events again. `rules` are the platform's.
pub async fn create(
    viewer: &Viewer,
    ground: &Ground,
    rules: &[ProfileFieldRule],
    new: NewProfile,
) -> Result<ticket_profile::Model, Error> {
    let found = psa_connection::Entity::find_by_id(new.psa_connection_id).one(ground.db.reader()).await?;
    let connection = found
        .filter(|row| viewer.reaches(row.organization_id))
        .ok_or_else(|| no_such("psaConnectionId", "PSA connection"))?;
    viewer.may(Permission::ManageIntegrations, connection.organization_id)?;
    let values = new.values.tidied();
    let mut form = Form::default();
    let name = form.name(&new.name);
    check(ground, connection.organization_id, connection.id, rules, &values, &mut form).await?;
    let templates = new.templates.checked(&mut form);
    form.finish()?;
    let now = ground.clock.now();
    let row = ticket_profile::ActiveModel {
        id: Set(ground.chance.id(now)),
        organization_id: Set(connection.organization_id),
        psa_connection_id: Set(connection.id),
        name: Set(name.clone()),
        is_default: Set(new.is_default),
        board: Set(values.board(rules)),
        fields: Set(json!(values.fields)),
        status_on_create: Set(values.status_on_create),
        status_on_close: Set(values.status_on_close),
        title_template: Set(templates.title),
        body_template: Set(templates.body),
        version: Set(1),
        created_at: Set(now),
        updated_at: Set(now),
    };
    let (ground_of, by, once) = (ground.clone(), viewer.clone(), viewer.once());
    let made = ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                once.begin(tx).await?;
                if new.is_default {
                    lock_default(tx, connection.organization_id).await?;
                    clear_default(tx, connection.organization_id, None).await?;
                }
                let made = row.insert(tx).await.map_err(taken("name", name_in_use(&name)))?;
                held::release(tx, made.organization_id, now).await?;
                once.finish(tx, &ground_of, &Done::row(made.id)).await?;
                audit::record(tx, &ground_of, &by, Change::made("ticketProfileCreate", &made)).await?;
                Ok::<_, Error>(made)
            })
        })
        .await?;
    ground.wake.inbox();
    Ok(made)
}

/// The profile of that id, where it is in reach.
pub async fn by_id(viewer: &Viewer, ground: &Ground, id: Uuid) -> Result<ticket_profile::Model, Error> {
    let found = ticket_profile::Entity::find_by_id(id).one(ground.db.reader()).await?;
    found.filter(|row| viewer.reaches(row.organization_id)).ok_or(Error::NotFound)
}

/// Changes a profile and decides held events again. The whole is held against the pick lists, unless only
/// its name or its being the default changes.
pub async fn update(
    viewer: &Viewer,
    ground: &Ground,
    rules: &[ProfileFieldRule],
    id: Uuid,
    change: ProfileChange,
) -> Result<ticket_profile::Model, Error> {
    let old = by_id(viewer, ground, id).await?;
    viewer.may(Permission::ManageIntegrations, old.organization_id)?;
    let mut form = Form::default();
    let name = form.name_change(change.name.as_deref());
    let has_values =
        change.fields.is_some() || change.status_on_create.is_some() || change.status_on_close.is_some();
    let mut values = ProfileValues::of(&old);
    if let Some(fields) = change.fields {
        values.fields = fields;
    }
    if let Some(status) = change.status_on_create {
        values.status_on_create = status;
    }
    if let Some(status) = change.status_on_close {
        values.status_on_close = status;
    }
    let values = values.tidied();
    let is_title_changed = change.title_template.is_some();
    let is_body_changed = change.body_template.is_some();
    let templates =
        Templates { title: change.title_template.flatten(), body: change.body_template.flatten() };
    let templates = templates.checked(&mut form);
    if has_values {
        check(ground, old.organization_id, old.psa_connection_id, rules, &values, &mut form).await?;
    }
    form.finish()?;
    let now = ground.clock.now();
    let in_use = name_in_use(name.as_deref().unwrap_or_default());
    let (organization_id, seen, board) = (old.organization_id, old.version, values.board(rules));
    let (ground_of, by) = (ground.clone(), viewer.clone());
    let changed = ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                if change.is_default == Some(true) {
                    lock_default(tx, organization_id).await?;
                }
                let expected = change.expected_version;
                let old = versions::locked::<ticket_profile::Entity>(tx, id, expected).await?;
                // What stays of the values was held against the lists together with what changes.
                if has_values {
                    versions::expect(Some(seen), old.version)?;
                }
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
                if has_values {
                    row.board = Set(board);
                    row.fields = Set(json!(values.fields));
                    row.status_on_create = Set(values.status_on_create);
                    row.status_on_close = Set(values.status_on_close);
                }
                if is_title_changed {
                    row.title_template = Set(templates.title);
                }
                if is_body_changed {
                    row.body_template = Set(templates.body);
                }
                row.version = Set(old.version + 1);
                row.updated_at = Set(now);
                let changed = row.update(tx).await.map_err(taken("name", in_use))?;
                held::release(tx, organization_id, now).await?;
                let change = Change::between("ticketProfileUpdate", &old, &changed);
                audit::record(tx, &ground_of, &by, change).await?;
                Ok::<_, Error>(changed)
            })
        })
        .await?;
    ground.wake.inbox();
    Ok(changed)
}

/// Removes a profile that nothing uses.
pub async fn delete(viewer: &Viewer, ground: &Ground, id: Uuid) -> Result<(), Error> {
    let row = by_id(viewer, ground, id).await?;
    viewer.may(Permission::ManageIntegrations, row.organization_id)?;
    let (ground_of, by) = (ground.clone(), viewer.clone());
    ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                let users = users(tx, id).await?;
                if !users.is_empty() {
                    let message = format!(
                        "the profile is used by {}; let them use another one first (tickets keep theirs for good)",
                        users.join(", ")
                    );
                    return Err(Problem::of("id", ProblemCode::InUse, message).into());
                }
                let change = Change::removed("ticketProfileDelete", &row);
                removed(&row.delete(tx).await?)?;
                audit::record(tx, &ground_of, &by, change).await?;
                Ok::<_, Error>(())
            })
        })
        .await
}

async fn check(
    ground: &Ground,
    organization_id: Uuid,
    psa_connection_id: Uuid,
    rules: &[ProfileFieldRule],
    values: &ProfileValues,
    form: &mut Form,
) -> Result<(), Error> {
    for (key, value) in &values.fields {
        form.limit(&["fields", key], value, MAX_VALUE);
    }
    let lists = pick_lists::of_connection(ground.db.reader(), organization_id, psa_connection_id).await?;
    form.extend(problems(rules, &lists, values));
    Ok(())
}

/// Whoever makes a profile the default queues here, before any profile's row is locked.
async fn lock_default(tx: &DatabaseTransaction, organization_id: Uuid) -> Result<(), DbErr> {
    organization::Entity::find_by_id(organization_id).lock(LockType::NoKeyUpdate).one(tx).await.map(|_| ())
}

/// Takes the default away from whichever other profile has it.
async fn clear_default(
    tx: &DatabaseTransaction,
    organization_id: Uuid,
    but: Option<Uuid>,
) -> Result<(), DbErr> {
    use ticket_profile::Column as C;
    let mut update = ticket_profile::Entity::update_many()
        .col_expr(C::IsDefault, Expr::value(false))
        .col_expr(C::Version, Expr::col(C::Version).add(1))
        .filter(C::OrganizationId.eq(organization_id))
        .filter(C::IsDefault.eq(true));
    if let Some(but) = but {
        update = update.filter(C::Id.ne(but));
    }
    update.exec(tx).await.map(|_| ())
}

async fn users(tx: &DatabaseTransaction, id: Uuid) -> Result<Vec<&'static str>, DbErr> {
    let mut users = Vec::new();
    if policy::Entity::find().filter(policy::Column::TicketProfileId.eq(id)).one(tx).await?.is_some() {
        users.push("policies");
    }
    let ours = company_mapping::Column::TicketProfileId.eq(id);
    if company_mapping::Entity::find().filter(ours).one(tx).await?.is_some() {
        users.push("company mappings");
    }
    if ticket::Entity::find().filter(ticket::Column::TicketProfileId.eq(id)).one(tx).await?.is_some() {
        users.push("tickets");
    }
    Ok(users)
}

fn name_in_use(name: &str) -> String {
    format!("another ticket profile of this organization is named {name}; choose a different name")
}

#[cfg(test)]
mod tests;
