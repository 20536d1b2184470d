//! Which devices a PSA has to be told of, as what, and which configuration of the PSA each is.

use std::collections::{BTreeMap, HashMap, HashSet};

use entity::{asset, asset_link, company_mapping, psa_company};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, IntoActiveModel as _,
    QueryFilter as _, QueryOrder as _, QuerySelect as _,
    sea_query::{Expr, OnConflict},
};
use serde_json::json;
use uuid::Uuid;

use super::{name_key, serial_key};
use crate::{
    db::portions,
    ground::Ground,
    sync::{
        companies::plain,
        configurations::Settings,
        remote::{ConfigurationDraft, RemoteConfiguration},
    },
};

/// How many devices are looked at in one step.
const PORTION: u64 = 50;
/// The longest name that every PSA takes.
const MAX_NAME: usize = 100;
const MAX_EXTERNAL_ID: usize = 100;
const MAX_URL: usize = 2_000;

/// Where a run goes on: at which mapping, behind which device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The mapping.
    pub mapping: Uuid,
    /// The device.
    pub after: Uuid,
}

impl Place {
    /// As it is kept with the run.
    pub fn word(self) -> String {
        format!("{} {}", self.mapping, self.after)
    }

    /// The place that was kept; the beginning where none was.
    pub fn read(word: Option<&str>) -> Self {
        let read = || {
            let (mapping, after) = word?.split_once(' ')?;
            Some(Self { mapping: mapping.parse().ok()?, after: after.parse().ok()? })
        };
        read().unwrap_or_default()
    }

    /// Behind all devices of its mapping.
    #[must_use]
    pub const fn next(self) -> Self {
        Self { mapping: Uuid::from_u128(self.mapping.as_u128().saturating_add(1)), after: Uuid::nil() }
    }
}

/// Some devices of one company, and which configurations they are as far as that is known.
#[derive(Clone, Debug)]
pub struct Portion {
    /// Where it begins.
    pub place: Place,
    /// The PSA's company.
    pub company: psa_company::Model,
    /// The devices, by rising id; none where the company has no more.
    pub assets: Vec<(asset::Model, Option<asset_link::Model>)>,
}

/// The next devices of a connection's mapped companies; none where that was all.
pub async fn next(
    db: &impl ConnectionTrait,
    organization_id: Uuid,
    psa_connection_id: Uuid,
    settings: &Settings,
    place: Place,
) -> Result<Option<Portion>, DbErr> {
    use company_mapping::Column as M;
    let mut mappings = company_mapping::Entity::find()
        .filter(M::OrganizationId.eq(organization_id))
        .filter(M::PsaConnectionId.eq(psa_connection_id))
        .filter(M::IsEnabled.eq(true))
        .filter(M::Id.gte(place.mapping));
    if settings.only_chosen_companies {
        mappings = mappings.filter(M::IsConfigurationsEnabled.eq(true));
    }
    let Some(mapping) = mappings.order_by_asc(M::Id).one(db).await? else { return Ok(None) };
    let after = if mapping.id == place.mapping { place.after } else { Uuid::nil() };
    let place = Place { mapping: mapping.id, after };
    let company = psa_company::Entity::find_by_id(mapping.psa_company_id)
        .filter(psa_company::Column::OrganizationId.eq(organization_id))
        .one(db)
        .await?
        .ok_or_else(|| DbErr::RecordNotFound("the PSA's company of a mapping".to_owned()))?;
    let assets = asset::Entity::find()
        .filter(asset::Column::OrganizationId.eq(organization_id))
        .filter(asset::Column::CompanyId.eq(mapping.company_id))
        .filter(asset::Column::Id.gt(after))
        .order_by_asc(asset::Column::Id)
        .limit(PORTION)
        .all(db)
        .await?;
    let mut links: HashMap<Uuid, asset_link::Model> = asset_link::Entity::find()
        .filter(asset_link::Column::OrganizationId.eq(organization_id))
        .filter(asset_link::Column::PsaConnectionId.eq(psa_connection_id))
        .filter(asset_link::Column::AssetId.is_in(portions::filled(assets.iter().map(|asset| asset.id))))
        .all(db)
        .await?
        .into_iter()
        .map(|link| (link.asset_id, link))
        .collect();
    let assets = assets.into_iter().map(|asset| {
        let link = links.remove(&asset.id);
        (asset, link)
    });
    Ok(Some(Portion { place, company, assets: assets.collect() }))
}

/// What the PSA is to be told of a device; none where its kind is none of those that the gateway writes.
pub fn draft(
    settings: &Settings,
    company: &psa_company::Model,
    asset: &asset::Model,
) -> Option<ConfigurationDraft> {
    let kind = settings.written_types.get(&asset.kind.to_lowercase());
    let configuration_type = kind.or_else(|| settings.written_types.get(""))?.clone();
    Some(ConfigurationDraft {
        // Cut here, so that it is found again by it.
        name: asset.name.chars().take(MAX_NAME).collect::<String>().trim_end().to_owned(),
        company_external_id: company.external_id.clone(),
        configuration_type,
        serial_number: asset.serial_number.clone(),
        purchased_on: asset.purchased_on.clone(),
        expires_on: asset.expires_on.clone(),
        ram: asset.ram.clone(),
        os_type: asset.os_type.clone(),
        manufacturer: asset.manufacturer.clone(),
        product: settings.written_product.clone(),
        own_types: settings.own_types(),
    })
}

