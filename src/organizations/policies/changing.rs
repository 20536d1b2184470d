//! Changing, ordering and removing policies.
#![expect(clippy::disallowed_methods, reason = "scopes every query by organization")]

use std::collections::{BTreeSet, HashSet};

use entity::{Timestamp, organization, policy};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, DatabaseTransaction, EntityTrait as _, ExprTrait as _,
    IntoActiveModel as _, ModelTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _, Set,
    sea_query::{Expr, LockType},
};
use serde_json::json;
use uuid::Uuid;

use super::{
    PolicyChange, by_id,
    check::{self, Given, check},
    making::lock,
};
use crate::{
    audit::{self, Change, facts::reference},
    decisions::{held, rules},
    error::{Error, Problem, ProblemCode},
    ground::Ground,
    organizations::{
        form::{Form, removed},
        versions,
        viewer::{Permission, Viewer},
    },
};

/// Changes a policy and decides held events again.
pub async fn update(
    viewer: &Viewer,
    ground: &Ground,
    id: Uuid,
    change: PolicyChange,
) -> Result<policy::Model, Error> {
    let old = by_id(viewer, ground, id).await?;
    viewer.may(Permission::ManagePolicies, old.organization_id)?;
    let mut form = Form::default();
    let name = form.name_change(change.name.as_deref());
    let given = Given {
        description: change.description.as_deref(),
        event_set_id: change.event_set_id.flatten(),
        company_ids: change.company_ids.as_ref().and_then(|ids| ids.as_deref()),
        conditions: change.conditions.as_ref().and_then(Option::as_ref),
        ticket_profile_id: change.ticket_profile_id.flatten(),
        reopen_window_secs: change.reopen_window_secs,
        note_interval_secs: change.note_interval_secs,
        handling: change.handling.as_ref(),
    };
    let organization_id = old.organization_id;
    check(ground, organization_id, given, &mut form).await?;
    form.finish()?;
    let now = ground.clock.now();
    let (ground_of, by) = (ground.clone(), viewer.clone());
    let changed = ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                if let Some(name) = &name {
                    lock(tx, organization_id).await?;
                    check::name_is_free(tx, organization_id, name, Some(id)).await?;
                }
                let old = versions::locked::<policy::Entity>(tx, id, change.expected_version).await?;
                if change.opens_tickets.is_some() || change.notifies.is_some() {
                    let opens_tickets = change.opens_tickets.unwrap_or(old.opens_tickets);
                    check::has_effect(opens_tickets, change.notifies.unwrap_or(old.notifies))?;
                }
                check::hold_set(tx, organization_id, change.event_set_id.flatten()).await?;
                let row = apply(&old, PolicyChange { name, ..change }, now);
                let changed = row.update(tx).await?;
                held::release(tx, organization_id, now).await?;
                audit::record(tx, &ground_of, &by, Change::between("policyUpdate", &old, &changed)).await?;
                Ok::<_, Error>(changed)
            })
        })
        .await?;
    ground.wake.inbox();
    Ok(changed)
}

fn apply(old: &policy::Model, change: PolicyChange, now: Timestamp) -> policy::ActiveModel {
    let mut row = old.clone().into_active_model();
    if let Some(name) = change.name {
        row.name = Set(name);
    }
    if let Some(description) = change.description {
        row.description = Set(description);
    }
    if let Some(is_enabled) = change.is_enabled {
        row.is_enabled = Set(is_enabled);
    }
    if let Some(set) = change.event_set_id {
        row.event_set_id = Set(set);
    }
    if let Some(ids) = change.company_ids {
        row.company_ids = Set(ids.map(|ids| json!(ids)));
    }
    if let Some(conditions) = change.conditions {
        row.conditions = Set(conditions.map(|condition| condition.stored()));
    }
    if let Some(severity) = change.minimum_severity {
        row.minimum_severity = Set(severity);
    }
    if let Some(profile_id) = change.ticket_profile_id {
        row.ticket_profile_id = Set(profile_id);
    }
    if let Some(secs) = change.reopen_window_secs {
        row.reopen_window_secs = Set(secs);
    }
    if let Some(secs) = change.note_interval_secs {
        row.note_interval_secs = Set(secs);
    }
    if let Some(handling) = change.handling {
        row.handling = Set(handling.stored());
    }
    if let Some(opens_tickets) = change.opens_tickets {
        row.opens_tickets = Set(opens_tickets);
    }
    if let Some(notifies) = change.notifies {
        row.notifies = Set(notifies);
    }
    row.version = Set(old.version + 1);
    row.updated_at = Set(now);
    row
}

