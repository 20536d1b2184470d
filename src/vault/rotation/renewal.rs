//! New data keys.
#![expect(clippy::disallowed_methods, reason = "keys of all organizations rotate together")]

use entity::{Timestamp, data_key};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, ConnectionTrait as _, DatabaseTransaction, DbErr,
    EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _, sea_query::LockType,
};
use uuid::Uuid;

use super::{BATCH, Progress};
use crate::{
    db::Db,
    error::Error,
    vault::{Place, SealedColumn, Vault, data_keys, key_id, open, seal},
};

/// A data key that is younger, in seconds, is not replaced: a rotation that was killed and is repeated goes
/// on where it stopped, and of several at the same time each makes no key of its own.
const FRESH_SECS: i64 = 3_600;
/// How often an organization is gone through again, because gateways sealed under the old key meanwhile.
const PASSES: usize = 5;
/// How many secrets that do not open are told one by one.
const TOLD: usize = 20;

/// What came of renewing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Renewed {
    /// How many data keys were made.
    pub made: u64,
    /// How many organizations had a fresh one already.
    pub fresh: u64,
    /// How many secrets were sealed anew.
    pub sealed: u64,
    /// How many old data keys were removed.
    pub removed: u64,
    /// How many old data keys are still there, because something is sealed under them.
    pub left: u64,
    /// Secrets that do not open, as table, column and row; the first twenty.
    pub broken: Vec<String>,
}

/// Gives every organization a new data key, seals its secrets anew and removes the old keys.
pub async fn renew(
    db: &Db,
    vault: &Vault,
    tell: &mut (dyn FnMut(Progress) + Send),
) -> Result<Renewed, Error> {
    let mut renewed = Renewed::default();
    let organizations: Vec<Uuid> = data_key::Entity::find()
        .select_only()
        .column(data_key::Column::OrganizationId)
        .filter(data_key::Column::OrganizationId.is_not_null())
        .distinct()
        .order_by_asc(data_key::Column::OrganizationId)
        .into_tuple()
        .all(db.reader())
        .await?;
    let total = organizations.len() as u64;
    for (done, organization_id) in (1..).zip(organizations) {
        let Some(newest) = fresh_key(db, vault, organization_id, &mut renewed).await? else { continue };
        for _ in 0..PASSES {
            for column in SealedColumn::ALL {
                seal_anew(db, vault, organization_id, *column, newest, &mut renewed).await?;
            }
            if remove_old(db, organization_id, newest, &mut renewed).await? == 0 {
                break;
            }
        }
        renewed.left += others(db.reader(), organization_id, newest).await?.len() as u64;
        tell(Progress { done, total });
    }
    Ok(renewed)
}

/// The organization's key from now on; it is made where there is no fresh one. None where the
/// organization is gone by now.
pub(super) async fn fresh_key(
    db: &Db,
    vault: &Vault,
    organization_id: Uuid,
    renewed: &mut Renewed,
) -> Result<Option<Uuid>, Error> {
    let vault = vault.clone();
    let made = db.write(move |tx| {
        Box::pin(async move {
            let now = vault.0.clock.now();
            // Who comes second waits for the first here, then looks again and finds the first one's.
            let Some(_) = data_keys::newest(tx, organization_id, LockType::NoKeyUpdate).await? else {
                return Ok(None);
            };
            let Some(newest) = data_keys::newest(tx, organization_id, LockType::KeyShare).await? else {
                return Ok(None);
            };
            if is_fresh(newest.created_at, now) {
                return Ok(Some((newest.id, false)));
            }
            // Ids sort by time: the newest seals. Where a clock was set back it still has to be the last.
            let id = vault.0.chance.id(now.max(Timestamp::from_secs(newest.created_at.as_secs() + 1)));
            let master = vault.masters().current();
            let (row, _) =
                data_keys::make(master, id, Some(organization_id), &vault.0.clock, &vault.0.chance);
            row.insert(tx).await?;
            Ok::<_, Error>(Some((id, true)))
        })
    });
    let Some((id, is_new)) = made.await? else { return Ok(None) };
    *(if is_new { &mut renewed.made } else { &mut renewed.fresh }) += 1;
    Ok(Some(id))
}

fn is_fresh(made: Timestamp, now: Timestamp) -> bool {
    now < made.plus_secs(FRESH_SECS)
}

