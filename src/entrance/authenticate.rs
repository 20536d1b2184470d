//! From what somebody shows to who is asking: access tokens of ours, and tokens of the identity provider.

use std::net::IpAddr;

use secrecy::{ExposeSecret as _, SecretString};
use uuid::Uuid;

use super::{Entrance, Wait};
use crate::{
    error::Error,
    ground::Ground,
    identity::{NotBelieved, Provider},
    metrics::Metrics,
    organizations::{
        members::{self, SignedIn},
        ticket_permissions, tokens,
        viewer::{Known, Viewer},
    },
};

/// Why somebody is not let in.
#[derive(Debug)]
pub enum NotLetIn {
    /// What they show is unknown, expired, revoked or not taken from where they are. Which of these, they
    /// are not told.
    Unknown,
    /// They come too often.
    Throttled(Wait),
    /// Whom to ask, the database or the identity provider, is away.
    Away,
    /// Our fault.
    Failed(Error),
}

impl From<Error> for NotLetIn {
    fn from(error: Error) -> Self {
        match error {
            Error::Unavailable(cause) => {
                tracing::warn!(error = %cause, "a token met a database that is away");
                Self::Away
            }
            Error::Invalid(_) | Error::NotFound | Error::Forbidden { .. } => Self::Unknown,
            error => Self::Failed(error),
        }
    }
}

/// Who is believed.
#[derive(Clone)]
pub struct Credentials {
    /// Counts who comes and who fails.
    pub entrance: Entrance,
    /// Whose tokens are taken beside our own.
    pub provider: Option<Provider>,
    /// What is counted.
    pub metrics: Metrics,
}

impl Credentials {
    /// Who shows this, calling from an address.
    pub async fn authenticate(
        &self,
        ground: &Ground,
        token: &SecretString,
        from: Option<IpAddr>,
    ) -> Result<Viewer, NotLetIn> {
        let found = match &self.provider {
            Some(provider) if !token.expose_secret().starts_with(tokens::PREFIX) => {
                sign_in(provider, ground, token, from).await?
            }
            _ => tokens::authenticate(ground, token, from).await?,
        };
        let Some(viewer) = found else {
            self.entrance.dashboard_failed(from);
            self.metrics.refused("graphql", "unauthenticated");
            return Err(NotLetIn::Unknown);
        };
        if let Some(id) = id_of(&viewer) {
            self.entrance.asker(id).map_err(|wait| {
                self.metrics.refused("graphql", "throttled");
                NotLetIn::Throttled(wait)
            })?;
        }
        Ok(ticket_permissions::with_rules(ground, viewer).await?)
    }
}

impl Credentials {
    /// Whether this is known there, by whatever it shows. Lets nobody in, and counts nothing.
    pub async fn knows(&self, ground: &Ground, token: &SecretString) -> Result<bool, NotLetIn> {
        match &self.provider {
            Some(provider) if !token.expose_secret().starts_with(tokens::PREFIX) => {
                match provider.verify(token.expose_secret()).await {
                    Ok(who) => Ok(members::is_known(ground, &who).await?),
                    Err(NotBelieved::Refused(_)) => Ok(false),
                    Err(NotBelieved::Away(_)) => Err(NotLetIn::Away),
                }
            }
            _ => Ok(tokens::is_known(ground, token).await?),
        }
    }
}

fn id_of(viewer: &Viewer) -> Option<Uuid> {
    match viewer.known() {
        Known::Gateway => None,
        Known::Token(id) | Known::Member(id) => Some(id),
    }
}

async fn sign_in(
    provider: &Provider,
    ground: &Ground,
    token: &SecretString,
    from: Option<IpAddr>,
) -> Result<Option<Viewer>, NotLetIn> {
    let who = match provider.verify(token.expose_secret()).await {
        Ok(who) => who,
        Err(NotBelieved::Refused(reason)) => {
            tracing::info!(reason, "a token of the identity provider was refused");
            return Ok(None);
        }
        Err(NotBelieved::Away(reason)) => {
            tracing::warn!(reason, "the identity provider is away; nobody can sign in");
            return Err(NotLetIn::Away);
        }
    };
    match members::sign_in(ground, &who, from).await? {
        SignedIn::As(viewer) => Ok(Some(viewer)),
        SignedIn::Refused(reason) => {
            tracing::info!(
                reason,
                subject = who.subject,
                "somebody the identity provider vouches for was refused"
            );
            Ok(None)
        }
    }
}
