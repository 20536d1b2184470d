//! Company mappings: which company of the PSA is which of ours.
#![expect(clippy::disallowed_methods, reason = "scopes every query by organization")]

use entity::{company, company_mapping, psa_company, psa_connection, ticket_profile};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, ConnectionTrait, EntityTrait as _, IntoActiveModel as _,
    ModelTrait as _, QueryFilter as _, QuerySelect as _, Set, sea_query::LockType,
};
use uuid::Uuid;

use super::{
    form::{Form, no_such, removed},
    versions,
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
#[derive(Clone, Copy, Debug)]
pub struct SetMapping {
    /// Our side.
    pub company_id: Uuid,
    /// The PSA's side, which says on which connection.
    pub psa_company_id: Uuid,
    /// Whether tickets are opened for it; none leaves it as it is, on for a new mapping.
    pub is_ticketing_enabled: Option<bool>,
    /// A profile of its own on that connection; none leaves it as it is, `Some(None)` takes it away.
    pub ticket_profile_id: Option<Option<Uuid>>,
    /// The version that the mapping must have; 0 where there must be none yet.
    pub expected_version: Option<i32>,
}

/// Maps a company on the connection of the PSA's company. Where it was mapped there already, it is mapped
/// anew; tickets it has stay where they are. Held events are decided again.
pub async fn set(viewer: &Viewer, ground: &Ground, set: SetMapping) -> Result<company_mapping::Model, Error> {
    let db = ground.db.reader();
    let company = company::Entity::find_by_id(set.company_id).one(db).await?;
    let company = company.filter(|row| viewer.reaches(row.organization_id));
    let psa_company = psa_company::Entity::find_by_id(set.psa_company_id).one(db).await?;
    let psa_company = psa_company.filter(|row| viewer.reaches(row.organization_id));
    let mut form = Form::default();
    if company.is_none() {
        form.add(no_such("companyId", "company"));
    }
    if psa_company.is_none() {
        form.add(no_such("psaCompanyId", "PSA company"));
    }
    let (Some(company), Some(psa_company)) = (company, psa_company) else {
        form.finish()?;
        return Err(Error::NotFound);
    };
    viewer.may(Permission::ManageIntegrations, company.organization_id)?;
    if psa_company.organization_id != company.organization_id {
        form.add(no_such("psaCompanyId", "PSA company"));
    }
    let connection = psa_connection::Entity::find_by_id(psa_company.psa_connection_id).one(db).await?;
    if connection.and_then(|row| row.company_id).is_some_and(|only| only != company.id) {
        let message = "this connection is for another company only; choose a company of another connection";
        form.add(Problem::of("psaCompanyId", ProblemCode::Invalid, message));
    }
    if let Some(Some(profile_id)) = set.ticket_profile_id {
        form.extend(check_profile(db, &psa_company, profile_id).await?);
    }
    form.finish()?;
    let now = ground.clock.now();
    let new_id = ground.chance.id(now);
    let (ground_of, by) = (ground.clone(), viewer.clone());
    let mapped = ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                use company_mapping::Column as C;
                // Two that map the same company at once queue here.
                company::Entity::find_by_id(company.id).lock(LockType::NoKeyUpdate).one(tx).await?;
                let old = company_mapping::Entity::find()
                    .filter(C::OrganizationId.eq(company.organization_id))
                    .filter(C::CompanyId.eq(company.id))
                    .filter(C::PsaConnectionId.eq(psa_company.psa_connection_id))
                    .lock(LockType::NoKeyUpdate)
                    .one(tx)
                    .await?;
                let version = old.as_ref().map_or(0, |old| old.version);
                versions::expect(set.expected_version, version)?;
                let mut row = old.clone().map_or_else(
                    || company_mapping::ActiveModel {
                        id: Set(new_id),
                        organization_id: Set(company.organization_id),
                        company_id: Set(company.id),
                        psa_connection_id: Set(psa_company.psa_connection_id),
                        is_ticketing_enabled: Set(true),
                        ticket_profile_id: Set(None),
                        created_at: Set(now),
                        ..Default::default()
                    },
                    company_mapping::Model::into_active_model,
                );
                row.psa_company_id = Set(psa_company.id);
                if let Some(is_enabled) = set.is_ticketing_enabled {
                    row.is_ticketing_enabled = Set(is_enabled);
                }
                if let Some(profile_id) = set.ticket_profile_id {
                    row.ticket_profile_id = Set(profile_id);
                }
                row.version = Set(version + 1);
                row.updated_at = Set(now);
                let (mapped, change) = match &old {
                    None => {
                        let made = row.insert(tx).await?;
                        let change = Change::made(SET, &made);
                        (made, change)
                    }
                    Some(old) => {
                        let new = row.update(tx).await?;
                        let change = Change::between(SET, old, &new);
                        (new, change)
                    }
                };
                held::release(tx, mapped.organization_id, now).await?;
                let change = change.named(format!("{} → {}", company.name, psa_company.name));
                audit::record(tx, &ground_of, &by, change).await?;
                Ok::<_, Error>(mapped)
            })
        })
        .await?;
    ground.wake.inbox();
    Ok(mapped)
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
                let company = company::Entity::find_by_id(row.company_id).one(tx).await?;
                let theirs = psa_company::Entity::find_by_id(row.psa_company_id).one(tx).await?;
                let names = [company.map(|row| row.name), theirs.map(|row| row.name)];
                let names = names.map(Option::unwrap_or_default).join(" → ");
                let change = Change::removed("companyMappingRemove", &row).named(names);
                removed(&row.delete(tx).await?)?;
                audit::record(tx, &ground_of, &by, change).await
            })
        })
        .await
}

async fn check_profile(
    db: &impl ConnectionTrait,
    psa_company: &psa_company::Model,
    profile_id: Uuid,
) -> Result<Option<Problem>, Error> {
    let profile = ticket_profile::Entity::find_by_id(profile_id)
        .filter(ticket_profile::Column::OrganizationId.eq(psa_company.organization_id))
        .one(db)
        .await?;
    Ok(match profile {
        None => Some(no_such("ticketProfileId", "ticket profile")),
        Some(profile) if profile.psa_connection_id != psa_company.psa_connection_id => Some(Problem::of(
            "ticketProfileId",
            ProblemCode::Invalid,
            "the profile is of another connection than the PSA's company; choose one of the same connection",
        )),
        Some(_) => None,
    })
}

#[cfg(test)]
mod tests;
