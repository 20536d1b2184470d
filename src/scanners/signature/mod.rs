//! Whether a webhook is what its sender signed: Standard Webhooks 1.0.0.
//!
//! Works on the raw bytes and never parses the body. The signed content is
//! `{id}.{timestamp}.{body}` (specification, section "Signature scheme"). An
//! endpoint accepts exactly one scheme: one that expects `v1a` refuses `v1` and
//! the other way round, so that nobody can choose the weaker of the two.
//!
//! Stricter than the specification's own libraries, on purpose:
//! - base64 is padded and canonical, in keys and signatures;
//! - the message id holds no full stop and the timestamp is plain digits: with
//!   `a.1.2.x` signed, nobody can present id `a.1` with time 2 for id `a` with time 1;
//! - a repeated header is refused instead of read once.

mod error;
mod key;
mod message;
mod sign;
#[cfg(test)]
mod tests;

use entity::Timestamp;
use subtle::{Choice, ConditionallySelectable};
use uuid::Uuid;

use crate::queue::received::{Headers, Proof};

pub use error::SignatureError;
pub use key::{KeyError, VerifyingKey};
pub use sign::{SignError, SignedHeaders, new_secret, sign};

use message::Message;

/// A way of signing webhooks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// HMAC-SHA256 with a shared secret (`v1`, `whsec_…`).
    StandardWebhooks,
    /// Ed25519: the sender keeps the private key (`v1a`, `whpk_…`).
    StandardWebhooksEd25519,
}

impl Scheme {
    /// Every scheme there is.
    pub const ALL: &'static [Self] = &[Self::StandardWebhooks, Self::StandardWebhooksEd25519];

    /// Its stable name; stored with endpoints.
    pub const fn key(self) -> &'static str {
        match self {
            Self::StandardWebhooks => "standard_webhooks",
            Self::StandardWebhooksEd25519 => "standard_webhooks_ed25519",
        }
    }

    /// The scheme of that name.
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|scheme| scheme.key() == key)
    }

    /// Its name for people.
    pub const fn label(self) -> &'static str {
        match self {
            Self::StandardWebhooks => "Standard Webhooks, shared secret (HMAC-SHA256)",
            Self::StandardWebhooksEd25519 => "Standard Webhooks, public key (Ed25519)",
        }
    }

    /// Whether the gateway makes the secret and shows it once. Otherwise the
    /// sender makes the key pair and gives its public half.
    pub const fn makes_secret(self) -> bool {
        matches!(self, Self::StandardWebhooks)
    }

    /// What its signatures begin with (section "Signature scheme").
    const fn identifier(self) -> &'static str {
        match self {
            Self::StandardWebhooks => "v1",
            Self::StandardWebhooksEd25519 => "v1a",
        }
    }

    /// Its name in a [`Proof`].
    const fn proof(self) -> &'static str {
        match self {
            Self::StandardWebhooks => "standard_webhooks.v1",
            Self::StandardWebhooksEd25519 => "standard_webhooks.v1a",
        }
    }
}

/// One of an endpoint's keys that may have signed.
#[derive(Debug)]
pub struct CandidateKey {
    /// Which; reported in the proof.
    pub id: Uuid,
    /// The key itself.
    pub key: VerifyingKey,
}

/// Whether one of `keys` signed these headers and this body by `scheme`, at
/// most `tolerance_secs` before or after `now`.
///
/// Any signature in the header may match any key; keys of another scheme are
/// passed over. All keys are tried even after one has matched, so that the time
/// taken does not tell which.
pub fn verify(
    scheme: Scheme,
    keys: &[CandidateKey],
    headers: &Headers,
    body: &[u8],
    now: Timestamp,
    tolerance_secs: i64,
) -> Result<Proof, SignatureError> {
    let message = Message::read(scheme, headers)?;
    let signed = [message.id.as_bytes(), b".", message.timestamp.as_bytes(), b".", body];

    let mut matched: u32 = 0;
    let mut tried = false;
    for (candidate, number) in keys.iter().zip(1_u32..) {
        let Some(fits) = candidate.key.matches(scheme, &message.signatures, &signed) else { continue };
        tried = true;
        matched.conditional_assign(&number, Choice::from(u8::from(fits && matched == 0)));
    }
    if !tried {
        return Err(SignatureError::NoKey(scheme.label()));
    }
    let secret_id = matched
        .checked_sub(1)
        .and_then(|index| keys.get(usize::try_from(index).ok()?))
        .map(|candidate| candidate.id)
        .ok_or(SignatureError::NoMatch)?;

    // Only now: who cannot sign learns nothing about the clock, and a signed
    // message that is late is told so instead of "no signature matches".
    message.check_age(now, tolerance_secs)?;
    Ok(Proof { message_id: Some(message.id.to_owned()), scheme: scheme.proof(), secret_id: Some(secret_id) })
}

/// Spends on a webhook to an endpoint that does not exist what [`verify`] would
/// spend on one that does, so that a refusal's time does not tell them apart.
pub fn dummy_work(headers: &Headers, body: &[u8], now: Timestamp, tolerance_secs: i64) {
    let keys = [CandidateKey { id: Uuid::nil(), key: VerifyingKey::nobodys() }];
    // The result is thrown away: even a signature made with nobody's key opens nothing.
    let _ = std::hint::black_box(verify(Scheme::StandardWebhooks, &keys, headers, body, now, tolerance_secs));
}
