//! Company mappings: which company of the PSA is which of ours.
#![expect(clippy::disallowed_methods, reason = "scopes every query by organization")]

mod copying;
pub mod drift;

use std::collections::{BTreeSet, HashMap, HashSet};

use entity::{
    company, company_mapping, company_mapping::MappingOrigin, event_set, psa_company, psa_connection,
    ticket_profile,
};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, DatabaseTransaction, DbErr, EntityTrait as _,
    IntoActiveModel as _, ModelTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
    sea_query::{LockType, OnConflict},
};
use uuid::Uuid;

pub use copying::{Copied, copy};

use super::{
    form::{Form, no_such, removed},
    once::Done,
    reach, versions,
    viewer::{Permission, Viewer},
};
use crate::{
    audit::{self, Change},
    decisions::held,
    error::{Error, Problem, ProblemCode},
    ground::Ground,
};

const SET: &str = "companyMappingSet";

/// A company and what it is at the PSA.
#[derive(Clone, Copy, Debug, Default)]
pub struct SetMapping {
    /// Our side.
    pub company_id: Uuid,
    /// The PSA's side, which says on which connection.
    pub psa_company_id: Uuid,
    /// Whether tickets are opened for it; none leaves it as it is, on for a new mapping.
    pub is_ticketing_enabled: Option<bool>,
    /// A profile of its own on that connection; none leaves it as it is, `Some(None)` takes it away.
    pub ticket_profile_id: Option<Option<Uuid>>,
    /// An event set of its own; none leaves it as it is, `Some(None)` takes it away.
    pub event_set_id: Option<Option<Uuid>>,
    /// Whether the mapping is used at all; none leaves it as it is, on for a new one.
    pub is_enabled: Option<bool>,
    /// Whether configurations are kept in step; none leaves it as it is, off for a new one.
    pub is_configurations_enabled: Option<bool>,
    /// How it came about, and how sure that was, in hundredths; none for somebody's own choice.
    pub origin: Option<(MappingOrigin, Option<i32>)>,
    /// The version that the mapping must have; 0 where there must be none yet.
    pub expected_version: Option<i32>,
}

/// Maps a company on the connection of the PSA's company. Where it was mapped there already, it is mapped
/// anew; tickets it has stay where they are. Held events are decided again.
pub async fn set(viewer: &Viewer, ground: &Ground, set: SetMapping) -> Result<company_mapping::Model, Error> {
    let mut outcomes = set_many(viewer, ground, vec![Ok(set)]).await?;
    outcomes.pop().ok_or(Error::NotFound)?.map_err(Error::Invalid)
}

/// The same with many at once, each with its own outcome: a wrong one leaves the others done. Everything they
/// refer to is read in one statement of each kind, under locks that keep it there; then all that hold are written
/// in one, and held events are released once.
pub async fn set_many(
    viewer: &Viewer,
    ground: &Ground,
    wanted: Vec<Result<SetMapping, Vec<Problem>>>,
) -> Result<Vec<Result<company_mapping::Model, Vec<Problem>>>, Error> {
    if !viewer.holds(Permission::ManageIntegrations) {
        return Err(Permission::ManageIntegrations.is_lacking());
    }
    let (viewer_of, ground_of, once) = (viewer.clone(), ground.clone(), viewer.once());
    let outcomes = ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                once.begin(tx).await?;
                let references = References::read(tx, &viewer_of, &wanted).await?;
                let (outcomes, changes) = write(tx, &ground_of, references.check(wanted)).await?;
                let organizations: BTreeSet<_> =
                    outcomes.iter().flatten().map(|mapped| mapped.organization_id).collect();
                for organization_id in organizations {
                    held::release(tx, organization_id, ground_of.clock.now()).await?;
                }
                once.finish(tx, &ground_of, &Done::rows(&outcomes, |row: &company_mapping::Model| row.id))
                    .await?;
                audit::record_all(tx, &ground_of, &viewer_of, changes).await?;
                Ok::<_, Error>(outcomes)
            })
        })
        .await?;
    ground.wake.inbox();
    Ok(outcomes)
}

/// What mappings refer to, as far as the viewer reaches.
struct References {
    companies: HashMap<Uuid, company::Model>,
    psa_companies: HashMap<Uuid, psa_company::Model>,
    connections: HashMap<Uuid, psa_connection::Model>,
    profiles: HashMap<Uuid, ticket_profile::Model>,
    event_sets: HashMap<Uuid, event_set::Model>,
    /// The mappings there are, by company and connection.
    mappings: HashMap<(Uuid, Uuid), company_mapping::Model>,
}

