//! Adding policies.
#![expect(clippy::disallowed_methods, reason = "scopes every query by organization")]

use entity::{event_set, organization, policy};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, DatabaseTransaction, DbErr, EntityTrait as _, ExprTrait as _,
    IntoActiveModel as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
    sea_query::{Expr, LockType},
};
use serde_json::json;
use uuid::Uuid;

use super::{
    MAX_POLICIES, NewPolicy, PolicyValues, by_id,
    check::{self, Given, check},
};
use crate::{
    audit::{self, Change},
    decisions::{event_sets, held, presets},
    error::{Error, Problem, ProblemCode},
    ground::Ground,
    organizations::{
        event_sets::{self as sets, NewEventSet, copied},
        form::Form,
        once::Done,
        organization as organizations,
        viewer::{Permission, Viewer},
    },
};

/// Makes a policy and decides held events again.
pub async fn create(viewer: &Viewer, ground: &Ground, new: NewPolicy) -> Result<policy::Model, Error> {
    let place = new.place;
    let row = prepared(viewer, ground, new).await?;
    make(viewer, ground, Making { action: "policyCreate", row, place, set: None }).await
}

/// A policy as it would be made, held against its bounds and references; nothing is written.
pub async fn prepared(viewer: &Viewer, ground: &Ground, new: NewPolicy) -> Result<policy::Model, Error> {
    let NewPolicy { organization_id, mut values, takes_default_set, .. } = new;
    viewer.may(Permission::ManagePolicies, organization_id)?;
    organizations::living(viewer, ground, organization_id).await?;
    let mut form = Form::default();
    values.name = form.name(&values.name);
    if takes_default_set {
        values.event_set_id = default_set(ground, organization_id).await?;
    }
    let given = Given {
        description: Some(&values.description),
        event_set_id: values.event_set_id,
        company_ids: values.company_ids.as_deref(),
        conditions: values.conditions.as_ref(),
        ticket_profile_id: values.ticket_profile_id,
        reopen_window_secs: Some(values.reopen_window_secs),
        note_interval_secs: Some(values.note_interval_secs),
        handling: Some(&values.handling),
    };
    check(ground, organization_id, given, &mut form).await?;
    form.extend(check::has_effect(values.opens_tickets, values.notifies).err());
    form.finish()?;
    Ok(row(ground, organization_id, values))
}

/// Makes a policy like another one, behind it and switched off.
pub async fn copy(
    viewer: &Viewer,
    ground: &Ground,
    id: Uuid,
    name: Option<&str>,
) -> Result<policy::Model, Error> {
    let old = by_id(viewer, ground, id).await?;
    viewer.may(Permission::ManagePolicies, old.organization_id)?;
    let mut form = Form::default();
    let name = form.name_change(name).unwrap_or_else(|| copied(&old.name));
    form.finish()?;
    let now = ground.clock.now();
    let row = policy::Model {
        id: ground.chance.id(now),
        name,
        is_enabled: false,
        version: 1,
        created_at: now,
        updated_at: now,
        ..old
    };
    let place = Some(Place::Behind(old.id));
    make_at(viewer, ground, Making { action: "policyCopy", row, place: None, set: None }, place).await
}

/// Makes a policy of a preset, with the event set that it needs, before the policies that there are.
pub async fn create_from_preset(
    viewer: &Viewer,
    ground: &Ground,
    organization_id: Uuid,
    key: &str,
) -> Result<policy::Model, Error> {
    viewer.may(Permission::ManagePolicies, organization_id)?;
    let preset = presets::find(key).ok_or_else(|| {
        let shown: String = key.chars().take(60).collect();
        let message = format!("there is no preset {shown}; take the key of one of `policyPresets`");
        Problem::of("preset", ProblemCode::NotFound, message)
    })?;
    let values = PolicyValues {
        description: preset.description.to_owned(),
        conditions: preset.conditions,
        handling: preset.handling,
        opens_tickets: preset.opens_tickets,
        ..PolicyValues::named(preset.label)
    };
    let set = preset.events.map(|events| {
        let new = NewEventSet {
            organization_id,
            name: events.name.to_owned(),
            is_default: false,
            remediation_grain: events.grain,
            choices: events.choices,
        };
        sets::row(ground, new)
    });
    let row = row(ground, organization_id, values);
    make(viewer, ground, Making { action: "policyCreateFromPreset", row, place: Some(1), set }).await
}

async fn default_set(ground: &Ground, organization_id: Uuid) -> Result<Option<Uuid>, Error> {
    let found = event_set::Entity::find()
        .filter(event_set::Column::OrganizationId.eq(organization_id))
        .filter(event_set::Column::IsDefault.eq(true))
        .one(ground.db.reader())
        .await?;
    Ok(found.map(|set| set.id))
}

