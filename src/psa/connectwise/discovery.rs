//! Where the API of a login is. The vendor's upgrades move it, and `companyinfo`, which wants no
//! login, tells where it is now (Developer Guide; django-connectwise).

use std::sync::Arc;

use entity::Timestamp;
use reqwest::Url;
use serde_json::Value;
use tokio::sync::Mutex;

use super::{
    credentials::Login,
    errors, site,
    wire::{self, text},
};
use crate::psa::{
    PsaError,
    http::{Answer, Call, CallFailed, Outbound},
};

/// How long an answer is used. Upgrades come every few months, and a missing address asks again at once.
const LIFETIME_SECS: i64 = 6 * 3_600;
/// A missing address asks again no more often than this.
const AGAIN_SECS: i64 = 60;
/// The codebase of every site on a customer's own premises, and a lasting name for the cloud's.
const USUAL_CODEBASE: &str = "v4_6_release";

/// Where a login's API is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// `https://api-na.myconnectwise.net/v2025_1/apis/3.0`
    pub(super) base: Url,
    /// `v2025_1`
    pub(super) codebase: String,
    /// `v2025.1`, where the site says so.
    pub(super) version: Option<String>,
    /// Whether the site says that it is the vendor's cloud.
    pub(super) is_cloud: Option<bool>,
    /// The name of the company that signs in, where the site says so.
    pub(super) company_name: Option<String>,
    /// The site did not tell; this is where it usually is.
    pub(super) is_guess: bool,
}

/// What a site told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// Where the API is.
    Place(Place),
    /// There is no such company on this site (it answers `null`, with status 200).
    NoSuchCompany,
    /// It does not answer as ConnectWise does; what came instead, for people.
    Stranger(String),
}

#[derive(Default)]
struct State {
    known: Option<(Arc<Place>, Timestamp)>,
    asked_at: Option<Timestamp>,
}

/// What is known of where the API is, shared by all calls of a login.
#[derive(Default)]
pub(super) struct Discovery(Mutex<State>);

impl Discovery {
    /// Where the API is, as far as it is known or can be found out.
    pub(super) async fn place(&self, login: &Login, http: &Outbound) -> Result<Arc<Place>, PsaError> {
        let mut state = self.0.lock().await;
        let now = http.clock.now();
        if let Some((place, at)) = &state.known
            && now < at.plus_secs(LIFETIME_SECS)
        {
            return Ok(Arc::clone(place));
        }
        let told = state.ask(login, http).await;
        // What was true some hours ago is a better guess than none.
        let outdated = state.known.as_ref().map(|(place, _)| Arc::clone(place));
        match (told, outdated) {
            (Ok(Told::Place(place)), _) => Ok(state.keep(place, now)),
            (Ok(Told::NoSuchCompany), _) => Err(PsaError::Unauthorized { detail: no_such_company(login) }),
            (Err(PsaError::Unavailable { .. }) | Ok(Told::Stranger(_)), Some(place)) => Ok(place),
            (Ok(Told::Stranger(seen)), None) => Err(PsaError::Unavailable { detail: seen }),
            (Err(error), _) => Err(error),
        }
    }

    /// Asks the site, whatever is known.
    pub(super) async fn afresh(&self, login: &Login, http: &Outbound) -> Result<Told, PsaError> {
        let mut state = self.0.lock().await;
        let told = state.ask(login, http).await?;
        if let Told::Place(place) = &told {
            state.keep(place.clone(), http.clock.now());
        }
        Ok(told)
    }

    /// Another place than the one where a call went missing, if the API has moved.
    pub(super) async fn moved_from(
        &self,
        missed: &Place,
        login: &Login,
        http: &Outbound,
    ) -> Option<Arc<Place>> {
        let mut state = self.0.lock().await;
        if let Some((place, _)) = &state.known
            && place.base != missed.base
        {
            return Some(Arc::clone(place));
        }
        let now = http.clock.now();
        if state.asked_at.is_some_and(|at| now < at.plus_secs(AGAIN_SECS)) {
            return None;
        }
        let Ok(Told::Place(place)) = state.ask(login, http).await else { return None };
        let place = state.keep(place, now);
        (place.base != missed.base).then_some(place)
    }
}

impl State {
    fn keep(&mut self, place: Place, now: Timestamp) -> Arc<Place> {
        let place = Arc::new(place);
        self.known = Some((Arc::clone(&place), now));
        place
    }

    async fn ask(&mut self, login: &Login, http: &Outbound) -> Result<Told, PsaError> {
        self.asked_at = Some(http.clock.now());
        let mut url = login.site.clone();
        match url.path_segments_mut() {
            Ok(mut path) => path.clear().extend(["login", "companyinfo", &login.company_id]),
            Err(()) => {
                return Err(PsaError::Unavailable { detail: String::from("the address cannot be extended") });
            }
        };
        let answer = http.send(Call::get(url)).await.map_err(CallFailed::for_read)?;
        errors::held_back(&answer, http)?;
        match told(&answer, login) {
            Told::Stranger(seen) if answer.status >= 500 => Err(PsaError::Unavailable { detail: seen }),
            Told::Stranger(seen) if !login.site.host_str().is_some_and(site::is_vendor_host) => {
                Ok(usual(login, http).await.map_or(Told::Stranger(seen), Told::Place))
            }
            told => Ok(told),
        }
    }
}

