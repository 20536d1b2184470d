//! Whether a webhook comes from the sender that an endpoint is for.
//!
//! A [`Scheme`] is a way of authenticating webhooks. Those that sign are data (`described`, `schemes`): headers,
//! prefix, encoding, what the key is made of, what is signed, where the time stands. Three show a secret
//! (`shown`), one is Amazon SNS with its certificates ([`sns`]), and one is described by the endpoint's
//! settings (`custom`).
//!
//! Works on the raw bytes and parses no body, but that of SNS, whose signature stands in it. An endpoint
//! accepts exactly one scheme, so that nobody can choose the weakest. Any of an endpoint's secrets may match any of
//! a webhook's signatures, which is what rotation needs; the proof says which did.
//!
//! Stricter than the libraries of Standard Webhooks, on purpose:
//! - base64 is padded and canonical, in keys and signatures;
//! - the message id holds no full stop and the timestamp is plain digits: with
//!   `a.1.2.x` signed, nobody can present id `a.1` with time 2 for id `a` with time 1;
//! - a repeated header is refused instead of read once.

mod custom;
mod described;
mod error;
mod key;
mod schemes;
mod secret;
mod settings;
mod shown;
mod sign;
mod signed;
pub mod sns;
#[cfg(test)]
mod tests;

use entity::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use crate::queue::received::{Headers, Proof};

pub use error::SignatureError;
pub use key::{KeyError, VerifyingKey};
pub use sign::{SignError, SignedHeaders, new_secret, sign};

use described::{Description, Method, Place};

/// A way of authenticating webhooks: a handle on its description.
#[derive(Clone, Copy)]
pub struct Scheme(&'static Description);

impl Scheme {
    /// Its stable name; stored with endpoints.
    pub const fn key(self) -> &'static str {
        self.0.key
    }

    /// The scheme of that name.
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|scheme| scheme.key() == key)
    }

    /// Its name for people.
    pub const fn label(self) -> &'static str {
        self.0.label
    }

    /// What to paste where.
    pub const fn help(self) -> &'static str {
        self.0.help
    }

    /// Whether the secret may stand in the address that the sender is given, so that whoever calls that address
    /// has proved who they are before the body is looked at.
    pub const fn proves_by_address(self) -> bool {
        matches!(self.0.method, Method::Shown(Place::Path | Place::Token))
    }

    /// Whether the secret is a part of the address's path.
    pub const fn has_secret_path(self) -> bool {
        matches!(self.0.method, Method::Shown(Place::Path))
    }
}

impl PartialEq for Scheme {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Scheme {}

impl std::fmt::Debug for Scheme {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Scheme").field(&self.key()).finish()
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

/// What a webhook brings, and what is known of its endpoint.
#[derive(Clone, Copy)]
pub struct Evidence<'a> {
    /// Its headers.
    pub headers: &'a Headers,
    /// The address's query, as sent.
    pub query: &'a str,
    /// What follows the endpoint's key in the address's path.
    pub path_secret: Option<&'a str>,
    /// Its body, as sent.
    pub body: &'a [u8],
    /// The endpoint's settings; `Null` where there are none.
    pub settings: &'a Value,
    /// The certificate that the body names, where the scheme is SNS and it could be had.
    pub certificate: Option<&'a sns::Certificate>,
}

/// What a check works with.
#[derive(Clone, Copy)]
pub struct Means<'a> {
    /// Now.
    pub now: Timestamp,
    /// How far a signed time may lie from now, in seconds.
    pub tolerance_secs: i64,
    /// What a secret that is shown is recognised by: the same that its endpoint keeps of it.
    pub digest: &'a (dyn Fn(&[u8]) -> [u8; 32] + Sync),
}

/// Whether a webhook comes from who knows one of `keys`, by `scheme` and no other way.
///
/// A refusal costs about as much as a check of a signature over the body, whatever it is for.
pub fn verify(
    scheme: Scheme,
    keys: &[CandidateKey],
    evidence: &Evidence<'_>,
    means: &Means<'_>,
) -> Result<Proof, SignatureError> {
    let checked = check(scheme, keys, evidence, means);
    if !matches!(checked, Ok(_) | Err(SignatureError::NoMatch { .. })) {
        dummy_work(evidence.body);
    }
    checked
}

fn check(
    scheme: Scheme,
    keys: &[CandidateKey],
    evidence: &Evidence<'_>,
    means: &Means<'_>,
) -> Result<Proof, SignatureError> {
    if evidence.path_secret.is_some() && !scheme.has_secret_path() {
        return Err(SignatureError::SecretInAddress);
    }
    let (headers, body) = (evidence.headers, evidence.body);
    match &scheme.0.method {
        Method::Signed(signed) => signed.verify(scheme, keys, headers, body, means),
        Method::Custom => {
            custom::with(evidence.settings, |signed| signed.verify(scheme, keys, headers, body, means))
                .map_err(SignatureError::Settings)?
        }
        Method::Shown(place) => place.verify(scheme, keys, evidence, means),
        Method::Sns => sns::verify(evidence, means),
    }
}

/// Spends on a webhook to an endpoint that does not exist what [`verify`] would
/// spend on one that does, so that a refusal's time does not tell them apart.
pub fn dummy_work(body: &[u8]) {
    // The result is thrown away: nobody's key opens nothing.
    let _ = std::hint::black_box(key::hmac_sha256(&[0; 32], &[std::hint::black_box(body)]));
}