fn row(ground: &Ground, organization_id: Uuid, values: PolicyValues) -> policy::Model {
    let now = ground.clock.now();
    policy::Model {
        id: ground.chance.id(now),
        organization_id,
        position: 0,
        name: values.name,
        description: values.description,
        is_enabled: values.is_enabled,
        event_set_id: values.event_set_id,
        company_ids: values.company_ids.map(|ids| json!(ids)),
        conditions: values.conditions.map(|condition| condition.stored()),
        minimum_severity: values.minimum_severity,
        ticket_profile_id: values.ticket_profile_id,
        reopen_window_secs: values.reopen_window_secs,
        note_interval_secs: values.note_interval_secs,
        handling: values.handling.stored(),
        opens_tickets: values.opens_tickets,
        notifies: values.notifies,
        version: 1,
        created_at: now,
        updated_at: now,
    }
}

/// A policy that is about to be made.
struct Making {
    action: &'static str,
    row: policy::Model,
    /// From 1.
    place: Option<i32>,
    /// The event set that it brings with it.
    set: Option<event_set::Model>,
}

/// Where a policy goes among the others.
#[derive(Clone, Copy, Debug)]
enum Place {
    /// This many places from the beginning, from 1.
    Number(i32),
    /// Behind this one.
    Behind(Uuid),
}

async fn make(viewer: &Viewer, ground: &Ground, making: Making) -> Result<policy::Model, Error> {
    let place = making.place.map(Place::Number);
    make_at(viewer, ground, making, place).await
}

async fn make_at(
    viewer: &Viewer,
    ground: &Ground,
    making: Making,
    place: Option<Place>,
) -> Result<policy::Model, Error> {
    let Making { action, mut row, set, .. } = making;
    let (ground_of, by, once) = (ground.clone(), viewer.clone(), viewer.once());
    let now = ground.clock.now();
    let made = ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                once.begin(tx).await?;
                let organization_id = row.organization_id;
                lock(tx, organization_id).await?;
                check::name_is_free(tx, organization_id, &row.name, None).await?;
                let mut changes = Vec::new();
                if let Some(set) = set {
                    let (id, is_new) = take_set(tx, set, &mut changes, action).await?;
                    row.event_set_id = Some(id);
                    if !is_new {
                        check::hold_set(tx, organization_id, row.event_set_id).await?;
                    }
                } else {
                    check::hold_set(tx, organization_id, row.event_set_id).await?;
                }
                row.position = make_room(tx, organization_id, place).await?;
                let made = row.into_active_model().insert(tx).await?;
                held::release(tx, organization_id, now).await?;
                once.finish(tx, &ground_of, &Done::row(made.id)).await?;
                changes.push(Change::made(action, &made));
                audit::record_all(tx, &ground_of, &by, changes).await?;
                Ok::<_, Error>(made)
            })
        })
        .await?;
    ground.wake.inbox();
    Ok(made)
}

/// Whoever adds, names or orders policies queues here.
pub(super) async fn lock(tx: &DatabaseTransaction, organization_id: Uuid) -> Result<(), DbErr> {
    organization::Entity::find_by_id(organization_id).lock(LockType::NoKeyUpdate).one(tx).await.map(|_| ())
}

/// Makes the event set of a preset, or takes one that is there with the same choices; where another has its
/// name, it gets a number. Says whether it is new.
async fn take_set(
    tx: &DatabaseTransaction,
    mut set: event_set::Model,
    changes: &mut Vec<Change>,
    action: &'static str,
) -> Result<(Uuid, bool), Error> {
    let there = event_set::Entity::find()
        .filter(event_set::Column::OrganizationId.eq(set.organization_id))
        .all(tx)
        .await?;
    let wanted = event_sets::read(&set.choices);
    if let Some(same) =
        there.iter().find(|other| other.name == set.name && event_sets::read(&other.choices) == wanted)
    {
        return Ok((same.id, false));
    }
    let name = set.name.clone();
    let mut number = 1;
    while there.iter().any(|other| other.name == set.name) {
        number += 1;
        set.name = format!("{name} ({number})");
    }
    let made = set.into_active_model().insert(tx).await?;
    changes.push(Change::made(action, &made));
    Ok((made.id, true))
}

/// Moves those behind a place by one, and gives the position of that place.
async fn make_room(
    tx: &DatabaseTransaction,
    organization_id: Uuid,
    place: Option<Place>,
) -> Result<i32, Error> {
    use policy::Column as C;
    let rows = policy::Entity::find()
        .filter(C::OrganizationId.eq(organization_id))
        .order_by_asc(C::Position)
        .order_by_asc(C::Id)
        .all(tx)
        .await?;
    if rows.len() >= MAX_POLICIES {
        let message = format!("there are {MAX_POLICIES} policies; remove one that is not needed");
        return Err(Problem::of("organizationId", ProblemCode::WrongState, message).into());
    }
    let index = match place {
        None => rows.len(),
        Some(Place::Number(number)) => usize::try_from(number.saturating_sub(1)).unwrap_or(0),
        Some(Place::Behind(id)) => {
            rows.iter().position(|row| row.id == id).map_or(rows.len(), |index| index + 1)
        }
    };
    let Some(position) = rows.get(index).map(|row| row.position) else {
        return Ok(rows.last().map_or(0, |last| last.position.saturating_add(1)));
    };
    policy::Entity::update_many()
        .col_expr(C::Position, Expr::col(C::Position).add(1))
        .filter(C::OrganizationId.eq(organization_id))
        .filter(C::Position.gte(position))
        .exec(tx)
        .await?;
    Ok(position)
}
