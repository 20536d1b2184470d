//! ConnectWise's callbacks: are they ConnectWise's, and what do they say?
//!
//! A callback is signed with a key that it names itself, by an address (`Metadata.key_url`). Whoever
//! can post to us can name any address, so the address is pinned before anything is believed: it must be the
//! one place of the connection's own site where such keys are, for the connection's own company. What is
//! left to choose is the key's GUID, and our own copy of that key decides.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use reqwest::Url;
use secrecy::ExposeSecret as _;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::{errors, signing_key::KEY_PATH, site, tickets::is_of_project, wire};
use crate::{
    psa::{WebhookCall, WebhookNews, WebhookRefused, WebhookScheme, WebhookSecret},
    queue::received::{Headers, Proof},
    tickets::remote::TicketHint,
};

const SCHEME: &str = "connectwise_callback";
/// Everything fits but the key, which is not known yet.
const UNPROVEN: &str = "connectwise_callback.unproven";

/// The one way of authentication.
pub(super) const SCHEMES: &[WebhookScheme] = &[WebhookScheme {
    key: SCHEME,
    label: "Signed callback",
    help: "Nothing to set up: the gateway registers a callback for tickets as the API member, and ConnectWise signs it with a key of its own.",
}];

fn refused(why: &str) -> WebhookRefused {
    WebhookRefused(why.to_owned())
}

pub(super) fn verify(call: &WebhookCall<'_>, secrets: &[WebhookSecret]) -> Result<Proof, WebhookRefused> {
    if call.scheme != SCHEME {
        return Err(WebhookRefused(format!(
            "ConnectWise has no way of authentication named {}",
            call.scheme
        )));
    }
    let signature = signature(call.headers)?;
    let body: Value = serde_json::from_slice(call.body).map_err(|_| refused("the body is not JSON"))?;
    let setting = |key: &str| call.settings.get(key).map(String::as_str).unwrap_or_default();
    let company = setting("company_id");
    if !wire::text(&body, "CompanyId").is_some_and(|id| id.eq_ignore_ascii_case(company))
        || company.is_empty()
    {
        return Err(refused("it comes from another company than the connection's"));
    }
    let site =
        Url::parse(setting("domain")).map_err(|_| refused("the connection's domain cannot be read"))?;
    let key = pinned(
        key_url(&body).ok_or_else(|| refused("it does not say which key it is signed with"))?,
        &site,
        company,
    )
    .map_err(refused)?
    .to_string();
    let message_id = wire::text(&body, "MessageId").and_then(|id| Uuid::try_parse(id).ok());
    let proof =
        |scheme, secret_id| Proof { message_id: message_id.map(|id| id.to_string()), scheme, secret_id };
    let known: Vec<_> = secrets.iter().filter(|secret| secret.key_name.as_ref() == Some(&key)).collect();
    if known.is_empty() {
        return Ok(proof(UNPROVEN, None));
    }
    let matching = known.into_iter().find(|secret| is_signed(secret, call.body, &signature));
    let secret = matching.ok_or_else(|| refused("the signature does not match the key that it names"))?;
    Ok(proof(SCHEME, Some(secret.id)))
}

/// Standard base64 of 32 bytes, once.
fn signature(headers: &Headers) -> Result<Vec<u8>, WebhookRefused> {
    let value =
        headers.single("x-content-signature").map_err(|repeated| WebhookRefused(repeated.to_string()))?;
    let value = value.ok_or_else(|| refused("it carries no header X-Content-Signature"))?;
    let bytes = STANDARD.decode(value).ok().filter(|bytes| bytes.len() == 32);
    bytes.ok_or_else(|| refused("its X-Content-Signature is no HMAC-SHA256 in base64"))
}

/// HMAC-SHA256 over the raw body, keyed with the 32 bytes of the SHA-256 of the signing key's text
/// (Developer Guide's sample; Nango, Ampersand, connectwise-rest). Compared in constant time.
fn is_signed(secret: &WebhookSecret, body: &[u8], signature: &[u8]) -> bool {
    let text = secret.secret.expose_secret();
    let key = Sha256::digest(text.as_bytes());
    let Ok(mac) = Hmac::<Sha256>::new_from_slice(&key) else { return false };
    !text.is_empty() && mac.chain_update(body).verify_slice(signature).is_ok()
}

