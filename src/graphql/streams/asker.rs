//! Who is asking on a connection that stays open, and whether they still may.

use std::{net::IpAddr, sync::Arc};

use entity::Timestamp;
use secrecy::SecretString;
use tokio::sync::watch;

use crate::{
    db::news::{Heard, News, Watch, What},
    entrance::NotLetIn,
    graphql::{errors::causes, http::Door, subscriptions::Subscriber},
    organizations::viewer::{Known, Viewer},
};

/// Why somebody is not let in, or no longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unknown {
    /// The token is unknown, expired or revoked.
    Refused,
    /// It cannot be found out now.
    Unavailable,
}

/// Who shows a token.
async fn who(door: &Door, token: &SecretString, from: Option<IpAddr>) -> Result<Viewer, Unknown> {
    (door.authenticate)(&door.ground, token, from).await.map_err(|refused| match refused {
        NotLetIn::Unknown => Unknown::Refused,
        NotLetIn::Throttled(_) | NotLetIn::Away => Unknown::Unavailable,
        NotLetIn::Failed(cause) => {
            tracing::error!(error = causes(&cause), "a token could not be checked");
            Unknown::Unavailable
        }
    })
}

/// The token in an `Authorization` header or what says the same: `Bearer …`.
pub(super) fn bearer(value: &str) -> Option<SecretString> {
    let (scheme, token) = value.trim().split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then(|| token.to_owned().into())
}

/// Somebody whose token was good when it was last looked at. Clones know the same.
#[derive(Clone, Debug)]
pub(super) struct Asker {
    token: SecretString,
    /// The address they call from.
    from: Option<IpAddr>,
    viewer: Arc<watch::Sender<Viewer>>,
}

impl Asker {
    pub(super) async fn new(door: &Door, token: SecretString, from: Option<IpAddr>) -> Result<Self, Unknown> {
        let viewer = who(door, &token, from).await?;
        Ok(Self { token, from, viewer: Arc::new(watch::Sender::new(viewer)) })
    }

    /// Who it is.
    pub(super) fn viewer(&self) -> Viewer {
        self.viewer.borrow().clone()
    }

    /// For a subscription: follows what is found out later.
    pub(super) fn subscriber(&self, door: &Door) -> Subscriber {
        Subscriber::new(self.viewer.subscribe(), door.ground.clone(), door.settings.timeout)
    }

    /// Looks at the token again. Where that cannot be done now, what was known stays: whoever is asking can
    /// read nothing either.
    pub(super) async fn is_still_known(&self, door: &Door) -> bool {
        // News of a change may be here before the change is forgotten.
        door.ground.tokens.forget();
        match who(door, &self.token, self.from).await {
            Ok(viewer) => {
                self.viewer.send_if_modified(|known| {
                    let is_other = *known != viewer;
                    *known = viewer;
                    is_other
                });
                true
            }
            Err(Unknown::Refused) => false,
            Err(Unknown::Unavailable) => true,
        }
    }

    /// Whether news about somebody's access may be about this one's.
    fn is_meant(&self, heard: &Heard) -> bool {
        let viewer = self.viewer.borrow();
        viewer.known() == Known::Token(heard.happened.id)
            || heard.happened.organization_id.is_nil()
            || viewer.organization_id() == Some(heard.happened.organization_id)
    }
}

/// When an asker's token is to be looked at again.
#[derive(Debug)]
pub(super) struct Vigil {
    news: News,
    heard: Watch,
    due: Timestamp,
    every_secs: i64,
}

impl Vigil {
    pub(super) fn new(door: &Door, every_secs: i64) -> Self {
        let news = door.ground.db.news().clone();
        let heard = news.watch(What::AccessChanged, None);
        Self { news, heard, due: door.ground.clock.now().plus_secs(every_secs), every_secs }
    }

    /// When, if no news come before.
    pub(super) fn due(&self) -> Timestamp {
        self.due
    }

    /// It is looked at now.
    pub(super) fn begins(&mut self, now: Timestamp) {
        self.due = now.plus_secs(self.every_secs);
    }

    /// Waits for news about the asker. Cancelling loses nothing.
    pub(super) async fn called(&mut self, asker: &Asker) {
        while let Some(heard) = self.heard.next().await {
            if asker.is_meant(&heard) {
                return;
            }
        }
        // Some were missed: better once too often.
        self.heard = self.news.watch(What::AccessChanged, None);
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    #[test]
    fn a_token_is_read_however_its_scheme_is_written() {
        for value in ["Bearer pgw_1", "bearer pgw_1", " BEARER  pgw_1 "] {
            assert_eq!(bearer(value).unwrap().expose_secret(), "pgw_1", "{value}");
        }
        for value in ["", "pgw_1", "Bearer", "Bearer ", "Basic pgw_1"] {
            assert!(bearer(value).is_none(), "{value}");
        }
    }
}