/// Seals a column's values of an organization under its newest key.
async fn seal_anew(
    db: &Db,
    vault: &Vault,
    organization_id: Uuid,
    column: SealedColumn,
    newest: Uuid,
    renewed: &mut Renewed,
) -> Result<(), Error> {
    let mut after = None;
    loop {
        let due = column.sealed_otherwise(organization_id, newest, after, BATCH);
        let mut values: Vec<(Place, Vec<u8>)> = Vec::new();
        for row in db.reader().query_all(&due).await? {
            let row_id: Uuid = row.try_get_by_index(0)?;
            values.push((Place { column, organization_id, row_id }, row.try_get_by_index(1)?));
        }
        let Some((last, _)) = values.last() else { return Ok(()) };
        after = Some(last.row_id);
        let vault = vault.clone();
        let (sealed, broken) = db
            .write(move |tx| {
                Box::pin(async move {
                    let (mut sealed, mut broken) = (0, Vec::new());
                    for (place, value) in values {
                        match seal_one_anew(tx, &vault, place, newest, value).await? {
                            Some(is_changed) => sealed += u64::from(is_changed),
                            None => broken.push(place),
                        }
                    }
                    Ok::<_, Error>((sealed, broken))
                })
            })
            .await?;
        renewed.sealed += sealed;
        for place in broken {
            let words = format!("{}.{} of {}", place.column.table(), place.column.column(), place.row_id);
            if renewed.broken.len() < TOLD && !renewed.broken.contains(&words) {
                renewed.broken.push(words);
            }
        }
    }
}

/// None where the value does not open, else whether it was still there to be replaced.
async fn seal_one_anew(
    tx: &DatabaseTransaction,
    vault: &Vault,
    place: Place,
    newest: Uuid,
    value: Vec<u8>,
) -> Result<Option<bool>, Error> {
    let Some(old) = key_id(&value) else { return Ok(None) };
    if old > newest {
        return Ok(Some(false)); // Another rotation has made a newer key meanwhile.
    }
    let Some(old) = vault.key_by_id(tx, old, place.organization_id).await? else {
        // Gone: somebody else has sealed it anew and removed the key, or it was lost.
        return Ok(if place.value(tx).await?.is_none_or(|now| now != value) { Some(false) } else { None });
    };
    let Some(plain) = open(&old, place, &value).map(zeroize::Zeroizing::new) else { return Ok(None) };
    let Some(key) = vault.key_by_id(tx, newest, place.organization_id).await? else { return Ok(Some(false)) };
    let sealed = seal(&key, newest, place, &plain, &vault.0.chance)?;
    Ok(Some(place.replace(tx, value, sealed).await?))
}

/// Removes keys older than the newest that seal nothing any more. Says how many are left.
async fn remove_old(
    db: &Db,
    organization_id: Uuid,
    newest: Uuid,
    renewed: &mut Renewed,
) -> Result<u64, Error> {
    let (removed, left) = db
        .write(move |tx| {
            Box::pin(async move {
                let (mut removed, mut left) = (0, 0);
                for id in others(tx, organization_id, newest).await? {
                    // Waits for whoever seals under it right now; counted after that.
                    data_key::Entity::find_by_id(id).lock(LockType::Update).one(tx).await?;
                    if is_used(tx, organization_id, id).await? {
                        left += 1;
                    } else {
                        removed += data_key::Entity::delete_by_id(id).exec(tx).await?.rows_affected;
                    }
                }
                Ok::<_, Error>((removed, left))
            })
        })
        .await?;
    renewed.removed += removed;
    Ok(left)
}

/// Older keys of an organization.
async fn others(
    db: &impl sea_orm::ConnectionTrait,
    organization_id: Uuid,
    newest: Uuid,
) -> Result<Vec<Uuid>, DbErr> {
    data_key::Entity::find()
        .select_only()
        .column(data_key::Column::Id)
        .filter(data_key::Column::OrganizationId.eq(organization_id))
        .filter(data_key::Column::Id.lt(newest))
        .order_by_asc(data_key::Column::Id)
        .into_tuple()
        .all(db)
        .await
}

async fn is_used(tx: &DatabaseTransaction, organization_id: Uuid, key_id: Uuid) -> Result<bool, DbErr> {
    for column in SealedColumn::ALL {
        let count = tx.query_one(&column.sealed_under(organization_id, key_id)).await?;
        let count: i64 = count.map(|row| row.try_get_by_index(0)).transpose()?.unwrap_or_default();
        if count > 0 {
            return Ok(true);
        }
    }
    Ok(false)
}
