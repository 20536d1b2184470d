//! What is read of contacts, and of which companies: the connection's settings, held against what the PSA has.
#![expect(clippy::disallowed_methods, reason = "scopes every query by organization and connection")]

use std::collections::HashMap;

use entity::{company, contact_setup, psa_connection};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, IntoActiveModel as _,
    QueryFilter as _, QuerySelect as _,
    sea_query::{Expr, LockType},
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::remote::{CUSTOM, ContactAbilities, ContactCatalogue, ContactQuery, FieldCondition};
use crate::{
    audit::{self, Change},
    error::{Error, Problem, ProblemCode},
    ground::Ground,
    organizations::{
        reach,
        viewer::{Permission, Viewer},
    },
};

/// How many fields, types or companies can be chosen.
const MAX_CHOSEN: usize = 2_000;
/// How many conditions on fields there may be, and how many values each.
const MAX_CONDITIONS: usize = 50;

/// What somebody chose.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// The keys of the fields to be kept, beside name, e-mail, telephone and job title.
    #[serde(default)]
    pub fields: Vec<String>,
    /// Our companies whose contacts are read; all that are mapped where it is none.
    #[serde(default)]
    pub company_ids: Option<Vec<Uuid>>,
    /// Of one of these types only.
    #[serde(default)]
    pub types: Option<Vec<String>>,
    /// What their fields must say.
    #[serde(default)]
    pub conditions: Vec<FieldCondition>,
    /// Inactive ones too.
    #[serde(default)]
    pub include_inactive: bool,
}

impl Settings {
    /// Those of a row.
    pub fn of(row: &contact_setup::Model) -> Self {
        serde_json::from_value(row.settings.clone()).unwrap_or_default()
    }

    /// Why no run can go by the settings, and how to mend it; none where it can.
    pub fn problem(&self, known: &ContactCatalogue) -> Option<String> {
        let gone = self.conditions.iter().find(|condition| known.field(&condition.key).is_none())?;
        let key = &gone.key;
        Some(format!(
            "the PSA has no field {key} of contacts any more; change the conditions (contactSyncSet)"
        ))
    }

    /// What is asked of the PSA: the fields that are kept, and those that conditions look at.
    pub fn query(&self) -> ContactQuery {
        let mut fields = self.fields.clone();
        for condition in &self.conditions {
            if !fields.contains(&condition.key) {
                fields.push(condition.key.clone());
            }
        }
        ContactQuery {
            fields,
            types: self.types.clone(),
            conditions: self.conditions.clone(),
            include_inactive: self.include_inactive,
        }
    }
}

/// What the PSA has, as it said last; `offered` is what its platform always has.
pub fn catalogue(row: Option<&contact_setup::Model>, offered: &ContactCatalogue) -> ContactCatalogue {
    row.and_then(|row| row.catalogue.clone())
        .and_then(|known| serde_json::from_value(known).ok())
        .unwrap_or_else(|| offered.clone())
}

/// What to change; what is none stays.
#[derive(Clone, Debug, Default)]
pub struct SettingsChange {
    /// Whether contacts are read.
    pub is_enabled: Option<bool>,
    /// The fields to be kept.
    pub fields: Option<Vec<String>>,
    /// Whose; `Some(None)` for all that are mapped.
    pub company_ids: Option<Option<Vec<Uuid>>>,
    /// Of which types; `Some(None)` for all.
    pub types: Option<Option<Vec<String>>>,
    /// What their fields must say.
    pub conditions: Option<Vec<FieldCondition>>,
    /// Whether inactive ones are read, too.
    pub include_inactive: Option<bool>,
}

/// What a platform has of contacts.
#[derive(Clone, Debug)]
pub struct Offered {
    /// As its own pages are called.
    pub label: &'static str,
    /// What it says of them.
    pub abilities: ContactAbilities,
    /// What every tenant has.
    pub catalogue: ContactCatalogue,
}

