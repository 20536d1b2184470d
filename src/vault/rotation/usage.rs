//! Which keys are in use.
#![expect(clippy::disallowed_methods, reason = "counts the keys of all organizations")]

use std::collections::{BTreeMap, HashMap};

use entity::data_key;
use sea_orm::{ConnectionTrait, DbErr, EntityTrait as _, QuerySelect as _};
use uuid::Uuid;

use crate::vault::{MasterKeys, SealedColumn, VaultError, data_keys};

/// A master key, and what depends on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MasterKeyUse {
    /// Which.
    pub id: String,
    /// Where this process has it from; none where it was not given.
    pub origin: Option<String>,
    /// Whether it wraps what is made from now on.
    pub is_current: bool,
    /// How many data keys it wraps.
    pub data_keys: u64,
    /// How many secrets those seal.
    pub secrets: u64,
}

impl MasterKeyUse {
    /// Whether nothing would be lost with it.
    pub fn can_be_removed(&self) -> bool {
        !self.is_current && self.data_keys == 0
    }
}

/// Data keys as they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DataKeys {
    /// How many organizations have one.
    pub organizations: u64,
    /// How many have been replaced by newer ones and are still there.
    pub replaced: u64,
    /// How many secrets are sealed under data keys that are gone: they cannot be opened by anybody.
    pub lost_secrets: u64,
}

/// Every master key that was given or is needed. Opens nothing, so that it also tells which key is missing.
pub async fn usage(
    db: &impl ConnectionTrait,
    given: Option<&MasterKeys>,
) -> Result<(Vec<MasterKeyUse>, DataKeys), DbErr> {
    let mut secrets: HashMap<Uuid, u64> = HashMap::new();
    for column in SealedColumn::ALL {
        for row in db.query_all(&column.per_key()).await? {
            let key_id: Vec<u8> = row.try_get_by_index(0)?;
            let count: i64 = row.try_get_by_index(1)?;
            let key_id = Uuid::from_slice(&key_id).unwrap_or_default();
            *secrets.entry(key_id).or_default() += u64::try_from(count).unwrap_or_default();
        }
    }
    let rows: Vec<(Uuid, Option<Uuid>, String)> = data_key::Entity::find()
        .select_only()
        .column(data_key::Column::Id)
        .column(data_key::Column::OrganizationId)
        .column(data_key::Column::MasterKeyId)
        .into_tuple()
        .all(db)
        .await?;
    let mut uses: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    let mut of_organization: HashMap<Uuid, u64> = HashMap::new();
    for (id, organization_id, master) in rows {
        let (data_keys, sealed) = uses.entry(master).or_default();
        *data_keys += 1;
        *sealed += secrets.remove(&id).unwrap_or_default();
        if let Some(organization_id) = organization_id {
            *of_organization.entry(organization_id).or_default() += 1;
        }
    }
    let mut found = Vec::new();
    for (index, key) in given.into_iter().flat_map(MasterKeys::all).enumerate() {
        let (data_keys, secrets) = uses.remove(key.id()).unwrap_or_default();
        found.push(MasterKeyUse {
            id: key.id().to_owned(),
            origin: Some(key.origin().to_owned()),
            is_current: index == 0,
            data_keys,
            secrets,
        });
    }
    found.extend(uses.into_iter().map(|(id, (data_keys, secrets))| MasterKeyUse {
        id,
        origin: None,
        is_current: false,
        data_keys,
        secrets,
    }));
    let data_keys = DataKeys {
        organizations: of_organization.len() as u64,
        replaced: of_organization.values().map(|keys| keys - 1).sum(),
        lost_secrets: secrets.values().sum(),
    };
    Ok((found, data_keys))
}

/// What is wrong with data keys that do not open with the master key that wraps them. Those whose master key was not
/// given are left out: [`usage`] counts them.
pub async fn broken(db: &impl ConnectionTrait, given: &MasterKeys) -> Result<Vec<String>, DbErr> {
    let rows = data_key::Entity::find().all(db).await?;
    let unwrapped = rows.iter().map(|row| data_keys::unwrap(given, row));
    let broken = unwrapped.filter_map(|key| match key {
        Err(error @ VaultError::BrokenDataKey { .. }) => Some(error.to_string()),
        _ => None,
    });
    Ok(broken.collect())
}
