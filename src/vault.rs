//! Secrets at rest.
//!
//! XChaCha20-Poly1305 throughout. A master key, which never enters the database, wraps one data key per
//! organization (and one of the installation's own); data keys seal secrets. Every ciphertext is bound to
//! its place: table, column, organization, row and key are authenticated with it, so that a value copied
//! to another row does not open.
//!
//! Layout of a sealed value: version (1 byte, 1) · id of the data key (16) · nonce (24) · ciphertext and
//! tag. Layout of a wrapped data key: nonce (24) · ciphertext and tag (48).
#![expect(clippy::disallowed_methods, reason = "keys are looked up by the organization they belong to")]

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use chacha20poly1305::{
    KeyInit as _, XChaCha20Poly1305, XNonce,
    aead::{Aead as _, Payload},
};
use entity::data_key;
use hmac::{Hmac, Mac as _};
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _,
    QueryOrder as _, Set,
};
use secrecy::{ExposeSecret as _, SecretSlice, SecretString};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::{
    clock::{Chance, Clock},
    error::Error,
};

const VERSION: u8 = 1;
const NONCE: usize = 24;
const HEAD: usize = 1 + 16 + NONCE;

type Key = Zeroizing<[u8; 32]>;

/// Where a secret is kept; it opens nowhere else.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// Table.
    pub table: &'static str,
    /// Column.
    pub column: &'static str,
    /// Whose it is.
    pub organization_id: Uuid,
    /// In which row.
    pub row_id: Uuid,
}

/// The key that wraps all others.
pub struct MasterKey {
    id: String,
    key: Key,
}

impl std::fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MasterKey").field("id", &self.id).finish_non_exhaustive()
    }
}

impl MasterKey {
    /// Reads 64 hexadecimal digits, white space around them allowed.
    pub fn parse(text: &SecretString) -> Result<Self, String> {
        let digits = text.expose_secret().trim();
        let mut key: Key = Zeroizing::new([0; 32]);
        if digits.len() != 64 || !digits.is_ascii() {
            return Err(
                "a master key is 64 hexadecimal digits (32 bytes); make one with `openssl rand -hex 32`"
                    .into(),
            );
        }
        for (byte, pair) in key.iter_mut().zip(digits.as_bytes().chunks(2)) {
            *byte = std::str::from_utf8(pair)
                .ok()
                .and_then(|pair| u8::from_str_radix(pair, 16).ok())
                .ok_or("a master key is 64 hexadecimal digits; something else stands among them")?;
        }
        let digest = Sha256::new().chain_update(b"psa-gateway master key id").chain_update(*key).finalize();
        Ok(Self { id: hex(digest.get(..8).unwrap_or_default()), key })
    }

    /// A new key, as text to keep.
    pub fn generate(chance: &Chance) -> SecretString {
        hex(Zeroizing::new(chance.bytes::<32>()).as_slice()).into()
    }
}

/// Seals and opens secrets, and knows tokens again. Cheap to clone.
#[derive(Clone)]
pub struct Vault(Arc<Inside>);

struct Inside {
    master: MasterKey,
    installation: Key,
    opened: Mutex<HashMap<Uuid, Key>>,
    chance: Chance,
    clock: Clock,
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Vault").field("master", &self.0.master).finish_non_exhaustive()
    }
}

/// The vault cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The database was made with another master key.
    #[error(
        "the master key {found} does not open this database, which was made with the key {expected}; \
         give the right one (PSA_GATEWAY_MASTER_KEY_FILE), or the secrets stay closed"
    )]
    WrongMasterKey {
        /// Id of the key given.
        found: String,
        /// Id of the key needed.
        expected: String,
    },
    /// The database did not answer.
    #[error(transparent)]
    Database(#[from] sea_orm::DbErr),
}

impl Vault {
    /// Opens the vault: makes the installation's own key where there is none, and refuses a master key that
    /// does not open it.
    pub async fn open(
        db: &impl ConnectionTrait,
        master: MasterKey,
        clock: Clock,
        chance: Chance,
    ) -> Result<Self, VaultError> {
        // Under a fixed id, so that nodes that start at the same moment agree on one.
        if find_key(db, None).await?.is_none() {
            let (row, _) = new_key(&master, Uuid::nil(), None, &clock, &chance);
            data_key::Entity::insert(row)
                .on_conflict(OnConflict::column(data_key::Column::Id).do_nothing().to_owned())
                .exec_without_returning(db)
                .await?;
        }
        let row =
            find_key(db, None).await?.ok_or_else(|| sea_orm::DbErr::RecordNotFound("data_key".into()))?;
        let wrong =
            || VaultError::WrongMasterKey { found: master.id.clone(), expected: row.master_key_id.clone() };
        let key = unwrap_key(&master, &row).ok_or_else(wrong)?;
        Ok(Self(Arc::new(Inside { installation: key, master, opened: Mutex::default(), chance, clock })))
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
        let nonce = self.0.chance.bytes::<NONCE>();
        let aad = aad(place, key_id);
        let payload = Payload { msg: secret.expose_secret().as_bytes(), aad: &aad };
        let sealed = cipher(&key)
            .encrypt(&XNonce::from(nonce), payload)
            .map_err(|_| Error::Internal(anyhow::anyhow!("a secret could not be sealed")))?;
        let mut value = Vec::with_capacity(HEAD + sealed.len());
        value.push(VERSION);
        value.extend_from_slice(key_id.as_bytes());
        value.extend_from_slice(&nonce);
        value.extend_from_slice(&sealed);
        Ok(value)
    }

