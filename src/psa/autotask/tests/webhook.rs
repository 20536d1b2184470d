use std::collections::BTreeMap;

use entity::Timestamp;
use proptest::prelude::*;
use secrecy::SecretString;

use super::*;
use crate::queue::received::Headers;

const BODY: &str = include_str!("../fixtures/webhook_update.json");
const OFF: &str = r#"{"Action":"Deactivated","Guid":"g","EntityType":"Ticket","Id":0,"SequenceNumber":9}"#;

fn secrets(texts: &[&str]) -> Vec<WebhookSecret> {
    let secret = |(at, text): (usize, &&str)| WebhookSecret {
        key_name: None,
        id: Uuid::from_u128(u128::try_from(at).unwrap() + 1),
        secret: SecretString::from(*text),
    };
    texts.iter().enumerate().map(secret).collect()
}

fn signature(key: &str, body: &str) -> String {
    format!("sha1={}", STANDARD.encode(mac(key.as_bytes(), body.as_bytes())))
}

fn check(texts: &[&str], header: Option<&str>, query: &str, body: &[u8]) -> Result<Proof, WebhookRefused> {
    let headers = Headers::new(header.map(|value| ("X-Hook-Signature", value)));
    let settings = BTreeMap::new();
    let call = WebhookCall { scheme: PROVEN, settings: &settings, headers: &headers, query, body };
    verify(&call, &secrets(texts))
}

/// The known answer of the vendor's own description, computed with other programs.
#[test]
fn the_signature_is_the_one_other_programs_compute() {
    let body = r#"{"id":123,"title":"Server down"}"#;
    assert_eq!(signature("kat-secret-key", body), "sha1=wql/x7lvZIcIN10rO/5dWem76B0=");
}

#[test]
fn a_signed_webhook_is_proven_by_any_secret_of_the_endpoint() {
    let proof = check(&["old", "key"], Some(&signature("key", BODY)), "", BODY.as_bytes()).unwrap();
    assert_eq!((proof.scheme, proof.secret_id), (PROVEN, Some(Uuid::from_u128(2))));
    let id = "d0046a73-6a8e-4d6e-9a3c-0a4a0f5b7c11:Ticket:351182:2";
    assert_eq!(proof.message_id.as_deref(), Some(id), "the registration's Guid alone is not a message's");
    for (keys, header) in [
        (vec!["other"], Some(signature("key", BODY))),
        (vec![""], Some(signature("", BODY))),
        (vec!["key"], None),
        (vec!["key"], Some(signature("key", BODY).replace("sha1=", ""))),
        (vec!["key"], Some(signature("key", BODY).replace("sha1=", "sha256="))),
        (vec!["key"], Some("sha1=".to_owned())),
    ] {
        assert!(check(&keys, header.as_deref(), "", BODY.as_bytes()).is_err(), "{keys:?} {header:?}");
    }
}

#[test]
fn a_body_that_was_written_anew_is_checked_as_dot_net_writes_it() {
    let raw = r#"{"Title":"Été <b>\"x\"</b> & 'y'`+ 😀 \/ \u00e9 \n \\","a&b":1}"#;
    let net = r#"{"Title":"\u00C9t\u00E9 \u003Cb\u003E\u0022x\u0022\u003C/b\u003E \u0026 \u0027y\u0027\u0060\u002B \uD83D\uDE00 / \u00E9 \n \\","a\u0026b":1}"#;
    assert_eq!(escaped(raw), net);
    assert!(check(&["key"], Some(&signature("key", net)), "", raw.as_bytes()).is_ok());
    assert!(check(&["key"], Some(&signature("key", raw)), "", raw.as_bytes()).is_ok());
    let lower = net.replace("\\u00C9", "\\u00c9");
    assert!(check(&["key"], Some(&signature("key", &lower)), "", raw.as_bytes()).is_err(), "nothing else");
}

