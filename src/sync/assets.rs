//! Devices of companies as scanners know them, and how each is known again: by the sender's own name for it, by its
//! serial number, by its name.
#![expect(clippy::disallowed_methods, reason = "scopes every query by organization")]

mod device;
pub mod pushing;
pub mod reported;
pub mod seen;

use std::collections::{BTreeSet, HashMap};

use entity::{asset, asset_link, company, organization};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, Condition, ConnectionTrait, DbErr, EntityTrait as _,
    IntoActiveModel as _, QueryFilter as _, QueryOrder as _, QuerySelect as _, Select,
    sea_query::{ColumnRef, IntoColumnRef as _, LockType, OnConflict},
};
use uuid::Uuid;

pub use device::Device;

use super::companies::plain;
use crate::{
    audit::{self, Change},
    db::{
        filter::{any_of, contains},
        page::Order,
        portions,
    },
    error::{Error, Problem, ProblemCode},
    ground::Ground,
    organizations::{
        once::Done,
        reach::{self, List},
        viewer::{Permission, Viewer},
    },
};

/// How many rows go into one statement: eighteen columns each, and SQLite takes 32,766 values.
const BATCH: usize = 256;
const MAX_KEY: usize = 200;
const MAX_KIND: usize = 100;
const MAX_TEXT: usize = 255;
/// That a device is there is written down once in so many seconds.
const SEEN_SECS: i64 = 3_600;

/// What is said of a device; what is none stays as it is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Said {
    /// The customer that has it.
    pub company_id: Uuid,
    /// The sender's own stable name for it.
    pub key: Option<String>,
    /// Its name.
    pub name: String,
    /// What it is, e.g. `Workstation`.
    pub kind: Option<String>,
    /// Serial number.
    pub serial_number: Option<String>,
    /// The day on which it was bought, as in `2026-01-31`.
    pub purchased_on: Option<String>,
    /// The day on which its warranty ends, as in `2026-01-31`.
    pub expires_on: Option<String>,
    /// Memory, in words.
    pub ram: Option<String>,
    /// Operating system, in words.
    pub os_type: Option<String>,
    /// Who made it.
    pub manufacturer: Option<String>,
}

/// A serial number as serial numbers are compared; empty for what makers write where there is none.
pub fn serial_key(serial: &str) -> String {
    const NONE: [&str; 9] = [
        "NONE",
        "NA",
        "UNKNOWN",
        "DEFAULTSTRING",
        "TOBEFILLEDBYOEM",
        "SYSTEMSERIALNUMBER",
        "NOTSPECIFIED",
        "NOTAVAILABLE",
        "INVALID",
    ];
    let key: String = plain(serial, MAX_TEXT).to_uppercase();
    let letters: String = key.chars().filter(char::is_ascii_alphanumeric).collect();
    let is_none = NONE.contains(&letters.as_str()) || letters.chars().all(|letter| letter == '0');
    if is_none { String::new() } else { key.chars().take(MAX_TEXT).collect() }
}

/// A name as names are compared.
pub fn name_key(name: &str) -> String {
    plain(name, MAX_TEXT).to_lowercase().chars().take(MAX_TEXT).collect()
}

/// Takes in what is said of devices, each with its own outcome. What is as it was is not written.
pub async fn upsert(
    viewer: &Viewer,
    ground: &Ground,
    organization_id: Uuid,
    rows: Vec<Result<Said, Vec<Problem>>>,
) -> Result<Vec<Result<asset::Model, Vec<Problem>>>, Error> {
    viewer.may(Permission::ManageCompanies, organization_id)?;
    let (ground_of, by, once) = (ground.clone(), viewer.clone(), viewer.once());
    ground
        .db
        .write(move |tx| {
            Box::pin(async move {
                once.begin(tx).await?;
                let organization = organization::Entity::find_by_id(organization_id)
                    .lock(LockType::NoKeyUpdate)
                    .one(tx)
                    .await?
                    .ok_or(Error::NotFound)?;
                let outcomes = take_all(tx, &ground_of, organization_id, rows).await?;
                once.finish(tx, &ground_of, &Done::rows(&outcomes, |asset| asset.id)).await?;
                let count = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
                if count > 0 {
                    let change = Change::of("assetUpsert", &organization).is("assetCount", count);
                    audit::record(tx, &ground_of, &by, change).await?;
                }
                Ok::<_, Error>(outcomes)
            })
        })
        .await
}

