//! The keys that ConnectWise signs callbacks with.

use reqwest::Url;
use secrecy::SecretString;
use serde_json::Value;
use uuid::Uuid;

use super::{
    Connection,
    discovery::Place,
    errors::{self, Act},
    wire,
};
use crate::psa::PsaError;

/// Where a site keeps them, below its codebase.
pub(super) const KEY_PATH: [&str; 3] = ["system", "callbackkey", "index.rails"];
/// Longest key taken.
const KEY_CHARS: usize = 1_000;

impl Connection {
    /// Fetches a key by its GUID. The address is made here, from the connection's own site: nothing of what a
    /// callback named is in it but that GUID. Keys are handed out without a login (Nango); one public client
    /// sends its client ID along, so that is tried where the plain call is refused.
    pub(super) async fn signing_key(&self, name: &str) -> Result<SecretString, PsaError> {
        self.api.client_id()?;
        let Ok(id) = Uuid::try_parse(name) else {
            let reason = String::from("the name of a signing key is a GUID");
            return Err(PsaError::Rejected { field: None, reason });
        };
        let (login, http) = (&self.api.login, &self.api.http);
        let place = self.api.discovery.place(login, http).await?;
        let mut url = self.key_address(&place, id);
        let mut answer = self.api.send_plain(url.clone(), false).await?;
        if answer.status == 404
            && let Some(place) = self.api.discovery.moved_from(&place, login, http).await
        {
            url = self.key_address(&place, id);
            answer = self.api.send_plain(url.clone(), false).await?;
        }
        if matches!(answer.status, 401 | 403) {
            answer = self.api.send_plain(url, true).await?;
        }
        let body = errors::classify(Act::Read, "the signing keys", &answer, None)?;
        let key = wire::text(&body, "signing_key").filter(|key| key.chars().count() <= KEY_CHARS);
        key.map(SecretString::from).ok_or_else(|| {
            let reason = match body {
                Value::Null => "ConnectWise has no signing key of that name",
                _ => "ConnectWise's answer holds no signing key",
            };
            PsaError::Rejected { field: None, reason: reason.to_owned() }
        })
    }

    /// `…/v2025_1//system/callbackkey/index.rails`, with two slashes as ConnectWise itself writes it.
    fn key_address(&self, place: &Place, id: Uuid) -> Url {
        let mut url = self.api.login.site.clone();
        url.set_path(&format!("/{}//{}", place.codebase, KEY_PATH.join("/")));
        url.query_pairs_mut()
            .append_pair("companyName", &self.api.login.company_id)
            .append_pair("id", &id.to_string());
        url
    }
}
