//! Schemes that sign, in one table: what each sender sends is made here by hand, from RFC 2104 up.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use proptest::prelude::*;
use uuid::Uuid;

use super::{super::*, digest, verify};

const NOW: Timestamp = Timestamp::from_secs(1_795_262_400);
/// A secret of every scheme: some take it as it stands, some decode it.
const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
const OTHER: &str = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
const BODY: &[u8] = "{\"id\":\"1\",\"title\":\"a \u{fc} finding\"}".as_bytes();

/// HMAC-SHA256 in the words of RFC 2104.
fn mac(key: &[u8], message: &[u8]) -> Vec<u8> {
    use sha2::{Digest as _, Sha256};
    let mut block = [0_u8; 64];
    if key.len() > 64 {
        block[..32].copy_from_slice(&Sha256::digest(key));
    } else {
        block[..key.len()].copy_from_slice(key);
    }
    let inner = Sha256::digest([&block.map(|byte| byte ^ 0x36), message].concat());
    Sha256::digest([&block.map(|byte| byte ^ 0x5c)[..], &inner].concat()).to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

/// Headers by secret, time in seconds and body.
type Sends = fn(&str, i64, &[u8]) -> Vec<(&'static str, String)>;

/// One scheme, as its sender works.
struct Row {
    scheme: Scheme,
    /// What is sent beside the body, at a time in seconds.
    headers: Sends,
    /// The header that holds the message's id, and whether it is signed.
    id: Option<(&'static str, bool)>,
    /// How old it may be; none where time plays no part.
    max_age: Option<i64>,
}

const ROWS: &[Row] = &[
    Row {
        scheme: Scheme::STANDARD_WEBHOOKS,
        headers: |secret, at, body| {
            let key = BASE64_STANDARD.decode(secret.trim_start_matches("whsec_")).unwrap();
            let signed = mac(&key, &[format!("msg_1.{at}.").as_bytes(), body].concat());
            vec![
                ("webhook-id", "msg_1".to_owned()),
                ("webhook-timestamp", at.to_string()),
                ("webhook-signature", format!("v1,{}", BASE64_STANDARD.encode(signed))),
            ]
        },
        id: Some(("webhook-id", true)),
        max_age: Some(300),
    },
    Row {
        scheme: Scheme::GITHUB,
        headers: |secret, _, body| {
            vec![
                ("X-Hub-Signature-256", format!("sha256={}", hex(&mac(secret.as_bytes(), body)))),
                ("X-GitHub-Delivery", "72d3162e-cc78-11e3-81ab-4c9367dc0958".to_owned()),
            ]
        },
        id: Some(("X-GitHub-Delivery", false)),
        max_age: None,
    },
    Row {
        scheme: Scheme::SNYK,
        headers: |secret, _, body| {
            vec![
                ("X-Hub-Signature", format!("sha256={}", hex(&mac(secret.as_bytes(), body)))),
                ("X-Snyk-Transport-ID", "4c9367dc".to_owned()),
            ]
        },
        id: Some(("X-Snyk-Transport-ID", false)),
        max_age: None,
    },
    Row {
        scheme: Scheme::SONARQUBE,
        headers: |secret, _, body| vec![("X-Sonar-Webhook-HMAC-SHA256", hex(&mac(secret.as_bytes(), body)))],
        id: None,
        max_age: None,
    },
    Row {
        scheme: Scheme::GITGUARDIAN,
        headers: |secret, at, body| {
            let signed = mac(format!("{at}{secret}").as_bytes(), body);
            vec![("Timestamp", at.to_string()), ("Gitguardian-Signature", format!("sha256={}", hex(&signed)))]
        },
        id: None,
        max_age: Some(300),
    },
    Row {
        scheme: Scheme::HOSTEDSCAN,
        headers: |secret, at, body| {
            let millis = format!("{at}789");
            let signed = mac(secret.as_bytes(), &[millis.as_bytes(), b".", body].concat());
            vec![("X-HOSTEDSCAN-TIMESTAMP", millis), ("X-HOSTEDSCAN-SIGNATURE", hex(&signed))]
        },
        id: None,
        max_age: Some(13 * 3_600),
    },
    Row {
        scheme: Scheme::PAGERDUTY,
        headers: |secret, _, body| {
            let (ours, strangers) = (mac(secret.as_bytes(), body), mac(b"somebody else's", body));
            vec![
                ("X-PagerDuty-Signature", format!("v1={},v1={}", hex(&strangers), hex(&ours))),
                ("X-Webhook-Id", "E56-abc".to_owned()),
            ]
        },
        id: Some(("X-Webhook-Id", false)),
        max_age: None,
    },
];

fn keys(scheme: Scheme, secrets: &[&str]) -> Vec<CandidateKey> {
    let key = |text: &&str| VerifyingKey::parse(scheme, text).unwrap();
    secrets
        .iter()
        .zip(1_u128..)
        .map(|(text, id)| CandidateKey { id: Uuid::from_u128(id), key: key(text) })
        .collect()
}

fn check(
    row: &Row,
    secrets: &[&str],
    headers: &[(&'static str, String)],
    body: &[u8],
) -> Result<Proof, SignatureError> {
    let headers = Headers::new(headers.iter().map(|(name, value)| (*name, value)));
    verify(row.scheme, &keys(row.scheme, secrets), &headers, body, NOW, 300)
}

fn sent(row: &Row) -> Vec<(&'static str, String)> {
    (row.headers)(SECRET, NOW.as_secs(), BODY)
}

#[test]
fn what_each_sender_sends_is_taken_and_the_proof_says_which_secret_it_was() {
    for row in ROWS {
        let key = row.scheme.key();
        let proof = check(row, &[SECRET], &sent(row), BODY).unwrap_or_else(|error| panic!("{key}: {error}"));
        let id = row.id.map(|(name, _)| sent(row).into_iter().find(|(known, _)| *known == name).unwrap().1);
        assert_eq!(proof.message_id, id, "{key}");
        assert!(proof.scheme.starts_with(key), "{key} is known as {}", proof.scheme);
        assert_eq!(proof.secret_id, Some(Uuid::from_u128(1)));
        // While secrets are changed over both are good; then only the new one is.
        for (secrets, expected) in
            [(&[OTHER, SECRET][..], Some(2)), (&[SECRET, OTHER], Some(1)), (&[OTHER], None)]
        {
            let found = check(row, secrets, &sent(row), BODY);
            assert_eq!(found.ok().and_then(|proof| proof.secret_id), expected.map(Uuid::from_u128), "{key}");
        }
        assert!(matches!(check(row, &[], &sent(row), BODY), Err(SignatureError::NoKey(_))), "{key}");
    }
}

#[test]
fn any_change_of_anything_that_is_signed_is_refused() {
    for row in ROWS {
        let (key, sent) = (row.scheme.key(), sent(row));
        for index in 0..BODY.len() {
            let mut body = BODY.to_vec();
            body[index] ^= 1;
            assert!(check(row, &[SECRET], &sent, &body).is_err(), "{key}: byte {index} of the body");
        }
        assert!(check(row, &[SECRET], &sent, &[BODY, b" "].concat()).is_err(), "{key}: a longer body");
        assert!(check(row, &[SECRET], &sent, b"").is_err(), "{key}: no body");
        for (index, (name, value)) in sent.iter().enumerate() {
            let is_free = row.id == Some((name, false));
            for place in 0..value.len() {
                let mut other = value.clone().into_bytes();
                // The first half of PagerDuty's list is a signature of somebody else's.
                if row.scheme == Scheme::PAGERDUTY && !is_free && place < 68 {
                    continue;
                }
                other[place] = if other[place] == b'0' { b'1' } else { b'0' };
                let mut changed = sent.clone();
                changed[index].1 = String::from_utf8(other).unwrap();
                let is_taken = check(row, &[SECRET], &changed, BODY).is_ok();
                assert_eq!(is_taken, is_free, "{key}: letter {place} of {name}");
            }
            let mut twice = sent.clone();
            twice.push((name, value.clone()));
            let refused = check(row, &[SECRET], &twice, BODY);
            assert!(matches!(refused, Err(SignatureError::Repeated(_))), "{key}: {name} twice");
            let mut without = sent.clone();
            without.remove(index);
            let left = check(row, &[SECRET], &without, BODY);
            if is_free {
                assert_eq!(left.unwrap().message_id, None, "{key}: what repeats is told by the body");
            } else {
                assert!(matches!(left, Err(SignatureError::Missing(_))), "{key}: without {name}");
            }
        }
    }
}

#[test]
fn no_scheme_is_taken_for_another() {
    for row in ROWS {
        for other in Scheme::ALL.iter().filter(|other| **other != row.scheme) {
            let Ok(key) = VerifyingKey::parse(*other, SECRET) else { continue };
            let keys = [CandidateKey { id: Uuid::nil(), key }];
            let sent = sent(row);
            let headers = Headers::new(sent.iter().map(|(name, value)| (*name, value)));
            let refused = verify(*other, &keys, &headers, BODY, NOW, 300);
            assert!(refused.is_err(), "{} passes as {}", row.scheme.key(), other.key());
        }
    }
    // A signature of SHA-1's length under the name that two vendors use for different things.
    let short = [("X-Hub-Signature", "sha256=21031ed8c9c3a1a2b0b5d8d2f2f5a3f2b0a1c2d3".to_owned())];
    let snyk = ROWS.iter().find(|row| row.scheme == Scheme::SNYK).unwrap();
    assert!(matches!(check(snyk, &[SECRET], &short, BODY), Err(SignatureError::MalformedSignature { .. })));
    let sha1 = [("X-Hub-Signature", "sha1=21031ed8c9c3a1a2b0b5d8d2f2f5a3f2b0a1c2d3".to_owned())];
    assert!(matches!(check(snyk, &[SECRET], &sha1, BODY), Err(SignatureError::WrongScheme { .. })));
}

#[test]
fn time_counts_in_both_directions_where_it_is_signed() {
    for row in ROWS {
        let at = |offset: i64| {
            let headers = (row.headers)(SECRET, NOW.as_secs() + offset, BODY);
            check(row, &[SECRET], &headers, BODY)
        };
        let key = row.scheme.key();
        let Some(max_age) = row.max_age else {
            assert!(at(-10_000_000).is_ok() && at(10_000_000).is_ok(), "{key} signs no time");
            continue;
        };
        assert!(at(-max_age).is_ok() && at(300).is_ok(), "{key}");
        assert_eq!(at(-max_age - 1), Err(SignatureError::TooOld(max_age.unsigned_abs() + 1)), "{key}");
        assert_eq!(at(301), Err(SignatureError::TooNew(301)), "{key}");
    }
}

#[test]
fn what_vendors_publish_comes_out() {
    // GitHub's documentation, "Validating webhook deliveries".
    let headers = Headers::new([(
        "x-hub-signature-256",
        "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
    )]);
    let secret = keys(Scheme::GITHUB, &["It's a Secret to Everybody"]);
    assert!(verify(Scheme::GITHUB, &secret, &headers, b"Hello, World!", NOW, 300).is_ok());
    // GitGuardian's documentation, "How to verify the payload signature".
    let headers = Headers::new([
        ("timestamp", "0"),
        ("gitguardian-signature", "sha256=172fe3d694b734aa53dc892fd3b8d62163fc240064de570ba006900bb54a0fc2"),
    ]);
    let secret = keys(Scheme::GITGUARDIAN, &["foo"]);
    let then = Timestamp::from_secs(0);
    assert!(verify(Scheme::GITGUARDIAN, &secret, &headers, b"bar", then, 300).is_ok());
}

#[test]
fn secrets_of_ours_fit_where_senders_keep_them() {
    let chance = crate::clock::Chance::seeded(3);
    for scheme in Scheme::ALL {
        let Some(made) = scheme.make_secret(&chance) else {
            assert!(!scheme.makes_secret());
            continue;
        };
        let text = secrecy::ExposeSecret::expose_secret(&made);
        assert!(scheme.check_secret(text).is_ok(), "{}", scheme.key());
        assert!(text.len() <= 100 && !text.contains(','), "{}", scheme.key());
        assert_eq!(text.contains(':'), *scheme == Scheme::BASIC, "{}", scheme.key());
        assert!(!scheme.help().is_empty() && !scheme.label().is_empty());
        for wrong in ["", "short", "line\nbreak-in-the-secret", " spaces-at-the-ends ", &"x".repeat(600)] {
            assert!(scheme.check_secret(wrong).is_err(), "{} takes {wrong:?}", scheme.key());
        }
    }
    assert!(Scheme::SNS.check_secret("anything-at-all").is_err() && !Scheme::SNS.has_secret());
    assert!(Scheme::BASIC.check_secret("dana:long-enough").is_ok());
    assert!(
        Scheme::BASIC.check_secret(":long-enough").is_err()
            && Scheme::BASIC.check_secret("no-colon-in-it").is_err()
    );
    assert!(Scheme::SECRET_PATH.check_secret("with/a/slash").is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn what_nobody_signed_is_never_taken_and_never_panics(
        values in proptest::collection::vec((any::<prop::sample::Index>(), "(v1[,=]|sha256=|Bearer |Basic |)[ -~]{0,80}"), 0..6),
        body in proptest::collection::vec(any::<u8>(), 0..200),
        query in "[ -~]{0,60}",
        path in proptest::option::of("[ -~]{0,60}"),
        header in "[ -~]{0,20}",
        content in "[ -~]{0,10}(\\{timestamp\\})?[ -~]{0,3}\\{body\\}",
    ) {
        let names = [
            "webhook-id", "webhook-timestamp", "webhook-signature", "svix-id", "x-hub-signature", "x-hub-signature-256",
            "x-sonar-webhook-hmac-sha256", "timestamp", "gitguardian-signature", "x-hostedscan-signature",
            "x-hostedscan-timestamp", "x-pagerduty-signature", "x-webhook-id", "authorization", "x-webhook-token",
        ];
        let headers = Headers::new(values.iter().map(|(name, value)| (*name.get(&names), value)));
        let settings = serde_json::json!({
            "signature": { "header": header, "content": content, "timestampHeader": "timestamp" }, "topicArn": query,
        });
        let evidence = Evidence {
            headers: &headers,
            query: &query,
            path_secret: path.as_deref(),
            body: &body,
            settings: &settings,
            certificate: None,
        };
        let means = Means { now: NOW, tolerance_secs: i64::MAX, digest: &digest };
        for scheme in Scheme::ALL {
            let text = match scheme.key() {
                "standard_webhooks_ed25519" => "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=".to_owned(),
                _ if scheme.hashes_secret() => BASE64_STANDARD.encode(digest(SECRET.as_bytes())),
                _ => SECRET.to_owned(),
            };
            let key = VerifyingKey::parse(*scheme, &text).ok();
            let keys: Vec<_> = key.map(|key| CandidateKey { id: Uuid::nil(), key }).into_iter().collect();
            prop_assert!(super::super::verify(*scheme, &keys, &evidence, &means).is_err(), "{:?}", scheme);
        }
    }
}
