use proptest::prelude::*;
use secrecy::ExposeSecret;

use super::{super::*, verify};
use crate::clock::{Chance, Clock};

/// From the specification's own libraries and Svix's server: what everybody else computes.
const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
const PRIVATE: &str =
    "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==";
const PUBLIC: &str = "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=";
const NOW: Timestamp = Timestamp::from_secs(1_767_225_600);

fn keys(scheme: Scheme, texts: &[&str]) -> Vec<CandidateKey> {
    texts
        .iter()
        .zip(1_u128..)
        .map(|(text, id)| CandidateKey {
            id: Uuid::from_u128(id),
            key: VerifyingKey::parse(scheme, text).unwrap(),
        })
        .collect()
}

fn check(headers: &[(&str, &str)], body: &[u8]) -> Result<Proof, SignatureError> {
    let keys = keys(Scheme::STANDARD_WEBHOOKS, &[SECRET]);
    verify(Scheme::STANDARD_WEBHOOKS, &keys, &Headers::new(headers.iter().copied()), body, NOW, 300)
}

fn signed(secret: &str, body: &[u8]) -> SignedHeaders {
    sign(secret, "msg_1", NOW, body).unwrap()
}

#[test]
fn the_published_vectors_come_out() {
    let body = br#"{"email":"test@example.com","username":"test_user"}"#;
    let at = Timestamp::from_secs(1_649_367_553);
    let v1 = sign(SECRET, "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk", at, body).unwrap();
    assert_eq!(v1.signature, "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=");

    let at = Timestamp::from_secs(1_614_265_330);
    let body = br#"{"test": 2432232314}"#;
    let v1a = sign(PRIVATE, "msg_p5jXN8AQM9LWM0D4loKWxJek", at, body).unwrap();
    let published =
        "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==";
    assert_eq!(v1a.signature, published);

    let scheme = Scheme::STANDARD_WEBHOOKS_ED25519;
    let keys = keys(scheme, &[PUBLIC]);
    let proof = verify(scheme, &keys, &Headers::new(v1a.pairs()), body, at, 300).unwrap();
    assert_eq!(proof.message_id.as_deref(), Some("msg_p5jXN8AQM9LWM0D4loKWxJek"));
    assert_eq!(proof.scheme, "standard_webhooks.v1a");
    assert_eq!(proof.secret_id, Some(Uuid::from_u128(1)));
}

#[test]
fn another_implementation_agrees_in_both_directions() {
    let now = Clock::system().now(); // the other one cannot be given a clock
    let other = standardwebhooks::Webhook::new(SECRET).unwrap();
    let body = "{\"kind\":\"asset.offline\"} äöü".as_bytes();

    let ours = sign(SECRET, "msg_1", now, body).unwrap();
    let mut map = reqwest::header::HeaderMap::new();
    for (name, value) in ours.pairs() {
        map.insert(name, value.parse().unwrap());
    }
    other.verify(body, &map).unwrap();

    let theirs = other.sign("msg_1", now.as_secs(), body).unwrap();
    assert_eq!(theirs, ours.signature);
}

#[test]
fn svix_names_are_read_before_the_standard_ones() {
    let right = signed(SECRET, b"{}");
    let headers = [
        ("Webhook-Id", "another"),
        ("webhook-timestamp", "1"),
        ("webhook-signature", "v1,AAAA"),
        ("SVIX-ID", &right.id),
        ("Svix-Timestamp", &right.timestamp),
        ("svix-signature", &right.signature),
    ];
    assert_eq!(check(&headers, b"{}").unwrap().message_id.as_deref(), Some("msg_1"));
    // Header by header: one of them may come under the other name.
    let mixed = [
        ("svix-id", &*right.id),
        ("webhook-timestamp", &right.timestamp),
        ("webhook-signature", &right.signature),
    ];
    assert!(check(&mixed, b"{}").is_ok());
}

