//! A provider in miniature, and every wrong token that came to mind.

mod world;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use entity::Role;
use hmac::{Hmac, KeyInit as _, Mac as _};
use proptest::prelude::*;
use serde_json::{Value, json};

use self::world::{AUDIENCE, Key, NOW, World, header, jwt, options, set};
use super::*;
use crate::organizations::members::ClaimedRole;

#[tokio::test]
async fn tokens_of_every_algorithm_that_is_taken_are_believed() {
    let (one, two, three) = (Key::ed25519(), Key::p256(), Key::rsa());
    let world = World::with(&[(&one, "1"), (&two, "2"), (&three, "3")]).await;
    for (key, algorithm, id) in
        [(&one, "EdDSA", "1"), (&two, "ES256", "2"), (&three, "RS256", "3"), (&three, "PS256", "3")]
    {
        let who = world.provider.verify(&jwt(key, &header(algorithm, id), &world.payload())).await;
        let expected = SignIn {
            issuer: world.server.base.clone(),
            subject: "248289761001".to_owned(),
            organization: Some("acme".to_owned()),
            role: ClaimedRole::Is(Role::Technician),
            name: Some("Dana Smith".to_owned()),
            email: Some("dana@example.com".to_owned()),
            is_email_confirmed: true,
        };
        assert_eq!(who, Ok(expected), "{algorithm}");
    }
    let unnamed = jwt(&two, &json!({ "alg": "ES256", "typ": "at+jwt" }), &world.payload());
    assert!(world.provider.verify(&unnamed).await.is_ok(), "a token may leave out which key it was");
    assert_eq!(world.fetches(), 1, "keys are kept");
}

#[tokio::test]
async fn what_a_token_says_must_hold_here_and_now() {
    let key = Key::ed25519();
    let world = World::with(&[(&key, "1")]).await;
    let token = |change: Value| {
        let mut payload = world.payload();
        for (name, value) in change.as_object().unwrap() {
            match value {
                Value::Null => drop(payload.as_object_mut().unwrap().remove(name)),
                value => payload[name] = value.clone(),
            }
        }
        jwt(&key, &header("EdDSA", "1"), &payload)
    };
    for (change, why) in [
        (json!({ "iss": "https://elsewhere.example" }), "its issuer is another one"),
        (json!({ "iss": format!("{}/", world.server.base) }), "its issuer is another one"),
        (json!({ "iss": null }), "its issuer is another one"),
        (json!({ "aud": "billing" }), "its audience is another one"),
        (json!({ "aud": ["billing", 7] }), "its audience is another one"),
        (json!({ "aud": [] }), "its audience is another one"),
        (json!({ "aud": null }), "its audience is another one"),
        (json!({ "sub": null }), "it has no subject"),
        (json!({ "sub": "" }), "it has no subject"),
        (json!({ "sub": 7 }), "it has no subject"),
        (json!({ "sub": "x".repeat(256) }), "it has no subject"),
        (json!({ "exp": NOW - 60 }), "it has expired"),
        (json!({ "exp": null }), "it does not say when it expires"),
        (json!({ "exp": "tomorrow" }), "a time in it is none"),
        (json!({ "exp": 1e300 }), "a time in it is none"),
        (json!({ "iat": NOW + 61 }), "it was issued in the future"),
        (json!({ "iat": null }), "it does not say when it was issued"),
        (json!({ "nbf": NOW + 61 }), "it is not valid yet"),
        (json!({ "role": "king" }), "its role claim gives no role"),
        (json!({ "organization": ["acme", "globex"] }), "its claims name several organizations"),
    ] {
        assert_eq!(world.refusal(&token(change.clone())).await, why, "{change}");
    }
    for fine in [
        json!({ "aud": ["billing", AUDIENCE] }),
        json!({ "exp": NOW - 59 }),
        json!({ "exp": 1_795_262_400.5 }),
        json!({ "iat": NOW + 60 }),
        json!({ "nbf": NOW + 60 }),
        json!({ "role": null, "organization": null, "name": null, "email": null }),
    ] {
        assert!(world.provider.verify(&token(fine.clone())).await.is_ok(), "{fine}");
    }
    let who = world.provider.verify(&token(json!({ "email_verified": null }))).await.unwrap();
    assert!(!who.is_email_confirmed, "silence confirms nothing");
}

