//! Keys that signatures are checked with (section "Signature scheme", row "Secret serialization").

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::{Choice, ConstantTimeEq};
use zeroize::Zeroizing;

use super::Scheme;

/// A key that signatures are checked with.
pub enum VerifyingKey {
    /// A shared secret of 24 to 64 bytes; wiped from memory when dropped.
    Hmac(Zeroizing<Vec<u8>>),
    /// The sender's public key.
    Ed25519(ed25519_dalek::VerifyingKey),
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
    /// Not a point of the curve, or one of those with which anything verifies.
    #[error("this is not a usable Ed25519 public key")]
    PublicKey,
    /// Not a key pair.
    #[error("this is not an Ed25519 private key: 32 bytes of seed, or seed and public key in 64")]
    SecretKey,
}

impl VerifyingKey {
    /// Reads the key of an endpoint with that scheme: `whsec_` and base64 of 24 to 64
    /// bytes, or `whpk_` and base64 of 32. Base64 without its padding is refused (the
    /// specification's libraries differ on it).
    pub fn parse(scheme: Scheme, text: &str) -> Result<Self, KeyError> {
        match scheme {
            Scheme::StandardWebhooks => parse_secret(text).map(Self::Hmac),
            Scheme::StandardWebhooksEd25519 => {
                if text.trim().starts_with("whsk_") {
                    return Err(KeyError::PrivateKey);
                }
                let bytes = decode("whpk_", text)?;
                let bytes = <[u8; 32]>::try_from(bytes.as_slice()).map_err(|_| KeyError::PublicKey)?;
                ed25519_dalek::VerifyingKey::from_bytes(&bytes)
                    .ok()
                    .filter(|key| !key.is_weak())
                    .map(Self::Ed25519)
                    .ok_or(KeyError::PublicKey)
            }
        }
    }

    /// A key of the usual size that no endpoint has.
    pub(super) fn nobodys() -> Self {
        Self::Hmac(Zeroizing::new(vec![0; 32]))
    }

    /// Whether one of the signatures is this key's over the parts joined; `None`
    /// where the key belongs to another scheme.
    pub(super) fn matches(&self, scheme: Scheme, signatures: &[Vec<u8>], parts: &[&[u8]]) -> Option<bool> {
        match (scheme, self) {
            (Scheme::StandardWebhooks, Self::Hmac(key)) => {
                let expected = hmac_sha256(key, parts)?;
                // `ct_eq` of slices compares lengths first; all are 32 bytes here.
                let any = signatures.iter().fold(Choice::from(0), |any, one| any | expected.ct_eq(one));
                Some(any.into())
            }
            (Scheme::StandardWebhooksEd25519, Self::Ed25519(key)) => {
                let message = parts.concat();
                Some(signatures.iter().any(|one| {
                    ed25519_dalek::Signature::from_slice(one)
                        .is_ok_and(|one| key.verify_strict(&message, &one).is_ok())
                }))
            }
            _ => None,
        }
    }
}

impl std::fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Hmac(_) => "Hmac(…)",
            Self::Ed25519(_) => "Ed25519(…)",
        })
    }
}

pub(super) fn parse_secret(text: &str) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let bytes = decode("whsec_", text)?;
    if (24..=64).contains(&bytes.len()) { Ok(bytes) } else { Err(KeyError::SecretLength(bytes.len())) }
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
