use proptest::prelude::*;
use secrecy::SecretString;
use serde_json::json;

use super::*;

const BODY: &str = include_str!("../fixtures/callback_ticket.json");
const KEY_NAME: &str = "3f8a1c9e-52d7-4be0-a1b6-9c0d5e7f2a41";
const KEY: &str = "n0tAReal-Key";
/// Computed with openssl: the SHA-256 of the key as the key of an HMAC-SHA256 over the file.
const SIGNATURE: &str = "P7EdWE0WhlPoDr875m+rRupNFxCXwcUHh/XfuZ5Wbvc=";

fn settings(domain: &str) -> BTreeMap<String, String> {
    [("domain", domain), ("company_id", "Acme")].map(|(key, value)| (key.to_owned(), value.to_owned())).into()
}

fn secret(name: Option<&str>, text: &str) -> WebhookSecret {
    WebhookSecret {
        id: Uuid::from_u128(7),
        key_name: name.map(ToOwned::to_owned),
        secret: SecretString::from(text),
    }
}

fn sign(body: &[u8]) -> String {
    let key = Sha256::digest(KEY.as_bytes());
    STANDARD.encode(Hmac::<Sha256>::new_from_slice(&key).unwrap().chain_update(body).finalize().into_bytes())
}

fn check(body: &[u8], signature: &str, secrets: &[WebhookSecret]) -> Result<Proof, WebhookRefused> {
    let headers = Headers::new([("X-Content-Signature", signature)]);
    let settings = settings("https://na.myconnectwise.net");
    verify(&WebhookCall { scheme: SCHEME, settings: &settings, headers: &headers, query: "", body }, secrets)
}

#[test]
fn a_callback_signed_with_a_known_key_is_proven() {
    assert_eq!(sign(BODY.as_bytes()), SIGNATURE);
    let secrets = [secret(None, KEY), secret(Some(KEY_NAME), "old"), secret(Some(KEY_NAME), KEY)];
    let proof = check(BODY.as_bytes(), SIGNATURE, &secrets).unwrap();
    assert_eq!(proof.scheme, "connectwise_callback");
    assert_eq!(proof.secret_id, Some(Uuid::from_u128(7)));
    assert_eq!(proof.message_id.as_deref(), Some("7d1f3c52-6c35-4f0a-9d0e-0b8a54f5a6e1"));
}

#[test]
fn an_unknown_key_leaves_it_unproven_and_a_known_one_that_does_not_fit_refuses_it() {
    let proof = check(BODY.as_bytes(), SIGNATURE, &[secret(Some("another"), KEY)]).unwrap();
    assert_eq!((proof.scheme, proof.secret_id), ("connectwise_callback.unproven", None));
    assert!(check(BODY.as_bytes(), SIGNATURE, &[secret(Some(KEY_NAME), "wrong")]).is_err());
    assert!(check(BODY.as_bytes(), SIGNATURE, &[secret(Some(KEY_NAME), "")]).is_err());
    assert!(check(BODY.as_bytes(), &sign(b"other"), &[secret(Some(KEY_NAME), KEY)]).is_err());
}

#[test]
fn without_one_whole_signature_it_is_refused_even_where_the_key_is_unknown() {
    for signature in ["", "AAAA", "P7EdWE0WhlPoDr875m+rRupNFxCXwcUHh/XfuZ5Wbvc", "sha256=x"] {
        assert!(check(BODY.as_bytes(), signature, &[]).is_err(), "{signature}");
    }
    let settings = settings("https://na.myconnectwise.net");
    let twice = Headers::new([("x-content-signature", SIGNATURE), ("X-Content-Signature", SIGNATURE)]);
    for (scheme, headers) in [
        (SCHEME, &Headers::default()),
        (SCHEME, &twice),
        ("halo_hmac", &Headers::new([("x-content-signature", SIGNATURE)])),
    ] {
        let call = WebhookCall { scheme, settings: &settings, headers, query: "", body: BODY.as_bytes() };
        assert!(verify(&call, &[]).is_err());
    }
}

