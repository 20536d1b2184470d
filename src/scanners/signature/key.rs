//! Keys that webhooks are checked with.

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::{
    Scheme,
    described::{Form, Origin},
};

/// A key that webhooks are checked with.
pub enum VerifyingKey {
    /// A shared secret; wiped from memory when dropped.
    Hmac(Zeroizing<Vec<u8>>),
    /// The sender's public key.
    Ed25519(ed25519_dalek::VerifyingKey),
    /// What a secret that is shown is recognised by.
    Digest([u8; 32]),
}

/// Why a text is not a key. Never holds the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Another beginning.
    #[error("the key must begin with {0}")]
    Prefix(&'static str),
    /// The sender's private key, where its public one is wanted.
    #[error("this is the private key (whsk_), which must stay with the sender; give its public key (whpk_)")]
    PrivateKey,
    /// Not base64 as it must be.
    #[error("what follows {0} must be standard base64 (RFC 4648, section 4) with its padding")]
    Base64(&'static str),
    /// A secret too short or too long.
    #[error("the secret has {0} bytes; it must have 24 to 64")]
    SecretLength(usize),
    /// A secret that is text, of another form than it must have.
    #[error("{0}")]
    Text(&'static str),
    /// Not a point of the curve, or one of those with which anything verifies.
    #[error("this is not a usable Ed25519 public key")]
    PublicKey,
    /// Not a key pair.
    #[error("this is not an Ed25519 private key: 32 bytes of seed, or seed and public key in 64")]
    SecretKey,
    /// The scheme has no key.
    #[error("this way of authentication has no secret; leave it out")]
    NoSecret,
}

impl VerifyingKey {
    /// Reads what is kept of an endpoint's secret. By scheme that is `whsec_` and base64 of 24 to 64 bytes, `whpk_`
    /// and base64 of 32, a text whose bytes are the key, or the digest of a secret that is shown, in base64.
    /// Base64 without its padding is refused (the libraries of Standard Webhooks differ on it).
    pub fn parse(scheme: Scheme, text: &str) -> Result<Self, KeyError> {
        let (Origin::Gateway(form) | Origin::Sender(form, _)) = scheme.0.origin else {
            return Err(KeyError::NoSecret);
        };
        match form {
            Form::Whsec => parse_secret(text).map(Self::Hmac),
            Form::Whpk => parse_public(text).map(Self::Ed25519),
            Form::Text => Ok(Self::Hmac(Zeroizing::new(text.as_bytes().to_vec()))),
            Form::Token | Form::PathToken | Form::Login => STANDARD
                .decode(text)
                .ok()
                .and_then(|bytes| bytes.try_into().ok())
                .map(Self::Digest)
                .ok_or(KeyError::Text("what is kept of the secret cannot be read")),
        }
    }
}

impl std::fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Hmac(_) => "Hmac(…)",
            Self::Ed25519(_) => "Ed25519(…)",
            Self::Digest(_) => "Digest(…)",
        })
    }
}

pub(super) fn parse_secret(text: &str) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let bytes = decode("whsec_", text)?;
    if (24..=64).contains(&bytes.len()) { Ok(bytes) } else { Err(KeyError::SecretLength(bytes.len())) }
}

pub(super) fn parse_public(text: &str) -> Result<ed25519_dalek::VerifyingKey, KeyError> {
    if text.trim().starts_with("whsk_") {
        return Err(KeyError::PrivateKey);
    }
    let bytes = decode("whpk_", text)?;
    let bytes = <[u8; 32]>::try_from(bytes.as_slice()).map_err(|_| KeyError::PublicKey)?;
    let key = ed25519_dalek::VerifyingKey::from_bytes(&bytes).ok();
    key.filter(|key| !key.is_weak()).ok_or(KeyError::PublicKey)
}

pub(super) fn decode(prefix: &'static str, text: &str) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let encoded = text.trim().strip_prefix(prefix).ok_or(KeyError::Prefix(prefix))?;
    STANDARD.decode(encoded).map(Zeroizing::new).map_err(|_| KeyError::Base64(prefix))
}

/// HMAC-SHA256 (RFC 2104) over the parts joined. It takes keys of any length: never `None`.
pub(super) fn hmac_sha256(key: &[u8], parts: &[&[u8]]) -> Option<[u8; 32]> {
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(key).ok()?;
    for part in parts {
        mac.update(part);
    }
    Some(mac.finalize().into_bytes().into())
}
