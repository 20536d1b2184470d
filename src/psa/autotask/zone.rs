//! Which zone a login lives in. The vendor moves customers now and then (Australia and New Zealand in
//! March 2026), so what was found out holds for a day, and is asked for again when a login is refused.

use entity::Timestamp;
use reqwest::Url;
use serde_json::Value;
use tokio::sync::Mutex;

use super::{
    credentials::{Login, is_zone_host},
    errors, wire,
};
use crate::psa::{
    PsaError,
    http::{Call, CallFailed, Outbound},
};

/// How long a zone is believed.
const KEPT_SECS: i64 = 24 * 3_600;
/// How often a refusal may ask again.
const ASK_AGAIN_SECS: i64 = 60;

/// Where a login's calls go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Zone {
    /// The API, with a trailing slash.
    pub(super) base: Url,
    /// Where people work, with a trailing slash.
    pub(super) web: Option<Url>,
    /// The zone's name.
    pub(super) name: Option<String>,
    /// The number of the customer's database.
    pub(super) instance: Option<i64>,
    asked_at: Timestamp,
}

/// Why the zone is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Lost {
    /// Autotask answers, and does not know the user name.
    UnknownUser,
    /// The answer leads to a host that the secret is not sent to.
    Untrusted(String),
    /// What answers is not Autotask; how it looked.
    NotAutotask(String),
    /// No answer.
    Failed(PsaError),
}

impl From<Lost> for PsaError {
    fn from(lost: Lost) -> Self {
        match lost {
            Lost::UnknownUser => Self::Unauthorized {
                detail: String::from(
                    "Autotask knows no API user of that user name, so its zone cannot be found",
                ),
            },
            Lost::Untrusted(address) => Self::Unauthorized {
                detail: format!("Autotask says that its API is at {address}, where the secret is not sent"),
            },
            Lost::NotAutotask(detail) => Self::Unavailable { detail },
            Lost::Failed(error) => error,
        }
    }
}

/// What is known of the zone.
#[derive(Default)]
pub(super) struct Zones {
    state: Mutex<Option<Zone>>,
}

impl Zones {
    /// The zone to call.
    pub(super) async fn current(&self, login: &Login, http: &Outbound) -> Result<Zone, Lost> {
        let mut state = self.state.lock().await;
        let now = http.clock.now();
        if let Some(zone) = state.as_ref()
            && now < zone.asked_at.plus_secs(KEPT_SECS)
        {
            return Ok(zone.clone());
        }
        match (discover(login, http).await, state.as_ref()) {
            (Ok(zone), _) => {
                *state = Some(zone.clone());
                Ok(zone)
            }
            // While discovery is out of order, yesterday's zone is most likely still the right one.
            (Err(Lost::NotAutotask(_) | Lost::Failed(PsaError::Unavailable { .. })), Some(old)) => {
                Ok(old.clone())
            }
            (Err(lost), _) => Err(lost),
        }
    }

    /// The zone that the login was moved to since `used` was found out; none where it was not.
    pub(super) async fn moved(&self, login: &Login, http: &Outbound, used: &Zone) -> Option<Zone> {
        let mut state = self.state.lock().await;
        let known = state.as_mut()?;
        if known.base != used.base {
            return Some(known.clone()); // another call found out meanwhile
        }
        let now = http.clock.now();
        if now < known.asked_at.plus_secs(ASK_AGAIN_SECS) {
            return None;
        }
        match discover(login, http).await {
            Ok(zone) => {
                let is_other = zone.base != used.base;
                *known = zone.clone();
                is_other.then_some(zone)
            }
            Err(lost) => {
                tracing::warn!(reason = %PsaError::from(lost), "a refused login's zone could not be asked for");
                None
            }
        }
    }
}

/// Asks for the zone; no credential is sent.
pub(super) async fn discover(login: &Login, http: &Outbound) -> Result<Zone, Lost> {
    let unavailable = |detail: &str| Lost::Failed(PsaError::Unavailable { detail: detail.to_owned() });
    let mut url = login
        .start
        .join("V1.0/zoneInformation")
        .map_err(|_| unavailable("the address cannot be extended"))?;
    url.query_pairs_mut().append_pair("user", &login.username);
    let answer = http.send(Call::get(url)).await.map_err(CallFailed::for_read).map_err(Lost::Failed)?;
    let body = serde_json::from_slice::<Value>(&answer.body).unwrap_or_default();
    match answer.status {
        200..=299 => {
            let Some(address) = wire::text(&body, "url") else {
                return Err(Lost::NotAutotask(errors::not_autotask(&answer)));
            };
            let base = base(&login.start, address)
                .filter(|base| http.check_url(base).is_ok())
                .ok_or_else(|| Lost::Untrusted(errors::short(address)))?;
            Ok(Zone {
                web: wire::text(&body, "webUrl").and_then(|address| web(&login.start, address)),
                name: wire::text(&body, "zoneName").map(errors::short),
                instance: wire::int(&body, "ci"),
                base,
                asked_at: http.clock.now(),
            })
        }
        // 500 with this text is the answer to a user name that is not known or mistyped
        // (AutotaskAPI#17), and no outage.
        _ if errors::texts(&answer).iter().any(|text| text.to_lowercase().contains("zone information")) => {
            Err(Lost::UnknownUser)
        }
        429 | 500..=599 => {
            let wait = answer.retry_after_secs(&http.clock);
            let error = errors::classify(errors::Kind::Read, "zoneInformation", login, &answer, wait).err();
            if let Some(PsaError::RateLimited { retry_after_secs: Some(wait) }) = error {
                http.hold(wait);
            }
            Err(Lost::Failed(
                error.unwrap_or_else(|| PsaError::Unavailable { detail: errors::not_autotask(&answer) }),
            ))
        }
        _ => Err(Lost::NotAutotask(errors::not_autotask(&answer))),
    }
}

