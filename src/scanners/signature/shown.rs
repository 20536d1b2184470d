//! Checking a secret that a webhook shows: in a header, in the query, or in the path of its address.
//!
//! Only the secret's hash is known here, so what is shown is hashed and the hashes are compared.

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use sha2::{Digest as _, Sha256};
use subtle::{Choice, ConstantTimeEq as _};
use zeroize::Zeroizing;

use super::{
    CandidateKey, Evidence, Means, Scheme, SignatureError, VerifyingKey, described::Place, signed::one_of,
};
use crate::queue::received::{Proof, RepeatedHeader};

/// Longer ones are nobody's.
const MOST_BYTES: usize = 2_048;

/// How long the same body counts as a repetition, in seconds. Such senders have no ids, and their bodies may hold
/// no time: an alarm that comes, goes and comes again is three statements, and only what a sender repeats at once
/// is one. What is taken twice does no harm; what is passed over would be lost.
const REPEAT_SECS: i64 = 60;

/// RFC 7617 wants padding; senders that leave it out mean the same.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

impl Place {
    /// Whether the webhook shows one of the endpoint's secrets.
    pub(super) fn verify(
        self,
        scheme: Scheme,
        keys: &[CandidateKey],
        evidence: &Evidence<'_>,
        means: &Means<'_>,
    ) -> Result<Proof, SignatureError> {
        let shown = self.shown(evidence)?;
        if shown.is_empty() {
            return Err(SignatureError::NotShown(self.words()));
        }
        let digests: Vec<[u8; 32]> = shown.iter().map(|shown| (means.digest)(shown)).collect();
        let fits = keys.iter().map(|candidate| match &candidate.key {
            VerifyingKey::Digest(expected) => {
                let any = digests.iter().fold(Choice::from(0), |any, one| any | expected.ct_eq(one));
                Some(bool::from(any))
            }
            _ => None,
        });
        let secret_id = one_of(scheme, keys, fits)?.ok_or(SignatureError::WrongSecret(self.words()))?;
        Ok(Proof {
            message_id: Some(repetition(evidence.body, means)),
            scheme: scheme.0.proof,
            secret_id: Some(secret_id),
        })
    }

    /// What is shown in the places where it may stand. A header or parameter that is repeated is refused.
    fn shown(self, evidence: &Evidence<'_>) -> Result<Vec<Zeroizing<Vec<u8>>>, SignatureError> {
        let mut shown = Vec::new();
        let mut add = |bytes: &[u8]| {
            if !bytes.is_empty() && bytes.len() <= MOST_BYTES {
                shown.push(Zeroizing::new(bytes.to_vec()));
            }
        };
        let authorization = evidence.headers.single("authorization")?;
        match self {
            Self::Path => add(evidence.path_secret.unwrap_or_default().as_bytes()),
            Self::Login => {
                let encoded = authorization.and_then(|value| after(value, "basic"));
                let decoded = encoded.and_then(|text| BASE64.decode(text).ok()).map(Zeroizing::new);
                add(decoded.as_deref().map_or(&[], Vec::as_slice));
            }
            Self::Token => {
                if let Some(value) = authorization {
                    add(after(value, "bearer").unwrap_or(value).as_bytes());
                }
                add(evidence.headers.single("x-webhook-token")?.unwrap_or_default().as_bytes());
                let mut given = url::form_urlencoded::parse(evidence.query.as_bytes())
                    .filter(|(name, _)| name == "access_token");
                if let Some((_, value)) = given.next() {
                    add(value.as_bytes());
                }
                if given.next().is_some() {
                    return Err(RepeatedHeader("access_token".to_owned()).into());
                }
            }
        }
        Ok(shown)
    }

    const fn words(self) -> &'static str {
        match self {
            Self::Token => {
                "as `Authorization: Bearer <secret>`, as `X-Webhook-Token`, or as `?access_token=`"
            }
            Self::Login => "as user name and password (HTTP Basic)",
            Self::Path => "as the last part of the address",
        }
    }
}

/// What follows the name of an authentication scheme (RFC 9110, 11.1: in any case).
fn after<'a>(value: &'a str, scheme: &str) -> Option<&'a str> {
    let (name, rest) = value.split_once(' ')?;
    name.eq_ignore_ascii_case(scheme).then(|| rest.trim())
}

fn repetition(body: &[u8], means: &Means<'_>) -> String {
    use std::fmt::Write as _;
    let window = means.now.as_secs().div_euclid(REPEAT_SECS);
    Sha256::digest(body).iter().fold(format!("{window}:sha256:"), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
