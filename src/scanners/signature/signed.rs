//! Checking a signature by its description.

use base64::{Engine, engine::general_purpose::STANDARD};
use entity::Timestamp;
use subtle::{Choice, ConditionallySelectable as _, ConstantTimeEq as _};

use super::{
    CandidateKey, Means, Scheme, SignatureError, VerifyingKey,
    described::{Encoding, KeyOf, Piece, Signed, Time, Unit},
    key::hmac_sha256,
};
use crate::queue::received::{Headers, Proof};

/// Senders that rotate keys send two or three signatures; each costs a check.
const MAX_SIGNATURES: usize = 16;

/// What stands beside the body.
struct Beside<'a> {
    /// Checked: 1 to 256 visible ASCII characters; none of them a full stop where it is signed.
    id: Option<&'a str>,
    /// As sent, because that is what is signed; and when it was, in seconds since 1970.
    time: Option<(&'a str, i64)>,
    /// Decoded, of the right length; never empty.
    signatures: Vec<Vec<u8>>,
}

impl Signed<'_> {
    /// Whether one of the keys signed these headers and this body, near enough to now.
    pub(super) fn verify(
        &self,
        scheme: Scheme,
        keys: &[CandidateKey],
        headers: &Headers,
        body: &[u8],
        means: &Means<'_>,
    ) -> Result<Proof, SignatureError> {
        let beside = self.read(headers)?;
        let time = beside.time.map_or("", |(text, _)| text);
        let content: Vec<&[u8]> = self
            .content
            .iter()
            .map(|piece| match piece {
                Piece::Id => beside.id.unwrap_or_default().as_bytes(),
                Piece::Time => time.as_bytes(),
                Piece::Body => body,
                Piece::Text(text) => text.as_bytes(),
            })
            .collect();
        let fits = keys.iter().map(|candidate| self.fits(&candidate.key, time, &content, &beside.signatures));
        let secret_id =
            one_of(scheme, keys, fits)?.ok_or_else(|| SignatureError::NoMatch { content: self.words() })?;
        // Only now: who cannot sign learns nothing about the clock, and a signed
        // message that is late is told so instead of "no signature matches".
        if let (Some((_, sent_at)), Some(place)) = (beside.time, &self.time) {
            check_age(sent_at, place.max_age_secs, means)?;
        }
        Ok(Proof {
            message_id: beside.id.map(str::to_owned),
            scheme: scheme.0.proof,
            secret_id: Some(secret_id),
        })
    }

    /// Whether one of the signatures is this key's; `None` where the key is of another kind.
    fn fits(
        &self,
        key: &VerifyingKey,
        time: &str,
        content: &[&[u8]],
        signatures: &[Vec<u8>],
    ) -> Option<bool> {
        match (self.key, key) {
            (KeyOf::Secret | KeyOf::TimeThenSecret, VerifyingKey::Hmac(secret)) => {
                let expected = if self.key == KeyOf::TimeThenSecret {
                    let derived = zeroize::Zeroizing::new([time.as_bytes(), secret].concat());
                    hmac_sha256(&derived, content)?
                } else {
                    hmac_sha256(secret, content)?
                };
                // `ct_eq` of slices compares lengths first; all are 32 bytes here.
                let any = signatures.iter().fold(Choice::from(0), |any, one| any | expected.ct_eq(one));
                Some(any.into())
            }
            (KeyOf::PublicKey, VerifyingKey::Ed25519(key)) => {
                let message = content.concat();
                Some(signatures.iter().any(|one| {
                    ed25519_dalek::Signature::from_slice(one)
                        .is_ok_and(|one| key.verify_strict(&message, &one).is_ok())
                }))
            }
            _ => None,
        }
    }

    fn read<'h>(&self, headers: &'h Headers) -> Result<Beside<'h>, SignatureError> {
        let id = match &self.id {
            None => None,
            Some(place) => match find(headers, place.headers)? {
                None if place.is_required => return Err(missing(place.headers)),
                None => None,
                Some((header, id)) => {
                    check_id(header, id, self.content.contains(&Piece::Id))?;
                    Some(id)
                }
            },
        };
        let time = match &self.time {
            None => None,
            Some(place) => {
                let (header, text) = find(headers, place.headers)?.ok_or_else(|| missing(place.headers))?;
                Some((text, place.read(header, text)?))
            }
        };
        let (header, list) = find(headers, self.headers)?.ok_or_else(|| missing(self.headers))?;
        Ok(Beside { id, time, signatures: self.signatures(header, list)? })
    }

    fn signatures(&self, header: &str, list: &str) -> Result<Vec<Vec<u8>>, SignatureError> {
        let malformed = |problem| SignatureError::MalformedSignature {
            header: header.to_owned(),
            problem,
            wanted: self.wanted(),
        };
        let entries: Vec<&str> = match self.separator {
            Some(separator) => list.split(separator).map(str::trim).filter(|one| !one.is_empty()).collect(),
            None => vec![list],
        };
        if entries.len() > MAX_SIGNATURES {
            return Err(malformed("holds more than 16 signatures"));
        }
        let ours: Vec<&str> = entries.iter().filter_map(|entry| entry.strip_prefix(self.prefix)).collect();
        if ours.is_empty() {
            let foreign =
                self.foreign.iter().find(|known| entries.iter().any(|one| one.starts_with(**known)));
            return Err(match foreign {
                Some(sent) => SignatureError::WrongScheme {
                    expected: self.prefix.trim_end_matches([',', '=']).to_owned(),
                    sent: sent.trim_end_matches([',', '=']).to_owned(),
                },
                None => malformed("holds no signature of that form"),
            });
        }
        // One that cannot be decoded is passed over, as the list of Standard Webhooks is
        // meant: "try to verify each signature until one matches".
        let length = if self.key == KeyOf::PublicKey { 64 } else { 32 };
        let decoded: Vec<Vec<u8>> = ours
            .into_iter()
            .filter_map(|text| self.encoding.decode(text))
            .filter(|bytes| bytes.len() == length)
            .collect();
        if decoded.is_empty() {
            Err(malformed("holds no signature of the right length"))
        } else {
            Ok(decoded)
        }
    }

    /// What the signature header should hold, in words.
    fn wanted(&self) -> String {
        let written = match self.encoding {
            Encoding::Hex | Encoding::AnyHex => "hex",
            Encoding::Base64 => "padded, canonical base64",
        };
        match self.separator {
            Some(' ') => format!("a list of {}<signature in {written}>, separated by spaces", self.prefix),
            Some(other) => format!("a list of {}<signature in {written}>, separated by {other}", self.prefix),
            None => format!("{}<signature in {written}>", self.prefix),
        }
    }
}