    /// Opens a secret sealed for this place.
    pub async fn open_secret(
        &self,
        db: &impl ConnectionTrait,
        place: Place,
        value: &[u8],
    ) -> Result<SecretString, Error> {
        let broken = || {
            Error::Internal(anyhow::anyhow!(
                "the secret in {}.{} of {} does not open",
                place.table,
                place.column,
                place.row_id
            ))
        };
        let (head, sealed) = value.split_at_checked(HEAD).ok_or_else(broken)?;
        let (version, rest) = head.split_at_checked(1).ok_or_else(broken)?;
        let (key_id, nonce) = rest.split_at_checked(16).ok_or_else(broken)?;
        if version != [VERSION] {
            return Err(broken());
        }
        let key_id = Uuid::from_slice(key_id).map_err(|_| broken())?;
        let nonce: [u8; NONCE] = nonce.try_into().map_err(|_| broken())?;
        let key = self.key_by_id(db, key_id, place.organization_id).await?.ok_or_else(broken)?;
        let aad = aad(place, key_id);
        let plain = cipher(&key)
            .decrypt(&XNonce::from(nonce), Payload { msg: sealed, aad: &aad })
            .map_err(|_| broken())?;
        String::from_utf8(plain).map(SecretString::from).map_err(|_| broken())
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
        if let Some(row) = find_key(db, Some(organization_id)).await? {
            let key = unwrap_key(&self.0.master, &row)
                .ok_or_else(|| Error::Internal(anyhow::anyhow!("the data key {} does not open", row.id)))?;
            return Ok((row.id, key));
        }
        let id = self.0.chance.id(self.0.clock.now());
        let (row, key) = new_key(&self.0.master, id, Some(organization_id), &self.0.clock, &self.0.chance);
        let row = row.insert(db).await?;
        Ok((row.id, key))
    }

    async fn key_by_id(
        &self,
        db: &impl ConnectionTrait,
        key_id: Uuid,
        organization_id: Uuid,
    ) -> Result<Option<Key>, Error> {
        let known = self.0.opened.lock().unwrap_or_else(PoisonError::into_inner).get(&key_id).cloned();
        if known.is_some() {
            return Ok(known);
        }
        let row = data_key::Entity::find_by_id(key_id)
            .filter(data_key::Column::OrganizationId.eq(organization_id))
            .one(db)
            .await?;
        let key = row.and_then(|row| unwrap_key(&self.0.master, &row));
        if let Some(key) = &key {
            self.0.opened.lock().unwrap_or_else(PoisonError::into_inner).insert(key_id, key.clone());
        }
        Ok(key)
    }
}

async fn find_key(
    db: &impl ConnectionTrait,
    organization_id: Option<Uuid>,
) -> Result<Option<data_key::Model>, sea_orm::DbErr> {
    let owner = match organization_id {
        Some(id) => data_key::Column::OrganizationId.eq(id),
        None => data_key::Column::OrganizationId.is_null(),
    };
    data_key::Entity::find().filter(owner).order_by_asc(data_key::Column::Id).one(db).await
}

fn new_key(
    master: &MasterKey,
    id: Uuid,
    organization_id: Option<Uuid>,
    clock: &Clock,
    chance: &Chance,
) -> (data_key::ActiveModel, Key) {
    let key: Key = Zeroizing::new(chance.bytes());
    let nonce = chance.bytes::<NONCE>();
    let aad = key_aad(id, organization_id);
    let wrapped = cipher(&master.key)
        .encrypt(&XNonce::from(nonce), Payload { msg: key.as_slice(), aad: &aad })
        .unwrap_or_default();
    let row = data_key::ActiveModel {
        id: Set(id),
        organization_id: Set(organization_id),
        master_key_id: Set(master.id.clone()),
        wrapped: Set([nonce.as_slice(), &wrapped].concat()),
        created_at: Set(clock.now()),
    };
    (row, key)
}

fn unwrap_key(master: &MasterKey, row: &data_key::Model) -> Option<Key> {
    let (nonce, sealed) = row.wrapped.split_at_checked(NONCE)?;
    let nonce: [u8; NONCE] = nonce.try_into().ok()?;
    let aad = key_aad(row.id, row.organization_id);
    let plain: SecretSlice<u8> =
        cipher(&master.key).decrypt(&XNonce::from(nonce), Payload { msg: sealed, aad: &aad }).ok()?.into();
    Some(Zeroizing::new(plain.expose_secret().try_into().ok()?))
}

fn cipher(key: &Key) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new((&**key).into())
}

/// Each part after its length, so that no two places read the same.
fn join(parts: &[&[u8]]) -> Vec<u8> {
    let mut joined = Vec::new();
    for part in parts {
        joined.extend_from_slice(&u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
        joined.extend_from_slice(part);
    }
    joined
}

fn aad(place: Place, key_id: Uuid) -> Vec<u8> {
    join(&[
        &[VERSION],
        place.table.as_bytes(),
        place.column.as_bytes(),
        place.organization_id.as_bytes(),
        place.row_id.as_bytes(),
        key_id.as_bytes(),
    ])
}

fn key_aad(id: Uuid, organization_id: Option<Uuid>) -> Vec<u8> {
    let owner = organization_id.map(Uuid::into_bytes);
    join(&[&[VERSION], b"data_key", id.as_bytes(), owner.as_ref().map_or(&[][..], |owner| owner)])
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests;
