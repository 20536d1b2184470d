//! Every scheme against what others compute.

mod custom;
mod shown;
mod sns;
mod standard;
mod table;

use entity::Timestamp;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::{CandidateKey, Evidence, Means, Scheme, SignatureError};
use crate::queue::received::{Headers, Proof};

/// What an endpoint keeps of a secret that is shown to it, in these tests.
fn digest(shown: &[u8]) -> [u8; 32] {
    Sha256::digest(shown).into()
}

/// Checks what headers and body prove, where nothing else is shown.
fn verify(
    scheme: Scheme,
    keys: &[CandidateKey],
    headers: &Headers,
    body: &[u8],
    now: Timestamp,
    tolerance_secs: i64,
) -> Result<Proof, SignatureError> {
    let settings = &Value::Null;
    let evidence = Evidence { headers, query: "", path_secret: None, body, settings, certificate: None };
    super::verify(scheme, keys, &evidence, &Means { now, tolerance_secs, digest: &digest })
}
