//! A token in three parts (RFC 7515, section 3.1), and whether what it says holds now (RFC 7519, section 4.1).

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use entity::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{LEEWAY_SECS, jwk::Algorithm};

/// The longest token, in bytes.
const MAX_LENGTH: usize = 16 * 1024;
/// The longest subject (OpenID Connect Core, section 2: 255 characters of ASCII).
const MAX_SUBJECT: usize = 255;

/// Why a token is refused.
pub(super) type Why = &'static str;
/// What a token says.
pub(super) type Payload = Map<String, Value>;

/// A token of which nothing is believed yet.
pub(super) struct Signed<'t> {
    pub(super) algorithm: Algorithm,
    /// What was signed.
    pub(super) message: &'t [u8],
    pub(super) signature: Vec<u8>,
    key_id: Option<String>,
    payload: Vec<u8>,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    typ: Option<String>,
    /// What must be understood: nothing of it is.
    crit: Option<Value>,
}

impl<'t> Signed<'t> {
    /// Takes a token apart, where it is signed in one of these ways.
    pub(super) fn read(token: &'t str, algorithms: &[Algorithm]) -> Result<Self, Why> {
        if token.len() > MAX_LENGTH {
            return Err("it is too long");
        }
        let (message, signature) = token.rsplit_once('.').ok_or("it is no JWT")?;
        let (header, payload) = message.split_once('.').ok_or("it is no JWT")?;
        let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| "it is no JWT");
        let (header, payload, signature) = (decode(header)?, decode(payload)?, decode(signature)?);
        let header: Header = serde_json::from_slice(&header).map_err(|_| "its header cannot be read")?;
        if header.crit.is_some() {
            return Err("its header asks for an extension that is not known");
        }
        // RFC 8725, section 3.11: a token made for something else (a logout, a proof of possession) is none.
        let is_access = header.typ.is_none_or(|typ| {
            let typ = typ.to_ascii_lowercase();
            matches!(typ.strip_prefix("application/").unwrap_or(&typ), "jwt" | "at+jwt")
        });
        if !is_access {
            return Err("it is a token for another purpose");
        }
        let algorithm = Algorithm::of_name(&header.alg)
            .filter(|algorithm| algorithms.contains(algorithm))
            .ok_or("its algorithm is not taken")?;
        Ok(Self { algorithm, message: message.as_bytes(), signature, key_id: header.kid, payload })
    }

    /// Which key has signed it, as it says.
    pub(super) fn key_id(&self) -> Option<&str> {
        self.key_id.as_deref()
    }

    /// What it says. Believe it only when the signature was checked.
    pub(super) fn payload(&self) -> Result<Payload, Why> {
        serde_json::from_slice(&self.payload).map_err(|_| "its payload cannot be read")
    }
}

/// Whether it comes from the provider, is meant for us and holds now.
pub(super) fn check(
    payload: &Payload,
    issuer: &str,
    audiences: &[String],
    now: Timestamp,
) -> Result<(), Why> {
    let text = |name: &str| payload.get(name).and_then(Value::as_str);
    if text("iss") != Some(issuer) {
        return Err("its issuer is another one");
    }
    let is_ours = |value: &Value| value.as_str().is_some_and(|one| audiences.iter().any(|ours| ours == one));
    let is_for_us = match payload.get("aud") {
        Some(Value::Array(several)) => several.iter().any(is_ours),
        Some(one) => is_ours(one),
        None => false,
    };
    if !is_for_us {
        return Err("its audience is another one");
    }
    if !text("sub").is_some_and(|subject| (1..=MAX_SUBJECT).contains(&subject.len())) {
        return Err("it has no subject");
    }
    let now = now.as_secs();
    let time = |name: &str| match payload.get(name) {
        // Fractions of a second are allowed (RFC 7519, section 2) and cut off.
        Some(value) => {
            value.as_i64().or_else(|| seconds(value.as_f64()?)).map(Some).ok_or("a time in it is none")
        }
        None => Ok(None),
    };
    if time("exp")?.ok_or("it does not say when it expires")?.saturating_add(LEEWAY_SECS) <= now {
        return Err("it has expired");
    }
    if time("iat")?.ok_or("it does not say when it was issued")? > now.saturating_add(LEEWAY_SECS) {
        return Err("it was issued in the future");
    }
    // Not every provider says it; where it stands it counts.
    if time("nbf")?.is_some_and(|at| at > now.saturating_add(LEEWAY_SECS)) {
        return Err("it is not valid yet");
    }
    Ok(())
}

/// Whole seconds of a number within some million years around 1970.
fn seconds(number: f64) -> Option<i64> {
    const FAR: f64 = 1e14;
    #[expect(clippy::cast_possible_truncation, reason = "far from the ends of the type, and meant")]
    (number.is_finite() && number.abs() < FAR).then_some(number as i64)
}
