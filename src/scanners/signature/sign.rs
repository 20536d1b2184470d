//! Signing as a sender does it: for `psa-gateway sign`, the demo and tests.

use base64::{Engine, engine::general_purpose::STANDARD};
use ed25519_dalek::{Signer, SigningKey};
use entity::Timestamp;
use secrecy::SecretString;
use zeroize::{Zeroize, Zeroizing};

use super::{KeyError, SignatureError, key, signed::check_id};
use crate::clock::Chance;

/// The headers of a signed webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedHeaders {
    /// `webhook-id`.
    pub id: String,
    /// `webhook-timestamp`: seconds since 1970.
    pub timestamp: String,
    /// `webhook-signature`: `v1,…` or `v1a,…`.
    pub signature: String,
}

impl SignedHeaders {
    /// Names and values, ready to send.
    pub fn pairs(&self) -> [(&'static str, &str); 3] {
        [
            ("webhook-id", &self.id),
            ("webhook-timestamp", &self.timestamp),
            ("webhook-signature", &self.signature),
        ]
    }
}

/// Why nothing could be signed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// The secret is none.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The message id cannot be sent.
    #[error(transparent)]
    MessageId(#[from] SignatureError),
    /// The time lies before 1970.
    #[error("the time lies before 1970, which a webhook's timestamp cannot say")]
    Time,
}

/// Signs a body as of `at`: by HMAC-SHA256 (`v1`) with a `whsec_…` secret, by Ed25519
/// (`v1a`) with a `whsk_…` private key (seed, or seed and public key, in base64).
pub fn sign(secret: &str, message_id: &str, at: Timestamp, body: &[u8]) -> Result<SignedHeaders, SignError> {
    check_id("webhook-id", message_id, true)?;
    if at.as_secs() < 0 {
        return Err(SignError::Time);
    }
    let timestamp = at.as_secs().to_string();
    let parts = [message_id.as_bytes(), b".", timestamp.as_bytes(), b".", body];
    let signature = if secret.trim().starts_with("whsk_") {
        let signature = private_key(secret)?.sign(&parts.concat());
        format!("v1a,{}", STANDARD.encode(signature.to_bytes()))
    } else {
        let secret = key::parse_secret(secret)?;
        let mac = key::hmac_sha256(&secret, &parts).ok_or(KeyError::SecretLength(secret.len()))?;
        format!("v1,{}", STANDARD.encode(mac))
    };
    Ok(SignedHeaders { id: message_id.to_owned(), timestamp, signature })
}

fn private_key(text: &str) -> Result<SigningKey, KeyError> {
    let bytes = key::decode("whsk_", text)?;
    if let Ok(pair) = <&[u8; 64]>::try_from(bytes.as_slice()) {
        SigningKey::from_keypair_bytes(pair).map_err(|_| KeyError::SecretKey)
    } else {
        let seed = <&[u8; 32]>::try_from(bytes.as_slice()).map_err(|_| KeyError::SecretKey)?;
        Ok(SigningKey::from_bytes(seed))
    }
}

/// A new shared secret: `whsec_` and base64 of 32 random bytes.
pub fn new_secret(chance: &Chance) -> SecretString {
    let bytes = Zeroizing::new(chance.bytes::<32>());
    let mut encoded = STANDARD.encode(bytes.as_slice());
    let mut text = String::with_capacity(6 + encoded.len());
    text.push_str("whsec_");
    text.push_str(&encoded);
    encoded.zeroize();
    SecretString::from(text)
}
