//! Devices that events name: kept as assets where that is switched on, and linked to new tickets as the configurations
//! that they are in the PSA.
#![expect(clippy::disallowed_methods, reason = "scopes the query by organization")]

use std::collections::{BTreeMap, HashMap};

use entity::{company_mapping, ticket_operation};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, ConnectionTrait, DatabaseTransaction, DbErr, EntityTrait as _,
    IntoActiveModel as _, QueryFilter as _, QuerySelect as _, sea_query::LockType,
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{decide::Deciding, group::Group, trail::Trail};
use crate::{
    sync::{
        assets::Device,
        configurations::{self, Settings, naming},
    },
    tickets::plan::Place,
};

/// The key of the profile field that names a configuration, on every platform that has it.
pub const CONFIGURATION: &str = "configuration";

/// What becomes of devices, by connection: read once for all that is decided together.
#[derive(Debug, Default)]
pub(super) struct Devices(HashMap<Uuid, (bool, Settings)>);

impl Devices {
    /// What an organization has set.
    pub(super) async fn load(db: &impl ConnectionTrait, organization_id: Uuid) -> Result<Self, DbErr> {
        Ok(Self(configurations::of_organization(db, organization_id).await?))
    }

    /// Whether devices are kept for any connection.
    pub(super) fn any_are_kept(&self) -> bool {
        self.0.values().any(|(_, settings)| settings.takes_events)
    }

    /// Whether the devices of a company with these mappings are kept.
    pub(super) fn are_kept(&self, mappings: &[company_mapping::Model]) -> bool {
        mappings.iter().filter(|mapping| mapping.is_enabled).any(|mapping| {
            self.0.get(&mapping.psa_connection_id).is_some_and(|(_, settings)| {
                let is_chosen = !settings.only_chosen_companies || mapping.is_configurations_enabled;
                settings.takes_events && is_chosen
            })
        })
    }

    /// Whether tickets on a connection get configurations.
    fn are_linked(&self, psa_connection_id: Uuid) -> bool {
        self.0
            .get(&psa_connection_id)
            .is_some_and(|(is_read, settings)| (*is_read || settings.is_written) && !settings.leaves_tickets)
    }
}

impl Deciding<'_> {
    /// Adds the configuration of the device that is concerned to the values that a new ticket has beside its profile's. A
    /// ticket for what many devices have in common gets none of theirs.
    pub(super) async fn for_device(
        &self,
        place: &Place,
        group: &Group,
        values: &mut BTreeMap<String, String>,
        trail: &mut Trail,
    ) -> Result<(), DbErr> {
        let is_one_device = group.what.is_none() || group.key.starts_with("asset");
        if !is_one_device || !self.desk.devices.are_linked(place.mapping.psa_connection_id) {
            return Ok(());
        }
        let Some(device) = Device::of(self.event) else { return Ok(()) };
        match naming::find(self.desk.tx, &place.mapping, &device).await? {
            Ok(found) => {
                trail.step(CONFIGURATION, format!("\"{}\", found {}", found.name, found.by));
                values.insert(CONFIGURATION.to_owned(), found.external_id);
            }
            Err(why) => {
                let words = device.words();
                trail.step(
                    CONFIGURATION,
                    format!("{words} is no configuration of the company in the PSA, as read last ({why}): none is linked"),
                );
            }
        }
        Ok(())
    }
}

/// Says with the event that asked for an operation what of it the PSA did not take.
pub async fn tell_left_out(
    tx: &DatabaseTransaction,
    operation: &ticket_operation::Model,
    step: &str,
    words: &str,
) -> Result<(), DbErr> {
    use entity::event::{Column as C, Entity};
    let Some(event_id) = operation.event_id else { return Ok(()) };
    let found = Entity::find_by_id(event_id)
        .filter(C::OrganizationId.eq(operation.organization_id))
        .lock(LockType::NoKeyUpdate)
        .one(tx)
        .await?;
    let Some(mut row) = found else { return Ok(()) };
    if let Value::Array(steps) = &mut row.steps {
        steps.push(json!({ "step": step, "result": words }));
        row.into_active_model().reset_all().update(tx).await?;
    }
    Ok(())
}