#[tokio::test]
async fn forged_and_mangled_tokens_are_refused() {
    let (key, mallory, rsa) = (Key::p256(), Key::p256(), Key::rsa());
    let world = World::with(&[(&key, "1"), (&rsa, "2")]).await;
    let good = jwt(&key, &header("ES256", "1"), &world.payload());
    assert!(world.provider.verify(&good).await.is_ok());
    let (message, signature) = good.rsplit_once('.').unwrap();
    let (head, payload) = message.split_once('.').unwrap();
    let encode = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());

    let none = format!("{}.{payload}.", encode(&json!({ "alg": "none", "kid": "1" })));
    let shared = {
        // The public key as a shared secret: the oldest trick.
        let secret = URL_SAFE_NO_PAD.decode(rsa.public("2")["n"].as_str().unwrap()).unwrap();
        let message = format!("{}.{payload}", encode(&json!({ "alg": "HS256", "kid": "2" })));
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(&secret).unwrap();
        mac.update(message.as_bytes());
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
    };
    let own_key = json!({ "alg": "ES256", "kid": "1", "jwk": mallory.public("1") });
    let richer = encode(&{
        let mut payload = world.payload();
        payload["role"] = json!("owner");
        payload
    });
    let critical = json!({ "alg": "ES256", "kid": "1", "crit": ["b64"], "b64": false });
    let logout = json!({ "alg": "ES256", "kid": "1", "typ": "logout+jwt" });
    for (token, why) in [
        (none, "its algorithm is not taken"),
        (shared, "its algorithm is not taken"),
        (jwt(&rsa, &header("RS512", "2"), &world.payload()), "its algorithm is not taken"),
        (jwt(&mallory, &header("ES256", "1"), &world.payload()), "no key of the provider has signed it"),
        (jwt(&mallory, &own_key, &world.payload()), "no key of the provider has signed it"),
        // A key of another kind under that id, and a way of signing that is not its own.
        (jwt(&key, &header("ES256", "2"), &world.payload()), "no key of the provider has signed it"),
        (jwt(&rsa, &header("PS256", "1"), &world.payload()), "no key of the provider has signed it"),
        (format!("{head}.{richer}.{signature}"), "no key of the provider has signed it"),
        (format!("{message}."), "no key of the provider has signed it"),
        (jwt(&key, &critical, &world.payload()), "its header asks for an extension that is not known"),
        (jwt(&key, &logout, &world.payload()), "it is a token for another purpose"),
        (jwt(&key, &json!({ "kid": "1" }), &world.payload()), "its header cannot be read"),
        (jwt(&key, &json!([]), &world.payload()), "its header cannot be read"),
        (jwt(&key, &header("ES256", "1"), &json!([7])), "its payload cannot be read"),
        (message.to_owned(), "it is no JWT"),
        (format!("{good}."), "it is no JWT"),
        (format!("{good}="), "it is no JWT"),
        (good.replace('.', " . "), "it is no JWT"),
        (String::new(), "it is no JWT"),
        ("pgw_".to_owned(), "it is no JWT"),
        (format!("{head}.{}.{signature}", "A".repeat(20_000)), "it is too long"),
    ] {
        assert_eq!(world.refusal(&token).await, why, "{token}");
    }
}

#[tokio::test]
async fn invented_key_ids_have_the_keys_fetched_now_and_then_and_no_oftener() {
    let key = Key::ed25519();
    let world = World::with(&[(&key, "1")]).await;
    for round in 0..200 {
        let token = jwt(&key, &header("EdDSA", &format!("invented-{round}")), &world.payload());
        assert_eq!(world.refusal(&token).await, "no key of the provider has signed it");
    }
    assert_eq!(world.fetches(), 1);
    world.clock.advance_secs(30);
    for round in 0..200 {
        let token = jwt(&key, &header("EdDSA", &format!("invented-{round}")), &world.payload());
        world.refusal(&token).await;
    }
    assert_eq!(world.fetches(), 2);
}

#[tokio::test]
async fn keys_come_and_go_without_a_restart() {
    let (old, new) = (Key::ed25519(), Key::p256());
    let world = World::with(&[(&old, "old")]).await;
    let by_old = jwt(&old, &header("EdDSA", "old"), &world.payload());
    let by_new = jwt(&new, &header("ES256", "new"), &world.payload());
    assert!(world.provider.verify(&by_old).await.is_ok());

    world.publishes(|now| now.keys = set(&[(&old, "old"), (&new, "new")]));
    world.clock.advance_secs(31);
    assert!(world.provider.verify(&by_new).await.is_ok(), "a key that is new is asked for");
    assert!(world.provider.verify(&by_old).await.is_ok());

    world.publishes(|now| now.keys = set(&[(&new, "new")]));
    world.provider.refresh().await;
    assert!(world.provider.verify(&by_new).await.is_ok());
    world.refusal(&by_old).await;
}

