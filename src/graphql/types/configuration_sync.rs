//! How configurations of a connection are kept in step.

use std::collections::HashMap;

use async_graphql::{Context, Enum, Result, SimpleObject, dataloader::Loader};
use entity::{configuration_setup, psa_connection};
use uuid::Uuid;

use crate::{
    graphql::{
        Asking as _,
        loaders::{Fetch, Shared},
        scalars::DateTime,
    },
    psa,
    sync::{
        configurations::{self, Settings},
        remote::{self, PickItem},
    },
};

/// What a configuration is known by here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "remote::ConfigurationTarget")]
pub enum ConfigurationTarget {
    /// Its serial number.
    SerialNumber,
    /// The day on which it was bought.
    PurchaseDate,
    /// The day on which its warranty ends.
    ExpirationDate,
    /// Its memory.
    Ram,
    /// Its operating system.
    OsType,
    /// Who made it.
    Manufacturer,
}

/// A field of configurations that the PSA has.
#[derive(Clone, Debug, SimpleObject)]
pub struct ConfigurationField {
    /// The PSA's key; `custom:` stands before the names of those that people have made.
    pub key: String,
    /// As the PSA's own pages call it.
    pub label: String,
    /// Whether it is downloaded.
    pub is_downloaded: bool,
    /// Why it cannot be read, and how to mend that; null where it can.
    pub problem: Option<String>,
}

/// From which fields something is taken.
#[derive(Clone, Debug, SimpleObject)]
pub struct ConfigurationMap {
    /// What is taken.
    pub target: ConfigurationTarget,
    /// The keys of the fields: the first that says something is taken, the others stand in for it.
    pub field_keys: Vec<String>,
    /// Whether that is the usual choice; somebody made another one where not.
    pub is_usual: bool,
    /// Why nothing can be taken from one of them, and how to mend it; null where it can.
    pub problem: Option<String>,
}

/// A type or a status of configurations that the PSA has.
#[derive(Clone, Debug, SimpleObject)]
pub struct ConfigurationValue {
    /// The PSA's value.
    pub value: String,
    /// The PSA's name for it.
    pub label: String,
    /// Whether configurations of it are read.
    pub is_chosen: bool,
    /// Who says what configurations of it are; null for statuses.
    pub owner: Option<ConfigurationOwner>,
}

/// Who says what configurations of a type are: the one source of truth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum ConfigurationOwner {
    /// The PSA: the gateway neither makes nor changes them, and takes what is there for its copy.
    Psa,
    /// The gateway, by what scanners and inventories say: it writes them, and what the PSA says changes no asset.
    Scanner,
}

/// Which type assets of a kind have in the PSA.
#[derive(Clone, Debug, SimpleObject)]
pub struct ConfigurationWrittenType {
    /// The kind, in lower case; null for all others.
    pub kind: Option<String>,
    /// The PSA's value of the type.
    pub value: String,
}

/// How configurations of a connection are kept in step.
#[derive(SimpleObject)]
#[expect(clippy::struct_excessive_bools, reason = "each says yes or no to one thing of its own")]
pub struct ConfigurationSync {
    /// Whether the platform gives configurations at all.
    pub is_offered: bool,
    /// Whether they are read.
    pub is_enabled: bool,
    /// The PSA's fields.
    pub fields: Vec<ConfigurationField>,
    /// From which fields serial number, days, memory and others are taken.
    pub maps: Vec<ConfigurationMap>,
    /// The PSA's types.
    pub types: Vec<ConfigurationValue>,
    /// The PSA's statuses.
    pub statuses: Vec<ConfigurationValue>,
    /// Whether those of all mapped companies are read, also of those that will be mapped; otherwise only of those whose
    /// mapping says `isConfigurationsEnabled`.
    pub has_all_companies: bool,
    /// Whether inactive ones are read, too.
    pub has_inactive: bool,
    /// Whether the gateway can make and change configurations on the platform.
    pub is_writing_offered: bool,
    /// Whether the PSA is told of assets.
    pub is_written: bool,
    /// Which type assets have there, by their kind; those of a kind that is not named are not told. What is of one of these
    /// types in the PSA is the gateway's to say, unless the type was left to the PSA; other types are the PSA's own, and
    /// are never changed. `types` say whose each is.
    pub written_types: Vec<ConfigurationWrittenType>,
    /// The PSA's id of the product that new configurations are of; null where none is chosen.
    pub written_product: Option<String>,
    /// Whether devices that events name become assets of the companies that are mapped here, or refresh them: of all, or
    /// of those whose mapping says `isConfigurationsEnabled`.
    pub takes_assets_from_events: bool,
    /// Whether a new ticket gets the configuration of the device that its event names, where the platform takes that and
    /// configurations are read or written.
    pub links_tickets: bool,
    /// When the PSA was asked for its fields, types and statuses, last; what every tenant has is shown before.
    pub fields_read_at: Option<DateTime>,
    /// How old the copy is: when all configurations were read last; null where they never were.
    pub synced_at: Option<DateTime>,
}