/// Removes a policy and decides held events again. Its tickets stay, and are followed and closed as before.
pub async fn delete(viewer: &Viewer, ground: &Ground, id: Uuid) -> Result<(), Error> {
    let row = by_id(viewer, ground, id).await?;
    viewer.may(Permission::ManagePolicies, row.organization_id)?;
    let (ground_of, by, now) = (ground.clone(), viewer.clone(), ground.clock.now());
    ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                let organization_id = row.organization_id;
                lock(tx, organization_id).await?;
                let change = Change::removed("policyDelete", &row);
                removed(&row.delete(tx).await?)?;
                held::release(tx, organization_id, now).await?;
                audit::record(tx, &ground_of, &by, change).await?;
                Ok::<_, Error>(())
            })
        })
        .await?;
    ground.wake.inbox();
    Ok(())
}

/// Puts all policies of an organization in an order, and decides held events again. Each must be named once.
pub async fn reorder(
    viewer: &Viewer,
    ground: &Ground,
    organization_id: Uuid,
    ids: Vec<Uuid>,
) -> Result<organization::Model, Error> {
    viewer.may(Permission::ManagePolicies, organization_id)?;
    let (ground_of, by, now) = (ground.clone(), viewer.clone(), ground.clock.now());
    let reordered = ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                use policy::Column as C;
                let found = organization::Entity::find_by_id(organization_id);
                let organization = found.lock(LockType::NoKeyUpdate).one(tx).await?.ok_or(Error::NotFound)?;
                let there: Vec<Uuid> = policy::Entity::find()
                    .select_only()
                    .column(C::Id)
                    .filter(C::OrganizationId.eq(organization_id))
                    .order_by_asc(C::Position)
                    .order_by_asc(C::Id)
                    .into_tuple()
                    .all(tx)
                    .await?;
                same(&there, &ids)?;
                for (position, id) in (0_i32..).zip(&ids) {
                    policy::Entity::update_many()
                        .col_expr(C::Position, Expr::value(position))
                        .filter(C::OrganizationId.eq(organization_id))
                        .filter(C::Id.eq(*id).and(C::Position.ne(position)))
                        .exec(tx)
                        .await?;
                }
                held::release(tx, organization_id, now).await?;
                let named = |ids: &[Uuid]| -> serde_json::Value {
                    ids.iter().map(|id| reference::<policy::Model>(*id)).collect()
                };
                let change = Change::of("policyReorder", &organization);
                let change = change.was("policyIds", named(&there)).is("policyIds", named(&ids));
                audit::record(tx, &ground_of, &by, change).await?;
                Ok::<_, Error>(organization)
            })
        })
        .await?;
    ground.wake.inbox();
    Ok(reordered)
}

/// Whether every policy that is there is named, once, and nothing else.
fn same(there: &[Uuid], named: &[Uuid]) -> Result<(), Problem> {
    const FIELD: &str = "policyIds";
    let known: HashSet<_> = there.iter().collect();
    let once: BTreeSet<_> = named.iter().collect();
    if let Some(index) = named.iter().position(|id| !known.contains(id)) {
        let message =
            "there is no such policy in this organization; it may have been removed: read them again";
        return Err(Problem::at(&[FIELD, &index.to_string()], ProblemCode::NotFound, message));
    }
    if once.len() != named.len() {
        return Err(Problem::of(FIELD, ProblemCode::Invalid, "a policy is named twice; name each once"));
    }
    if once.len() != there.len() {
        let missing = there.len() - once.len();
        let message = format!(
            "{missing} policies of the organization are not named; read them again and name each once"
        );
        return Err(Problem::of(FIELD, ProblemCode::Stale, message));
    }
    Ok(())
}

/// Takes a company that goes out of all scopes; a policy for it alone is for no company then. Call it in the
/// transaction that removes the company.
pub async fn forget_company(
    tx: &DatabaseTransaction,
    organization_id: Uuid,
    company_id: Uuid,
    now: Timestamp,
) -> Result<(), Error> {
    let policies = policy::Entity::find()
        .filter(policy::Column::OrganizationId.eq(organization_id))
        .filter(policy::Column::CompanyIds.is_not_null())
        .order_by_asc(policy::Column::Id)
        .lock(LockType::NoKeyUpdate)
        .all(tx)
        .await?;
    for old in policies {
        let Some(mut ids) = rules::scope(&old).filter(|ids| ids.contains(&company_id)) else { continue };
        ids.retain(|id| *id != company_id);
        let mut row = old.clone().into_active_model();
        row.company_ids = Set(Some(json!(ids)));
        row.version = Set(old.version + 1);
        row.updated_at = Set(now);
        row.update(tx).await?;
    }
    Ok(())
}
