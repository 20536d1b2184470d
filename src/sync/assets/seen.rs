//! Devices that events name: each is made an asset of its company, or found among those that are known.
//!
//! Other statements weigh more: what `assetUpsert` says of a device stays, and events fill in what is not known. A device
//! that nothing but events speaks of changes with them, once a day at the most, as two products may call it differently.
//! So many of one company are kept and no more: a sender may make its names up.
#![expect(clippy::disallowed_methods, reason = "scopes every query by organization")]

use std::collections::{BTreeMap, BTreeSet, HashMap};

use entity::{asset, asset_alias, organization};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, Condition, ConnectionTrait, DbErr, EntityTrait as _,
    IntoActiveModel as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
    sea_query::{LockType, OnConflict},
};
use uuid::Uuid;

use super::{BATCH, Device, Known, SEEN_SECS, name_key};
use crate::{db::portions, ground::Ground};

/// How long what events say of a device stays before other words take its place, in seconds.
const STAYS_SECS: i64 = 86_400;
/// How many devices of one company are kept that nothing but events speaks of.
const MOST: u64 = 5_000;
/// What no event has named for so many seconds leaves its place to others.
const FORGOTTEN_SECS: i64 = 90 * 86_400;

/// A device, and the company that has it.
pub type Mention = (Uuid, Device);

/// What is known of the devices that are named.
#[derive(Debug, Default)]
struct Seen {
    known: Known,
    by_id: HashMap<Uuid, usize>,
    by_alias: HashMap<(Uuid, String, String), Uuid>,
    aliases: Vec<asset_alias::Model>,
    /// How many more may be made, of companies whose devices are not all known.
    room: HashMap<Uuid, u64>,
    turned_away: TurnedAway,
}

/// Devices that are not kept, as their companies have too many: companies and names.
#[derive(Debug, Default)]
pub struct TurnedAway(BTreeSet<(Uuid, String)>);

impl TurnedAway {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Why a device of a company is not kept; none where it is.
    pub fn why(&self, company_id: Uuid, device: &Device) -> Option<String> {
        self.0.contains(&(company_id, name_key(&device.name))).then(|| {
            format!(
                "\"{}\" is not kept as an asset: of {MOST} devices of the company nothing but events has spoken within 90 \
                 days; have an inventory name it (assetUpsert, or an endpoint with the sender assets), or look whether a \
                 product makes its names up",
                device.name
            )
        })
    }
}

/// What is to be done about the devices that events name.
#[derive(Debug, Default)]
pub struct Look {
    /// Something is to be written.
    is_news: bool,
    /// Those that are not kept.
    pub turned_away: TurnedAway,
}

/// Looks which devices that events name are known.
pub async fn look(
    db: &impl ConnectionTrait,
    ground: &Ground,
    organization_id: Uuid,
    mentions: &[Mention],
) -> Result<Look, DbErr> {
    if mentions.is_empty() {
        return Ok(Look::default());
    }
    let mut seen = Seen::load(db, organization_id, mentions).await?;
    let is_news = seen.take(db, ground, organization_id, mentions).await?;
    Ok(Look { is_news, turned_away: seen.turned_away })
}

/// Takes in devices that events name, and that were looked at. What is as it was is not written.
pub async fn take_in(
    tx: &impl ConnectionTrait,
    ground: &Ground,
    organization_id: Uuid,
    mentions: &[Mention],
    look: &Look,
) -> Result<(), DbErr> {
    if !look.is_news {
        return Ok(());
    }
    // Two that see the same at once, or are told of it, queue here; what the other has written is read.
    organization::Entity::find_by_id(organization_id).lock(LockType::NoKeyUpdate).one(tx).await?;
    let mut seen = Seen::load(tx, organization_id, mentions).await?;
    if seen.take(tx, ground, organization_id, mentions).await? {
        seen.write(tx).await?;
    }
    Ok(())
}

/// The asset that a device is, where it is known.
pub async fn find(
    db: &impl ConnectionTrait,
    organization_id: Uuid,
    company_id: Uuid,
    device: &Device,
) -> Result<Option<asset::Model>, DbErr> {
    let mention = (company_id, device.clone());
    let seen = Seen::load(db, organization_id, std::slice::from_ref(&mention)).await?;
    Ok(seen.find(company_id, device).and_then(|index| seen.known.rows.get(index)).cloned())
}

