//! Keeping the copy of configurations in step: what is new or other is written, what is as it was is not touched.
#![expect(clippy::disallowed_methods, reason = "scopes every query by organization and connection")]

use std::collections::{BTreeMap, HashMap};

use chrono::{Datelike as _, NaiveDate, NaiveDateTime};
use entity::{Timestamp, company_mapping, configuration};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, Condition, ConnectionTrait, DbErr, EntityTrait as _,
    IntoActiveModel as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
    sea_query::{Expr, OnConflict},
};
use serde_json::json;
use uuid::Uuid;

use super::settings::Settings;
use crate::{
    db::portions,
    ground::Ground,
    sync::{
        assets::{name_key, serial_key},
        companies::{Seen, plain, web_address},
        mapped,
        remote::{ConfigurationCatalogue, ConfigurationTarget as Target, RemoteConfiguration},
        runs::{Counts, Failure},
    },
};

/// How many rows go into one statement: twenty-four columns each, and SQLite takes 32,766 values.
const BATCH: usize = 512;
const MAX_EXTERNAL_ID: usize = 100;
const MAX_TEXT: usize = 255;
/// How much of one field is kept, in characters, and how many fields.
const MAX_VALUE: usize = 2_000;
const MAX_FIELDS: usize = 300;

/// What became of configurations that were stored.
#[derive(Clone, Debug, Default)]
pub struct Stored {
    /// How many were new, other, the same, or could not be taken.
    pub counts: Counts,
    /// Those that could not, and how to mend it.
    pub failures: Vec<Failure>,
    /// The PSA's ids of those that are in the copy now.
    pub external_ids: Vec<String>,
}

/// What of configurations is taken over.
#[derive(Clone, Copy, Debug)]
pub struct Plan<'a> {
    /// Whose.
    pub organization_id: Uuid,
    /// Through which connection they were read.
    pub psa_connection_id: Uuid,
    /// The connection's settings.
    pub settings: &'a Settings,
    /// What the PSA has.
    pub catalogue: &'a ConfigurationCatalogue,
}

/// Stores configurations as a PSA has just shown them: those of companies that are mapped, or chosen. What is as it was
/// is not written. Texts come from outside: they are cut to their columns.
pub async fn store_configurations(
    tx: &impl ConnectionTrait,
    ground: &Ground,
    plan: Plan<'_>,
    items: &[RemoteConfiguration],
) -> Result<Stored, DbErr> {
    use configuration::Column as C;
    let mut stored = Stored::default();
    let owners = owners(tx, plan, items).await?;
    let sources: Vec<(Target, Vec<String>)> =
        Target::ALL.map(|target| (target, plan.settings.sources(target, plan.catalogue))).into();
    // One row an id: a statement may not touch a row twice.
    let mut wanted = BTreeMap::new();
    for item in items {
        let owner = item.company_external_id.as_ref().and_then(|id| owners.get(id));
        let Some(owner) = owner else { continue };
        match read(ground, plan, *owner, &sources, item) {
            Ok(row) => {
                wanted.insert(row.external_id.clone(), row);
            }
            Err(failure) => {
                stored.counts.failed += 1;
                stored.failures.push(failure);
            }
        }
    }
    let wanted: Vec<_> = wanted.into_values().collect();
    for batch in portions::of(&wanted, BATCH) {
        let known: HashMap<String, configuration::Model> = configuration::Entity::find()
            .filter(C::OrganizationId.eq(plan.organization_id))
            .filter(C::PsaConnectionId.eq(plan.psa_connection_id))
            .filter(C::ExternalId.is_in(batch.iter().map(|row| row.external_id.as_str())))
            .all(tx)
            .await?
            .into_iter()
            .map(|row| (row.external_id.clone(), row))
            .collect();
        let mut written = Vec::new();
        for row in batch {
            stored.external_ids.push(row.external_id.clone());
            if let Some(row) = settle(known.get(&row.external_id), row, &mut stored.counts) {
                written.push(row.into_active_model().reset_all());
            }
        }
        for written in portions::of(&written, BATCH) {
            configuration::Entity::insert_many(written.iter().cloned())
                .on_conflict(
                    OnConflict::columns([C::PsaConnectionId, C::ExternalId])
                        .update_columns([
                            C::PsaCompanyId,
                            C::Name,
                            C::ConfigurationType,
                            C::Status,
                            C::IsActive,
                            C::ExternalUrl,
                            C::SerialNumber,
                            C::PurchasedOn,
                            C::ExpiresOn,
                            C::Ram,
                            C::OsType,
                            C::Manufacturer,
                            C::Fields,
                            C::MissingSince,
                            C::ChangedAt,
                            C::SyncedAt,
                            C::NameKey,
                            C::SerialKey,
                        ])
                        .to_owned(),
                )
                .exec_without_returning(tx)
                .await?;
        }
    }
    Ok(stored)
}

