use proptest::prelude::*;
use secrecy::SecretString;

use super::*;

const BODY: &str = include_str!("fixtures/webhook_status.json");

fn secrets(texts: &[&str]) -> Vec<WebhookSecret> {
    let secret = |(at, text): (usize, &&str)| WebhookSecret {
        key_name: None,
        id: Uuid::from_u128(u128::try_from(at).unwrap() + 1),
        secret: SecretString::from(*text),
    };
    texts.iter().enumerate().map(secret).collect()
}

fn mac(key: &str, body: &[u8]) -> Vec<u8> {
    Hmac::<Sha256>::new_from_slice(key.as_bytes())
        .unwrap()
        .chain_update(body)
        .finalize()
        .into_bytes()
        .to_vec()
}

fn base64(key: &str, body: &[u8]) -> String {
    STANDARD.encode(mac(key, body))
}

fn hex(key: &str, body: &[u8]) -> String {
    mac(key, body).iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

fn check(scheme: &str, texts: &[&str], headers: &[(&str, &str)]) -> Result<Proof, WebhookRefused> {
    verify(scheme, &secrets(texts), &Headers::new(headers.iter().copied()), BODY.as_bytes())
}

/// Computed with another program: printf '{"id":1}' | openssl dgst -sha256 -hmac secret -binary | base64
#[test]
fn the_signature_is_the_one_other_programs_compute() {
    assert_eq!(base64("secret", b"{\"id\":1}"), "A971iWIMgT8Zj9A9eWfikrFj7wQ16/Qwcc4OlRl2PLc=");
}

#[test]
fn a_signature_is_read_in_every_form_halo_can_send() {
    let key = "s3cret";
    let plain = base64(key, BODY.as_bytes());
    let hexed = hex(key, BODY.as_bytes());
    for (name, value) in [
        ("Token", plain.clone()),
        ("token", hexed.clone()),
        ("Token", hexed.to_uppercase()),
        ("Token", format!("sha256={plain}")),
        ("X-Signature", format!("sha256={hexed}")),
        ("X-Halo-Signature", plain.clone()),
        ("Authorization", format!("HMAC {plain}")),
    ] {
        let proof = check("halo_hmac", &["old", key], &[(name, &value)]).unwrap();
        assert_eq!(proof.secret_id, Some(Uuid::from_u128(2)), "{name}: {value}");
        assert_eq!(proof.message_id.as_deref(), Some("4f0c1d86-0d0b-4a50-9a55-6d1f6f1a3c20"));
    }
    assert!(check("halo_hmac", &["other"], &[("Token", &plain)]).is_err());
    assert!(check("halo_hmac", &[""], &[("Token", &base64("", BODY.as_bytes()))]).is_err());
    assert!(check("halo_hmac", &[key], &[("Token", &plain), ("token", &plain)]).is_err());
    assert!(check("halo_hmac", &[key], &[]).is_err());
    assert!(check("halo_none", &[key], &[("Token", &plain)]).is_err());
}

#[test]
fn basic_and_header_secrets_match_whole_or_not_at_all() {
    let basic = |text: &str| format!("Basic {}", STANDARD.encode(text));
    assert!(check("halo_basic", &["halo:pass word"], &[("Authorization", &basic("halo:pass word"))]).is_ok());
    for wrong in ["halo:pass", "halo:pass word ", "", "halo"] {
        assert!(
            check("halo_basic", &["halo:pass word"], &[("Authorization", &basic(wrong))]).is_err(),
            "{wrong}"
        );
    }
    assert!(check("halo_basic", &["a:b"], &[("Authorization", "Bearer a:b")]).is_err());
    assert!(check("halo_secret_header", &["x", "abc"], &[("X-Halo-Secret", "abc")]).is_ok());
    assert!(check("halo_secret_header", &["abc"], &[("X-Halo-Secret", "abd")]).is_err());
    assert!(check("halo_secret_header", &["abc"], &[]).is_err());
}

proptest! {
    #[test]
    fn one_flipped_bit_anywhere_is_refused(at in 0_usize..BODY.len(), bit in 0_u8..8, in_signature in any::<bool>()) {
        let mut body = BODY.as_bytes().to_vec();
        let mut signature = mac("key", &body);
        if in_signature {
            let at = at % signature.len();
            signature[at] ^= 1 << bit;
        } else {
            body[at] ^= 1 << bit;
        }
        let value = STANDARD.encode(&signature);
        let headers = Headers::new([("token", value.as_str())]);
        prop_assert!(verify("halo_hmac", &secrets(&["key"]), &headers, &body).is_err());
    }

    #[test]
    fn no_body_makes_reading_panic(body in "[\\[\\]{}\":,a-z0-9_ ]{0,80}") {
        let _ = read(body.as_bytes());
    }
}

#[test]
fn a_delivery_names_the_ticket_and_what_became_of_it() {
    let hints = read(BODY.as_bytes()).unwrap();
    let wanted = TicketHint {
        external_id: "4242".into(),
        event: "ticket status changed".into(),
        occurred_at: Timestamp::parse_rfc3339("2026-11-21T10:20:30.123456Z"),
        status: Some("9".into()),
        actor_id: Some("5".into()),
        marker: Some("PSAGW-ABCDEFGHIJ0123456789".into()),
    };
    assert_eq!(hints, [wanted]);
}

#[test]
fn batches_and_bare_events_are_understood() {
    let ids = |body: &str| {
        read(body.as_bytes()).map(|hints| hints.into_iter().map(|h| h.external_id).collect::<Vec<_>>())
    };
    assert_eq!(ids(r#"{"object_id":7,"event":"x"}"#).unwrap(), ["7"]);
    assert_eq!(ids(r#"[{"object_id":7},{"object_id":"8"},{"object_id":null}]"#).unwrap(), ["7", "8"]);
    assert_eq!(ids(r#"{"events":[{"object_id":7},{"ticket":{"id":8}}],"n":2}"#).unwrap(), ["7", "8"]);
    assert_eq!(ids(r#"{"action":{"id":3,"ticket_id":9},"object_id":3}"#).unwrap(), ["9"]);
    for none in ["", "{}", "[]", "7", r#"{"client":{"id":3},"object_id":3}"#, r#"{"test":true}"#] {
        assert!(read(none.as_bytes()).is_err(), "{none}");
    }
}
