//! What is read of configurations, of which companies, and what becomes of it: the connection's settings, held against
//! what the PSA has.
#![expect(clippy::disallowed_methods, reason = "scopes every query by organization and connection")]

use std::collections::{BTreeMap, BTreeSet, HashMap};

use entity::{configuration_setup, psa_connection};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, IntoActiveModel as _,
    QueryFilter as _, QuerySelect as _,
    sea_query::{Expr, LockType},
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use crate::{
    audit::{self, Change},
    error::{Error, Problem, ProblemCode},
    ground::Ground,
    organizations::{
        reach,
        viewer::{Permission, Viewer},
    },
    sync::{
        assets::pushing,
        remote::{ConfigurationCatalogue, ConfigurationQuery, ConfigurationTarget},
    },
};

/// How many fields, types or statuses can be chosen.
const MAX_CHOSEN: usize = 2_000;
/// The longest id of a product.
const MAX_PRODUCT: usize = 100;

/// What somebody chose; what is none is as it usually is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "each says yes or no to one thing of its own")]
pub struct Settings {
    /// The keys of the fields to be downloaded.
    #[serde(default)]
    pub fields: Option<Vec<String>>,
    /// From which fields each is taken: the first that says something.
    #[serde(default)]
    pub maps: BTreeMap<ConfigurationTarget, Vec<String>>,
    /// Of those companies only whose mapping says so, rather than of all that are mapped.
    #[serde(default)]
    pub only_chosen_companies: bool,
    /// Of one of these types only.
    #[serde(default)]
    pub types: Option<Vec<String>>,
    /// In one of these statuses only.
    #[serde(default)]
    pub statuses: Option<Vec<String>>,
    /// Inactive ones too.
    #[serde(default)]
    pub include_inactive: bool,
    /// Whether the PSA is told of assets.
    #[serde(default)]
    pub is_written: bool,
    /// Which type each kind of asset has there, by the kind in lower case; the empty one is for all others. What is of one
    /// of these types in the PSA is the gateway's to say; other types are the PSA's.
    #[serde(default)]
    pub written_types: BTreeMap<String, String>,
    /// Types that are the PSA's own to keep, whatever kinds of assets have them.
    #[serde(default)]
    pub psa_types: Vec<String>,
    /// The product that new configurations are of, where the platform wants one.
    #[serde(default)]
    pub written_product: String,
    /// Whether devices that events name become assets of the companies that are mapped.
    #[serde(default)]
    pub takes_events: bool,
    /// Whether tickets are left without the configurations of the devices that their events name.
    #[serde(default)]
    pub leaves_tickets: bool,
}

impl Settings {
    /// Those of a row.
    pub fn of(row: &configuration_setup::Model) -> Self {
        serde_json::from_value(row.settings.clone()).unwrap_or_default()
    }

    /// The keys of the fields that are downloaded: those that were chosen, else those that usually say something.
    pub fn downloaded(&self, catalogue: &ConfigurationCatalogue) -> Vec<String> {
        self.fields.clone().unwrap_or_else(|| {
            let usual = catalogue.fields.iter().filter(|field| field.usual.is_some());
            usual.filter(|field| field.blocked.is_none()).map(|field| field.key.clone()).collect()
        })
    }

    /// From which fields something is taken.
    pub fn sources(&self, target: ConfigurationTarget, catalogue: &ConfigurationCatalogue) -> Vec<String> {
        self.maps.get(&target).cloned().unwrap_or_else(|| {
            let usual = catalogue.fields.iter().filter(|field| field.usual == Some(target));
            usual.map(|field| field.key.clone()).collect()
        })
    }

    /// The fields that hold serial numbers: those that somebody chose, and the PSA's own in any case.
    pub fn serial_keys(&self, catalogue: &ConfigurationCatalogue) -> Vec<String> {
        let target = ConfigurationTarget::SerialNumber;
        let mut keys = self.sources(target, catalogue);
        let own = catalogue.fields.iter().filter(|field| field.usual == Some(target)).map(|field| &field.key);
        for key in own {
            if !keys.contains(key) {
                keys.push(key.clone());
            }
        }
        keys
    }

    /// Why nothing can be taken from a field, and how to mend it; none where it can.
    pub fn problem(&self, key: &str, catalogue: &ConfigurationCatalogue) -> Option<String> {
        let Some(field) = catalogue.field(key) else {
            return Some(format!(
                "the PSA has no field {key}; ask for its fields anew (psaConnectionSyncConfigurations), or take another"
            ));
        };
        if let Some(why) = &field.blocked {
            return Some(format!("{} cannot be read: {why}", field.label));
        }
        (!self.downloaded(catalogue).contains(&field.key)).then(|| {
            format!("{} is not downloaded; add {key} to the fields to be downloaded first", field.label)
        })
    }