/// The companies of the PSA whose configurations are taken over, by the PSA's id.
async fn owners(
    tx: &impl ConnectionTrait,
    plan: Plan<'_>,
    items: &[RemoteConfiguration],
) -> Result<HashMap<String, Uuid>, DbErr> {
    let ids = items.iter().filter_map(|item| item.company_external_id.as_ref());
    let chosen = plan
        .settings
        .only_chosen_companies
        .then(|| company_mapping::Column::IsConfigurationsEnabled.eq(true));
    let chosen = Condition::all().add_option(chosen);
    mapped::by_external_id(tx, plan.organization_id, plan.psa_connection_id, ids, chosen).await
}

/// The row as it is to be written; none where it is as it was.
fn settle(
    known: Option<&configuration::Model>,
    new: &configuration::Model,
    counts: &mut Counts,
) -> Option<configuration::Model> {
    let Some(old) = known else {
        counts.created += 1;
        return Some(new.clone());
    };
    let same = configuration::Model {
        id: old.id,
        synced_at: old.synced_at,
        changed_at: old.changed_at,
        name_key: old.name_key.clone(),
        serial_key: old.serial_key.clone(),
        ..new.clone()
    };
    if same == *old {
        counts.unchanged += 1;
        // Another version, or a migration, made them otherwise: nothing of it is other in the PSA.
        let is_found = old.name_key == new.name_key && old.serial_key == new.serial_key;
        let (name_key, serial_key) = (new.name_key.clone(), new.serial_key.clone());
        return (!is_found).then(|| configuration::Model { name_key, serial_key, ..old.clone() });
    }
    counts.updated += 1;
    Some(configuration::Model { id: old.id, changed_at: Some(new.synced_at), ..new.clone() })
}

/// A configuration from outside as a row.
fn read(
    ground: &Ground,
    plan: Plan<'_>,
    psa_company_id: Uuid,
    sources: &[(Target, Vec<String>)],
    item: &RemoteConfiguration,
) -> Result<configuration::Model, Failure> {
    let now = ground.clock.now();
    let external_id = plain(&item.external_id, usize::MAX);
    let name = Some(plain(&item.name, MAX_TEXT)).filter(|name| !name.is_empty());
    let length = external_id.chars().count();
    if external_id.is_empty() || length > MAX_EXTERNAL_ID {
        let message = format!(
            "its id in the PSA has {length} characters, 1 to {MAX_EXTERNAL_ID} are allowed; save it once in the PSA"
        );
        let external_id = Some(external_id.chars().take(MAX_TEXT).collect());
        return Err(Failure { external_id, name, message });
    }
    let fields: BTreeMap<String, String> = item
        .fields
        .iter()
        .take(MAX_FIELDS)
        .map(|(key, value)| (plain(key, MAX_TEXT), plain(value, MAX_VALUE)))
        .filter(|(_, value)| !value.is_empty())
        .collect();
    let first = |target: Target, fits: &dyn Fn(&str) -> Option<String>| -> String {
        let keys = sources.iter().find(|(of, _)| *of == target).map(|(_, keys)| keys.as_slice());
        let mut values = keys.unwrap_or_default().iter().filter_map(|key| fields.get(&plain(key, MAX_TEXT)));
        values.find_map(|value| fits(value)).unwrap_or_default()
    };
    let text = |value: &str| Some(plain(value, MAX_TEXT)).filter(|value| !value.is_empty());
    let label = |value: &Option<crate::sync::remote::PickItem>| {
        value.as_ref().map(|value| plain(&value.label, MAX_TEXT))
    };
    let name = name.unwrap_or_else(|| external_id.clone());
    let serial_number = first(Target::SerialNumber, &text);
    Ok(configuration::Model {
        id: ground.chance.id(now),
        organization_id: plan.organization_id,
        psa_connection_id: plan.psa_connection_id,
        psa_company_id,
        name_key: name_key(&name),
        name,
        configuration_type: label(&item.configuration_type),
        status: label(&item.status),
        is_active: item.is_active,
        external_url: web_address(item.url.as_deref()),
        serial_key: serial_key(&serial_number),
        serial_number,
        purchased_on: first(Target::PurchaseDate, &day),
        expires_on: first(Target::ExpirationDate, &day),
        ram: first(Target::Ram, &memory),
        os_type: first(Target::OsType, &text),
        manufacturer: first(Target::Manufacturer, &text),
        fields: json!(fields),
        missing_since: None,
        changed_at: None,
        synced_at: now,
        external_id,
    })
}