/// For people: the company is not there.
pub(super) fn no_such_company(login: &Login) -> String {
    format!(
        "{} knows no company of that ID. Check the Company ID, and whether the domain is that of its region",
        login.site.host_str().unwrap_or_default()
    )
}

fn told(answer: &Answer, login: &Login) -> Told {
    let body = serde_json::from_slice::<Value>(&answer.body);
    match (answer.status, body) {
        (200..=299, Ok(Value::Null)) => Told::NoSuchCompany,
        (200..=299, Ok(body)) => read(&body, &login.site).map_or_else(
            || Told::Stranger(String::from("the host does not answer as ConnectWise PSA does")),
            Told::Place,
        ),
        (300..=399, _) => Told::Stranger(format!("the host answered {} and points elsewhere", answer.status)),
        _ => Told::Stranger(errors::not_json(answer)),
    }
}

fn read(body: &Value, site: &Url) -> Option<Place> {
    if !["Codebase", "VersionCode", "VersionNumber", "CompanyID"].iter().any(|key| text(body, key).is_some())
    {
        return None;
    }
    let codebase = text(body, "Codebase").and_then(codebase).unwrap_or_else(|| USUAL_CODEBASE.to_owned());
    Some(Place {
        base: base(site, text(body, "SiteUrl"), &codebase)?,
        codebase,
        version: text(body, "VersionCode").or_else(|| text(body, "VersionNumber")).map(errors::short),
        is_cloud: wire::is(body, "IsCloud"),
        company_name: text(body, "CompanyName").map(errors::short),
        is_guess: false,
    })
}

/// A codebase becomes part of the address, so nothing but a name of that form is taken for one.
fn codebase(text: &str) -> Option<String> {
    let name = text.trim_matches('/');
    let is_plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    (name.starts_with(['v', 'V']) && is_plain && name.len() <= 40).then(|| name.to_owned())
}

fn base(site: &Url, named: Option<&str>, codebase: &str) -> Option<Url> {
    let mut base = site::api_origin(site, named)?;
    base.set_path(&format!("/{codebase}/apis/3.0"));
    Some(base)
}

/// A site on a customer's own premises that has no `companyinfo`: its API shows at the usual place by how
/// it refuses a call without a login. No secret is sent for that.
async fn usual(login: &Login, http: &Outbound) -> Option<Place> {
    let base = base(&login.site, None, USUAL_CODEBASE)?;
    let mut url = base.clone();
    url.set_path(&format!("{}/system/info", base.path()));
    let answer = http.send(Call::get(url)).await.ok()?;
    let body = serde_json::from_slice::<Value>(&answer.body).ok()?;
    let is_refusal = matches!(answer.status, 401 | 403)
        && ["code", "message"].iter().all(|key| text(&body, key).is_some());
    is_refusal.then(|| Place {
        base,
        codebase: USUAL_CODEBASE.to_owned(),
        version: None,
        is_cloud: None,
        company_name: None,
        is_guess: true,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn na() -> Url {
        Url::parse("https://na.myconnectwise.net/").unwrap()
    }

    #[test]
    fn companyinfo_is_read_with_and_without_the_name_of_the_api_host() {
        let body: Value = serde_json::from_str(include_str!("fixtures/companyinfo.json")).unwrap();
        let place = read(&body, &na()).unwrap();
        assert_eq!(place.base.as_str(), "https://api-na.myconnectwise.net/v2025_1/apis/3.0");
        assert_eq!((place.version.as_deref(), place.is_cloud), (Some("v2025.1"), Some(true)));
        let own = Url::parse("http://127.0.0.1:9000/").unwrap();
        let place = read(&json!({"CompanyID": "acme", "IsCloud": false}), &own).unwrap();
        assert_eq!(place.base.as_str(), "http://127.0.0.1:9000/v4_6_release/apis/3.0");
        assert_eq!(read(&json!({"hello": "world"}), &own), None);
        assert_eq!(read(&json!([]), &own), None);
    }

    #[test]
    fn a_codebase_cannot_lead_elsewhere() {
        for hostile in ["../x", "v1/../../x", "v1?x", "v1#x", "@evil.example", "v1%2f", "", "x", "v 1"] {
            assert_eq!(codebase(hostile), None, "{hostile}");
        }
        assert_eq!(codebase("v2025_1/").as_deref(), Some("v2025_1"));
    }

    proptest! {
        #[test]
        fn whatever_a_site_says_of_itself_our_keys_stay_with_the_vendor(codebase in "\\PC{0,20}", named in "\\PC{0,30}") {
            let body = json!({"Codebase": codebase, "SiteUrl": named});
            if let Some(place) = read(&body, &na()) {
                prop_assert!(site::is_vendor_host(place.base.host_str().unwrap()));
                prop_assert_eq!(place.base.scheme(), "https");
                prop_assert!(place.base.path().ends_with("/apis/3.0"));
            }
        }
    }
}
