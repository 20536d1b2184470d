//! Secrets at rest.
//!
//! XChaCha20-Poly1305 throughout. A master key, which never enters the database, wraps one data key per
//! organization (and one of the installation's own); data keys seal secrets. Every ciphertext is bound to
//! its place: table, column, organization, row and key are authenticated with it, so that a value copied
//! to another row does not open.
//!
//! Both kinds of keys rotate ([`rotation`]): data keys name the master key that wraps them, values the data
//! key that seals them, and the newest of an organization's data keys seals.
//!
//! Layout of a sealed value: version (1 byte, 1) · id of the data key (16) · nonce (24) · ciphertext and
//! tag. Layout of a wrapped data key: nonce (24) · ciphertext and tag (48).
#![expect(clippy::disallowed_methods, reason = "keys are looked up by the organization they belong to")]

mod data_keys;
mod handing;
pub mod key_file;
pub mod key_server;
mod mark;
mod master;
mod places;
pub mod rotation;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use chacha20poly1305::{
    XNonce,
    aead::{Aead as _, Payload},
};
use entity::data_key;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sea_orm::sea_query::{LockType, OnConflict};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, ConnectionTrait, EntityTrait as _, IntoActiveModel as _,
    QueryFilter as _, QuerySelect as _,
};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;
use uuid::Uuid;
use zeroize::Zeroizing;

pub use master::{MasterKey, MasterKeys};
pub use places::{Place, SealedColumn};

use self::master::{Key, cipher};
use crate::{
    clock::{Chance, Clock},
    error::Error,
};

const VERSION: u8 = 1;
const NONCE: usize = 24;
const HEAD: usize = 1 + 16 + NONCE;
/// How many opened data keys are kept, of 32 bytes each.
const MOST_OPENED: usize = 10_000;

/// Seals and opens secrets, and knows tokens again. Cheap to clone.
#[derive(Clone)]
pub struct Vault(Arc<Inside>);

struct Inside {
    masters: MasterKeys,
    installation: Key,
    opened: Mutex<HashMap<Uuid, Key>>,
    chance: Chance,
    clock: Clock,
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Vault").field("masters", &self.0.masters).finish_non_exhaustive()
    }
}

/// The vault cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// A master key is needed that was not given.
    #[error(
        "the master key {missing} is needed to open this database and was not given (given: {given}); give the \
         right one (PSA_GATEWAY_MASTER_KEY_FILE), or an older one beside it \
         (PSA_GATEWAY_MASTER_KEY_PREVIOUS_FILES); `psa-gateway keys list` shows which are in use"
    )]
    MissingMasterKey {
        /// Id of the key needed.
        missing: String,
        /// Ids of the keys given.
        given: String,
    },
    /// A data key was changed.
    #[error(
        "the data key {id} does not open with its master key {master}: its row was changed; restore the \
         table data_key from a backup"
    )]
    BrokenDataKey {
        /// Which.
        id: Uuid,
        /// Its master key.
        master: String,
    },
    /// The first database has no key yet.
    #[error("the first database of the installation was never started; start a gateway on it first")]
    NoInstallation,
    /// A further database is another installation's.
    #[error(
        "the database belongs to another installation: it recognises other access tokens; name an empty one, or run it \
         by itself"
    )]
    AnotherInstallation,
    /// The database did not answer.
    #[error(transparent)]
    Database(#[from] sea_orm::DbErr),
}

impl From<VaultError> for Error {
    fn from(error: VaultError) -> Self {
        match error {
            VaultError::Database(error) => error.into(),
            other => Self::Internal(other.into()),
        }
    }
}

