//! Master keys: the current one, which wraps data keys, and further ones, which only open.

use std::fmt;

use chacha20poly1305::{KeyInit as _, XChaCha20Poly1305};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::clock::Chance;

/// A key of either kind.
pub(super) type Key = Zeroizing<[u8; 32]>;

pub(super) fn cipher(key: &Key) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new((&**key).into())
}

/// A key that wraps others. It never enters the database; its id does.
#[derive(Clone)]
pub struct MasterKey {
    pub(super) id: String,
    pub(super) key: Key,
    origin: String,
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MasterKey")
            .field("id", &self.id)
            .field("origin", &self.origin)
            .finish_non_exhaustive()
    }
}

impl MasterKey {
    /// Reads 64 hexadecimal digits, white space around them allowed.
    pub fn parse(text: &SecretString) -> Result<Self, String> {
        let digits = text.expose_secret().trim();
        let mut key: Key = Zeroizing::new([0; 32]);
        if digits.len() != 64 || !digits.is_ascii() {
            return Err(
                "a master key is 64 hexadecimal digits (32 bytes); make one with `psa-gateway keys new FILE`"
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
        let id = hex(digest.get(..8).unwrap_or_default());
        Ok(Self { id, key, origin: "given".to_owned() })
    }

    /// The same key, said to come from there: `file /run/secrets/master_key`.
    #[must_use]
    pub fn from_origin(mut self, origin: impl Into<String>) -> Self {
        self.origin = origin.into();
        self
    }

    /// A new key, as text to keep.
    pub fn generate(chance: &Chance) -> SecretString {
        hex(Zeroizing::new(chance.bytes::<32>()).as_slice()).into()
    }

    /// What it is called in the database, in lists and in errors; it tells nothing of the key.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Where it comes from.
    pub fn origin(&self) -> &str {
        &self.origin
    }
}

/// The keys that a gateway was given.
#[derive(Clone, Debug)]
pub struct MasterKeys {
    current: MasterKey,
    further: Vec<MasterKey>,
}

impl From<MasterKey> for MasterKeys {
    fn from(current: MasterKey) -> Self {
        Self::new(current, Vec::new())
    }
}

impl MasterKeys {
    /// The one that wraps what is made from now on, and those that open what was made before. One that is
    /// given several times counts once.
    pub fn new(current: MasterKey, further: Vec<MasterKey>) -> Self {
        let mut keys = Self { current, further: Vec::new() };
        for key in further {
            if keys.find(&key.id).is_none() {
                keys.further.push(key);
            }
        }
        keys
    }

    /// The one that wraps.
    pub fn current(&self) -> &MasterKey {
        &self.current
    }

    /// All of them, the current one first.
    pub fn all(&self) -> impl Iterator<Item = &MasterKey> {
        std::iter::once(&self.current).chain(&self.further)
    }

    /// The one of that id.
    pub fn find(&self, id: &str) -> Option<&MasterKey> {
        self.all().find(|key| key.id == id)
    }

    /// Their ids, for errors.
    pub(super) fn ids(&self) -> String {
        self.all().map(|key| key.id.as_str()).collect::<Vec<_>>().join(", ")
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
