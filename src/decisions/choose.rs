//! Profile and mapping: where an event that deserves a ticket gets it.
#![expect(clippy::disallowed_methods, reason = "scopes every query by organization")]

use entity::{
    company, company_mapping,
    event::Outcome::{Held, Suppressed},
    policy, psa_connection, ticket_profile,
};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _, QueryOrder as _,
};

use super::trail::{Decision, Trail};
use crate::tickets::plan::Place;

/// Which profile, and as which company of the PSA. No guess: where it is not clear, the event is held.
pub async fn place(
    db: &impl ConnectionTrait,
    company: company::Model,
    policy: &policy::Model,
    trail: &mut Trail,
) -> Result<Result<Place, Decision>, DbErr> {
    let mappings = company_mapping::Entity::find()
        .filter(company_mapping::Column::OrganizationId.eq(company.organization_id))
        .filter(company_mapping::Column::CompanyId.eq(company.id))
        .order_by_asc(company_mapping::Column::Id)
        .all(db)
        .await?;
    if let Some(place) = own_connection(db, &company, &mappings, trail).await? {
        return Ok(Ok(place));
    }
    let general = general_profile(db, &company, policy, trail).await?;
    let mut own: Vec<_> = mappings
        .iter()
        .filter(|mapping| mapping.is_ticketing_enabled)
        .filter_map(|mapping| mapping.ticket_profile_id)
        .collect();
    own.dedup();
    let profile = match (own.as_slice(), general) {
        ([], general) => general,
        ([one], _) => {
            trail.step("profile", "the company's mapping has a profile of its own");
            find_profile(db, &company, *one).await?
        }
        (_, Some(general)) => {
            let own = mappings.iter().find(|mapping| mapping.psa_connection_id == general.psa_connection_id);
            match own.and_then(|mapping| mapping.ticket_profile_id) {
                Some(id) => find_profile(db, &company, id).await?,
                None => Some(general),
            }
        }
        (_, None) => {
            trail.step("profile", "the company is mapped on several connections with profiles of their own");
            return Ok(Err(Decision::new(
                Held,
                "no_profile",
                "the company is mapped on several connections, each with a profile of its own, and nothing says \
                 which to use; make one profile the default, or name one in the policy",
            )
            .company(company.id)));
        }
    };
    let Some(profile) = profile else {
        trail.step("profile", "neither mapping, policy nor organization names a profile");
        return Ok(Err(Decision::new(
            Held,
            "no_profile",
            "no ticket profile applies; make one and mark it as the default, then this goes on by itself",
        )
        .company(company.id)));
    };
    trail.step("profile", format!("\"{}\"", profile.name));
    let mapping = mappings.into_iter().find(|mapping| mapping.psa_connection_id == profile.psa_connection_id);
    let Some(mapping) = mapping else {
        trail.step("mapping", "the company is not mapped on the profile's connection");
        return Ok(Err(Decision::new(
            Held,
            "unmapped_company",
            format!(
                "\"{}\" is not mapped to a company of the PSA on the connection of the profile \"{}\"; map it, then \
                 this goes on by itself",
                company.name, profile.name
            ),
        )
        .company(company.id)));
    };
    if !mapping.is_ticketing_enabled {
        trail.step("mapping", "ticketing is switched off for this company");
        return Ok(Err(Decision::new(
            Suppressed,
            "ticketing_off",
            "ticketing is switched off in this company's mapping",
        )
        .company(company.id)));
    }
    trail.step("mapping", "mapped");
    Ok(Ok(Place { company, mapping, profile }))
}

/// A connection that is for this company alone goes before what holds for all.
async fn own_connection(
    db: &impl ConnectionTrait,
    company: &company::Model,
    mappings: &[company_mapping::Model],
    trail: &mut Trail,
) -> Result<Option<Place>, DbErr> {
    let own = psa_connection::Entity::find()
        .filter(psa_connection::Column::OrganizationId.eq(company.organization_id))
        .filter(psa_connection::Column::CompanyId.eq(company.id))
        .filter(psa_connection::Column::IsEnabled.eq(true))
        .order_by_asc(psa_connection::Column::Id)
        .all(db)
        .await?;
    for connection in own {
        let mapping = mappings
            .iter()
            .find(|mapping| mapping.psa_connection_id == connection.id && mapping.is_ticketing_enabled);
        let Some(mapping) = mapping else { continue };
        let profile = match mapping.ticket_profile_id {
            Some(id) => find_profile(db, company, id).await?,
            None => {
                ticket_profile::Entity::find()
                    .filter(ticket_profile::Column::OrganizationId.eq(company.organization_id))
                    .filter(ticket_profile::Column::PsaConnectionId.eq(connection.id))
                    .order_by_desc(ticket_profile::Column::IsDefault)
                    .order_by_asc(ticket_profile::Column::Id)
                    .one(db)
                    .await?
            }
        };
        let Some(profile) = profile else { continue };
        trail.step(
            "profile",
            format!("\"{}\", on the company's own connection \"{}\"", profile.name, connection.name),
        );
        trail.step("mapping", "mapped");
        return Ok(Some(Place { company: company.clone(), mapping: mapping.clone(), profile }));
    }
    Ok(None)
}

async fn general_profile(
    db: &impl ConnectionTrait,
    company: &company::Model,
    policy: &policy::Model,
    trail: &mut Trail,
) -> Result<Option<ticket_profile::Model>, DbErr> {
    if let Some(id) = policy.ticket_profile_id {
        trail.step("profile", "the policy names one");
        return find_profile(db, company, id).await;
    }
    ticket_profile::Entity::find()
        .filter(ticket_profile::Column::OrganizationId.eq(company.organization_id))
        .filter(ticket_profile::Column::IsDefault.eq(true))
        .order_by_asc(ticket_profile::Column::Id)
        .one(db)
        .await
}

async fn find_profile(
    db: &impl ConnectionTrait,
    company: &company::Model,
    id: uuid::Uuid,
) -> Result<Option<ticket_profile::Model>, DbErr> {
    ticket_profile::Entity::find_by_id(id)
        .filter(ticket_profile::Column::OrganizationId.eq(company.organization_id))
        .one(db)
        .await
}