/// A company's configurations, by what devices are known again by.
#[derive(Debug, Default)]
pub struct Listed {
    rows: Vec<RemoteConfiguration>,
    by_serial: BTreeMap<String, Vec<usize>>,
    /// And whether each has a serial number.
    by_name: BTreeMap<String, Vec<(usize, bool)>>,
    /// Those that are another device's.
    taken: HashSet<String>,
}

impl Listed {
    /// Adds some; `serials` are the keys of the fields that hold serial numbers.
    pub fn add(&mut self, rows: Vec<RemoteConfiguration>, serials: &[String]) {
        for row in rows {
            let index = self.rows.len();
            let serial = serials.iter().find_map(|key| row.fields.get(key));
            let serial = serial.map(|serial| serial_key(serial)).unwrap_or_default();
            if !serial.is_empty() {
                self.by_serial.entry(serial.clone()).or_default().push(index);
            }
            self.by_name.entry(name_key(&row.name)).or_default().push((index, !serial.is_empty()));
            self.rows.push(row);
        }
    }

    /// How many there are.
    pub const fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The configuration of that id.
    pub fn of(&self, external_id: &str) -> Option<&RemoteConfiguration> {
        self.rows.iter().find(|row| row.external_id == external_id)
    }

    /// The configuration of that id is a device's now.
    pub fn take(&mut self, external_id: &str) {
        self.taken.insert(external_id.to_owned());
    }

    /// Learns which of them are devices' already.
    pub async fn learn(
        &mut self,
        db: &impl ConnectionTrait,
        organization_id: Uuid,
        psa_connection_id: Uuid,
    ) -> Result<(), DbErr> {
        use asset_link::Column as L;
        for rows in portions::of(&self.rows, 512) {
            let found: Vec<String> = asset_link::Entity::find()
                .select_only()
                .column(L::ExternalId)
                .filter(L::OrganizationId.eq(organization_id))
                .filter(L::PsaConnectionId.eq(psa_connection_id))
                .filter(L::ExternalId.is_in(rows.iter().map(|row| row.external_id.as_str())))
                .into_tuple()
                .all(db)
                .await?;
            self.taken.extend(found);
        }
        Ok(())
    }

    /// The configuration that a device is: by its serial number, then by its name. `Err` says why that cannot be told.
    pub fn matched(&self, draft: &ConfigurationDraft) -> Result<Option<&RemoteConfiguration>, String> {
        let serial = serial_key(&draft.serial_number);
        let free = |index: &usize| self.rows.get(*index).filter(|row| !self.taken.contains(&row.external_id));
        let same: Vec<_> = self.by_serial.get(&serial).into_iter().flatten().filter_map(free).collect();
        let name = name_key(&draft.name);
        match same.as_slice() {
            [] => {}
            [one] => return Ok(Some(*one)),
            several => {
                let named: Vec<_> = several.iter().filter(|row| name_key(&row.name) == name).collect();
                if let [one] = named.as_slice() {
                    return Ok(Some(**one));
                }
                return Err(format!(
                    "{} configurations there have its serial number {}; leave one of them, or call one as it is called",
                    several.len(),
                    draft.serial_number
                ));
            }
        }
        // Whose serial number is another is another device, whatever it is called.
        let named = self.by_name.get(&name).into_iter().flatten();
        let named = named.filter(|(_, has_serial)| serial.is_empty() || !has_serial);
        let named: Vec<_> = named.filter_map(|(index, _)| free(index)).collect();
        match named.as_slice() {
            [] => Ok(None),
            [one] => Ok(Some(*one)),
            several => Err(format!(
                "{} configurations there are called {}; leave one of them, or give them their serial numbers",
                several.len(),
                draft.name
            )),
        }
    }
}

/// What became of a device at the PSA.
#[derive(Clone, Debug)]
pub enum Told {
    /// The PSA has it as this configuration, and what stands there is what the gateway said.
    Written(RemoteConfiguration, ConfigurationDraft),
    /// It was found there as something that is the PSA's own to keep.
    Found(RemoteConfiguration, ConfigurationDraft),
    /// It is not there, and of a type that is the PSA's own to keep.
    Kept(String),
    /// It could not be told, and why.
    Refused(String),
    /// What it was linked to is gone.
    Gone,
}

