//! Which configuration of a PSA a device is that an event names: the one that its asset is known to be, else that of its
//! serial number, else that of its name, within the ticket's own company.
#![expect(clippy::disallowed_methods, reason = "scopes every query by organization")]

use entity::{asset_link, company_mapping, configuration, psa_company};
use sea_orm::{
    ColumnTrait as _, Condition, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _,
};
use uuid::Uuid;

use crate::{
    db::portions,
    sync::assets::{Device, seen},
};

/// So many of the same name or serial number are looked at.
const MOST: u64 = 50;

/// A configuration that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The PSA's id.
    pub external_id: String,
    /// Its name there.
    pub name: String,
    /// By what it was found, for people.
    pub by: &'static str,
}

/// Finds the configuration that a device is, as whom its company is mapped. `Err` says in words why none is taken.
pub async fn find(
    db: &impl ConnectionTrait,
    mapping: &company_mapping::Model,
    device: &Device,
) -> Result<Result<Found, String>, DbErr> {
    use configuration::Column as C;
    let asset = seen::find(db, mapping.organization_id, mapping.company_id, device).await?;
    let link = match &asset {
        Some(asset) => link_of(db, mapping, asset.id).await?,
        None => None,
    };
    let stored = link.as_ref().and_then(|link| link.external_id.as_ref());
    let known = asset.as_ref().map(|asset| asset.serial_key.as_str()).unwrap_or_default();
    let serial = if device.serial_key.is_empty() { known } else { device.serial_key.as_str() };
    let is_called = Condition::any()
        .add_option((!serial.is_empty()).then(|| C::SerialKey.eq(serial)))
        .add(C::NameKey.is_in(portions::filled(device.name_keys.iter().map(String::as_str))));
    let is_there = Condition::all()
        .add(C::PsaCompanyId.eq(mapping.psa_company_id))
        .add(C::IsActive.eq(true))
        .add(C::MissingSince.is_null())
        .add(is_called);
    let is_stored = stored.map(|id| {
        Condition::all().add(C::PsaConnectionId.eq(mapping.psa_connection_id)).add(C::ExternalId.eq(id))
    });
    let rows = configuration::Entity::find()
        .filter(C::OrganizationId.eq(mapping.organization_id))
        .filter(Condition::any().add(is_there).add_option(is_stored))
        .order_by_asc(C::Id)
        .limit(MOST)
        .all(db)
        .await?;
    if let Some((id, link)) = stored.zip(link.as_ref()) {
        let is_ours = match rows.iter().find(|row| row.external_id == *id) {
            Some(row) => row.psa_company_id == mapping.psa_company_id && row.missing_since.is_none(),
            None => is_told_of(db, mapping, link).await?,
        };
        if is_ours {
            let name = asset.map(|asset| asset.name).unwrap_or_default();
            return Ok(Ok(Found { external_id: id.clone(), name, by: "by its stored id" }));
        }
    }
    let rows: Vec<_> = rows
        .iter()
        .filter(|row| {
            row.psa_company_id == mapping.psa_company_id && row.is_active && row.missing_since.is_none()
        })
        .collect();
    Ok(among(&rows, serial, &device.name_keys))
}

/// Among the active configurations of one company.
fn among(rows: &[&configuration::Model], serial: &str, keys: &[String]) -> Result<Found, String> {
    let found = |row: &configuration::Model, by| Found {
        external_id: row.external_id.clone(),
        name: row.name.clone(),
        by,
    };
    let same: Vec<_> = rows.iter().filter(|row| !serial.is_empty() && row.serial_key == serial).collect();
    match same.as_slice() {
        [] => {}
        [one] => return Ok(found(one, "by its serial number")),
        several => {
            let named: Vec<_> = several.iter().filter(|row| keys.contains(&row.name_key)).collect();
            return match named.as_slice() {
                [one] => Ok(found(one, "by its serial number and name")),
                _ => Err(format!("{} configurations there have its serial number", several.len())),
            };
        }
    }
    for key in keys {
        // Whose serial number is another is another device, whatever it is called.
        let is_named = |row: &&&configuration::Model| {
            row.name_key == *key && (serial.is_empty() || row.serial_key.is_empty())
        };
        let named: Vec<_> = rows.iter().filter(is_named).collect();
        match named.as_slice() {
            [] => {}
            [one] => return Ok(found(one, "by its name")),
            several => return Err(format!("{} configurations there are called {key}", several.len())),
        }
    }
    Err("none is known there".to_owned())
}

async fn link_of(
    db: &impl ConnectionTrait,
    mapping: &company_mapping::Model,
    asset_id: Uuid,
) -> Result<Option<asset_link::Model>, DbErr> {
    use asset_link::Column as L;
    asset_link::Entity::find()
        .filter(L::OrganizationId.eq(mapping.organization_id))
        .filter(L::AssetId.eq(asset_id))
        .filter(L::PsaConnectionId.eq(mapping.psa_connection_id))
        .one(db)
        .await
}

/// Whether the PSA was told of a device as one of the company that is mapped now.
async fn is_told_of(
    db: &impl ConnectionTrait,
    mapping: &company_mapping::Model,
    link: &asset_link::Model,
) -> Result<bool, DbErr> {
    let told = link.sent.as_ref().and_then(|sent| sent.get("company_external_id")?.as_str());
    let Some(told) = told else { return Ok(false) };
    let company = psa_company::Entity::find_by_id(mapping.psa_company_id)
        .filter(psa_company::Column::OrganizationId.eq(mapping.organization_id))
        .one(db)
        .await?;
    Ok(company.is_some_and(|company| company.external_id == told))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn row(id: &str, name: &str, serial: &str) -> configuration::Model {
        configuration::Model {
            id: Uuid::nil(),
            organization_id: Uuid::nil(),
            psa_connection_id: Uuid::nil(),
            psa_company_id: Uuid::nil(),
            external_id: id.to_owned(),
            name: name.to_owned(),
            configuration_type: None,
            status: None,
            is_active: true,
            external_url: None,
            serial_number: serial.to_owned(),
            purchased_on: String::new(),
            expires_on: String::new(),
            ram: String::new(),
            os_type: String::new(),
            manufacturer: String::new(),
            fields: json!({}),
            missing_since: None,
            changed_at: None,
            synced_at: entity::Timestamp::from_secs(0),
            name_key: crate::sync::assets::name_key(name),
            serial_key: crate::sync::assets::serial_key(serial),
        }
    }

    #[test]
    fn a_serial_number_goes_before_a_name_and_of_two_none_is_guessed() {
        let rows = [
            row("1", "PC-1", "SN1"),
            row("2", "PC-2", ""),
            row("3", "PC-3", "SN3"),
            row("4", "PC-4", "sn3"),
            row("5", "TWIN", ""),
            row("6", "twin", ""),
        ];
        let rows: Vec<_> = rows.iter().collect();
        let is = |serial: &str, names: &[&str]| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            match among(&rows, serial, &names) {
                Ok(found) => found.external_id,
                Err(why) => why,
            }
        };
        assert_eq!(is("SN1", &["pc-2"]), "1");
        assert_eq!(is("", &["pc-2.northwind.example", "pc-2"]), "2");
        assert_eq!(is("SN3", &["pc-4"]), "4");
        assert_eq!(is("SN3", &["other"]), "2 configurations there have its serial number");
        assert_eq!(is("SN9", &["pc-1"]), "none is known there", "another serial number is another device");
        assert_eq!(is("", &["twin"]), "2 configurations there are called twin");
    }
}