impl Vault {
    /// Opens the vault: makes the installation's own key where there is none, and refuses where a master key
    /// is missing that something in the database needs, or one does not open what it should.
    pub async fn open(
        db: &impl ConnectionTrait,
        masters: impl Into<MasterKeys>,
        clock: Clock,
        chance: Chance,
    ) -> Result<Self, VaultError> {
        let masters = masters.into();
        // Under a fixed id, so that nodes that start at the same moment agree on one.
        if data_keys::of_installation(db).await?.is_none() {
            let (row, _) = data_keys::make(masters.current(), data_keys::INSTALLATION, None, &clock, &chance);
            data_key::Entity::insert(row)
                .on_conflict(OnConflict::column(data_key::Column::Id).do_nothing().to_owned())
                .exec_without_returning(db)
                .await?;
        }
        let row = data_keys::of_installation(db)
            .await?
            .ok_or_else(|| sea_orm::DbErr::RecordNotFound("data_key".into()))?;
        let installation = data_keys::unwrap(&masters, &row)?;
        // One of each master key: better not to start than to fail at every organization it wraps for.
        let used: Vec<String> = data_key::Entity::find()
            .select_only()
            .column(data_key::Column::MasterKeyId)
            .distinct()
            .into_tuple()
            .all(db)
            .await?;
        for master in used {
            let wrapped_by = data_key::Column::MasterKeyId.eq(master);
            if let Some(row) = data_key::Entity::find().filter(wrapped_by).one(db).await? {
                data_keys::unwrap(&masters, &row)?;
            }
        }
        Ok(Self(Arc::new(Inside { masters, installation, opened: Mutex::default(), chance, clock })))
    }

    /// Has a database use the installation's own key of another one, which recognises access tokens: both are of one
    /// installation then, and tokens are known wherever their organization lives.
    pub async fn join(
        masters: &MasterKeys,
        first: &impl ConnectionTrait,
        further: &impl ConnectionTrait,
    ) -> Result<(), VaultError> {
        let row = data_keys::of_installation(first).await?.ok_or(VaultError::NoInstallation)?;
        let key = data_keys::unwrap(masters, &row)?;
        data_key::Entity::insert(row.into_active_model().reset_all())
            .on_conflict(OnConflict::column(data_key::Column::Id).do_nothing().to_owned())
            .exec_without_returning(further)
            .await?;
        let theirs = data_keys::of_installation(further).await?.ok_or(VaultError::NoInstallation)?;
        let is_same: bool = data_keys::unwrap(masters, &theirs)?.as_slice().ct_eq(key.as_slice()).into();
        if is_same { Ok(()) } else { Err(VaultError::AnotherInstallation) }
    }

    /// The master keys it was opened with.
    pub fn masters(&self) -> &MasterKeys {
        &self.0.masters
    }

    /// Seals a secret for one place. Call it inside the transaction that stores the row: the
    /// organization's data key may be made by it.
    pub async fn seal(
        &self,
        db: &impl ConnectionTrait,
        place: Place,
        secret: &SecretString,
    ) -> Result<Vec<u8>, Error> {
        let (key_id, key) = self.organization_key(db, place.organization_id).await?;
        seal(&key, key_id, place, secret.expose_secret().as_bytes(), &self.0.chance)
    }

    /// Opens a secret sealed for this place.
    pub async fn open_secret(
        &self,
        db: &impl ConnectionTrait,
        place: Place,
        value: &[u8],
    ) -> Result<SecretString, Error> {
        match self.try_open(db, place, value).await? {
            Opened::Secret(secret) => return Ok(secret),
            Opened::Broken => {}
            // A rotation that went by since the row was read has sealed it anew and removed the old key.
            Opened::KeyIsGone => {
                if let Some(now) = place.value(db).await?
                    && now != value
                    && let Opened::Secret(secret) = self.try_open(db, place, &now).await?
                {
                    return Ok(secret);
                }
            }
        }
        Err(Error::Internal(anyhow::anyhow!(
            "the secret in {}.{} of {} does not open",
            place.column.table(),
            place.column.column(),
            place.row_id
        )))
    }

    async fn try_open(&self, db: &impl ConnectionTrait, place: Place, value: &[u8]) -> Result<Opened, Error> {
        let Some(key_id) = key_id(value) else { return Ok(Opened::Broken) };
        let Some(key) = self.key_by_id(db, key_id, place.organization_id).await? else {
            return Ok(Opened::KeyIsGone);
        };
        let secret = open(&key, place, value).and_then(|plain| String::from_utf8(plain).ok());
        Ok(secret.map_or(Opened::Broken, |secret| Opened::Secret(secret.into())))
    }

