//! The installation's identity provider: dashboards bring its JWT, and what it claims becomes a sign-in.
//!
//! OpenID Connect's words: the *issuer* is the provider, the *audience* is who a token is meant for (us), the
//! *subject* is whom it is about. Checks follow RFC 7519 and the advice of RFC 8725: the algorithm is pinned
//! to the key's kind and to a list, the issuer and the audience must be ours, nothing in the header says
//! where keys come from.
//!
//! Signatures are checked by `ring`, which speaks TLS for the gateway already. No crate for JWT is used: what
//! it would save is less than what comes with it (a second generation of all hashes and curves, and an `rsa`
//! with RUSTSEC-2023-0071 open).

mod claims;
mod jwk;
mod jwt;
mod keys;

use std::sync::Arc;

use reqwest::Url;
use tokio_util::sync::CancellationToken;

pub use claims::{ClaimNames, Roles};
pub use jwk::Algorithm;

use self::keys::Keys;
use crate::{
    clock::Clock,
    organizations::members::SignIn,
    outbound::{ClientError, ClientOptions},
};

/// How far the provider's clock may go wrong against ours, in seconds.
const LEEWAY_SECS: i64 = 60;

/// What the operator says of the provider.
#[derive(Clone, Debug)]
pub struct ProviderOptions {
    /// The issuer, letter by letter as its tokens have it.
    pub issuer: String,
    /// Whom tokens must be meant for: one of these.
    pub audiences: Vec<String>,
    /// Where its keys are; found by discovery where it is not said.
    pub keys_url: Option<Url>,
    /// Algorithms that are taken.
    pub algorithms: Vec<Algorithm>,
    /// Where claims stand.
    pub claims: ClaimNames,
    /// What values of the role claim mean.
    pub roles: Roles,
    /// Whether an address of electronic mail counts as confirmed though the provider does not say so.
    pub trusts_email: bool,
    /// How its keys are fetched.
    pub client: ClientOptions,
}

/// The provider, with its keys. Cheap to clone; clones share the keys.
#[derive(Clone)]
pub struct Provider(Arc<Inside>);

struct Inside {
    options: ProviderOptions,
    keys: Arc<Keys>,
    clock: Clock,
}

/// Why a token is not believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotBelieved {
    /// Something is wrong with it: for the log, not for who shows it.
    Refused(&'static str),
    /// The provider's keys cannot be had, so that nothing can be said of it.
    Away(String),
}

impl Provider {
    /// Nothing is fetched yet.
    pub fn new(options: ProviderOptions, clock: Clock) -> Result<Self, ClientError> {
        let keys =
            Keys::new(&options.issuer, options.keys_url.clone(), options.client.clone(), clock.clone())?;
        Ok(Self(Arc::new(Inside { options, keys: Arc::new(keys), clock })))
    }

    /// Whom a token speaks of, where it is good.
    pub async fn verify(&self, token: &str) -> Result<SignIn, NotBelieved> {
        let Inside { options, keys, clock } = &*self.0;
        let signed = jwt::Signed::read(token, &options.algorithms).map_err(NotBelieved::Refused)?;
        let is_signed = keys
            .verify(signed.key_id(), |key| {
                key.has_signed(signed.algorithm, signed.message, &signed.signature)
            })
            .await?;
        if !is_signed {
            return Err(NotBelieved::Refused("no key of the provider has signed it"));
        }
        let payload = signed.payload().map_err(NotBelieved::Refused)?;
        jwt::check(&payload, &options.issuer, &options.audiences, clock.now())
            .map_err(NotBelieved::Refused)?;
        claims::sign_in(options, &payload).map_err(NotBelieved::Refused)
    }

    /// Fetches the keys now. Gives the seconds after which it should be done again.
    pub async fn refresh(&self) -> i64 {
        self.0.keys.refresh().await
    }

    /// Fetches the keys before they grow old, until told to stop.
    pub async fn run(&self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let again = tokio::time::Duration::from_secs(self.refresh().await.unsigned_abs());
            tokio::select! {
                () = tokio::time::sleep(again) => {}
                () = stop.cancelled() => {}
            }
        }
    }
}

#[cfg(test)]
mod tests;
