//! Profile and mapping: where an event that deserves a ticket gets it.
#![expect(clippy::disallowed_methods, reason = "scopes every query by organization")]

use std::collections::{BTreeSet, HashMap};

use entity::{
    Timestamp, company, company_mapping,
    event::Outcome::{Held, Suppressed},
    finding, policy, psa_connection, ticket_profile,
};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _, QueryOrder as _,
};
use uuid::Uuid;

use super::{
    event::Event,
    rules::Rules,
    trail::{Decision, Trail},
};
use crate::{db::portions, tickets::plan::Place};

/// The profiles of an organization, and the mappings and own connections of some of its companies: read once, in three
/// statements, for all that is decided together.
#[derive(Debug, Default)]
pub(super) struct Places {
    mappings: HashMap<Uuid, Vec<company_mapping::Model>>,
    own_connections: HashMap<Uuid, Vec<psa_connection::Model>>,
    /// In the order of their ids.
    profiles: Vec<ticket_profile::Model>,
}

/// What happened, as mappings with an event set of their own are asked about it.
pub(super) struct Wants<'a> {
    pub(super) rules: &'a Rules,
    pub(super) event: &'a Event,
    pub(super) finding: &'a finding::Model,
    pub(super) now: Timestamp,
}

impl Wants<'_> {
    /// Whether the mapping's own event set, where it has one, has this event.
    fn allow(&self, place: Place, trail: &mut Trail) -> Result<Place, Box<Decision>> {
        let Some(id) = place.mapping.event_set_id else { return Ok(place) };
        match self.rules.set_covers(id, self.event, self.finding, self.now) {
            Some((_, true)) | None => Ok(place),
            Some((name, false)) => {
                trail.step(
                    "mapping",
                    format!("the company's own event set \"{name}\" does not have this event"),
                );
                let words = format!(
                    "the event set \"{name}\" of the company's mapping does not have this event; choose another one \
                     there if it should open a ticket"
                );
                Err(Decision::new(Suppressed, "not_in_event_set", words).company(place.company.id).into())
            }
        }
    }
}

impl Places {
    /// What is needed for these companies.
    pub(super) async fn load(
        db: &impl ConnectionTrait,
        organization_id: Uuid,
        company_ids: &BTreeSet<Uuid>,
    ) -> Result<Self, DbErr> {
        let mut places = Self::default();
        if company_ids.is_empty() {
            return Ok(places);
        }
        let mappings = company_mapping::Entity::find()
            .filter(company_mapping::Column::OrganizationId.eq(organization_id))
            .filter(company_mapping::Column::CompanyId.is_in(portions::filled(company_ids.iter().copied())))
            .order_by_asc(company_mapping::Column::Id)
            .all(db)
            .await?;
        for mapping in mappings {
            places.mappings.entry(mapping.company_id).or_default().push(mapping);
        }
        let own = psa_connection::Entity::find()
            .filter(psa_connection::Column::OrganizationId.eq(organization_id))
            .filter(psa_connection::Column::CompanyId.is_in(portions::filled(company_ids.iter().copied())))
            .filter(psa_connection::Column::IsEnabled.eq(true))
            .order_by_asc(psa_connection::Column::Id)
            .all(db)
            .await?;
        for connection in own {
            if let Some(company_id) = connection.company_id {
                places.own_connections.entry(company_id).or_default().push(connection);
            }
        }
        places.profiles = ticket_profile::Entity::find()
            .filter(ticket_profile::Column::OrganizationId.eq(organization_id))
            .order_by_asc(ticket_profile::Column::Id)
            .all(db)
            .await?;
        Ok(places)
    }

    /// The mappings of a company, of those that were read.
    pub(super) fn mappings_of(&self, company_id: Uuid) -> &[company_mapping::Model] {
        self.mappings.get(&company_id).map(Vec::as_slice).unwrap_or_default()
    }