impl Seen {
    async fn load(
        db: &impl ConnectionTrait,
        organization_id: Uuid,
        mentions: &[Mention],
    ) -> Result<Self, DbErr> {
        use asset::Column as C;
        use asset_alias::Column as A;
        let mut seen = Self::default();
        let companies: BTreeSet<Uuid> = mentions.iter().map(|(company_id, _)| *company_id).collect();
        let devices = || mentions.iter().map(|(_, device)| device);
        let uids: BTreeSet<&str> = devices().filter_map(|device| device.uid.as_deref()).collect();
        if !uids.is_empty() {
            let sources: BTreeSet<&str> = devices().map(|device| device.source.as_str()).collect();
            let aliases = asset_alias::Entity::find()
                .filter(A::OrganizationId.eq(organization_id))
                .filter(A::CompanyId.is_in(portions::filled(companies.iter().copied())))
                .filter(A::Source.is_in(portions::filled(sources)))
                .filter(A::Value.is_in(portions::filled(uids)))
                .all(db)
                .await?;
            for alias in aliases {
                seen.by_alias.insert((alias.company_id, alias.source, alias.value), alias.asset_id);
            }
        }
        let serials: BTreeSet<&str> =
            devices().map(|device| device.serial_key.as_str()).filter(|key| !key.is_empty()).collect();
        let names: BTreeSet<&str> =
            devices().flat_map(|device| &device.name_keys).map(String::as_str).collect();
        let ids: BTreeSet<Uuid> = seen.by_alias.values().copied().collect();
        let found = asset::Entity::find()
            .filter(C::OrganizationId.eq(organization_id))
            .filter(C::CompanyId.is_in(portions::filled(companies)))
            .filter(
                Condition::any()
                    .add(C::Id.is_in(portions::filled(ids)))
                    .add(C::SerialKey.is_in(portions::filled(serials)))
                    .add(C::NameKey.is_in(portions::filled(names))),
            )
            .order_by_asc(C::Id)
            .all(db)
            .await?;
        for row in found {
            seen.add(row);
        }
        Ok(seen)
    }

    fn add(&mut self, row: asset::Model) -> usize {
        let id = row.id;
        let index = self.known.add(row);
        self.by_id.insert(id, index);
        index
    }

    fn by_alias(&self, company_id: Uuid, device: &Device) -> Option<usize> {
        let alias = (company_id, device.source.clone(), device.uid.clone()?);
        self.by_id.get(self.by_alias.get(&alias)?).copied()
    }

    /// The asset that a device is: by what its sender calls it, then by serial number, then by name.
    fn find(&self, company_id: Uuid, device: &Device) -> Option<usize> {
        let by_serial = || self.known.by_serial.get(&(company_id, device.serial_key.clone())).copied();
        let by_name = |key: &String| {
            let index = self.known.by_name.get(&(company_id, key.clone())).copied()?;
            let row = self.known.rows.get(index)?;
            // Whose serial number is another is another device, whatever it is called.
            let is_other = !device.serial_key.is_empty()
                && !row.serial_key.is_empty()
                && row.serial_key != device.serial_key;
            (!is_other).then_some(index)
        };
        self.by_alias(company_id, device)
            .or_else(by_serial)
            .or_else(|| device.name_keys.iter().find_map(by_name))
    }

    /// Reads how many devices may still be made of companies of which an unknown one is named.
    async fn measure(
        &mut self,
        db: &impl ConnectionTrait,
        ground: &Ground,
        organization_id: Uuid,
        mentions: &[Mention],
    ) -> Result<(), DbErr> {
        use asset::Column as C;
        let is_new = |(company_id, device): &&Mention| {
            !device.name.is_empty() && self.find(*company_id, device).is_none()
        };
        let companies: BTreeSet<Uuid> =
            mentions.iter().filter(is_new).map(|(company_id, _)| *company_id).collect();
        if companies.is_empty() {
            return Ok(());
        }
        let counts: Vec<(Uuid, i64)> = asset::Entity::find()
            .select_only()
            .column(C::CompanyId)
            .column_as(C::Id.count(), "how_many")
            .filter(C::OrganizationId.eq(organization_id))
            .filter(C::CompanyId.is_in(portions::filled(companies.iter().copied())))
            .filter(C::IsFromEvents.eq(true))
            .filter(C::SeenAt.gt(ground.clock.now().plus_secs(-FORGOTTEN_SECS)))
            .group_by(C::CompanyId)
            .into_tuple()
            .all(db)
            .await?;
        self.room = companies.into_iter().map(|company_id| (company_id, MOST)).collect();
        for (company_id, count) in counts {
            self.room.insert(company_id, MOST.saturating_sub(u64::try_from(count).unwrap_or_default()));
        }
        Ok(())
    }