fn key_url(body: &Value) -> Option<&str> {
    wire::text(wire::field(body, "Metadata")?, "key_url")
}

/// The key that an address names, if the address is the one place where this site keeps this company's
/// keys: `https://na.myconnectwise.net/v2025_1//system/callbackkey/index.rails?companyName=…&id=…`.
fn pinned(address: &str, site: &Url, company: &str) -> Result<Uuid, &'static str> {
    let url = Url::parse(address).map_err(|_| "the address of its key cannot be read")?;
    let host = url.host_str().map(site::user_host);
    let is_at_home = url.scheme() == site.scheme()
        && host.is_some()
        && host == site.host_str().map(site::user_host)
        && url.port_or_known_default() == site.port_or_known_default()
        && url.username().is_empty()
        && url.password().is_none();
    if !is_at_home {
        return Err("it names a key of another site than the connection's");
    }
    let path: Vec<_> = url.path().split('/').filter(|segment| !segment.is_empty()).collect();
    let is_codebase = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let is_key = match path.as_slice() {
        [codebase, rest @ ..] => is_codebase(codebase) && rest.iter().eq(KEY_PATH.iter()),
        [] => false,
    };
    if !is_key || url.fragment().is_some() {
        return Err("what it names as its key is none");
    }
    let mut query = BTreeMap::new();
    for (name, value) in url.query_pairs() {
        if query.insert(name.to_ascii_lowercase(), value).is_some() {
            return Err("what it names as its key is none");
        }
    }
    let (named, id) = (query.remove("companyname"), query.remove("id"));
    if !query.is_empty() || !named.is_some_and(|name| name.eq_ignore_ascii_case(company)) {
        return Err("it names a key of another company than the connection's");
    }
    id.and_then(|id| Uuid::try_parse(&id).ok()).ok_or("what it names as its key is none")
}

/// What a callback says: one record, of which `Entity` gives a summary as text. Of an unproven one no more
/// is taken than which ticket to look at and which key to fetch.
pub(super) fn read(verified_by: &str, body: &[u8]) -> Result<WebhookNews, String> {
    let body: Value = serde_json::from_slice(body).map_err(|_| String::from("the body is not JSON"))?;
    let is_proven = verified_by == SCHEME;
    let mut news = WebhookNews::default();
    if !is_proven {
        news.wanted_key = key_url(&body).and_then(key_in).map(|id| id.to_string());
    }
    let kind = wire::text(&body, "Type").ok_or("it does not say what it is about")?;
    if !kind.eq_ignore_ascii_case("ticket") {
        return Ok(news);
    }
    let id = wire::id(&body, "ID").ok_or("it names no ticket")?;
    let entity = match wire::field(&body, "Entity") {
        Some(Value::String(text)) => serde_json::from_str(text).unwrap_or_default(),
        Some(other) => other.clone(),
        None => Value::Null,
    };
    if is_of_project(&entity) {
        return Ok(news);
    }
    let action = wire::text(&body, "Action").map_or_else(|| String::from("changed"), errors::short);
    let hint = TicketHint {
        external_id: id.to_string(),
        event: format!("ticket {action}"),
        occurred_at: None,
        status: None,
        actor_id: None,
        marker: None,
    };
    news.tickets.push(if is_proven { with_details(hint, &body, &entity) } else { hint });
    Ok(news)
}

fn with_details(hint: TicketHint, body: &Value, entity: &Value) -> TicketHint {
    TicketHint {
        occurred_at: wire::info_time(entity, "lastUpdated"),
        status: wire::reference(entity, "status").map(|id| id.to_string()),
        actor_id: wire::text(body, "MemberId").map(errors::short),
        marker: wire::text(entity, "externalXRef")
            .filter(|text| wire::is_marker(text))
            .map(ToOwned::to_owned),
        ..hint
    }
}

fn key_in(address: &str) -> Option<Uuid> {
    let url = Url::parse(address).ok()?;
    let (_, id) = url.query_pairs().find(|(name, _)| name.eq_ignore_ascii_case("id"))?;
    Uuid::try_parse(&id).ok()
}

#[cfg(test)]
#[path = "tests/webhook.rs"]
mod tests;