    /// Which profile, and as which company of the PSA. No guess: where it is not clear, the event is held.
    pub(super) fn choose(
        &self,
        company: &company::Model,
        policy: &policy::Model,
        wants: &Wants<'_>,
        trail: &mut Trail,
    ) -> Result<Place, Box<Decision>> {
        let mappings = self.mappings_of(company.id);
        if let Some(place) = self.on_own_connection(company, mappings, trail) {
            return wants.allow(place, trail);
        }
        let held = |reason, words: String| Err(Decision::new(Held, reason, words).company(company.id).into());
        let general = self.general_profile(policy, trail);
        let mut own: Vec<_> = mappings
            .iter()
            .filter(|mapping| mapping.is_enabled && mapping.is_ticketing_enabled)
            .filter_map(|mapping| mapping.ticket_profile_id)
            .collect();
        own.dedup();
        let profile = match (own.as_slice(), general) {
            ([], general) => general,
            ([one], _) => {
                trail.step("profile", "the company's mapping has a profile of its own");
                self.profile(*one)
            }
            (_, Some(general)) => {
                let own =
                    mappings.iter().find(|mapping| mapping.psa_connection_id == general.psa_connection_id);
                own.and_then(|mapping| mapping.ticket_profile_id).map_or(Some(general), |id| self.profile(id))
            }
            (_, None) => {
                trail.step(
                    "profile",
                    "the company is mapped on several connections with profiles of their own",
                );
                let words = "the company is mapped on several connections, each with a profile of its own, and nothing says \
                     which to use; make one profile the default, or name one in the policy";
                return held("no_profile", words.to_owned());
            }
        };
        let Some(profile) = profile else {
            trail.step("profile", "neither mapping, policy nor organization names a profile");
            let words =
                "no ticket profile applies; make one and mark it as the default, then this goes on by itself";
            return held("no_profile", words.to_owned());
        };
        trail.step("profile", format!("\"{}\"", profile.name));
        let mapping = mappings.iter().find(|mapping| mapping.psa_connection_id == profile.psa_connection_id);
        let Some(mapping) = mapping else {
            trail.step("mapping", "the company is not mapped on the profile's connection");
            let words = format!(
                "\"{}\" is not mapped to a company of the PSA on the connection of the profile \"{}\"; map it, then \
                 this goes on by itself",
                company.name, profile.name
            );
            return held("unmapped_company", words);
        };
        if !mapping.is_enabled {
            trail.step("mapping", "the company's mapping is switched off");
            let words = "the company's mapping on this connection is switched off; switch it on, and it gets its ticket \
                         when it is seen the next time";
            return Err(Decision::new(Suppressed, "mapping_off", words).company(company.id).into());
        }
        if !mapping.is_ticketing_enabled {
            trail.step("mapping", "ticketing is switched off for this company");
            let words = "ticketing is switched off in this company's mapping";
            return Err(Decision::new(Suppressed, "ticketing_off", words).company(company.id).into());
        }
        trail.step("mapping", "mapped");
        let place = Place { company: company.clone(), mapping: mapping.clone(), profile: profile.clone() };
        wants.allow(place, trail)
    }

    /// A connection that is for this company alone goes before what holds for all.
    fn on_own_connection(
        &self,
        company: &company::Model,
        mappings: &[company_mapping::Model],
        trail: &mut Trail,
    ) -> Option<Place> {
        for connection in self.own_connections.get(&company.id)? {
            let mapping = mappings.iter().find(|mapping| {
                mapping.psa_connection_id == connection.id
                    && mapping.is_enabled
                    && mapping.is_ticketing_enabled
            });
            let Some(mapping) = mapping else { continue };
            let on_it = || self.profiles.iter().filter(|profile| profile.psa_connection_id == connection.id);
            let own = |id| self.profile(id);
            let default = || on_it().find(|profile| profile.is_default).or_else(|| on_it().next());
            let profile = mapping.ticket_profile_id.map_or_else(default, own);
            let Some(profile) = profile else { continue };
            trail.step(
                "profile",
                format!("\"{}\", on the company's own connection \"{}\"", profile.name, connection.name),
            );
            trail.step("mapping", "mapped");
            return Some(Place {
                company: company.clone(),
                mapping: mapping.clone(),
                profile: profile.clone(),
            });
        }
        None
    }

    fn general_profile(&self, policy: &policy::Model, trail: &mut Trail) -> Option<&ticket_profile::Model> {
        if let Some(id) = policy.ticket_profile_id {
            trail.step("profile", "the policy names one");
            return self.profile(id);
        }
        self.profiles.iter().find(|profile| profile.is_default)
    }

    fn profile(&self, id: Uuid) -> Option<&ticket_profile::Model> {
        self.profiles.iter().find(|profile| profile.id == id)
    }
}