impl References {
    async fn read(
        tx: &DatabaseTransaction,
        viewer: &Viewer,
        wanted: &[Result<SetMapping, Vec<Problem>>],
    ) -> Result<Self, DbErr> {
        let ids = |id: fn(&SetMapping) -> Option<Uuid>| -> Vec<Uuid> {
            wanted.iter().flatten().filter_map(id).collect()
        };
        // Those who map the same companies at once queue here, in the order of their ids.
        let companies = reach::rows::<company::Entity>(viewer)
            .filter(company::Column::Id.is_in(ids(|set| Some(set.company_id))))
            .order_by_asc(company::Column::Id)
            .lock(LockType::NoKeyUpdate)
            .all(tx)
            .await?;
        let psa_companies = reach::rows::<psa_company::Entity>(viewer)
            .filter(psa_company::Column::Id.is_in(ids(|set| Some(set.psa_company_id))))
            .order_by_asc(psa_company::Column::Id)
            .lock(LockType::KeyShare)
            .all(tx)
            .await?;
        let connections = reach::rows::<psa_connection::Entity>(viewer)
            .filter(psa_connection::Column::Id.is_in(psa_companies.iter().map(|row| row.psa_connection_id)))
            .all(tx)
            .await?;
        let profile_ids = ids(|set| set.ticket_profile_id.flatten());
        let mut profiles = Vec::new();
        if !profile_ids.is_empty() {
            profiles = reach::rows::<ticket_profile::Entity>(viewer)
                .filter(ticket_profile::Column::Id.is_in(profile_ids))
                .order_by_asc(ticket_profile::Column::Id)
                .lock(LockType::KeyShare)
                .all(tx)
                .await?;
        }
        let event_set_ids = ids(|set| set.event_set_id.flatten());
        let mut event_sets = Vec::new();
        if !event_set_ids.is_empty() {
            // Held where they are: see `event_sets::delete`.
            event_sets = reach::rows::<event_set::Entity>(viewer)
                .filter(event_set::Column::Id.is_in(event_set_ids))
                .order_by_asc(event_set::Column::Id)
                .lock(LockType::KeyShare)
                .all(tx)
                .await?;
        }
        let mappings = reach::rows::<company_mapping::Entity>(viewer)
            .filter(company_mapping::Column::CompanyId.is_in(companies.iter().map(|row| row.id)))
            .filter(company_mapping::Column::PsaConnectionId.is_in(connections.iter().map(|row| row.id)))
            .order_by_asc(company_mapping::Column::Id)
            .lock(LockType::NoKeyUpdate)
            .all(tx)
            .await?;
        Ok(Self {
            companies: companies.into_iter().map(|row| (row.id, row)).collect(),
            psa_companies: psa_companies.into_iter().map(|row| (row.id, row)).collect(),
            connections: connections.into_iter().map(|row| (row.id, row)).collect(),
            profiles: profiles.into_iter().map(|row| (row.id, row)).collect(),
            event_sets: event_sets.into_iter().map(|row| (row.id, row)).collect(),
            mappings: mappings
                .into_iter()
                .map(|row| ((row.company_id, row.psa_connection_id), row))
                .collect(),
        })
    }

    fn check(self, wanted: Vec<Result<SetMapping, Vec<Problem>>>) -> Vec<Result<Checked, Vec<Problem>>> {
        let mut mapped = HashSet::new();
        let mut check = |set: SetMapping| {
            let checked = self.check_one(set)?;
            if mapped.insert((checked.set.company_id, checked.psa_company.psa_connection_id)) {
                return Ok(checked);
            }
            let message =
                "an earlier one of this list maps this company on the same connection; give it once";
            Err(vec![Problem::of("companyId", ProblemCode::Taken, message)])
        };
        wanted.into_iter().map(|set| check(set?)).collect()
    }

