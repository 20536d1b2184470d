//! Secrets that are shown: where they may stand, and what is recognised of them.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use uuid::Uuid;

use super::{super::*, digest};

const NOW: Timestamp = Timestamp::from_secs(1_795_262_400);
const SECRET: &str = "a-token-that-only-its-sender-knows";
const OTHER: &str = "a-token-from-before-the-rotation";

struct Shows<'a> {
    headers: &'a [(&'a str, &'a str)],
    query: &'a str,
    path_secret: Option<&'a str>,
}

const NOTHING: Shows<'static> = Shows { headers: &[], query: "", path_secret: None };

fn check_at(
    scheme: Scheme,
    secrets: &[&str],
    shows: &Shows<'_>,
    body: &[u8],
    now: Timestamp,
) -> Result<Proof, SignatureError> {
    let key = |text: &str| {
        assert!(scheme.hashes_secret());
        VerifyingKey::parse(scheme, &BASE64_STANDARD.encode(digest(text.as_bytes()))).unwrap()
    };
    let keys = secrets.iter().zip(1_u128..);
    let keys: Vec<_> =
        keys.map(|(text, id)| CandidateKey { id: Uuid::from_u128(id), key: key(text) }).collect();
    let headers = Headers::new(shows.headers.iter().copied());
    let evidence = Evidence {
        headers: &headers,
        query: shows.query,
        path_secret: shows.path_secret,
        body,
        settings: &Value::Null,
        certificate: None,
    };
    verify(scheme, &keys, &evidence, &Means { now, tolerance_secs: 300, digest: &digest })
}

fn check(scheme: Scheme, secrets: &[&str], shows: &Shows<'_>) -> Result<Proof, SignatureError> {
    check_at(scheme, secrets, shows, b"{}", NOW)
}

#[test]
fn a_token_is_taken_from_each_of_its_places() {
    let bearer = format!("bearer {SECRET}");
    let query = format!("a=b&access_token={SECRET}");
    let places = [
        Shows { headers: &[("Authorization", &bearer)], ..NOTHING },
        Shows { headers: &[("authorization", SECRET)], ..NOTHING },
        Shows { headers: &[("x-webhook-token", SECRET)], ..NOTHING },
        Shows { query: &query, ..NOTHING },
        // A proxy's own login hides nothing.
        Shows { headers: &[("authorization", "Basic eDp5")], query: &query, ..NOTHING },
    ];
    for place in &places {
        let proof = check(Scheme::STATIC_TOKEN, &[OTHER, SECRET], place).unwrap();
        assert_eq!(proof.secret_id, Some(Uuid::from_u128(2)));
        assert_eq!(proof.scheme, "static_token");
        assert!(matches!(check(Scheme::STATIC_TOKEN, &[OTHER], place), Err(SignatureError::WrongSecret(_))));
        assert!(check(Scheme::BASIC, &[SECRET], place).is_err());
        assert!(matches!(check(Scheme::SECRET_PATH, &[SECRET], place), Err(SignatureError::NotShown(_))));
        assert!(matches!(check(Scheme::STATIC_TOKEN, &[], place), Err(SignatureError::NoKey(_))));
    }
    assert!(matches!(check(Scheme::STATIC_TOKEN, &[SECRET], &NOTHING), Err(SignatureError::NotShown(_))));
    let twice = format!("access_token={SECRET}&access_token={SECRET}");
    for repeated in [
        Shows { query: &twice, ..NOTHING },
        Shows { headers: &[("x-webhook-token", SECRET), ("X-Webhook-Token", SECRET)], ..NOTHING },
        Shows {
            headers: &[("authorization", SECRET), ("authorization", "another")],
            query: &query,
            ..NOTHING
        },
    ] {
        assert!(matches!(
            check(Scheme::STATIC_TOKEN, &[SECRET], &repeated),
            Err(SignatureError::Repeated(_))
        ));
    }
}

#[test]
fn a_login_is_compared_as_a_whole() {
    let login = "dana:pass:word-with-a-colon";
    let shows = |text: &str| format!("Basic {}", BASE64_STANDARD.encode(text));
    let check_login = |header: &str| {
        check(Scheme::BASIC, &[login], &Shows { headers: &[("authorization", header)], ..NOTHING })
    };
    assert!(check_login(&shows(login)).is_ok());
    assert!(check_login(shows(login).trim_end_matches('=')).is_ok(), "padding means nothing");
    for wrong in ["dana:pass", "dana", "Dana:pass:word-with-a-colon", ":", ""] {
        assert!(check_login(&shows(wrong)).is_err(), "{wrong}");
    }
    assert!(check_login(&format!("Bearer {login}")).is_err());
    assert!(check_login("Basic !!!").is_err());
}

#[test]
fn a_secret_address_is_one_endpoints_way_and_no_others() {
    let right = Shows { path_secret: Some(SECRET), ..NOTHING };
    assert!(check(Scheme::SECRET_PATH, &[SECRET], &right).is_ok());
    for wrong in ["", "a-token", &format!("{SECRET}x"), &SECRET.to_uppercase()] {
        let shown = Shows { path_secret: Some(wrong), ..NOTHING };
        assert!(check(Scheme::SECRET_PATH, &[SECRET], &shown).is_err(), "{wrong}");
    }
    let in_header = Shows { headers: &[("authorization", SECRET)], ..NOTHING };
    assert!(check(Scheme::SECRET_PATH, &[SECRET], &in_header).is_err());
    // Who has put the secret into the address of another kind of endpoint is told so.
    let both = Shows { headers: &[("authorization", SECRET)], path_secret: Some(SECRET), ..NOTHING };
    assert_eq!(check(Scheme::STATIC_TOKEN, &[SECRET], &both), Err(SignatureError::SecretInAddress));
}

#[test]
fn a_body_that_comes_again_at_once_is_a_repetition_and_later_it_is_news() {
    let shown = Shows { headers: &[("authorization", SECRET)], ..NOTHING };
    let id = |body: &[u8], now| {
        check_at(Scheme::STATIC_TOKEN, &[SECRET], &shown, body, now).unwrap().message_id.unwrap()
    };
    assert_eq!(id(b"down", NOW), id(b"down", NOW.plus_secs(20)));
    assert_ne!(id(b"down", NOW), id(b"up", NOW));
    assert_ne!(id(b"down", NOW), id(b"down", NOW.plus_secs(120)));
}

#[test]
fn refusals_hold_no_secret() {
    for scheme in [Scheme::STATIC_TOKEN, Scheme::BASIC, Scheme::SECRET_PATH] {
        let shown = Shows {
            headers: &[("authorization", SECRET)],
            query: "access_token=a-wrong-one",
            path_secret: None,
        };
        let words = check(scheme, &[OTHER], &shown).unwrap_err().to_string();
        assert!(!words.contains(SECRET) && !words.contains("a-wrong-one"), "{words}");
    }
}