    /// Whether one more device of a company may be made, which it then is.
    fn may_make(&mut self, company_id: Uuid, device: &Device) -> bool {
        match self.room.get_mut(&company_id) {
            Some(room) if *room > 0 => {
                *room -= 1;
                true
            }
            _ => {
                self.turned_away.0.insert((company_id, name_key(&device.name)));
                false
            }
        }
    }

    /// Takes in what is said. Says whether anything is to be written.
    async fn take(
        &mut self,
        db: &impl ConnectionTrait,
        ground: &Ground,
        organization_id: Uuid,
        mentions: &[Mention],
    ) -> Result<bool, DbErr> {
        self.measure(db, ground, organization_id, mentions).await?;
        let now = ground.clock.now();
        for (company_id, device) in mentions {
            let index = match self.find(*company_id, device) {
                Some(index) => {
                    self.refresh(index, device, now);
                    index
                }
                // By a name that only its sender knows nobody would find it in a PSA.
                None if device.name.is_empty() => continue,
                None if !self.may_make(*company_id, device) => continue,
                None => {
                    let index = self.add(asset::Model {
                        id: ground.chance.id(now),
                        organization_id,
                        company_id: *company_id,
                        key: None,
                        name: device.name.clone(),
                        name_key: name_key(&device.name),
                        kind: device.kind.clone(),
                        serial_number: device.serial_number.clone(),
                        serial_key: device.serial_key.clone(),
                        purchased_on: String::new(),
                        expires_on: String::new(),
                        ram: String::new(),
                        os_type: device.os.clone(),
                        manufacturer: String::new(),
                        seen_at: now,
                        changed_at: now,
                        created_at: now,
                        is_from_events: true,
                    });
                    self.known.changed.insert(index);
                    index
                }
            };
            self.call(ground, organization_id, *company_id, device, index);
        }
        Ok(!self.known.changed.is_empty() || !self.aliases.is_empty())
    }

    fn refresh(&mut self, index: usize, device: &Device, now: entity::Timestamp) {
        let Some(old) = self.known.rows.get(index) else { return };
        let mut row = old.clone();
        let may_change = row.is_from_events && now >= row.changed_at.plus_secs(STAYS_SECS);
        let fields = [(&mut row.kind, &device.kind), (&mut row.os_type, &device.os)];
        for (known, said) in fields {
            if !said.is_empty() && (known.is_empty() || may_change) {
                known.clone_from(said);
            }
        }
        if !device.serial_key.is_empty() && (row.serial_key.is_empty() || may_change) {
            row.serial_number.clone_from(&device.serial_number);
            row.serial_key.clone_from(&device.serial_key);
        }
        if may_change && !device.name.is_empty() && !device.name_keys.contains(&row.name_key) {
            row.name.clone_from(&device.name);
            row.name_key = name_key(&row.name);
        }
        let is_changed = row != *old;
        if is_changed {
            row.changed_at = now;
        }
        if is_changed || now >= old.seen_at.plus_secs(SEEN_SECS) {
            row.seen_at = now;
            self.known.changed.insert(index);
            if let Some(kept) = self.known.rows.get_mut(index) {
                *kept = row;
            }
            self.known.point_at(index);
        }
    }

    /// What the sender calls it leads to it from now on.
    fn call(
        &mut self,
        ground: &Ground,
        organization_id: Uuid,
        company_id: Uuid,
        device: &Device,
        index: usize,
    ) {
        let Some((uid, row)) = device.uid.as_ref().zip(self.known.rows.get(index)) else { return };
        let alias = (company_id, device.source.clone(), uid.clone());
        let (asset_id, now) = (row.id, ground.clock.now());
        if self.by_alias.contains_key(&alias) {
            return;
        }
        self.by_alias.insert(alias, asset_id);
        self.aliases.push(asset_alias::Model {
            id: ground.chance.id(now),
            organization_id,
            company_id,
            source: device.source.clone(),
            value: uid.clone(),
            asset_id,
            created_at: now,
        });
    }

    async fn write(self, tx: &impl ConnectionTrait) -> Result<(), DbErr> {
        use asset_alias::Column as A;
        self.known.write(tx).await?;
        let rows: BTreeMap<_, _> = self
            .aliases
            .into_iter()
            .map(|row| ((row.company_id, row.source.clone(), row.value.clone()), row))
            .collect();
        let rows: Vec<asset_alias::Model> = rows.into_values().collect();
        for rows in portions::of(&rows, BATCH) {
            let known = OnConflict::columns([A::CompanyId, A::Source, A::Value]).do_nothing().to_owned();
            asset_alias::Entity::insert_many(
                rows.iter().map(|row| row.clone().into_active_model().reset_all()),
            )
            .on_conflict(known)
            .exec_without_returning(tx)
            .await?;
        }
        Ok(())
    }
}