#[test]
fn any_of_several_secrets_and_signatures_may_match_and_the_proof_says_which() {
    let chance = Chance::seeded(7);
    let secrets: Vec<_> = (0..4).map(|_| new_secret(&chance)).collect();
    let texts: Vec<&str> = secrets.iter().map(ExposeSecret::expose_secret).collect();
    let keys = keys(Scheme::STANDARD_WEBHOOKS, &texts);
    for (index, text) in texts.iter().enumerate() {
        let right = signed(text, b"[]");
        let stranger = signed(SECRET, b"[]").signature;
        let list = format!("v1,not-base64  {stranger} v1a,AAAA v2,x {}", right.signature);
        let headers = Headers::new([
            ("webhook-id", &*right.id),
            ("webhook-timestamp", &right.timestamp),
            ("webhook-signature", &list),
        ]);
        let proof = verify(Scheme::STANDARD_WEBHOOKS, &keys, &headers, b"[]", NOW, 300).unwrap();
        assert_eq!(proof.secret_id, Some(keys[index].id));
        let only_strangers = Headers::new([
            ("webhook-id", &*right.id),
            ("webhook-timestamp", &right.timestamp),
            ("webhook-signature", &stranger),
        ]);
        let refused = verify(Scheme::STANDARD_WEBHOOKS, &keys, &only_strangers, b"[]", NOW, 300);
        assert!(matches!(refused, Err(SignatureError::NoMatch { .. })));
    }
}

#[test]
fn neither_scheme_is_taken_for_the_other() {
    for (scheme, public, secret, other) in [
        (Scheme::STANDARD_WEBHOOKS, SECRET, SECRET, PRIVATE),
        (Scheme::STANDARD_WEBHOOKS_ED25519, PUBLIC, PRIVATE, SECRET),
    ] {
        let keys = keys(scheme, &[public]);
        let right = Headers::new(signed(secret, b"{}").pairs());
        assert!(verify(scheme, &keys, &right, b"{}", NOW, 300).is_ok());
        let wrong = Headers::new(signed(other, b"{}").pairs());
        let refused = verify(scheme, &keys, &wrong, b"{}", NOW, 300).unwrap_err();
        assert!(matches!(refused, SignatureError::WrongScheme { .. }), "{refused}");
    }
    // A key of the other scheme does not count, even where the signature is its own.
    let foreign = keys(Scheme::STANDARD_WEBHOOKS_ED25519, &[PUBLIC]);
    let headers = Headers::new(signed(SECRET, b"{}").pairs());
    let refused = verify(Scheme::STANDARD_WEBHOOKS, &foreign, &headers, b"{}", NOW, 300);
    assert!(matches!(refused, Err(SignatureError::NoKey(_))));
    // The public key's text as an HMAC secret would let anybody sign.
    assert!(VerifyingKey::parse(Scheme::STANDARD_WEBHOOKS, PUBLIC).is_err());
}

#[test]
fn time_counts_in_both_directions_and_absurd_times_do_not_overflow() {
    let at = |offset: i64| {
        let signed = sign(SECRET, "m", NOW.plus_secs(offset), b"").unwrap();
        check(&signed.pairs(), b"")
    };
    assert!(at(-300).is_ok() && at(0).is_ok() && at(300).is_ok());
    assert_eq!(at(-301), Err(SignatureError::TooOld(301)));
    assert_eq!(at(301), Err(SignatureError::TooNew(301)));

    for time in ["", "+1767225600", "-1", "1767225600.0", "01767225600", "1e9", "٣", "18446744073709551616"]
    {
        let headers = [("webhook-id", "m"), ("webhook-timestamp", time), ("webhook-signature", "v1,AAAA")];
        assert!(matches!(check(&headers, b""), Err(SignatureError::MalformedTimestamp { .. })), "{time}");
    }
    // The largest number that can be sent, rightly signed.
    let time = i64::MAX.to_string();
    let key = key::parse_secret(SECRET).unwrap();
    let mac = key::hmac_sha256(&key, &[b"m.", time.as_bytes(), b"."]).unwrap();
    let signature = format!("v1,{}", base64::Engine::encode(&base64::prelude::BASE64_STANDARD, mac));
    let headers = [("webhook-id", "m"), ("webhook-timestamp", &time), ("webhook-signature", &signature)];
    assert!(matches!(check(&headers, b""), Err(SignatureError::TooNew(_))));
    // A negative tolerance is none.
    let keys = keys(Scheme::STANDARD_WEBHOOKS, &[SECRET]);
    let headers = Headers::new(signed(SECRET, b"").pairs());
    assert!(verify(Scheme::STANDARD_WEBHOOKS, &keys, &headers, b"", NOW, i64::MIN).is_ok());
}

