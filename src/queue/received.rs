//! A webhook on its way into the inbox, before and after its authentication.
//!
//! The body of an [`Unverified`] webhook cannot be read or stored: only a
//! successful [`Unverified::verify`] gives the [`Verified`] one that the inbox
//! takes. Forgetting the check does not compile.

use actix_web::web::Bytes;
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// Headers of a request: names in lower case, values that are valid UTF-8 and trimmed.
#[derive(Clone, Debug, Default)]
pub struct Headers(Vec<(String, String)>);

/// A header that must stand once stood several times.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the header {0} is repeated; send it once")]
pub struct RepeatedHeader(pub String);

impl Headers {
    /// From pairs in any case; a header stands as often as it was sent.
    pub fn new<N: AsRef<str>, V: AsRef<str>>(pairs: impl IntoIterator<Item = (N, V)>) -> Self {
        Self(
            pairs
                .into_iter()
                .map(|(name, value)| (name.as_ref().to_ascii_lowercase(), value.as_ref().trim().to_owned()))
                .collect(),
        )
    }

    /// The value of a header that may stand once at most. `name` is in lower case.
    pub fn single(&self, name: &str) -> Result<Option<&str>, RepeatedHeader> {
        let mut values = self.0.iter().filter(|(n, _)| n == name).map(|(_, value)| value.as_str());
        let first = values.next();
        if values.next().is_some() { Err(RepeatedHeader(name.to_owned())) } else { Ok(first) }
    }

    /// All of them, in the order sent.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// What a check of authenticity found out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// The sender's own id of this message, the same in every repetition of it.
    pub message_id: Option<String>,
    /// How it was authenticated, e.g. `standard_webhooks.v1`.
    pub scheme: &'static str,
    /// Which of the endpoint's secrets matched.
    pub secret_id: Option<Uuid>,
}

/// A webhook of which nothing is known yet.
pub struct Unverified {
    headers: Headers,
    body: Bytes,
}

/// A webhook whose sender is known.
pub struct Verified {
    headers: Headers,
    body: Bytes,
    proof: Proof,
}

impl Unverified {
    /// What came in, untouched.
    pub fn new(headers: Headers, body: Bytes) -> Self {
        Self { headers, body }
    }

    /// Runs a check over headers and raw bytes.
    pub fn verify<E>(self, check: impl FnOnce(&Headers, &[u8]) -> Result<Proof, E>) -> Result<Verified, E> {
        let proof = check(&self.headers, &self.body)?;
        Ok(Verified { headers: self.headers, body: self.body, proof })
    }
}

impl Verified {
    /// The headers as sent.
    pub fn headers(&self) -> &Headers {
        &self.headers
    }

    /// The raw bytes as sent.
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// How it was authenticated.
    pub fn proof(&self) -> &Proof {
        &self.proof
    }

    /// What repetitions are recognised by: the sender's id of the message, or
    /// `sha256:` and the body's digest in hex where the sender gives none.
    pub fn message_id(&self) -> String {
        self.proof.message_id.clone().unwrap_or_else(|| {
            use std::fmt::Write as _;
            Sha256::digest(&self.body).iter().fold(String::from("sha256:"), |mut text, byte| {
                let _ = write!(text, "{byte:02x}");
                text
            })
        })
    }
}