    /// The types of which it is the gateway that says what configurations are.
    pub fn own_types(&self) -> Vec<String> {
        let ours: BTreeSet<&String> =
            self.written_types.values().filter(|value| self.is_ours(value)).collect();
        ours.into_iter().cloned().collect()
    }

    /// Whether it is the gateway that says what configurations of a type are; otherwise it is the PSA.
    pub fn is_ours(&self, value: &str) -> bool {
        self.is_written
            && self.written_types.values().any(|written| written == value)
            && !self.psa_types.iter().any(|psa| psa == value)
    }

    /// What is asked of the PSA.
    pub fn query(&self, catalogue: &ConfigurationCatalogue) -> ConfigurationQuery {
        let is_readable = |key: &String| catalogue.field(key).is_some_and(|field| field.blocked.is_none());
        ConfigurationQuery {
            fields: self.downloaded(catalogue).into_iter().filter(is_readable).collect(),
            types: self.types.clone(),
            statuses: self.statuses.clone(),
            include_inactive: self.include_inactive,
            company: None,
        }
    }
}

/// What the PSA has, as it said last; `offered` is what its platform always has.
pub fn catalogue(
    row: Option<&configuration_setup::Model>,
    offered: &ConfigurationCatalogue,
) -> ConfigurationCatalogue {
    row.and_then(|row| row.catalogue.clone())
        .and_then(|known| serde_json::from_value(known).ok())
        .unwrap_or_else(|| offered.clone())
}

/// What to change; what is none stays.
#[derive(Clone, Debug, Default)]
pub struct SettingsChange {
    /// Whether configurations are read.
    pub is_enabled: Option<bool>,
    /// The fields to be downloaded; `Some(None)` for the usual ones.
    pub fields: Option<Option<Vec<String>>>,
    /// From which fields these are taken; none for the usual ones.
    pub maps: Vec<(ConfigurationTarget, Option<Vec<String>>)>,
    /// Whether only of those companies whose mapping says so.
    pub only_chosen_companies: Option<bool>,
    /// Of which types; `Some(None)` for all.
    pub types: Option<Option<Vec<String>>>,
    /// In which statuses; `Some(None)` for all.
    pub statuses: Option<Option<Vec<String>>>,
    /// Whether inactive ones are read, too.
    pub include_inactive: Option<bool>,
    /// Whether the PSA is told of assets.
    pub is_written: Option<bool>,
    /// Which type each kind of asset has there: all of them.
    pub written_types: Option<Vec<(String, String)>>,
    /// Which types are the PSA's own to keep: all of them.
    pub psa_types: Option<Vec<String>>,
    /// The product that new configurations are of.
    pub written_product: Option<String>,
    /// Whether devices that events name become assets.
    pub takes_events: Option<bool>,
    /// Whether tickets are left without configurations.
    pub leaves_tickets: Option<bool>,
}

/// Sets how configurations are read. `offered` is what the platform always has; none where it has no configurations.
pub async fn set(
    viewer: &Viewer,
    ground: &Ground,
    psa_connection_id: Uuid,
    change: SettingsChange,
    offered: Option<ConfigurationCatalogue>,
) -> Result<psa_connection::Model, Error> {
    let connection = reach::by_id::<psa_connection::Entity>(viewer, ground, psa_connection_id).await?;
    viewer.may(Permission::ManageIntegrations, connection.organization_id)?;
    let Some(offered) = offered else {
        let message = "the API of this platform gives no configurations; nothing can be kept in step here";
        return Err(Problem::of("psaConnectionId", ProblemCode::WrongState, message).into());
    };
    let (ground_of, by) = (ground.clone(), viewer.clone());
    ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                // Two that set the same at once queue here.
                psa_connection::Entity::find_by_id(connection.id).lock(LockType::NoKeyUpdate).one(tx).await?;
                let old = of_connection(tx, connection.organization_id, connection.id).await?;
                let is_new = old.is_none();
                let mut row =
                    old.unwrap_or_else(|| new(&ground_of, connection.organization_id, connection.id));
                let known = catalogue(Some(&row), &offered);
                let settings = changed(Settings::of(&row), &change, &known)?;
                let mut entry = Change::of("configurationSyncSet", &connection);
                if let Some(is_enabled) = change.is_enabled {
                    entry = entry.is("isEnabled", is_enabled);
                }
                let before = Settings::of(&row);
                if settings != before {
                    entry = entry.was("settings", json!(before)).is("settings", json!(settings));
                }
                if settings.own_types() != before.own_types() {
                    pushing::look_again(tx, connection.organization_id, connection.id).await?;
                }
                row.is_enabled = change.is_enabled.unwrap_or(row.is_enabled);
                row.settings = json!(settings);
                row.updated_at = ground_of.clock.now();
                if is_new {
                    row.into_active_model().reset_all().insert(tx).await?;
                } else {
                    row.version += 1;
                    row.into_active_model().reset_all().update(tx).await?;
                }
                audit::record(tx, &ground_of, &by, entry).await?;
                Ok::<_, Error>(connection)
            })
        })
        .await
}