    fn check_one(&self, set: SetMapping) -> Result<Checked, Vec<Problem>> {
        let company = self.companies.get(&set.company_id);
        let psa_company = self.psa_companies.get(&set.psa_company_id);
        let mut form = Form::default();
        if company.is_none() {
            form.add(no_such("companyId", "company"));
        }
        // An operator reaches several organizations, which does not make them one.
        let is_same = |row: &&psa_company::Model| {
            company.is_none_or(|company| company.organization_id == row.organization_id)
        };
        let psa_company = psa_company.filter(is_same);
        if psa_company.is_none() {
            form.add(no_such("psaCompanyId", "PSA company"));
        }
        let connection = psa_company.and_then(|row| self.connections.get(&row.psa_connection_id));
        if connection.and_then(|row| row.company_id).is_some_and(|only| only != set.company_id) {
            let message =
                "this connection is for another company only; choose a company of another connection";
            form.add(Problem::of("psaCompanyId", ProblemCode::Invalid, message));
        }
        if let (Some(Some(id)), Some(psa_company)) = (set.ticket_profile_id, psa_company) {
            form.extend(check_profile(self.profiles.get(&id), psa_company));
        }
        if let Some(Some(id)) = set.event_set_id {
            let is_own = |row: &event_set::Model| {
                company.is_none_or(|company| company.organization_id == row.organization_id)
            };
            if !self.event_sets.get(&id).is_some_and(is_own) {
                form.add(no_such("eventSetId", "event set"));
            }
        }
        form.problems()?;
        let (Some(company), Some(psa_company)) = (company, psa_company) else { return Err(Vec::new()) };
        let old = self.mappings.get(&(company.id, psa_company.psa_connection_id)).cloned();
        let version = old.as_ref().map_or(0, |old| old.version);
        if let Some(stale) = versions::stale(set.expected_version, version) {
            return Err(vec![stale]);
        }
        let name = format!("{} → {}", company.name, psa_company.name);
        Ok(Checked { set, psa_company: psa_company.clone(), old, name })
    }
}

/// A mapping that holds together.
struct Checked {
    set: SetMapping,
    psa_company: psa_company::Model,
    old: Option<company_mapping::Model>,
    /// For people.
    name: String,
}

impl Checked {
    fn row(self, ground: &Ground) -> (company_mapping::Model, Change) {
        let Self { set, psa_company, old, name } = self;
        let now = ground.clock.now();
        let row = old.clone().unwrap_or_else(|| company_mapping::Model {
            id: ground.chance.id(now),
            organization_id: psa_company.organization_id,
            company_id: set.company_id,
            psa_connection_id: psa_company.psa_connection_id,
            psa_company_id: psa_company.id,
            is_ticketing_enabled: true,
            ticket_profile_id: None,
            event_set_id: None,
            is_enabled: true,
            is_configurations_enabled: false,
            origin: MappingOrigin::Manual,
            confidence: None,
            mapped_at: None,
            psa_name: None,
            version: 0,
            created_at: now,
            updated_at: now,
        });
        let is_mapped_anew = row.version == 0 || row.psa_company_id != psa_company.id;
        let (origin, confidence) = match set.origin {
            Some(origin) => origin,
            None if is_mapped_anew => (MappingOrigin::Manual, None),
            None => (row.origin, row.confidence),
        };
        let row = company_mapping::Model {
            psa_company_id: psa_company.id,
            is_ticketing_enabled: set.is_ticketing_enabled.unwrap_or(row.is_ticketing_enabled),
            ticket_profile_id: set.ticket_profile_id.unwrap_or(row.ticket_profile_id),
            event_set_id: set.event_set_id.unwrap_or(row.event_set_id),
            is_enabled: set.is_enabled.unwrap_or(row.is_enabled),
            is_configurations_enabled: set.is_configurations_enabled.unwrap_or(row.is_configurations_enabled),
            origin,
            confidence,
            mapped_at: if is_mapped_anew { Some(now) } else { row.mapped_at },
            // Who sets it has seen the name that it has now.
            psa_name: Some(psa_company.name.clone()),
            version: row.version + 1,
            updated_at: now,
            ..row
        };
        let change = match &old {
            None => Change::made(SET, &row),
            Some(old) => Change::between(SET, old, &row),
        };
        (row, change.named(name))
    }
}

/// Writes all that hold, new ones and changed ones alike, in one statement; gives what that changed, too.
async fn write(
    tx: &DatabaseTransaction,
    ground: &Ground,
    checked: Vec<Result<Checked, Vec<Problem>>>,
) -> Result<(Vec<Result<company_mapping::Model, Vec<Problem>>>, Vec<Change>), DbErr> {
    use company_mapping::Column as C;
    let mut changes = Vec::new();
    let mut row = |one: Checked| {
        let (row, change) = one.row(ground);
        changes.push(change);
        row
    };
    let rows: Vec<_> = checked.into_iter().map(|checked| checked.map(&mut row)).collect();
    let good = rows.iter().flatten().cloned().map(|row| row.into_active_model().reset_all());
    let good: Vec<company_mapping::ActiveModel> = good.collect();
    if !good.is_empty() {
        let columns = [
            C::PsaCompanyId,
            C::IsTicketingEnabled,
            C::TicketProfileId,
            C::EventSetId,
            C::IsEnabled,
            C::IsConfigurationsEnabled,
            C::Origin,
            C::Confidence,
            C::MappedAt,
            C::PsaName,
            C::Version,
            C::UpdatedAt,
        ];
        company_mapping::Entity::insert_many(good)
            .on_conflict(OnConflict::column(C::Id).update_columns(columns).to_owned())
            .exec_without_returning(tx)
            .await?;
    }
    Ok((rows, changes))
}