/// How configurations of a connection are kept in step.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct SetupOf(pub(super) Uuid);

impl Loader<SetupOf> for Fetch {
    type Value = configuration_setup::Model;
    type Error = Shared;

    async fn load(&self, keys: &[SetupOf]) -> Result<HashMap<SetupOf, Self::Value>, Shared> {
        let ids: Vec<_> = keys.iter().map(|key| key.0).collect();
        let found = configurations::of_connections(&self.viewer, &self.ground, &ids).await?;
        Ok(found.into_iter().map(|(id, row)| (SetupOf(id), row)).collect())
    }
}

pub(super) async fn configuration_sync(
    ctx: &Context<'_>,
    connection: &psa_connection::Model,
) -> Result<ConfigurationSync> {
    let row = ctx.loaders()?.get(SetupOf(connection.id)).await?;
    let offered = psa::platform(&connection.platform).and_then(psa::Platform::configurations);
    let is_offered = offered.is_some();
    let known = configurations::catalogue(row.as_ref(), &offered.unwrap_or_default());
    let settings = row.as_ref().map(Settings::of).unwrap_or_default();
    let downloaded = settings.downloaded(&known);
    let fields = known.fields.iter().map(|field| ConfigurationField {
        key: field.key.clone(),
        label: field.label.clone(),
        is_downloaded: downloaded.contains(&field.key) && field.blocked.is_none(),
        problem: field.blocked.clone(),
    });
    let map = |target: remote::ConfigurationTarget| {
        let field_keys = settings.sources(target, &known);
        // What is usual and cannot be read is left out; what somebody chose is not.
        let is_usual = !settings.maps.contains_key(&target);
        let mut problems = field_keys.iter().map(|key| settings.problem(key, &known));
        let problem = if is_usual && problems.clone().any(|problem| problem.is_none()) {
            None
        } else {
            problems.find_map(|problem| problem)
        };
        ConfigurationMap { target: target.into(), field_keys, is_usual, problem }
    };
    let owner = |value: &str| {
        if settings.is_ours(value) { ConfigurationOwner::Scanner } else { ConfigurationOwner::Psa }
    };
    let values = |items: &[PickItem], chosen: Option<&Vec<String>>, have_owners: bool| -> Vec<_> {
        let value = |item: &PickItem| ConfigurationValue {
            owner: have_owners.then(|| owner(&item.value)),
            value: item.value.clone(),
            label: item.label.clone(),
            is_chosen: chosen.is_none_or(|chosen| chosen.contains(&item.value)),
        };
        items.iter().map(value).collect()
    };
    Ok(ConfigurationSync {
        is_offered,
        is_enabled: row.as_ref().is_some_and(|row| row.is_enabled),
        fields: fields.collect(),
        maps: if is_offered { remote::ConfigurationTarget::ALL.map(map).into() } else { Vec::new() },
        types: values(&known.types, settings.types.as_ref(), true),
        statuses: values(&known.statuses, settings.statuses.as_ref(), false),
        has_all_companies: !settings.only_chosen_companies,
        has_inactive: settings.include_inactive,
        is_writing_offered: psa::platform(&connection.platform)
            .is_some_and(psa::Platform::writes_configurations),
        is_written: settings.is_written,
        written_types: settings
            .written_types
            .iter()
            .map(|(kind, value)| ConfigurationWrittenType {
                kind: Some(kind.clone()).filter(|kind| !kind.is_empty()),
                value: value.clone(),
            })
            .collect(),
        written_product: Some(settings.written_product.clone()).filter(|product| !product.is_empty()),
        takes_assets_from_events: settings.takes_events,
        links_tickets: psa::platform(&connection.platform).is_some_and(psa::links_configurations)
            && !settings.leaves_tickets,
        fields_read_at: row.as_ref().and_then(|row| row.catalogue_at).map(DateTime),
        synced_at: row.as_ref().and_then(|row| row.synced_at).map(DateTime),
    })
}