    /// What a token is recognised by: HMAC-SHA256 under the installation's own key. A 256-bit token needs
    /// no slow hash.
    pub fn token_digest(&self, token: &SecretString) -> Vec<u8> {
        // The key is shorter than the hash's block, so padding it with zeros is what HMAC does anyway.
        let mut block = Zeroizing::new([0_u8; 64]);
        for (to, from) in block.iter_mut().zip(self.0.installation.iter()) {
            *to = *from;
        }
        let mut mac = Hmac::<Sha256>::new((&*block).into());
        mac.update(b"access token");
        mac.update(token.expose_secret().as_bytes());
        mac.finalize().into_bytes().to_vec()
    }

    /// Whether a token is the one with this digest, in constant time.
    pub fn is_token(&self, token: &SecretString, digest: &[u8]) -> bool {
        self.token_digest(token).ct_eq(digest).into()
    }

    async fn organization_key(
        &self,
        db: &impl ConnectionTrait,
        organization_id: Uuid,
    ) -> Result<(Uuid, Key), Error> {
        // What belongs to no organization is sealed with the installation's own key.
        if organization_id.is_nil() {
            return Ok((data_keys::INSTALLATION, self.0.installation.clone()));
        }
        // Twice, because a rotation may make a newer one and remove this one between look and lock.
        for _ in 0..2 {
            if let Some(row) = data_keys::newest(db, organization_id, LockType::KeyShare).await? {
                return Ok((row.id, data_keys::unwrap(&self.0.masters, &row)?));
            }
        }
        let id = self.0.chance.id(self.0.clock.now());
        let master = self.0.masters.current();
        let (row, key) = data_keys::make(master, id, Some(organization_id), &self.0.clock, &self.0.chance);
        let row = row.insert(db).await?;
        Ok((row.id, key))
    }

    /// A data key's bytes never change, so what was opened once stays right for as long as its row is there.
    async fn key_by_id(
        &self,
        db: &impl ConnectionTrait,
        key_id: Uuid,
        organization_id: Uuid,
    ) -> Result<Option<Key>, Error> {
        if key_id.is_nil() {
            return Ok(organization_id.is_nil().then(|| self.0.installation.clone()));
        }
        let known = self.0.opened.lock().unwrap_or_else(PoisonError::into_inner).get(&key_id).cloned();
        if known.is_some() {
            return Ok(known);
        }
        let row = data_key::Entity::find_by_id(key_id)
            .filter(data_key::Column::OrganizationId.eq(organization_id))
            .one(db)
            .await?;
        let Some(row) = row else { return Ok(None) };
        let key = data_keys::unwrap(&self.0.masters, &row)?;
        let mut opened = self.0.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if opened.len() >= MOST_OPENED {
            opened.clear();
        }
        opened.insert(key_id, key.clone());
        Ok(Some(key))
    }
}

/// What came of trying to open.
enum Opened {
    Secret(SecretString),
    KeyIsGone,
    Broken,
}

/// The data key that seals a value.
fn key_id(value: &[u8]) -> Option<Uuid> {
    let (version, rest) = value.split_first()?;
    let (key_id, _) = rest.split_at_checked(16)?;
    if *version == VERSION { Uuid::from_slice(key_id).ok() } else { None }
}

fn seal(key: &Key, key_id: Uuid, place: Place, plain: &[u8], chance: &Chance) -> Result<Vec<u8>, Error> {
    let nonce = chance.bytes::<NONCE>();
    let aad = place.aad(key_id);
    let sealed = cipher(key)
        .encrypt(&XNonce::from(nonce), Payload { msg: plain, aad: &aad })
        .map_err(|_| Error::Internal(anyhow::anyhow!("a secret could not be sealed")))?;
    let mut value = Vec::with_capacity(HEAD + sealed.len());
    value.push(VERSION);
    value.extend_from_slice(key_id.as_bytes());
    value.extend_from_slice(&nonce);
    value.extend_from_slice(&sealed);
    Ok(value)
}

fn open(key: &Key, place: Place, value: &[u8]) -> Option<Vec<u8>> {
    let (head, sealed) = value.split_at_checked(HEAD)?;
    let nonce: [u8; NONCE] = head.get(17..)?.try_into().ok()?;
    let aad = place.aad(key_id(value)?);
    cipher(key).decrypt(&XNonce::from(nonce), Payload { msg: sealed, aad: &aad }).ok()
}

#[cfg(test)]
mod tests;