#[test]
fn another_company_is_refused_although_the_vendor_signs_for_it_too() {
    let other = BODY.replace(r#""CompanyId":"acme""#, r#""CompanyId":"rival""#);
    assert!(check(other.as_bytes(), &sign(other.as_bytes()), &[secret(Some(KEY_NAME), KEY)]).is_err());
    let none = BODY.replace(r#""CompanyId":"acme","#, "");
    assert!(check(none.as_bytes(), &sign(none.as_bytes()), &[]).is_err());
}

#[test]
fn the_address_of_the_key_is_pinned_to_the_connections_own_site() {
    let at = |site: &str, address: &str| pinned(address, &Url::parse(site).unwrap(), "acme");
    let id = KEY_NAME;
    let na = "https://na.myconnectwise.net";
    for (site, address) in [
        (na, format!("{na}/v2025_1//system/callbackkey/index.rails?companyName=acme&id={id}")),
        (
            na,
            format!(
                "https://api-na.myconnectwise.net/v4_6_release/system/callbackkey/index.rails?id={id}&companyName=ACME"
            ),
        ),
        (
            "http://127.0.0.1:9000",
            format!("http://127.0.0.1:9000/v2025_1//system/callbackkey/index.rails?companyName=acme&id={id}"),
        ),
    ] {
        assert_eq!(at(site, &address).map(|id| id.to_string()).as_deref(), Ok(KEY_NAME), "{address}");
    }
    let tail = format!("v2025_1//system/callbackkey/index.rails?companyName=acme&id={id}");
    for address in [
        format!("https://evil.example/{tail}"),
        format!("https://na.myconnectwise.net.evil.example/{tail}"),
        format!("https://na.myconnectwise.net@evil.example/{tail}"),
        format!("https://u:p@na.myconnectwise.net/{tail}"),
        format!("https://evilna.myconnectwise.net/{tail}"),
        format!("https://eu.myconnectwise.net/{tail}"),
        format!("http://na.myconnectwise.net/{tail}"),
        format!("https://na.myconnectwise.net:8443/{tail}"),
        format!("https://169.254.169.254/{tail}"),
        format!("{na}/{tail}#x"),
        format!("{na}/{tail}&x=y"),
        format!("{na}/{tail}&id={id}"),
        format!("{na}/x/{tail}"),
        format!("{na}/system/callbackkey/index.rails?companyName=acme&id={id}"),
        format!("{na}/v2025_1/system/callbackkey/../../evil?companyName=acme&id={id}"),
        format!("{na}/v2025_1/system%2Fcallbackkey/index.rails?companyName=acme&id={id}"),
        format!("{na}/v2025_1//system/callbackkey/index.rails?companyName=rival&id={id}"),
        format!("{na}/v2025_1//system/callbackkey/index.rails?companyName=acme&id=../../x"),
        format!("{na}/v2025_1//system/callbackkey/index.rails?companyName=acme"),
        "file:///etc/passwd".to_owned(),
        String::from("not an address"),
    ] {
        assert!(at(na, &address).is_err(), "{address}");
        assert!(at("http://127.0.0.1:9000", &address).is_err(), "{address}");
    }
}

#[test]
fn a_callback_names_the_ticket_and_what_became_of_it() {
    let news = read(SCHEME, BODY.as_bytes()).unwrap();
    let wanted = TicketHint {
        external_id: "57960".into(),
        event: "ticket updated".into(),
        occurred_at: entity::Timestamp::parse_rfc3339("2026-11-21T10:20:30Z"),
        status: Some("509".into()),
        actor_id: Some("ada".into()),
        marker: Some("PSAGW-ABCDEFGHIJ0123456789".into()),
    };
    assert_eq!((news.tickets, news.wanted_key), (vec![wanted], None));
}

#[test]
fn an_unproven_one_gives_no_more_than_a_ticket_to_look_at_and_a_key_to_fetch() {
    let news = read(UNPROVEN, BODY.as_bytes()).unwrap();
    assert_eq!(news.wanted_key.as_deref(), Some(KEY_NAME));
    let hint = &news.tickets[0];
    assert_eq!(
        (hint.external_id.as_str(), &hint.status, &hint.actor_id, &hint.marker),
        ("57960", &None, &None, &None)
    );
}

#[test]
fn older_callbacks_and_other_records_are_understood() {
    let ids = |body: Value| {
        read(SCHEME, body.to_string().as_bytes())
            .map(|news| news.tickets.into_iter().map(|h| h.external_id).collect::<Vec<_>>())
    };
    assert_eq!(
        ids(json!({"type": "Ticket", "id": "7", "action": "deleted", "Entity": null})).unwrap(),
        ["7"]
    );
    assert_eq!(ids(json!({"Type": "ticket", "ID": 7, "Entity": "{broken"})).unwrap(), ["7"]);
    assert!(ids(json!({"Type": "company", "ID": 7})).unwrap().is_empty());
    assert!(
        ids(json!({"Type": "ticket", "ID": 7, "Entity": "{\"RecordType\":\"ProjectTicket\"}"}))
            .unwrap()
            .is_empty()
    );
    assert!(ids(json!({"Type": "ticket"})).is_err());
    assert!(ids(json!({"ID": 7})).is_err());
    assert!(ids(json!([])).is_err());
}

proptest! {
    #[test]
    fn one_flipped_bit_anywhere_is_not_proven(at in 0_usize..BODY.len(), bit in 0_u8..7) {
        let mut body = BODY.as_bytes().to_vec();
        body[at] ^= 1 << bit;
        let proof = check(&body, SIGNATURE, &[secret(Some(KEY_NAME), KEY)]);
        prop_assert!(proof.map_or(true, |proof| proof.scheme == UNPROVEN));
    }

    #[test]
    fn no_body_makes_reading_panic(body in "[\\[\\]{}\":,a-zA-Z0-9_ ]{0,80}", address in "\\PC{0,60}") {
        let _ = (read(SCHEME, body.as_bytes()), check(body.as_bytes(), SIGNATURE, &[]));
        let body = json!({"Type": "ticket", "ID": 1, "CompanyId": "acme", "Entity": body, "Metadata": {"key_url": address}});
        let _ = (read(UNPROVEN, body.to_string().as_bytes()), check(body.to_string().as_bytes(), SIGNATURE, &[]));
    }
}