#[test]
fn an_unsigned_word_of_deactivation_is_a_hint_about_the_registration_and_nothing_more() {
    for (query, body, header) in [
        ("deactivated=1", "", None),
        ("deactivated=1", BODY, Some("sha1=AAAA")),
        ("x=1&deactivated", "not json", None),
        ("", OFF, None),
        ("", OFF, Some("sha1=AAAA")),
    ] {
        let proof = check(&["key"], header, query, body.as_bytes()).unwrap();
        let wanted = Proof { message_id: None, scheme: UNPROVEN, secret_id: None };
        assert_eq!(proof, wanted, "{query} {body}");
        let news = read(proof.scheme, body.as_bytes()).unwrap();
        assert_eq!(news, WebhookNews { concerns_registration: true, ..WebhookNews::default() });
    }
    let signed = check(&["key"], Some(&signature("key", OFF)), "", OFF.as_bytes()).unwrap();
    assert_eq!(signed.scheme, PROVEN);
    let news = read(PROVEN, OFF.as_bytes()).unwrap();
    assert!(news.concerns_registration && news.tickets.is_empty());
    let other = WebhookCall {
        scheme: "halo_hmac",
        settings: &BTreeMap::new(),
        headers: &Headers::default(),
        query: "deactivated=1",
        body: b"",
    };
    assert!(verify(&other, &[]).is_err());
}

#[test]
fn a_delivery_names_the_ticket_and_what_became_of_it() {
    let news = read(PROVEN, BODY.as_bytes()).unwrap();
    let wanted = TicketHint {
        external_id: "351182".into(),
        event: "Ticket Update".into(),
        occurred_at: Timestamp::parse_rfc3339("2026-11-21T10:20:30Z"),
        status: Some("5".into()),
        actor_id: Some("30691780".into()),
        marker: Some("PSAGW-ABCDEFGHIJ0123456789".into()),
    };
    assert_eq!(news, WebhookNews { tickets: vec![wanted], ..WebhookNews::default() });
}

#[test]
fn names_are_read_in_any_case_and_what_is_not_about_tickets_is_refused() {
    let hint = |body: &str| {
        read(PROVEN, body.as_bytes()).map(|news| {
            let first = news.tickets.into_iter().next().unwrap();
            (first.external_id, first.event, first.status, first.actor_id)
        })
    };
    let text = ToOwned::to_owned;
    assert_eq!(
        hint(r#"{"action":"Update","entityType":"tickets","id":"7","fields":{"STATUS":1},"personID":"3"}"#),
        Ok((text("7"), text("Ticket Update"), Some(text("1")), Some(text("3"))))
    );
    assert_eq!(
        hint(r#"{"Action":"Delete","EntityType":"Ticket","Id":7}"#),
        Ok((text("7"), text("Ticket Delete"), None, None))
    );
    assert_eq!(
        hint(r#"{"Action":"Create","EntityType":"TicketNote","Id":9,"Fields":{"TicketID":"7"}}"#),
        Ok((text("7"), text("TicketNote Create"), None, None))
    );
    assert!(
        hint(r#"{"Action":"Update","EntityType":"Ticket","Id":7,"Fields":{"Status":"Complete"}}"#)
            .is_ok_and(|hint| hint.2.is_none())
    );
    for body in
        ["", "7", "[]", "{}", r#"{"EntityType":"Account","Id":7}"#, r#"{"EntityType":"Ticket","Id":0}"#]
    {
        assert!(read(PROVEN, body.as_bytes()).is_err(), "{body}");
    }
}

proptest! {
    #[test]
    fn one_flipped_bit_anywhere_is_refused(at in 0_usize..BODY.len(), bit in 0_u8..8) {
        let mut body = BODY.as_bytes().to_vec();
        body[at] ^= 1 << bit;
        prop_assert!(check(&["key"], Some(&signature("key", BODY)), "", &body).is_err());
    }

    #[test]
    fn no_body_makes_reading_panic(body in "[\\[\\]{}\":,a-zA-Z0-9_\\\\u ]{0,80}") {
        let _ = (read(PROVEN, body.as_bytes()), escaped(&body), says_deactivated(body.as_bytes()));
    }

    #[test]
    fn what_dot_net_wrote_stays_as_it_is(text in "\\PC{0,30}") {
        let json = serde_json::json!({ "Title": text }).to_string();
        let once = escaped(&json);
        prop_assert_eq!(escaped(&once), once.clone());
        let read: Value = serde_json::from_str(&once).unwrap();
        prop_assert_eq!(read["Title"].as_str(), Some(text.as_str()));
    }
}