/// The settings as they are to be, or what is wrong with them.
fn changed(
    mut settings: Settings,
    change: &SettingsChange,
    known: &ConfigurationCatalogue,
) -> Result<Settings, Error> {
    let refuse = |field: &str, message: String| Err(Problem::of(field, ProblemCode::Invalid, message).into());
    let lists = [&change.fields, &change.types, &change.statuses];
    let too_many =
        |list: &Option<Option<Vec<String>>>| list.iter().flatten().any(|list| list.len() > MAX_CHOSEN);
    if lists.into_iter().any(too_many)
        || change.maps.iter().any(|(_, keys)| keys.as_ref().is_some_and(|keys| keys.len() > MAX_CHOSEN))
    {
        return refuse(
            "psaConnectionId",
            format!("at most {MAX_CHOSEN} can be chosen; choose fewer, or all"),
        );
    }
    if let Some(fields) = &change.fields {
        let has = |key: &&String| known.field(key).is_none_or(|field| field.blocked.is_some());
        if let Some(key) = fields.iter().flatten().find(has) {
            let why = match known.field(key).and_then(|field| field.blocked.clone()) {
                Some(why) => format!("{key} cannot be read: {why}"),
                None => format!(
                    "the PSA has no field {key}; take one of `fields`, which psaConnectionSyncConfigurations reads anew"
                ),
            };
            return refuse("fieldKeys", why);
        }
        settings.fields.clone_from(fields);
    }
    for (name, chosen, values) in
        [("typeIn", &change.types, &known.types), ("statusIn", &change.statuses, &known.statuses)]
    {
        let is_unknown = |value: &&String| !values.iter().any(|item| item.value == **value);
        if let Some(value) = chosen.iter().flatten().flatten().find(is_unknown) {
            return refuse(
                name,
                format!(
                    "the PSA has no {value} there; read its values (psaConnectionSyncConfigurations), take one"
                ),
            );
        }
    }
    if let Some(types) = &change.types {
        settings.types.clone_from(types);
    }
    if let Some(statuses) = &change.statuses {
        settings.statuses.clone_from(statuses);
    }
    settings.only_chosen_companies = change.only_chosen_companies.unwrap_or(settings.only_chosen_companies);
    settings.include_inactive = change.include_inactive.unwrap_or(settings.include_inactive);
    settings.takes_events = change.takes_events.unwrap_or(settings.takes_events);
    settings.leaves_tickets = change.leaves_tickets.unwrap_or(settings.leaves_tickets);
    if let Some(types) = &change.written_types {
        let unknown = types.iter().find(|(_, value)| !known.types.iter().any(|item| item.value == *value));
        if let Some((_, value)) = unknown {
            return refuse(
                "writtenTypes",
                format!(
                    "the PSA has no type {value}; read its types (psaConnectionSyncConfigurations), take one"
                ),
            );
        }
        if types.len() > MAX_CHOSEN {
            return refuse(
                "writtenTypes",
                format!("at most {MAX_CHOSEN} can be named; leave kinds to the one for all"),
            );
        }
        settings.written_types =
            types.iter().map(|(kind, value)| (kind.trim().to_lowercase(), value.clone())).collect();
    }
    if let Some(types) = &change.psa_types {
        let is_unknown = |value: &&String| !known.types.iter().any(|item| item.value == **value);
        if let Some(value) = types.iter().find(is_unknown) {
            return refuse(
                "psaOwnedTypeIn",
                format!(
                    "the PSA has no type {value}; read its types (psaConnectionSyncConfigurations), take one"
                ),
            );
        }
        if types.len() > MAX_CHOSEN {
            return refuse("psaOwnedTypeIn", format!("at most {MAX_CHOSEN} can be named"));
        }
        settings.psa_types.clone_from(types);
    }
    if let Some(product) = &change.written_product {
        product.trim().clone_into(&mut settings.written_product);
        if settings.written_product.chars().count() > MAX_PRODUCT {
            return refuse("writtenProduct", format!("an id has at most {MAX_PRODUCT} characters"));
        }
    }
    settings.is_written = change.is_written.unwrap_or(settings.is_written);
    if settings.is_written && settings.written_types.is_empty() {
        return refuse("writtenTypes", "say which type assets are to have in the PSA".to_owned());
    }
    for (target, keys) in &change.maps {
        match keys {
            Some(keys) => settings.maps.insert(*target, keys.clone()),
            None => settings.maps.remove(target),
        };
    }
    for (_, keys) in &change.maps {
        if let Some(why) = keys.iter().flatten().find_map(|key| settings.problem(key, known)) {
            return refuse("maps", why);
        }
    }
    Ok(settings)
}