/// Takes in what is said of devices of an organization, each with its own outcome. What is as it was is not written.
pub async fn take_all(
    tx: &impl ConnectionTrait,
    ground: &Ground,
    organization_id: Uuid,
    rows: Vec<Result<Said, Vec<Problem>>>,
) -> Result<Vec<Result<asset::Model, Vec<Problem>>>, DbErr> {
    let said: Vec<&Said> = rows.iter().flatten().collect();
    if !said.is_empty() {
        // Two that say the same at once queue here.
        organization::Entity::find_by_id(organization_id).lock(LockType::NoKeyUpdate).one(tx).await?;
    }
    let companies = companies(tx, organization_id, &said).await?;
    let mut known = Known::load(tx, organization_id, &said).await?;
    let mut outcomes = Vec::with_capacity(rows.len());
    for row in rows {
        outcomes.push(row.and_then(|said| {
            if companies.contains(&said.company_id) {
                return known.take(ground, organization_id, &said);
            }
            let message = "there is no such company in this organization; take the id from a list of them";
            Err(vec![Problem::of("companyId", ProblemCode::NotFound, message)])
        }));
    }
    known.write(tx).await?;
    Ok(outcomes)
}

async fn companies(
    tx: &impl ConnectionTrait,
    organization_id: Uuid,
    said: &[&Said],
) -> Result<BTreeSet<Uuid>, DbErr> {
    let wanted: BTreeSet<Uuid> = said.iter().map(|said| said.company_id).collect();
    let found: Vec<Uuid> = company::Entity::find()
        .select_only()
        .column(company::Column::Id)
        .filter(company::Column::OrganizationId.eq(organization_id))
        .filter(company::Column::Id.is_in(portions::filled(wanted)))
        .into_tuple()
        .all(tx)
        .await?;
    Ok(found.into_iter().collect())
}

/// Devices that are known, of the companies and by the names that are spoken of.
#[derive(Debug, Default)]
struct Known {
    rows: Vec<asset::Model>,
    by_key: HashMap<(Uuid, String), usize>,
    by_serial: HashMap<(Uuid, String), usize>,
    by_name: HashMap<(Uuid, String), usize>,
    changed: BTreeSet<usize>,
}

impl Known {
    async fn load(tx: &impl ConnectionTrait, organization_id: Uuid, said: &[&Said]) -> Result<Self, DbErr> {
        use asset::Column as C;
        let mut known = Self::default();
        if said.is_empty() {
            return Ok(known);
        }
        let companies: BTreeSet<Uuid> = said.iter().map(|said| said.company_id).collect();
        let keys: BTreeSet<String> = said.iter().filter_map(|said| said.key.clone()).collect();
        let serials: BTreeSet<String> = said
            .iter()
            .filter_map(|said| said.serial_number.as_deref().map(serial_key))
            .filter(|key| !key.is_empty())
            .collect();
        let names: BTreeSet<String> = said.iter().map(|said| name_key(&said.name)).collect();
        let found = asset::Entity::find()
            .filter(C::OrganizationId.eq(organization_id))
            .filter(C::CompanyId.is_in(portions::filled(companies)))
            .filter(
                Condition::any()
                    .add(C::Key.is_in(portions::filled(keys)))
                    .add(C::SerialKey.is_in(portions::filled(serials)))
                    .add(C::NameKey.is_in(portions::filled(names))),
            )
            .order_by_asc(C::Id)
            .all(tx)
            .await?;
        for row in found {
            known.add(row);
        }
        Ok(known)
    }

    fn add(&mut self, row: asset::Model) -> usize {
        let index = self.rows.len();
        self.rows.push(row);
        self.point_at(index);
        index
    }