/// Takes a mapping away; events of the company are held from then on.
pub async fn remove(viewer: &Viewer, ground: &Ground, id: Uuid) -> Result<(), Error> {
    let found = company_mapping::Entity::find_by_id(id).one(ground.db.reader()).await?;
    let row = found.filter(|row| viewer.reaches(row.organization_id)).ok_or(Error::NotFound)?;
    viewer.may(Permission::ManageIntegrations, row.organization_id)?;
    let (ground_of, by) = (ground.clone(), viewer.clone());
    ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                let changes = removals(tx, std::slice::from_ref(&row)).await?;
                removed(&row.delete(tx).await?)?;
                audit::record_all(tx, &ground_of, &by, changes).await
            })
        })
        .await
}

/// The same with many at once, each with its own outcome.
pub async fn remove_many(
    viewer: &Viewer,
    ground: &Ground,
    ids: Vec<Result<Uuid, Vec<Problem>>>,
) -> Result<Vec<Result<Uuid, Vec<Problem>>>, Error> {
    if !viewer.holds(Permission::ManageIntegrations) {
        return Err(Permission::ManageIntegrations.is_lacking());
    }
    let (viewer_of, ground_of, once) = (viewer.clone(), ground.clone(), viewer.once());
    ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                use company_mapping::Column as C;
                once.begin(tx).await?;
                let rows = reach::rows::<company_mapping::Entity>(&viewer_of)
                    .filter(C::Id.is_in(ids.iter().flatten().copied()))
                    .order_by_asc(C::Id)
                    .lock(LockType::Update)
                    .all(tx)
                    .await?;
                let changes = removals(tx, &rows).await?;
                let found: HashSet<Uuid> = rows.iter().map(|row| row.id).collect();
                company_mapping::Entity::delete_many()
                    .filter(C::Id.is_in(found.iter().copied()))
                    .exec(tx)
                    .await?;
                let mut gone = HashSet::new();
                let mut outcome = |id: Uuid| match (found.contains(&id), gone.insert(id)) {
                    (true, true) => Ok(id),
                    (true, false) => Err("an earlier one of this list is the same; give it once"),
                    (false, _) => Err("there is no such mapping; take the id from a list of them"),
                };
                let wrong = |message| vec![Problem::at(&[], ProblemCode::NotFound, message)];
                let outcomes: Vec<_> = ids.into_iter().map(|id| outcome(id?).map_err(wrong)).collect();
                once.finish(tx, &ground_of, &Done::rows(&outcomes, |id| *id)).await?;
                audit::record_all(tx, &ground_of, &viewer_of, changes).await?;
                Ok::<_, Error>(outcomes)
            })
        })
        .await
}

/// That mappings are removed, by the names of both sides.
async fn removals(tx: &DatabaseTransaction, rows: &[company_mapping::Model]) -> Result<Vec<Change>, DbErr> {
    let ours = company::Entity::find()
        .filter(company::Column::Id.is_in(rows.iter().map(|row| row.company_id)))
        .all(tx)
        .await?;
    let theirs = psa_company::Entity::find()
        .filter(psa_company::Column::Id.is_in(rows.iter().map(|row| row.psa_company_id)))
        .all(tx)
        .await?;
    let ours: HashMap<Uuid, String> = ours.into_iter().map(|row| (row.id, row.name)).collect();
    let theirs: HashMap<Uuid, String> = theirs.into_iter().map(|row| (row.id, row.name)).collect();
    let change = |row: &company_mapping::Model| {
        let names = [ours.get(&row.company_id), theirs.get(&row.psa_company_id)];
        let names = names.map(|name| name.map_or("", String::as_str)).join(" → ");
        Change::removed("companyMappingRemove", row).named(names)
    };
    Ok(rows.iter().map(change).collect())
}

fn check_profile(found: Option<&ticket_profile::Model>, psa_company: &psa_company::Model) -> Option<Problem> {
    match found.filter(|profile| profile.organization_id == psa_company.organization_id) {
        None => Some(no_such("ticketProfileId", "ticket profile")),
        Some(profile) if profile.psa_connection_id != psa_company.psa_connection_id => Some(Problem::of(
            "ticketProfileId",
            ProblemCode::Invalid,
            "the profile is of another connection than the PSA's company; choose one of the same connection",
        )),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests;