/// The address of the API, where the secret may go to it: the vendor's own hosts, or the host and port that
/// the user typed.
fn base(start: &Url, address: &str) -> Option<Url> {
    let mut url = Url::parse(address).ok()?;
    let is_plain = url.username().is_empty() && url.password().is_none();
    let is_vendors =
        url.scheme() == "https" && url.port().is_none() && url.host_str().is_some_and(is_zone_host);
    if !is_plain || !(is_vendors || is_typed(start, &url)) {
        return None;
    }
    url.set_query(None);
    url.set_fragment(None);
    let path = match url.path().trim_end_matches('/') {
        "" => String::from("/ATServicesRest/"),
        path => format!("{path}/"),
    };
    url.set_path(&path);
    url.join("V1.0/").ok()
}

fn web(start: &Url, address: &str) -> Option<Url> {
    let url = Url::parse(address).ok()?;
    let is_vendors =
        url.scheme() == "https" && url.host_str().is_some_and(|host| host.ends_with(".autotask.net"));
    let is_plain = url.username().is_empty() && url.password().is_none();
    let mut url = (is_plain && (is_vendors || is_typed(start, &url))).then_some(url)?;
    url.set_query(None);
    url.set_fragment(None);
    url.set_path(&format!("{}/", url.path().trim_end_matches('/')));
    Some(url)
}

/// Whether an address is on the private host that the user typed.
fn is_typed(start: &Url, url: &Url) -> bool {
    let is_private = start.host_str().is_some_and(|host| !host.ends_with(".autotask.net"));
    is_private && start.origin() == url.origin()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_secret_goes_to_the_vendors_zones_or_where_the_user_said() {
        let base = |start: &str, address: &str| {
            base(&Url::parse(start).unwrap(), address).map(String::from).unwrap_or_default()
        };
        let any = "https://webservices.autotask.net/ATServicesRest/";
        let own = "http://127.0.0.1:9000/ATServicesRest/";
        for (start, address, wanted) in [
            (
                any,
                "https://webservices14.autotask.net/ATServicesRest/",
                "https://webservices14.autotask.net/ATServicesRest/V1.0/",
            ),
            (
                any,
                "https://webservices99.autotask.net/atservicesrest",
                "https://webservices99.autotask.net/atservicesrest/V1.0/",
            ),
            (any, "https://prde.autotask.net", "https://prde.autotask.net/ATServicesRest/V1.0/"),
            (own, "http://127.0.0.1:9000/x/", "http://127.0.0.1:9000/x/V1.0/"),
            (own, "https://webservices3.autotask.net/a/", "https://webservices3.autotask.net/a/V1.0/"),
        ] {
            assert_eq!(base(start, address), wanted);
        }
        for (start, address) in [
            (any, "http://webservices14.autotask.net/ATServicesRest/"),
            (any, "https://webservices14.autotask.net:8443/ATServicesRest/"),
            (any, "https://webservices14.autotask.net.evil.example/"),
            (any, "https://evil.autotask.net/"),
            (any, "https://webservicesx.autotask.net/"),
            (any, "https://u:p@webservices14.autotask.net/"),
            (any, "http://127.0.0.1:9000/"),
            (own, "http://127.0.0.1:9001/"),
            (own, "https://127.0.0.1:9000/"),
            (own, "http://169.254.169.254/"),
            (own, "file:///etc/passwd"),
            (own, ""),
        ] {
            assert_eq!(base(start, address), "", "{start} {address}");
        }
    }

    #[test]
    fn links_for_people_lead_to_the_vendor_or_nowhere() {
        let start = Url::parse("https://webservices.autotask.net/ATServicesRest/").unwrap();
        let seen = |address: &str| web(&start, address).map(String::from);
        assert_eq!(seen("https://ww14.autotask.net/").as_deref(), Some("https://ww14.autotask.net/"));
        for address in ["javascript:alert(1)", "https://evil.example/", "http://ww14.autotask.net/", "x"] {
            assert_eq!(seen(address), None, "{address}");
        }
    }
}