/// Sets how contacts are read. `offered` is what the platform has of them; none where it gives none.
pub async fn set(
    viewer: &Viewer,
    ground: &Ground,
    psa_connection_id: Uuid,
    change: SettingsChange,
    offered: Option<Offered>,
) -> Result<psa_connection::Model, Error> {
    let connection = reach::by_id::<psa_connection::Entity>(viewer, ground, psa_connection_id).await?;
    viewer.may(Permission::ManageIntegrations, connection.organization_id)?;
    let Some(offered) = offered else {
        let message = "the API of this platform gives no contacts; nothing can be kept in step here";
        return Err(Problem::of("psaConnectionId", ProblemCode::WrongState, message).into());
    };
    if let Some(Some(ids)) = &change.company_ids {
        let found = reach::by_ids::<company::Entity>(viewer, ground, ids).await?;
        let is_ours = |id| found.get(id).is_some_and(|row| row.organization_id == connection.organization_id);
        if !ids.iter().all(is_ours) {
            let message =
                "one of them is no company of this organization; take their ids from a list of them";
            return Err(Problem::of("companyIds", ProblemCode::NotFound, message).into());
        }
    }
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
                let known = catalogue(Some(&row), &offered.catalogue);
                let before = Settings::of(&row);
                let settings = changed(before.clone(), &change, &known, &offered)?;
                let mut entry = Change::of("contactSyncSet", &connection);
                if let Some(is_enabled) = change.is_enabled {
                    entry = entry.is("isEnabled", is_enabled);
                }
                if settings != before {
                    entry = entry.was("settings", json!(before)).is("settings", json!(settings));
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
    known: &ContactCatalogue,
    offered: &Offered,
) -> Result<Settings, Error> {
    let refuse = |field: &str, message: String| Err(Problem::of(field, ProblemCode::Invalid, message).into());
    let lacks =
        |what: &str| format!("the API of {} gives no {what} of contacts; leave this out", offered.label);
    let unknown = |key: &str| {
        format!(
            "the PSA has no field {key} of contacts; take one of `fields`, which psaConnectionSyncContacts reads anew"
        )
    };
    let too_many = change.fields.as_ref().is_some_and(|list| list.len() > MAX_CHOSEN)
        || change.types.iter().flatten().any(|list| list.len() > MAX_CHOSEN)
        || change.company_ids.iter().flatten().any(|list| list.len() > MAX_CHOSEN);
    if too_many {
        let message = format!("at most {MAX_CHOSEN} can be chosen; choose fewer, or all");
        return refuse("psaConnectionId", message);
    }
    if let Some(fields) = &change.fields {
        if let Some(key) = fields.iter().find(|key| known.field(key).is_none()) {
            return refuse("fieldKeys", unknown(key));
        }
        settings.fields.clone_from(fields);
        settings.fields.sort();
        settings.fields.dedup();
    }
    if let Some(types) = &change.types {
        if types.is_some() && !offered.abilities.types {
            return refuse("typeIn", lacks("types"));
        }
        let is_unknown = |value: &&String| !known.types.iter().any(|item| item.value == **value);
        if let Some(value) = types.iter().flatten().find(is_unknown) {
            let message = format!(
                "the PSA has no type {value} of contacts; read its values (psaConnectionSyncContacts), take one"
            );
            return refuse("typeIn", message);
        }
        settings.types.clone_from(types);
    }
    if let Some(conditions) = &change.conditions {
        let is_too_long =
            |condition: &FieldCondition| condition.values.iter().any(|list| list.len() > MAX_CONDITIONS);
        if conditions.len() > MAX_CONDITIONS || conditions.iter().any(is_too_long) {
            let message =
                format!("at most {MAX_CONDITIONS} conditions with as many values each fit; give fewer");
            return refuse("conditions", message);
        }
        for condition in conditions {
            if condition.key.starts_with(CUSTOM) && !offered.abilities.custom_fields {
                return refuse("conditions", lacks("fields that people have made"));
            }
            if known.field(&condition.key).is_none() {
                return refuse("conditions", unknown(&condition.key));
            }
            if condition.values.is_none() && condition.is_known.is_none() {
                let message = "say what the field must say (valueIn), or whether it says anything (isKnown)";
                return refuse("conditions", message.to_owned());
            }
        }
        settings.conditions.clone_from(conditions);
    }
    if let Some(ids) = &change.company_ids {
        settings.company_ids.clone_from(ids);
    }
    if let Some(include_inactive) = change.include_inactive {
        if include_inactive && !offered.abilities.inactive {
            let message =
                format!("the API of {} does not say who is inactive; leave this out", offered.label);
            return refuse("hasInactive", message);
        }
        settings.include_inactive = include_inactive;
    }
    Ok(settings)
}

fn new(ground: &Ground, organization_id: Uuid, psa_connection_id: Uuid) -> contact_setup::Model {
    let now = ground.clock.now();
    contact_setup::Model {
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

/// How contacts of a connection are kept in step; none where nobody has set anything.
pub async fn of_connection(
    db: &impl ConnectionTrait,
    organization_id: Uuid,
    psa_connection_id: Uuid,
) -> Result<Option<contact_setup::Model>, DbErr> {
    contact_setup::Entity::find()
        .filter(contact_setup::Column::OrganizationId.eq(organization_id))
        .filter(contact_setup::Column::PsaConnectionId.eq(psa_connection_id))
        .one(db)
        .await
}

/// The same of several connections in reach.
pub async fn of_connections(
    viewer: &Viewer,
    ground: &Ground,
    ids: &[Uuid],
) -> Result<HashMap<Uuid, contact_setup::Model>, Error> {
    let rows = reach::rows::<contact_setup::Entity>(viewer)
        .filter(contact_setup::Column::PsaConnectionId.is_in(ids.iter().copied()))
        .all(ground.db.reader())
        .await?;
    Ok(rows.into_iter().map(|row| (row.psa_connection_id, row)).collect())
}

/// Keeps what the PSA has of fields and types, and gives how contacts are kept in step.
pub async fn keep_catalogue(
    tx: &impl ConnectionTrait,
    ground: &Ground,
    organization_id: Uuid,
    psa_connection_id: Uuid,
    mut found: ContactCatalogue,
) -> Result<contact_setup::Model, DbErr> {
    let now = ground.clock.now();
    let old = of_connection(tx, organization_id, psa_connection_id).await?;
    found.remember(&catalogue(old.as_ref(), &ContactCatalogue::default()));
    let is_new = old.is_none();
    let mut row = old.unwrap_or_else(|| new(ground, organization_id, psa_connection_id));
    row.catalogue = Some(json!(found));
    row.catalogue_at = Some(now);
    let active = row.clone().into_active_model().reset_all();
    if is_new { active.insert(tx).await } else { active.update(tx).await }
}

/// All contacts of a connection were read up to now.
pub async fn all_read(
    tx: &impl ConnectionTrait,
    psa_connection_id: Uuid,
    at: entity::Timestamp,
) -> Result<(), DbErr> {
    use contact_setup::Column as C;
    contact_setup::Entity::update_many()
        .col_expr(C::SyncedAt, Expr::value(Some(at)))
        .filter(C::PsaConnectionId.eq(psa_connection_id))
        .exec(tx)
        .await
        .map(|_| ())
}