/// Keeps what became of a device.
pub async fn keep(
    tx: &impl ConnectionTrait,
    ground: &Ground,
    psa_connection_id: Uuid,
    asset: &asset::Model,
    link: Option<&asset_link::Model>,
    told: &Told,
) -> Result<(), DbErr> {
    use asset_link::Column as L;
    let now = ground.clock.now();
    let mut row = link.cloned().unwrap_or_else(|| asset_link::Model {
        id: ground.chance.id(now),
        organization_id: asset.organization_id,
        asset_id: asset.id,
        psa_connection_id,
        external_id: None,
        external_url: None,
        is_written: false,
        sent: None,
        problem: None,
        updated_at: now,
    });
    row.updated_at = now;
    row.problem = None;
    match told {
        Told::Written(there, draft) | Told::Found(there, draft) => {
            row.external_id = Some(plain(&there.external_id, MAX_EXTERNAL_ID));
            row.external_url = there.url.clone().filter(|url| url.len() <= MAX_URL);
            row.is_written = matches!(told, Told::Written(..));
            row.sent = Some(json!(draft));
        }
        Told::Kept(why) | Told::Refused(why) => row.problem = Some(why.chars().take(1_000).collect()),
        Told::Gone => (row.external_id, row.external_url, row.sent) = (None, None, None),
    }
    asset_link::Entity::insert(row.into_active_model().reset_all())
        .on_conflict(
            OnConflict::columns([L::AssetId, L::PsaConnectionId])
                .update_columns([
                    L::ExternalId,
                    L::ExternalUrl,
                    L::IsWritten,
                    L::Sent,
                    L::Problem,
                    L::UpdatedAt,
                ])
                .to_owned(),
        )
        .exec_without_returning(tx)
        .await
        .map(|_| ())
}

/// Whether a device stands in the PSA as it is to: as was said last, or, where its type is the PSA's own to keep, at all.
pub fn is_told(settings: &Settings, link: Option<&asset_link::Model>, draft: &ConfigurationDraft) -> bool {
    let is_ours = settings.is_ours(&draft.configuration_type);
    link.filter(|link| link.external_id.is_some()).is_some_and(|link| {
        if is_ours { link.sent.as_ref() == Some(&json!(draft)) } else { !link.is_written }
    })
}

/// What was found as the PSA's own on a connection is looked at again: whose it is may have changed.
pub async fn look_again(
    tx: &impl ConnectionTrait,
    organization_id: Uuid,
    psa_connection_id: Uuid,
) -> Result<(), DbErr> {
    use asset_link::Column as L;
    asset_link::Entity::update_many()
        .col_expr(L::Sent, Expr::value(None::<serde_json::Value>))
        .filter(L::OrganizationId.eq(organization_id))
        .filter(L::PsaConnectionId.eq(psa_connection_id))
        .filter(L::IsWritten.eq(false))
        .exec(tx)
        .await
        .map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn there(id: &str, name: &str, serial: &str) -> RemoteConfiguration {
        let fields =
            [("serial".to_owned(), serial.to_owned())].into_iter().filter(|(_, serial)| !serial.is_empty());
        RemoteConfiguration {
            external_id: id.to_owned(),
            name: name.to_owned(),
            fields: fields.collect(),
            ..RemoteConfiguration::default()
        }
    }

    fn listed() -> Listed {
        let rows = vec![
            there("1", "PC-1", "SN1"),
            there("2", "PC-2", ""),
            there("3", "PC-3", "SN3"),
            there("4", "PC-4", "sn3"),
            there("5", "TWIN", ""),
            there("6", "twin", ""),
            there("7", "PC-7", "To be filled by O.E.M."),
        ];
        let mut listed = Listed::default();
        listed.add(rows, &["serial".to_owned()]);
        listed
    }

    fn is(listed: &Listed, name: &str, serial: &str) -> String {
        let draft = ConfigurationDraft {
            name: name.to_owned(),
            serial_number: serial.to_owned(),
            ..ConfigurationDraft::default()
        };
        match listed.matched(&draft) {
            Ok(Some(row)) => row.external_id.clone(),
            Ok(None) => "new".to_owned(),
            Err(_) => "unclear".to_owned(),
        }
    }

    #[test]
    fn a_device_is_known_again_by_its_serial_number_then_by_its_name_and_never_guessed() {
        let mut listed = listed();
        assert_eq!(is(&listed, "renamed", "sn1"), "1");
        assert_eq!(is(&listed, "pc-1", ""), "1", "nothing speaks against its name");
        assert_eq!(is(&listed, "PC-1", "SN9"), "new", "another serial number is another device");
        assert_eq!(is(&listed, "PC-2", "SN2"), "2");
        assert_eq!(is(&listed, "PC-3", "SN3"), "3", "of two with its serial number the one of its name");
        assert_eq!(is(&listed, "other", "SN3"), "unclear");
        assert_eq!(is(&listed, "Twin", ""), "unclear");
        assert_eq!(
            is(&listed, "else", "to be filled by o.e.m."),
            "new",
            "what makers write is no serial number"
        );
        listed.take("1");
        assert_eq!(is(&listed, "PC-1", "SN1"), "new", "it is another device's");
    }

    #[test]
    fn a_place_is_read_as_it_was_written() {
        let place = Place { mapping: Uuid::from_u128(7), after: Uuid::from_u128(9) };
        assert_eq!(Place::read(Some(&place.word())), place);
        assert_eq!(Place::read(None), Place::default());
        assert_eq!(place.next(), Place { mapping: Uuid::from_u128(8), after: Uuid::nil() });
    }
}
