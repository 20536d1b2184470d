//! Signing in: where, with what, and for how long.

use entity::Timestamp;
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tokio::sync::Mutex;

use super::{
    credentials::{Login, is_vendor_host},
    errors, wire,
};
use crate::psa::{
    PsaError,
    http::{Answer, Call, Outbound},
};

/// A token is renewed this long before it runs out, or a fifth of its life before where that is less.
const SKEW_SECS: i64 = 60;

/// Where and how to sign in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Server {
    /// Without a trailing slash.
    pub(super) address: Url,
    /// For the query of the token call.
    pub(super) tenant: Option<String>,
}

impl Server {
    fn token_url(&self) -> Url {
        let mut url = self.address.clone();
        url.set_path(&format!("{}/token", url.path().trim_end_matches('/')));
        if let Some(tenant) = &self.tenant {
            url.query_pairs_mut().append_pair("tenant", tenant);
        }
        url
    }
}

/// A token in use.
#[derive(Clone)]
pub(super) struct Token {
    pub(super) text: SecretString,
    /// What was granted, for the messages of a 403.
    pub(super) scope: String,
    pub(super) renew_at: Timestamp,
    generation: u64,
}

#[derive(Default)]
struct State {
    server: Option<Server>,
    token: Option<Token>,
    generation: u64,
    /// The last sign-in, where it failed: those who waited for it share its answer.
    failed: Option<(u64, PsaError)>,
}

/// Gets tokens, one at a time: a new one may invalidate the one before (dotMARC).
pub(super) struct SignIn {
    state: Mutex<State>,
    attempts: std::sync::atomic::AtomicU64,
}

impl SignIn {
    pub(super) fn new() -> Self {
        Self { state: Mutex::default(), attempts: std::sync::atomic::AtomicU64::new(0) }
    }

    /// A token that is good for now; another one than `refused`.
    pub(super) async fn token(
        &self,
        login: &Login,
        http: &Outbound,
        refused: Option<&Token>,
    ) -> Result<Token, PsaError> {
        use std::sync::atomic::Ordering;
        let before = self.attempts.load(Ordering::SeqCst);
        let mut state = self.state.lock().await;
        if let Some(token) = &state.token
            && refused.is_none_or(|refused| refused.generation != token.generation)
            && http.clock.now() < token.renew_at
        {
            return Ok(token.clone());
        }
        if let Some((attempt, error)) = &state.failed
            && *attempt > before
        {
            return Err(error.clone());
        }
        let attempt = self.attempts.fetch_add(1, Ordering::SeqCst) + 1;
        state.token = None;
        match fetch(&mut state, login, http).await {
            Ok(token) => {
                state.token = Some(token.clone());
                state.failed = None;
                Ok(token)
            }
            Err(error) => {
                state.failed = Some((attempt, error.clone()));
                Err(error)
            }
        }
    }

    /// Where sign-in goes, once it is known.
    pub(super) async fn server(&self) -> Option<Server> {
        self.state.lock().await.server.clone()
    }
}

async fn fetch(state: &mut State, login: &Login, http: &Outbound) -> Result<Token, PsaError> {
    let server = match &state.server {
        Some(server) => server.clone(),
        None => match discover(login, http).await? {
            Discovered::Found(server) => {
                state.server = Some(server.clone());
                server
            }
            // Not kept: the next sign-in asks again.
            Discovered::Nothing(_) => fallback(login),
            Discovered::Untrusted(address) => {
                return Err(PsaError::Unauthorized { detail: untrusted(&address) });
            }
        },
    };
    let url = server.token_url();
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", login.client_id.as_str()),
        ("client_secret", login.client_secret.expose_secret()),
        ("scope", "all"),
    ];
    let answer = http.send(Call::post_form(url, &form)).await.map_err(|failed| {
        // A sign-in changes nothing that could be doubled.
        failed.for_read()
    })?;
    let now = http.clock.now();
    let body = refusal_of_sign_in(login, &answer, http)?;
    let Some(text) = wire::text(&body, "access_token") else {
        return Err(PsaError::Unavailable { detail: String::from("the authorisation server gave no token") });
    };
    let lifetime = wire::int(&body, "expires_in").unwrap_or(300).clamp(1, 86_400);
    state.generation += 1;
    Ok(Token {
        text: SecretString::from(text),
        scope: wire::text(&body, "scope").map(errors::short).unwrap_or_default(),
        renew_at: now.plus_secs(lifetime - SKEW_SECS.min((lifetime / 5).max(1))),
        generation: state.generation,
    })
}

/// The body of a successful sign-in, or what the refusal means.
fn refusal_of_sign_in(login: &Login, answer: &Answer, http: &Outbound) -> Result<Value, PsaError> {
    let body = serde_json::from_slice::<Value>(&answer.body);
    match (answer.status, body) {
        (200..=299, Ok(body)) => Ok(body),
        (429, _) => {
            let wait = answer.retry_after_secs(&http.clock).unwrap_or(30).max(1);
            http.hold(wait);
            Err(PsaError::RateLimited { retry_after_secs: Some(wait) })
        }
        (400 | 401 | 403, body) => {
            let body = body.unwrap_or_default();
            let code = wire::text(&body, "error").unwrap_or_default();
            let said = errors::reason(answer).unwrap_or_else(|| format!("status {}", answer.status));
            let hint = if code == "invalid_client" {
                invalid_client(&login.client_id)
            } else if said.to_ascii_lowercase().contains("tenant") {
                String::from(" Check the tenant name.")
            } else {
                String::new()
            };
            let detail = match code {
                "" => format!("{said}.{hint}"),
                code => format!("{code} ({said}).{hint}"),
            };
            Err(PsaError::Unauthorized { detail })
        }
        _ => Err(PsaError::Unavailable { detail: errors::not_json(answer) }),
    }
}

