//! Data keys: one per organization, which seals its secrets, and one of the installation. Each is kept
//! wrapped by a master key, whose id stands beside it.
#![expect(clippy::disallowed_methods, reason = "keys are looked up by the organization they belong to")]

use chacha20poly1305::{
    XNonce,
    aead::{Aead as _, Payload},
};
use entity::data_key;
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _, Set, sea_query::LockType,
};
use secrecy::{ExposeSecret as _, SecretSlice};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{
    NONCE, VERSION, VaultError,
    master::{Key, MasterKey, MasterKeys, cipher},
    places::join,
};
use crate::clock::{Chance, Clock};

/// The installation's own key. It authenticates access tokens, so it stays as it is for good: with another one
/// no token would be known again, and no token is kept to be digested anew. It encrypts nothing but the secrets
/// of answers that belong to no organization, which are kept for a day.
pub(super) const INSTALLATION: Uuid = Uuid::nil();

/// The installation's key.
pub(super) async fn of_installation(db: &impl ConnectionTrait) -> Result<Option<data_key::Model>, DbErr> {
    data_key::Entity::find()
        .filter(data_key::Column::OrganizationId.is_null())
        .order_by_asc(data_key::Column::Id)
        .one(db)
        .await
}

/// The key that seals an organization's secrets from now on: the newest. On PostgreSQL it cannot be
/// removed before this transaction ends, so that what it seals meanwhile stays openable.
pub(super) async fn newest(
    db: &impl ConnectionTrait,
    organization_id: Uuid,
    lock: LockType,
) -> Result<Option<data_key::Model>, DbErr> {
    data_key::Entity::find()
        .filter(data_key::Column::OrganizationId.eq(organization_id))
        .order_by_desc(data_key::Column::Id)
        .lock(lock)
        .one(db)
        .await
}

/// A new key, and the row that keeps it.
pub(super) fn make(
    master: &MasterKey,
    id: Uuid,
    organization_id: Option<Uuid>,
    clock: &Clock,
    chance: &Chance,
) -> (data_key::ActiveModel, Key) {
    let key: Key = Zeroizing::new(chance.bytes());
    let row = data_key::ActiveModel {
        id: Set(id),
        organization_id: Set(organization_id),
        master_key_id: Set(master.id.clone()),
        wrapped: Set(wrap(master, id, organization_id, &key, chance)),
        created_at: Set(clock.now()),
    };
    (row, key)
}

/// A key as it is kept: nonce, ciphertext and tag.
pub(super) fn wrap(
    master: &MasterKey,
    id: Uuid,
    organization_id: Option<Uuid>,
    key: &Key,
    chance: &Chance,
) -> Vec<u8> {
    let nonce = chance.bytes::<NONCE>();
    let aad = aad(id, organization_id);
    let wrapped = cipher(&master.key)
        .encrypt(&XNonce::from(nonce), Payload { msg: key.as_slice(), aad: &aad })
        .unwrap_or_default();
    [nonce.as_slice(), &wrapped].concat()
}

/// The key in a row; an error says which master key is missing.
pub(super) fn unwrap(masters: &MasterKeys, row: &data_key::Model) -> Result<Key, VaultError> {
    let master = masters.find(&row.master_key_id).ok_or_else(|| VaultError::MissingMasterKey {
        missing: row.master_key_id.clone(),
        given: masters.ids(),
    })?;
    let broken = || VaultError::BrokenDataKey { id: row.id, master: master.id.clone() };
    let (nonce, sealed) = row.wrapped.split_at_checked(NONCE).ok_or_else(broken)?;
    let nonce: [u8; NONCE] = nonce.try_into().map_err(|_| broken())?;
    let aad = aad(row.id, row.organization_id);
    let plain: SecretSlice<u8> = cipher(&master.key)
        .decrypt(&XNonce::from(nonce), Payload { msg: sealed, aad: &aad })
        .map_err(|_| broken())?
        .into();
    Ok(Zeroizing::new(plain.expose_secret().try_into().map_err(|_| broken())?))
}

fn aad(id: Uuid, organization_id: Option<Uuid>) -> Vec<u8> {
    let owner = organization_id.map(Uuid::into_bytes);
    join(&[&[VERSION], b"data_key", id.as_bytes(), owner.as_ref().map_or(&[][..], |owner| owner)])
}