    /// Its names lead to it; a name that leads to another already goes on leading there.
    fn point_at(&mut self, index: usize) {
        let Some(row) = self.rows.get(index) else { return };
        if let Some(key) = &row.key {
            self.by_key.entry((row.company_id, key.clone())).or_insert(index);
        }
        if !row.serial_key.is_empty() {
            self.by_serial.entry((row.company_id, row.serial_key.clone())).or_insert(index);
        }
        self.by_name.entry((row.company_id, row.name_key.clone())).or_insert(index);
    }

    /// The device that is spoken of, where it is known.
    fn find(&self, said: &Said) -> Option<usize> {
        let of = |key: String| (said.company_id, key);
        let serial = said.serial_number.as_deref().map(serial_key).filter(|key| !key.is_empty());
        let by_key = said.key.clone().and_then(|key| self.by_key.get(&of(key)));
        // A product that was installed anew has another name of its own for the same device.
        let by_serial = || self.by_serial.get(&of(serial.clone()?));
        let by_name = || {
            let index = self.by_name.get(&of(name_key(&said.name)))?;
            let row = self.rows.get(*index)?;
            let is_other_serial =
                serial.as_ref().is_some_and(|serial| !row.serial_key.is_empty() && row.serial_key != *serial);
            let is_other_key = said.key.is_some() && row.key.is_some() && said.key != row.key;
            (!is_other_serial && !is_other_key).then_some(index)
        };
        by_key.or_else(by_serial).or_else(by_name).copied()
    }

    fn take(
        &mut self,
        ground: &Ground,
        organization_id: Uuid,
        said: &Said,
    ) -> Result<asset::Model, Vec<Problem>> {
        let now = ground.clock.now();
        let index = self.find(said);
        let old = index.and_then(|index| self.rows.get(index)).cloned();
        let mut row = old.clone().unwrap_or_else(|| asset::Model {
            id: ground.chance.id(now),
            organization_id,
            company_id: said.company_id,
            key: None,
            name: String::new(),
            name_key: String::new(),
            kind: String::new(),
            serial_number: String::new(),
            serial_key: String::new(),
            purchased_on: String::new(),
            expires_on: String::new(),
            ram: String::new(),
            os_type: String::new(),
            manufacturer: String::new(),
            seen_at: now,
            changed_at: now,
            created_at: now,
            is_from_events: false,
        });
        row.is_from_events = false;
        let mut problems = Vec::new();
        let mut text = |field: &str, text: &str, max: usize| {
            let text = text.trim();
            if text.chars().count() > max || text.chars().any(char::is_control) {
                let message = format!("give at most {max} characters, on one line");
                problems.push(Problem::of(field, ProblemCode::TooLong, message));
            }
            text.to_owned()
        };
        row.name = text("name", &said.name, MAX_TEXT);
        row.name_key = name_key(&row.name);
        if let Some(key) = &said.key {
            row.key = Some(text("key", key, MAX_KEY)).filter(|key| !key.is_empty());
        }
        let others = [
            ("kind", &said.kind, &mut row.kind, MAX_KIND),
            ("serialNumber", &said.serial_number, &mut row.serial_number, MAX_TEXT),
            ("ram", &said.ram, &mut row.ram, MAX_TEXT),
            ("osType", &said.os_type, &mut row.os_type, MAX_TEXT),
            ("manufacturer", &said.manufacturer, &mut row.manufacturer, MAX_TEXT),
            ("purchasedOn", &said.purchased_on, &mut row.purchased_on, 10),
            ("expiresOn", &said.expires_on, &mut row.expires_on, 10),
        ];
        for (field, said, kept, max) in others {
            if let Some(said) = said {
                *kept = text(field, said, max);
            }
        }
        row.serial_key = serial_key(&row.serial_number);
        for (field, day) in [("purchasedOn", &row.purchased_on), ("expiresOn", &row.expires_on)] {
            if !day.is_empty() && super::configurations::day(day).as_deref() != Some(day.as_str()) {
                let message = "is no day; write it as in 2026-01-31";
                problems.push(Problem::of(field, ProblemCode::Invalid, message));
            }
        }
        if row.name.is_empty() {
            problems.push(Problem::of("name", ProblemCode::Required, "say what the device is called"));
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let Some((index, old)) = index.zip(old) else {
            let index = self.add(row.clone());
            self.changed.insert(index);
            return Ok(row);
        };
        let is_changed = row != old;
        if is_changed {
            row.changed_at = now;
        }
        if is_changed || now >= old.seen_at.plus_secs(SEEN_SECS) {
            row.seen_at = now;
            self.changed.insert(index);
            if let Some(kept) = self.rows.get_mut(index) {
                kept.clone_from(&row);
            }
            self.point_at(index);
        }
        Ok(row)
    }

    async fn write(self, tx: &impl ConnectionTrait) -> Result<(), DbErr> {
        use asset::Column as C;
        let changed: Vec<_> = self.changed.iter().filter_map(|index| self.rows.get(*index)).collect();
        for rows in portions::of(&changed, BATCH) {
            asset::Entity::insert_many(rows.iter().map(|row| (*row).clone().into_active_model().reset_all()))
                .on_conflict(
                    OnConflict::column(C::Id)
                        .update_columns([
                            C::Key,
                            C::Name,
                            C::NameKey,
                            C::Kind,
                            C::SerialNumber,
                            C::SerialKey,
                            C::PurchasedOn,
                            C::ExpiresOn,
                            C::Ram,
                            C::OsType,
                            C::Manufacturer,
                            C::SeenAt,
                            C::ChangedAt,
                            C::IsFromEvents,
                        ])
                        .to_owned(),
                )
                .exec_without_returning(tx)
                .await?;
        }
        Ok(())
    }
}

/// Which devices to show. Everything given must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct AssetFilter {
    /// Part of the name, serial number or the sender's name for it, in any case.
    pub text: Option<String>,
    /// Of one of these companies.
    pub company_ids: Option<Vec<Uuid>>,
    /// Of one of these kinds.
    pub kinds: Option<Vec<String>>,
}