#[tokio::test]
async fn while_the_provider_is_away_its_last_keys_go_on_for_a_day() {
    let key = Key::ed25519();
    let world = World::with(&[(&key, "1")]).await;
    let token = |world: &World| {
        let mut payload = world.payload();
        let now = world.clock.now().as_secs();
        (payload["iat"], payload["exp"]) = (json!(now), json!(now + 60));
        jwt(&key, &header("EdDSA", "1"), &payload)
    };
    world.publishes(|now| now.status = 503);
    let away = world.provider.verify(&token(&world)).await;
    assert!(matches!(away, Err(NotBelieved::Away(why)) if why.contains("503")), "never reached");

    world.publishes(|now| now.status = 200);
    world.clock.advance_secs(31);
    assert!(world.provider.verify(&token(&world)).await.is_ok());

    // Away, and what it sends in place of keys: none of it takes the place of what is known.
    let page = json!({ "error": "maintenance" });
    let long = json!({ "keys": ["x".repeat(100_000)] });
    for change in [(503, set(&[])), (200, page), (200, long)] {
        world.publishes(|now| (now.status, now.keys) = change);
        world.clock.advance_secs(3_600);
        assert_ne!(world.provider.refresh().await, 600, "tried again soon");
        assert!(world.provider.verify(&token(&world)).await.is_ok());
    }
    world.clock.advance_secs(24 * 3_600);
    let away = world.provider.verify(&token(&world)).await;
    assert!(matches!(away, Err(NotBelieved::Away(_))), "not for ever: {away:?}");

    world.publishes(|now| (now.status, now.keys) = (200, set(&[(&key, "1")])));
    world.clock.advance_secs(31);
    assert!(world.provider.verify(&token(&world)).await.is_ok());
}

#[tokio::test]
async fn a_discovery_document_about_somebody_else_is_not_believed() {
    let key = Key::ed25519();
    let world = World::with(&[(&key, "1")]).await;
    world.publishes(|now| now.issuer = Some("https://elsewhere.example".to_owned()));
    let token = jwt(&key, &header("EdDSA", "1"), &world.payload());
    let away = world.provider.verify(&token).await;
    assert!(
        matches!(&away, Err(NotBelieved::Away(why)) if why.contains("https://elsewhere.example")),
        "{away:?}"
    );

    // Where the operator says where the keys are, nothing is discovered.
    let keys_url = Url::parse(&format!("{}/keys", world.server.base)).ok();
    let options = ProviderOptions { keys_url, ..options(&world.server.base) };
    let provider = Provider::new(options, world.clock.clone()).unwrap();
    assert!(provider.verify(&token).await.is_ok());
}

#[tokio::test]
async fn keys_that_are_not_for_signing_or_not_known_hide_no_other() {
    let (key, secret) = (Key::p256(), Key::p256());
    let world = World::with(&[]).await;
    let with = |name: &str, value: Value| {
        let mut public = secret.public("2");
        public[name] = value;
        public
    };
    for other in [
        with("use", json!("enc")),
        with("key_ops", json!(["encrypt"])),
        with("alg", json!("ES512")),
        with("crv", json!("P-521")),
        with("x", json!("AAAA")),
        json!({ "kty": "oct", "k": "c2VjcmV0", "kid": "2" }),
        json!({ "kty": 7 }),
        json!("key"),
    ] {
        world.publishes(|now| now.keys = json!({ "keys": [other, key.public("1")] }));
        world.provider.refresh().await;
        assert!(world.provider.verify(&jwt(&key, &header("ES256", "1"), &world.payload())).await.is_ok());
        world.refusal(&jwt(&secret, &header("ES256", "2"), &world.payload())).await;
    }
}

proptest! {
    #[test]
    fn any_text_is_read_without_a_panic(token in "[A-Za-z0-9_.=-]{0,200}", parts in proptest::collection::vec(".{0,60}", 3)) {
        let all = [Algorithm::Es256];
        let _ = jwt::Signed::read(&token, &all);
        let encoded: Vec<_> = parts.iter().map(|part| URL_SAFE_NO_PAD.encode(part)).collect();
        if let Ok(signed) = jwt::Signed::read(&encoded.join("."), &all) {
            let _ = signed.payload();
        }
        let _ = jwk::read(parts.concat().as_bytes());
    }
}
