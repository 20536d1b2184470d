//! The three headers of a signed webhook (section "Webhook headers").

use base64::{Engine, engine::general_purpose::STANDARD};
use entity::Timestamp;

use super::{Scheme, SignatureError};
use crate::queue::received::Headers;

/// Senders that rotate keys send two or three signatures; each costs a check.
const MAX_SIGNATURES: usize = 16;

/// What is sent beside the body.
pub(super) struct Message<'a> {
    /// Checked: 1 to 256 visible ASCII characters, none of them a full stop.
    pub(super) id: &'a str,
    /// As sent, because that is what is signed; checked: digits, no leading zero.
    pub(super) timestamp: &'a str,
    /// Decoded, of the scheme asked for only; never empty.
    pub(super) signatures: Vec<Vec<u8>>,
    sent_at: i64,
}

impl<'a> Message<'a> {
    /// Reads `svix-…` before `webhook-…`, header by header: Svix's own receivers do so.
    pub(super) fn read(scheme: Scheme, headers: &'a Headers) -> Result<Self, SignatureError> {
        let (header, id) = find(headers, "id")?;
        check_id(header, id)?;
        let (header, timestamp) = find(headers, "timestamp")?;
        let sent_at = parse_timestamp(timestamp)
            .ok_or_else(|| SignatureError::MalformedTimestamp(header.to_owned()))?;
        let (header, list) = find(headers, "signature")?;
        let signatures = parse_signatures(scheme, header, list)?;
        Ok(Self { id, timestamp, signatures, sent_at })
    }

    /// Section "Verifying signatures": the time must be near, in both directions.
    pub(super) fn check_age(&self, now: Timestamp, tolerance_secs: i64) -> Result<(), SignatureError> {
        let tolerance = u64::try_from(tolerance_secs).unwrap_or(0);
        let distance = now.as_secs().abs_diff(self.sent_at);
        if distance <= tolerance {
            Ok(())
        } else if self.sent_at < now.as_secs() {
            Err(SignatureError::TooOld(distance))
        } else {
            Err(SignatureError::TooNew(distance))
        }
    }
}

fn find<'a>(headers: &'a Headers, name: &'static str) -> Result<(&'static str, &'a str), SignatureError> {
    let names = match name {
        "id" => ["svix-id", "webhook-id"],
        "timestamp" => ["svix-timestamp", "webhook-timestamp"],
        _ => ["svix-signature", "webhook-signature"],
    };
    for full in names {
        if let Some(value) = headers.single(full)? {
            return Ok((full, value));
        }
    }
    Err(SignatureError::Missing(name))
}

pub(super) fn check_id(header: &str, id: &str) -> Result<(), SignatureError> {
    let problem = match id {
        "" => "is empty",
        id if id.len() > 256 => "is too long",
        id if id.contains('.') => "holds a full stop, which would make the signed content ambiguous",
        id if !id.bytes().all(|byte| byte.is_ascii_graphic()) => "holds a space or a character outside ASCII",
        _ => return Ok(()),
    };
    Err(SignatureError::MalformedId { header: header.to_owned(), problem })
}

/// Digits alone: `i64::parse` would take `+1` and `-1`, too; numbers beyond 64 bits are refused.
fn parse_timestamp(text: &str) -> Option<i64> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    if plain { text.parse().ok() } else { None }
}

fn parse_signatures(scheme: Scheme, header: &str, list: &str) -> Result<Vec<Vec<u8>>, SignatureError> {
    let version = scheme.identifier();
    let malformed =
        |problem| SignatureError::MalformedSignature { header: header.to_owned(), problem, version };
    let entries: Vec<(&str, &str)> =
        list.split(' ').filter(|entry| !entry.is_empty()).filter_map(|entry| entry.split_once(',')).collect();
    if entries.is_empty() {
        return Err(malformed("holds no signature"));
    }
    if entries.len() > MAX_SIGNATURES {
        return Err(malformed("holds more than 16 signatures"));
    }
    if entries.iter().all(|(sent, _)| *sent != version) {
        let known = Scheme::ALL.iter().map(|scheme| scheme.identifier());
        let sent = known.into_iter().find(|known| entries.iter().any(|(sent, _)| sent == known));
        return Err(SignatureError::WrongScheme {
            expected: version,
            sent: sent.unwrap_or("another version"),
        });
    }
    // One that cannot be decoded is passed over, as the specification's list is
    // meant: "try to verify each signature until one matches".
    let decoded: Vec<Vec<u8>> = entries
        .iter()
        .filter(|(sent, _)| *sent == version)
        .filter_map(|(_, text)| STANDARD.decode(text).ok())
        .filter(|bytes| bytes.len() == scheme.signature_len())
        .collect();
    if decoded.is_empty() {
        return Err(malformed("holds no signature that is padded, canonical base64 of the right length"));
    }
    Ok(decoded)
}

impl Scheme {
    const fn signature_len(self) -> usize {
        match self {
            Self::StandardWebhooks => 32,
            Self::StandardWebhooksEd25519 => 64,
        }
    }
}
