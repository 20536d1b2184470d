//! Whether what a policy says is within its bounds, and speaks of its own organization's things.
#![expect(clippy::disallowed_methods, reason = "scopes every query by organization")]

use std::collections::HashSet;

use entity::{
    company, event_set,
    policy::{self, Notifies},
    ticket_profile,
};
use sea_orm::{
    ColumnTrait as _, DatabaseTransaction, EntityTrait as _, QueryFilter as _, QuerySelect as _,
    sea_query::LockType,
};
use uuid::Uuid;

use super::{MAX_COMPANIES, MAX_DESCRIPTION, MAX_NOTE_INTERVAL_SECS, MAX_REOPEN_WINDOW_SECS};
use crate::{
    decisions::{
        conditions::{self, Condition},
        handling::Handling,
    },
    error::{Error, Problem, ProblemCode},
    ground::Ground,
    organizations::form::{Form, no_such},
};

const COMPANIES: &str = "companyIds";
const EVENT_SET: &str = "eventSetId";

/// What of a policy is held against bounds and references; none where it is not given.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Given<'a> {
    pub(super) description: Option<&'a str>,
    pub(super) event_set_id: Option<Uuid>,
    pub(super) company_ids: Option<&'a [Uuid]>,
    pub(super) conditions: Option<&'a Condition>,
    pub(super) ticket_profile_id: Option<Uuid>,
    pub(super) reopen_window_secs: Option<i64>,
    pub(super) note_interval_secs: Option<i64>,
    pub(super) handling: Option<&'a Handling>,
}

/// A policy that opens no ticket and has nobody told would only swallow what later ones want.
pub(super) fn has_effect(opens_tickets: bool, notifies: Notifies) -> Result<(), Problem> {
    if opens_tickets || notifies != Notifies::Nobody {
        return Ok(());
    }
    let message =
        "it opens no ticket: let it tell others, or say in an event set or a condition what is not wanted";
    Err(Problem::of("notifies", ProblemCode::Invalid, message))
}

/// Adds what is wrong to the form.
pub(super) async fn check(
    ground: &Ground,
    organization_id: Uuid,
    given: Given<'_>,
    form: &mut Form,
) -> Result<(), Error> {
    form.within("reopenWindowSeconds", given.reopen_window_secs, 0, MAX_REOPEN_WINDOW_SECS);
    form.within("noteIntervalSeconds", given.note_interval_secs, 0, MAX_NOTE_INTERVAL_SECS);
    let count = given.description.map_or(0, |text| text.chars().count());
    if count > MAX_DESCRIPTION {
        let message = format!("it has {count} characters; {MAX_DESCRIPTION} are allowed: shorten it");
        form.add(Problem::of("description", ProblemCode::TooLong, message));
    }
    if let Some(handling) = given.handling {
        form.extend(handling.problems("handling"));
    }
    if let Some(condition) = given.conditions {
        form.extend(conditions::check(condition, "conditions"));
    }
    let db = ground.db.reader();
    if let Some(id) = given.ticket_profile_id {
        let found = ticket_profile::Entity::find_by_id(id)
            .filter(ticket_profile::Column::OrganizationId.eq(organization_id))
            .one(db)
            .await?;
        if found.is_none() {
            form.add(no_such("ticketProfileId", "ticket profile"));
        }
    }
    if let Some(id) = given.event_set_id {
        let found = event_set::Entity::find_by_id(id)
            .filter(event_set::Column::OrganizationId.eq(organization_id))
            .one(db)
            .await?;
        if found.is_none() {
            form.add(no_such(EVENT_SET, "event set"));
        }
    }
    if let Some(ids) = given.company_ids {
        companies(ground, organization_id, ids, form).await?;
    }
    Ok(())
}

async fn companies(
    ground: &Ground,
    organization_id: Uuid,
    ids: &[Uuid],
    form: &mut Form,
) -> Result<(), Error> {
    if ids.is_empty() {
        let message = "no company is named; name one at least, or give null for every company";
        form.add(Problem::of(COMPANIES, ProblemCode::Required, message));
    } else if ids.len() > MAX_COMPANIES {
        let message = format!("{} companies are named; {MAX_COMPANIES} are allowed", ids.len());
        form.add(Problem::of(COMPANIES, ProblemCode::TooLong, message));
    } else {
        let known: HashSet<Uuid> = company::Entity::find()
            .select_only()
            .column(company::Column::Id)
            .filter(company::Column::OrganizationId.eq(organization_id))
            .filter(company::Column::Id.is_in(ids.iter().copied()))
            .into_tuple()
            .all(ground.db.reader())
            .await?
            .into_iter()
            .collect();
        for (index, _) in ids.iter().enumerate().filter(|(_, id)| !known.contains(*id)) {
            let problem = no_such(&index.to_string(), "company");
            let field = [COMPANIES.to_owned(), index.to_string()].to_vec();
            form.add(Problem { field, ..problem });
        }
    }
    Ok(())
}

/// Holds the event set where it is until the transaction ends: somebody may be removing it.
pub(super) async fn hold_set(
    tx: &DatabaseTransaction,
    organization_id: Uuid,
    id: Option<Uuid>,
) -> Result<(), Error> {
    let Some(id) = id else { return Ok(()) };
    let found = event_set::Entity::find_by_id(id)
        .filter(event_set::Column::OrganizationId.eq(organization_id))
        .lock(LockType::KeyShare)
        .one(tx)
        .await?;
    found.map(|_| ()).ok_or_else(|| no_such(EVENT_SET, "event set").into())
}

/// Whether a name is free; call it with the organization locked.
pub(super) async fn name_is_free(
    tx: &DatabaseTransaction,
    organization_id: Uuid,
    name: &str,
    but: Option<Uuid>,
) -> Result<(), Error> {
    let found = policy::Entity::find()
        .filter(policy::Column::OrganizationId.eq(organization_id))
        .filter(policy::Column::Name.eq(name))
        .one(tx)
        .await?;
    if found.is_some_and(|row| Some(row.id) != but) {
        let message = format!("another policy of this organization is named {name}; choose a different name");
        return Err(Problem::of("name", ProblemCode::Taken, message).into());
    }
    Ok(())
}