/// Which of the keys fits, where one does; all are tried even after one has, so that the time taken does not
/// tell which. An error where none of them is of the scheme's kind.
pub(super) fn one_of(
    scheme: Scheme,
    keys: &[CandidateKey],
    fits: impl Iterator<Item = Option<bool>>,
) -> Result<Option<uuid::Uuid>, SignatureError> {
    let (mut matched, mut is_tried): (u32, bool) = (0, false);
    for (fits, number) in fits.zip(1_u32..) {
        let Some(fits) = fits else { continue };
        is_tried = true;
        matched.conditional_assign(&number, Choice::from(u8::from(fits && matched == 0)));
    }
    if !is_tried {
        return Err(SignatureError::NoKey(scheme.label()));
    }
    let index = matched.checked_sub(1).and_then(|index| usize::try_from(index).ok());
    Ok(index.and_then(|index| keys.get(index)).map(|candidate| candidate.id))
}

/// Whether a time is near enough, in both directions.
pub(super) fn check_age(
    sent_at: i64,
    max_age_secs: Option<i64>,
    means: &Means<'_>,
) -> Result<(), SignatureError> {
    let (now, tolerance) = (means.now.as_secs(), means.tolerance_secs);
    let distance = now.abs_diff(sent_at);
    let is_past = sent_at < now;
    let most = if is_past { max_age_secs.map_or(tolerance, |secs| secs.max(tolerance)) } else { tolerance };
    if distance <= u64::try_from(most).unwrap_or(0) {
        Ok(())
    } else if is_past {
        Err(SignatureError::TooOld(distance))
    } else {
        Err(SignatureError::TooNew(distance))
    }
}

fn find<'a, 'n>(
    headers: &'a Headers,
    names: &'n [&'n str],
) -> Result<Option<(&'n str, &'a str)>, SignatureError> {
    for name in names {
        if let Some(value) = headers.single(name)? {
            return Ok(Some((name, value)));
        }
    }
    Ok(None)
}

fn missing(names: &[&str]) -> SignatureError {
    // The usual name stands last.
    let mut names = names.iter().rev();
    let first = names.next().copied().unwrap_or_default();
    SignatureError::Missing(names.fold(first.to_owned(), |words, name| format!("{words} (or {name})")))
}

pub(super) fn check_id(header: &str, id: &str, is_signed: bool) -> Result<(), SignatureError> {
    let problem = match id {
        "" => "is empty",
        id if id.len() > 256 => "is too long",
        id if is_signed && id.contains('.') => {
            "holds a full stop, which would make the signed content ambiguous"
        }
        id if !id.bytes().all(|byte| byte.is_ascii_graphic()) => "holds a space or a character outside ASCII",
        _ => return Ok(()),
    };
    Err(SignatureError::MalformedId { header: header.to_owned(), problem })
}

impl Time<'_> {
    /// The time in seconds since 1970.
    fn read(&self, header: &str, text: &str) -> Result<i64, SignatureError> {
        let (read, wanted) = match self.unit {
            Unit::Secs => (digits(text), "a whole number of seconds since 1970, e.g. 1767225600"),
            Unit::Millis => (
                digits(text).map(|millis| millis.div_euclid(1_000)),
                "a whole number of milliseconds since 1970, e.g. 1767225600000",
            ),
            Unit::Iso => (
                Timestamp::parse_rfc3339(text).map(Timestamp::as_secs),
                "a time as RFC 3339 has it, e.g. 2026-01-01T00:00:00Z",
            ),
        };
        read.ok_or_else(|| SignatureError::MalformedTimestamp { header: header.to_owned(), wanted })
    }
}

/// Digits alone: `i64::parse` would take `+1` and `-1`, too; numbers beyond 64 bits are refused.
fn digits(text: &str) -> Option<i64> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    if plain { text.parse().ok() } else { None }
}

impl Encoding {
    fn decode(self, text: &str) -> Option<Vec<u8>> {
        match self {
            Self::Base64 => STANDARD.decode(text).ok(),
            Self::Hex => hex(text, false),
            Self::AnyHex => hex(text, true),
        }
    }
}

fn hex(text: &str, takes_upper: bool) -> Option<Vec<u8>> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' if takes_upper => Some(byte - b'A' + 10),
        _ => None,
    };
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect()
}