#[test]
fn headers_must_be_there_once_and_well_formed() {
    let right = signed(SECRET, b"{}");
    for (index, (name, value)) in right.pairs().into_iter().enumerate() {
        let without: Vec<_> = right.pairs().into_iter().filter(|(other, _)| *other != name).collect();
        assert!(matches!(check(&without, b"{}"), Err(SignatureError::Missing(_))), "{index}");
        let twice: Vec<_> = right.pairs().into_iter().chain([(name, value)]).collect();
        assert!(matches!(check(&twice, b"{}"), Err(SignatureError::Repeated(_))), "{index}");
    }
    for id in ["", "a.b", "a b", "ä", &"x".repeat(257)] {
        assert!(matches!(sign(SECRET, id, NOW, b""), Err(SignError::MessageId(_))), "{id}");
        let headers = [("webhook-id", id), ("webhook-timestamp", "1"), ("webhook-signature", "v1,AAAA")];
        assert!(matches!(check(&headers, b""), Err(SignatureError::MalformedId { .. })), "{id}");
    }
    for list in ["", "v1", "v1,", "v1,AAAA", &["v1,AAAA"; 17].join(" ")] {
        let headers = [("webhook-id", "m"), ("webhook-timestamp", "1"), ("webhook-signature", list)];
        assert!(matches!(check(&headers, b""), Err(SignatureError::MalformedSignature { .. })), "{list}");
    }
}

#[test]
fn an_id_cannot_be_shifted_into_the_time() {
    // Signed: id "m", time now, body "1767225600.x"; presented: id "m.<now>", body "x".
    let now = NOW.as_secs().to_string();
    let original = signed(SECRET, format!("{now}.x").as_bytes());
    let id = format!("{}.{now}", original.id);
    let headers =
        [("webhook-id", &*id), ("webhook-timestamp", &now), ("webhook-signature", &original.signature)];
    assert!(matches!(check(&headers, b"x"), Err(SignatureError::MalformedId { .. })));
}

#[test]
fn only_canonical_padded_base64_counts() {
    let right = signed(SECRET, b"{}");
    let last = right.signature.len() - 2;
    let unpadded = right.signature.trim_end_matches('=');
    let url_safe = right.signature.replace('+', "-").replace('/', "_");
    for near in [unpadded.to_owned(), format!("{}=", right.signature), url_safe] {
        if near != right.signature {
            let headers = [
                ("webhook-id", &*right.id),
                ("webhook-timestamp", &right.timestamp),
                ("webhook-signature", &near),
            ];
            assert!(check(&headers, b"{}").is_err(), "{near}");
        }
    }
    // 32 bytes leave two unused bits in the last letter: three other letters decode to the same bytes.
    for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".chars() {
        let mut near: Vec<char> = right.signature.chars().collect();
        near[last] = letter;
        let near: String = near.into_iter().collect();
        let headers = [
            ("webhook-id", &*right.id),
            ("webhook-timestamp", &right.timestamp),
            ("webhook-signature", &near),
        ];
        assert_eq!(check(&headers, b"{}").is_ok(), near == right.signature);
    }
}

#[test]
fn keys_are_checked_before_they_are_kept_and_never_shown() {
    let hmac = |text: &str| VerifyingKey::parse(Scheme::STANDARD_WEBHOOKS, text);
    let ed25519 = |text: &str| VerifyingKey::parse(Scheme::STANDARD_WEBHOOKS_ED25519, text);
    assert_eq!(hmac("C2FVsBQIhrscChlQIMV+b5sSYspob7oD").unwrap_err(), KeyError::Prefix("whsec_"));
    assert_eq!(hmac("whsec_AAAA").unwrap_err(), KeyError::SecretLength(3));
    assert_eq!(hmac(&format!("whsec_{}", "AAAA".repeat(22))).unwrap_err(), KeyError::SecretLength(66));
    assert!(hmac(&format!("whsec_{}", "AAAA".repeat(8))).is_ok());
    let without_padding = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY";
    assert_eq!(hmac(without_padding).unwrap_err(), KeyError::Base64("whsec_"));
    assert!(hmac(&format!("{without_padding}=")).is_ok());
    assert_eq!(ed25519(PRIVATE).unwrap_err(), KeyError::PrivateKey);
    assert_eq!(ed25519("whpk_AAAA").unwrap_err(), KeyError::PublicKey);
    // The neutral element: with it, anybody's signature would be right.
    assert_eq!(
        ed25519("whpk_AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=").unwrap_err(),
        KeyError::PublicKey
    );
    assert_eq!(format!("{:?}", hmac(SECRET).unwrap()), "Hmac(…)");
    assert!(sign(PUBLIC, "m", NOW, b"").is_err());
}