/// HaloAPI#19: the id shown in the form before the first save is not the one that counts.
fn invalid_client(client_id: &str) -> String {
    let mut hint = String::from(
        " The client id or the secret is wrong: the client id changes when an application is saved for the \
         first time, so copy it afterwards.",
    );
    if uuid::Uuid::try_parse(client_id).is_err() {
        hint.push_str(" This one does not look like the GUID that Halo uses.");
    }
    hint
}

fn untrusted(address: &str) -> String {
    format!(
        "Halo names {address} as its authorisation server, which is another host. If that is right, type it \
         in as the authorisation server: the secret is sent there."
    )
}

/// Marks the texts of [`untrusted`] and wrong tenants for the credential check.
pub(super) fn field_to_blame(detail: &str) -> &'static str {
    if detail.contains("type it in as the authorisation server") {
        "authorisation_server"
    } else if detail.to_ascii_lowercase().contains("tenant") {
        "tenant"
    } else if detail.contains("client id or the secret") {
        "client_id"
    } else {
        "client_secret"
    }
}

fn fallback(login: &Login) -> Server {
    let address = login.authorisation_server.clone().unwrap_or_else(|| {
        let mut address = login.base.clone();
        address.set_path(&format!("{}auth", login.base.path()));
        address
    });
    Server { address, tenant: login.tenant.clone() }
}

/// Whether an OAuth2 server answers at the usual place: it says `error` to a sign-in without a secret
/// (RFC 6749, 5.2), and the secret is shown to nobody. One who asks for patience is not judged.
pub(super) async fn is_oauth2_at_usual_place(login: &Login, http: &Outbound) -> bool {
    let form = [("grant_type", "client_credentials"), ("client_id", login.client_id.as_str())];
    match http.send(Call::post_form(fallback(login).token_url(), &form)).await {
        Err(_) => false,
        Ok(answer) if answer.status == 429 => true,
        Ok(answer) => {
            let body = serde_json::from_slice::<Value>(&answer.body).unwrap_or_default();
            matches!(answer.status, 200..=299 | 400 | 401 | 403)
                && ["error", "access_token"].iter().any(|key| wire::text(&body, key).is_some())
        }
    }
}

/// What `/api/authinfo` told, without any login (HaloAPI's Connect).
pub(super) enum Discovered {
    /// Where to sign in.
    Found(Server),
    /// It told nothing of use; what came instead.
    Nothing(Answer),
    /// It names a server that the secret is not sent to unasked.
    Untrusted(String),
}

/// Asks Halo where to sign in. What the user typed wins; only the tenant is taken from the answer then.
pub(super) async fn discover(login: &Login, http: &Outbound) -> Result<Discovered, PsaError> {
    let Ok(url) = login.base.join("api/authinfo") else {
        return Err(PsaError::Unavailable { detail: String::from("the address cannot be extended") });
    };
    let answer = http.send(Call::get(url)).await.map_err(super::super::http::CallFailed::for_read)?;
    if answer.status == 429 {
        let wait = answer.retry_after_secs(&http.clock).unwrap_or(30).max(1);
        http.hold(wait);
        return Err(PsaError::RateLimited { retry_after_secs: Some(wait) });
    }
    let info = match serde_json::from_slice::<Value>(&answer.body) {
        Ok(info) if (200..300).contains(&answer.status) && info.is_object() => info,
        _ => return Ok(Discovered::Nothing(answer)),
    };
    let named = wire::text(&info, "auth_url");
    let tenant_id = wire::text(&info, "tenant_id").map(ToOwned::to_owned);
    let tenant = login.tenant.clone().or(tenant_id);
    if let Some(address) = &login.authorisation_server {
        return Ok(Discovered::Found(Server { address: address.clone(), tenant }));
    }
    let Some(named) = named else { return Ok(Discovered::Nothing(answer)) };
    match Url::parse(named.trim_end_matches('/')) {
        Err(_) => Ok(Discovered::Nothing(answer)),
        Ok(address) if !matches!(address.scheme(), "http" | "https") => Ok(Discovered::Nothing(answer)),
        Ok(address) if is_trusted(&login.base, &address) && http.check_url(&address).is_ok() => {
            Ok(Discovered::Found(Server { address, tenant }))
        }
        _ => Ok(Discovered::Untrusted(errors::short(named))),
    }
}

/// Whether the secret may go to an address that a host named, not the user: the same host, or the vendor's
/// domains among themselves; never from https to http.
fn is_trusted(base: &Url, address: &Url) -> bool {
    let (Some(ours), Some(theirs)) = (base.host_str(), address.host_str()) else { return false };
    let scheme_holds = address.scheme() == "https" || address.scheme() == base.scheme();
    scheme_holds && (ours == theirs || (is_vendor_host(ours) && is_vendor_host(theirs)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_secret_goes_to_the_same_host_or_stays_with_the_vendor() {
        let trusted = |a: &str, b: &str| is_trusted(&Url::parse(a).unwrap(), &Url::parse(b).unwrap());
        assert!(trusted("https://acme.halopsa.com/", "https://acme.halopsa.com/auth"));
        assert!(trusted("https://acme.halopsa.com/", "https://auth.haloservicedesk.com/"));
        assert!(trusted("http://127.0.0.1:9000/", "http://127.0.0.1:9000/auth"));
        assert!(!trusted("https://acme.halopsa.com/", "http://acme.halopsa.com/auth"));
        assert!(!trusted("https://acme.halopsa.com/", "https://evilhalopsa.com/auth"));
        assert!(!trusted("https://halo.corp.example/", "https://acme.halopsa.com/auth"));
        assert!(!trusted("https://halo.corp.example/", "https://auth.corp.example/"));
    }
}
