//! A signature that an endpoint's settings describe.

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::json;
use sha2::Sha256;
use uuid::Uuid;

use super::{super::*, digest};

const NOW: Timestamp = Timestamp::from_secs(1_795_262_400);
const SECRET: &str = "the sender's own words";

fn mac(message: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(message);
    mac.finalize().into_bytes().to_vec()
}

fn check(settings: &Value, headers: &[(&str, &str)], body: &[u8]) -> Result<Proof, SignatureError> {
    let scheme = Scheme::CUSTOM_HMAC;
    let keys = [CandidateKey { id: Uuid::from_u128(1), key: VerifyingKey::parse(scheme, SECRET).unwrap() }];
    let headers = Headers::new(headers.iter().copied());
    let evidence =
        Evidence { headers: &headers, query: "", path_secret: None, body, settings, certificate: None };
    verify(scheme, &keys, &evidence, &Means { now: NOW, tolerance_secs: 300, digest: &digest })
}

#[test]
fn a_header_is_all_that_has_to_be_said() {
    let settings = json!({ "signature": { "header": "X-Signature" }, "map": { "for": "the sender" } });
    assert_eq!(Scheme::CUSTOM_HMAC.check_settings(&settings), Ok(()));
    assert_eq!(Scheme::CUSTOM_HMAC.senders_settings(&settings), json!({ "map": { "for": "the sender" } }));
    assert_eq!(Scheme::CUSTOM_HMAC.senders_settings(&json!({ "signature": {} })), Value::Null);
    let lower = mac(b"{}").iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
    for written in [&lower, &lower.to_uppercase()] {
        let proof = check(&settings, &[("x-signature", written)], b"{}").unwrap();
        assert_eq!((proof.scheme, proof.message_id), ("custom_hmac", None));
        assert!(check(&settings, &[("x-signature", written)], b"[]").is_err());
    }
}

#[test]
fn everything_else_can_be_said_too() {
    use base64::{Engine as _, prelude::BASE64_STANDARD};
    let settings = json!({ "signature": {
        "header": "X-Sig", "prefix": "s=", "separator": ";", "encoding": "base64",
        "content": "{id}:{timestamp}|{body}", "timestampHeader": "X-At", "timestampUnit": "rfc3339", "idHeader": "X-Id",
    } });
    assert_eq!(Scheme::CUSTOM_HMAC.check_settings(&settings), Ok(()));
    let signed =
        |at: &str| format!("s=AAAA; s={}", BASE64_STANDARD.encode(mac(format!("7:{at}|{{}}").as_bytes())));
    let now = NOW.rfc3339();
    let sent = signed(&now);
    let proof = check(&settings, &[("x-sig", &sent), ("x-at", &now), ("x-id", "7")], b"{}").unwrap();
    assert_eq!(proof.message_id.as_deref(), Some("7"));
    assert!(check(&settings, &[("x-sig", &sent), ("x-at", &now), ("x-id", "8")], b"{}").is_err());
    let late = NOW.plus_secs(-301).rfc3339();
    let refused = check(&settings, &[("x-sig", &signed(&late)), ("x-at", &late), ("x-id", "7")], b"{}");
    assert_eq!(refused, Err(SignatureError::TooOld(301)));
}

#[test]
fn what_could_not_work_or_would_prove_nothing_is_refused_when_it_is_saved() {
    for (wrong, word) in [
        (json!(null), "header"),
        (json!({ "signature": {} }), "header"),
        (json!({ "signature": { "header": "two words" } }), "header"),
        (json!({ "signature": { "header": "x", "surprise": 1 } }), "surprise"),
        (json!({ "signature": { "header": "x", "encoding": "rot13" } }), "rot13"),
        (json!({ "signature": { "header": "x", "content": "{timestamp}" } }), "{body}"),
        (json!({ "signature": { "header": "x", "content": "{timestamp}.{body}" } }), "timestampHeader"),
        (json!({ "signature": { "header": "x", "content": "no body" } }), "{body}"),
        (json!({ "signature": { "header": "x", "content": "{body}{body}" } }), "{body}"),
        (json!({ "signature": { "header": "x", "timestampHeader": "y" } }), "not signed"),
        (json!({ "signature": { "header": "x", "content": "{id}.{body}" } }), "idHeader"),
        (json!({ "signature": { "header": "x", "content": "{id}{body}", "idHeader": "y" } }), "between"),
        (json!({ "signature": { "header": "x", "separator": "a" } }), "separator"),
    ] {
        let words = Scheme::CUSTOM_HMAC.check_settings(&wrong).unwrap_err();
        assert!(words.contains(word), "{wrong}: {words}");
        assert!(matches!(check(&wrong, &[("x", "00")], b""), Err(SignatureError::Settings(_))));
    }
}