#[test]
fn schemes_are_found_by_their_keys() {
    for scheme in Scheme::ALL {
        assert_eq!(Scheme::from_key(scheme.key()), Some(*scheme));
    }
    assert_eq!(Scheme::from_key("none"), None);
    assert!(Scheme::STANDARD_WEBHOOKS.makes_secret() && !Scheme::STANDARD_WEBHOOKS_ED25519.makes_secret());
    // As they were stored before there were others.
    assert_eq!(Scheme::STANDARD_WEBHOOKS.key(), "standard_webhooks");
    assert_eq!(Scheme::STANDARD_WEBHOOKS_ED25519.key(), "standard_webhooks_ed25519");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_signed_verifies_and_any_change_is_refused(
        id in "[!-\\-/-~]{1,256}",
        body in proptest::collection::vec(any::<u8>(), 0..400),
        secs in 0_i64..4_000_000_000,
        seed in any::<u64>(),
        asymmetric in any::<bool>(),
        flip in any::<prop::sample::Index>(),
        bit in 0_u8..8,
    ) {
        let secret = new_secret(&Chance::seeded(seed));
        let (scheme, public, secret) = if asymmetric {
            (Scheme::STANDARD_WEBHOOKS_ED25519, PUBLIC, PRIVATE)
        } else {
            (Scheme::STANDARD_WEBHOOKS, secret.expose_secret(), secret.expose_secret())
        };
        let at = Timestamp::from_secs(secs);
        let keys = keys(scheme, &[public]);
        let right = sign(secret, &id, at, &body).unwrap();
        let open = |headers: &SignedHeaders, body: &[u8]| {
            // Far more tolerance than any flipped digit: only the signature may decide.
            verify(scheme, &keys, &Headers::new(headers.pairs()), body, at, i64::MAX)
        };
        let proof = open(&right, &body).unwrap();
        prop_assert_eq!(proof.message_id.as_deref(), Some(&*id));

        let flipped = |text: &str| {
            let mut bytes = text.as_bytes().to_vec();
            bytes[flip.index(text.len())] ^= 1 << (bit % 7);
            String::from_utf8(bytes).unwrap()
        };
        // Headers are trimmed as HTTP says: a flip that only adds outer space shortens the text instead.
        let mut other = right.clone();
        other.id = flipped(&right.id);
        prop_assert!(open(&other, &body).is_err(), "id {}", other.id);
        let mut other = right.clone();
        other.timestamp = flipped(&right.timestamp);
        prop_assert!(open(&other, &body).is_err(), "timestamp {}", other.timestamp);
        let mut other = right.clone();
        other.signature = flipped(&right.signature);
        prop_assert!(open(&other, &body).is_err(), "signature {}", other.signature);
        let mut longer = body.clone();
        longer.push(b' ');
        prop_assert!(open(&right, &longer).is_err());
        if !body.is_empty() {
            let mut other = body.clone();
            other[flip.index(body.len())] ^= 1 << bit;
            prop_assert!(open(&right, &other).is_err());
        }
    }

    #[test]
    fn arbitrary_headers_never_panic(values in proptest::collection::vec(".{0,80}", 3), body in any::<Vec<u8>>()) {
        let names = ["webhook-id", "webhook-timestamp", "webhook-signature"];
        let headers = Headers::new(names.into_iter().zip(&values));
        let keys = keys(Scheme::STANDARD_WEBHOOKS, &[SECRET]);
        prop_assert!(verify(Scheme::STANDARD_WEBHOOKS, &keys, &headers, &body, NOW, 300).is_err());
    }
}