fn new(ground: &Ground, organization_id: Uuid, psa_connection_id: Uuid) -> configuration_setup::Model {
    let now = ground.clock.now();
    configuration_setup::Model {
        id: ground.chance.id(now),
        organization_id,
        psa_connection_id,
        is_enabled: false,
        settings: json!(Settings::default()),
        catalogue: None,
        catalogue_at: None,
        synced_at: None,
        version: 1,
        created_at: now,
        updated_at: now,
    }
}

/// How configurations of a connection are kept in step; none where nobody has set anything.
pub async fn of_connection(
    db: &impl ConnectionTrait,
    organization_id: Uuid,
    psa_connection_id: Uuid,
) -> Result<Option<configuration_setup::Model>, DbErr> {
    configuration_setup::Entity::find()
        .filter(configuration_setup::Column::OrganizationId.eq(organization_id))
        .filter(configuration_setup::Column::PsaConnectionId.eq(psa_connection_id))
        .one(db)
        .await
}

/// The settings of all connections of an organization, by connection, with whether configurations are read.
pub async fn of_organization(
    db: &impl ConnectionTrait,
    organization_id: Uuid,
) -> Result<HashMap<Uuid, (bool, Settings)>, DbErr> {
    use configuration_setup::Column as C;
    let rows: Vec<(Uuid, bool, serde_json::Value)> = configuration_setup::Entity::find()
        .select_only()
        .columns([C::PsaConnectionId, C::IsEnabled, C::Settings])
        .filter(C::OrganizationId.eq(organization_id))
        .into_tuple()
        .all(db)
        .await?;
    let read = |settings| serde_json::from_value(settings).unwrap_or_default();
    Ok(rows.into_iter().map(|(id, is_enabled, settings)| (id, (is_enabled, read(settings)))).collect())
}

/// The same of several connections in reach.
pub async fn of_connections(
    viewer: &Viewer,
    ground: &Ground,
    ids: &[Uuid],
) -> Result<HashMap<Uuid, configuration_setup::Model>, Error> {
    let rows = reach::rows::<configuration_setup::Entity>(viewer)
        .filter(configuration_setup::Column::PsaConnectionId.is_in(ids.iter().copied()))
        .all(ground.db.reader())
        .await?;
    Ok(rows.into_iter().map(|row| (row.psa_connection_id, row)).collect())
}

/// Keeps what the PSA has of fields, types and statuses, and gives how configurations are kept in step.
pub async fn keep_catalogue(
    tx: &impl ConnectionTrait,
    ground: &Ground,
    organization_id: Uuid,
    psa_connection_id: Uuid,
    catalogue: &ConfigurationCatalogue,
) -> Result<configuration_setup::Model, DbErr> {
    let now = ground.clock.now();
    let old = of_connection(tx, organization_id, psa_connection_id).await?;
    let is_new = old.is_none();
    let mut row = old.unwrap_or_else(|| new(ground, organization_id, psa_connection_id));
    row.catalogue = Some(json!(catalogue));
    row.catalogue_at = Some(now);
    let active = row.clone().into_active_model().reset_all();
    if is_new { active.insert(tx).await } else { active.update(tx).await }
}

/// All configurations of a connection were read up to now.
pub async fn all_read(
    tx: &impl ConnectionTrait,
    psa_connection_id: Uuid,
    at: entity::Timestamp,
) -> Result<(), DbErr> {
    use configuration_setup::Column as C;
    configuration_setup::Entity::update_many()
        .col_expr(C::SyncedAt, Expr::value(Some(at)))
        .filter(C::PsaConnectionId.eq(psa_connection_id))
        .exec(tx)
        .await
        .map(|_| ())
}