/// Memory in words: a bare number as great as this is one of bytes.
fn memory(value: &str) -> Option<String> {
    const GB: u64 = 1 << 30;
    let text = plain(value, MAX_TEXT);
    match text.parse::<u64>() {
        Ok(bytes) if bytes >= GB / 2 => Some(format!("{} GB", bytes.saturating_add(GB / 2) / GB)),
        _ => Some(text).filter(|text| !text.is_empty()),
    }
}

/// A day as PSAs write it, as in `2026-01-31`; none where it is none.
pub fn day(text: &str) -> Option<String> {
    /// .NET's, SQL's and other words for no day lie before it.
    const NONE_BEFORE: i32 = 1901;
    let text = text.trim();
    let date = |part: &str| {
        let formats = ["%Y-%m-%d", "%m/%d/%Y", "%d.%m.%Y", "%Y/%m/%d"];
        formats.iter().find_map(|format| NaiveDate::parse_from_str(part, format).ok())
    };
    let found = date(text)
        .or_else(|| NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f").ok().map(|at| at.date()))
        .or_else(|| text.split_once(['T', ' ']).and_then(|(part, _)| date(part)));
    found
        .filter(|day| (NONE_BEFORE..10_000).contains(&day.year()))
        .map(|day| day.format("%Y-%m-%d").to_string())
}

/// Marks the configurations of a connection that a run over all of them has not seen, some at a time. Gives behind which
/// to go on.
pub async fn unseen(
    db: &impl ConnectionTrait,
    organization_id: Uuid,
    psa_connection_id: Uuid,
    seen: &Seen,
    after: Uuid,
) -> Result<(Vec<Uuid>, Option<Uuid>), DbErr> {
    use configuration::Column as C;
    let rows: Vec<(Uuid, String)> = configuration::Entity::find()
        .select_only()
        .columns([C::Id, C::ExternalId])
        .filter(C::OrganizationId.eq(organization_id))
        .filter(C::PsaConnectionId.eq(psa_connection_id))
        .filter(C::MissingSince.is_null())
        .filter(C::Id.gt(after))
        .order_by_asc(C::Id)
        .limit(BATCH as u64)
        .into_tuple()
        .all(db)
        .await?;
    let next = (rows.len() == BATCH).then(|| rows.last().map(|row| row.0)).flatten();
    Ok((rows.iter().filter(|row| !seen.has(&row.1)).map(|row| row.0).collect(), next))
}

/// Marks configurations of the copy that the PSA no longer lists.
pub async fn mark_missing(tx: &impl ConnectionTrait, ids: &[Uuid], now: Timestamp) -> Result<(), DbErr> {
    use configuration::Column as C;
    configuration::Entity::update_many()
        .col_expr(C::MissingSince, Expr::value(Some(now)))
        .filter(C::Id.is_in(ids.iter().copied()))
        .filter(C::MissingSince.is_null())
        .exec(tx)
        .await
        .map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_in_bytes_is_told_in_gigabytes_and_words_stay() {
        let told =
            ["17112760320", "536870912", "16384", "16 GB", ""].map(|value| memory(value).unwrap_or_default());
        assert_eq!(told, ["16 GB", "1 GB", "16384", "16 GB", ""]);
    }

    #[test]
    fn days_are_read_as_psas_write_them_and_nothing_is_guessed() {
        for text in [
            "2026-01-31",
            "2026-01-31T00:00:00Z",
            "2026-01-31T10:00:00.123",
            "01/31/2026",
            "31.01.2026",
            "2026-01-31 09:00",
        ] {
            assert_eq!(day(text).as_deref(), Some("2026-01-31"), "{text}");
        }
        for text in ["", "soon", "0001-01-01T00:00:00", "1900-01-01", "31/31/2026", "ééé é"] {
            assert_eq!(day(text), None, "{text}");
        }
    }
}