/// Devices, by name unless ordered otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct AssetList {
    /// Of a company, rather than of an organization.
    pub of_company: bool,
    /// Which.
    pub filter: AssetFilter,
    /// Another order.
    pub order: Option<Order<asset::Entity>>,
}

impl List for AssetList {
    type Entity = asset::Entity;

    fn rows(&self, viewer: &Viewer) -> Select<asset::Entity> {
        use asset::Column as C;
        reach::rows::<asset::Entity>(viewer).filter(
            Condition::all()
                .add(contains(&[C::Name, C::SerialNumber, C::Key], self.filter.text.as_deref()))
                .add(any_of(C::CompanyId, self.filter.company_ids.as_deref()))
                .add(any_of(C::Kind, self.filter.kinds.as_deref())),
        )
    }

    fn parent(&self) -> ColumnRef {
        let column = if self.of_company { asset::Column::CompanyId } else { asset::Column::OrganizationId };
        column.as_column_ref().into_column_ref()
    }

    fn order(&self) -> Order<asset::Entity> {
        self.order.unwrap_or(Order::ascending(asset::Column::Name))
    }
}

/// Which configurations of PSAs devices in reach are, by device.
pub async fn links_of(
    viewer: &Viewer,
    ground: &Ground,
    ids: &[Uuid],
) -> Result<HashMap<Uuid, Vec<asset_link::Model>>, Error> {
    let rows = reach::rows::<asset_link::Entity>(viewer)
        .filter(asset_link::Column::AssetId.is_in(ids.iter().copied()))
        .order_by_asc(asset_link::Column::Id)
        .all(ground.db.reader())
        .await?;
    let mut links: HashMap<Uuid, Vec<asset_link::Model>> = HashMap::new();
    for row in rows {
        links.entry(row.asset_id).or_default().push(row);
    }
    Ok(links)
}
