//! The provider in miniature: keys, discovery, and tokens that say what the test wants.

use std::sync::{Arc, Mutex};

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use entity::Timestamp;
use ring::{
    rand::SystemRandom,
    signature::{self, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RsaKeyPair, RsaPublicKeyComponents},
};
use serde_json::{Value, json};

use super::*;
use crate::{
    outbound::PrivateAddresses,
    psa::canned::{Canned, Play},
};

pub(super) const NOW: i64 = 1_795_262_400;
pub(super) const AUDIENCE: &str = "psa-gateway";

/// A private key of the provider, or of somebody who would like to be it.
pub(super) enum Key {
    Ed25519(Ed25519KeyPair),
    P256(EcdsaKeyPair),
    Rsa(Box<RsaKeyPair>),
}

impl Key {
    pub(super) fn ed25519() -> Self {
        let made = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        Self::Ed25519(Ed25519KeyPair::from_pkcs8(made.as_ref()).unwrap())
    }

    pub(super) fn p256() -> Self {
        let (kind, random) = (&signature::ECDSA_P256_SHA256_FIXED_SIGNING, SystemRandom::new());
        let made = EcdsaKeyPair::generate_pkcs8(kind, &random).unwrap();
        Self::P256(EcdsaKeyPair::from_pkcs8(kind, made.as_ref(), &random).unwrap())
    }

    /// Made once with OpenSSL, for this test: to make one takes long.
    pub(super) fn rsa() -> Self {
        let der = STANDARD.decode(RSA.replace([' ', '\n'], "")).unwrap();
        Self::Rsa(Box::new(RsaKeyPair::from_pkcs8(&der).unwrap()))
    }

    pub(super) fn public(&self, id: &str) -> Value {
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let mut key = match self {
            Self::Ed25519(pair) => {
                json!({ "kty": "OKP", "crv": "Ed25519", "x": text(pair.public_key().as_ref()) })
            }
            Self::P256(pair) => {
                let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
                json!({ "kty": "EC", "crv": "P-256", "x": text(x), "y": text(y) })
            }
            Self::Rsa(pair) => {
                let public = RsaPublicKeyComponents::<Vec<u8>>::from(pair.public());
                json!({ "kty": "RSA", "n": text(&public.n), "e": text(&public.e) })
            }
        };
        key["kid"] = json!(id);
        key["use"] = json!("sig");
        key
    }

    fn sign(&self, algorithm: &str, message: &[u8]) -> Vec<u8> {
        match (self, algorithm) {
            (Self::Ed25519(pair), _) => pair.sign(message).as_ref().to_vec(),
            (Self::P256(pair), _) => pair.sign(&SystemRandom::new(), message).unwrap().as_ref().to_vec(),
            (Self::Rsa(pair), algorithm) => {
                let padding: &dyn signature::RsaEncoding = match algorithm {
                    "PS256" => &signature::RSA_PSS_SHA256,
                    "RS512" => &signature::RSA_PKCS1_SHA512,
                    _ => &signature::RSA_PKCS1_SHA256,
                };
                let mut signed = vec![0; pair.public().modulus_len()];
                pair.sign(padding, &SystemRandom::new(), message, &mut signed).unwrap();
                signed
            }
        }
    }
}

pub(super) fn jwt(key: &Key, header: &Value, payload: &Value) -> String {
    let encode = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
    let message = format!("{}.{}", encode(header), encode(payload));
    let signature = key.sign(header["alg"].as_str().unwrap_or_default(), message.as_bytes());
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// What the provider answers now.
#[derive(Clone)]
pub(super) struct Published {
    pub(super) issuer: Option<String>,
    pub(super) keys: Value,
    pub(super) status: u16,
}

pub(super) struct World {
    pub(super) server: Canned,
    published: Arc<Mutex<Published>>,
    pub(super) provider: Provider,
    pub(super) clock: Clock,
}

impl World {
    pub(super) async fn with(keys: &[(&Key, &str)]) -> Self {
        let published = Arc::new(Mutex::new(Published { issuer: None, keys: set(keys), status: 200 }));
        let (shown, base) = (Arc::clone(&published), Arc::new(Mutex::new(String::new())));
        let own = Arc::clone(&base);
        let server = Canned::start(move |asked| {
            let Published { issuer, keys, status } = shown.lock().unwrap().clone();
            let base = own.lock().unwrap().clone();
            match asked.path.as_str() {
                "/.well-known/openid-configuration" => Play::json(
                    status,
                    &json!({ "issuer": issuer.unwrap_or_else(|| base.clone()), "jwks_uri": format!("{base}/keys") }),
                ),
                "/keys" => Play::json(status, &keys),
                _ => Play::json(404, &json!({})),
            }
        })
        .await;
        server.base.clone_into(&mut base.lock().unwrap());
        let clock = Clock::manual(Timestamp::from_secs(NOW));
        let provider = Provider::new(options(&server.base), clock.clone()).unwrap();
        Self { server, published, provider, clock }
    }

    pub(super) fn publishes(&self, change: impl FnOnce(&mut Published)) {
        change(&mut self.published.lock().unwrap());
    }

    pub(super) fn payload(&self) -> Value {
        json!({
            "iss": self.server.base, "aud": AUDIENCE, "sub": "248289761001", "iat": NOW - 10, "exp": NOW + 300,
            "organization": "acme", "role": "technician", "name": "Dana Smith", "email": "Dana@Example.com",
            "email_verified": true,
        })
    }

    pub(super) fn fetches(&self) -> usize {
        self.server.asked().iter().filter(|asked| asked.path == "/keys").count()
    }

    pub(super) async fn refusal(&self, token: &str) -> &'static str {
        match self.provider.verify(token).await {
            Err(NotBelieved::Refused(why)) => why,
            other => panic!("{token} gives {other:?}"),
        }
    }
}

pub(super) fn set(keys: &[(&Key, &str)]) -> Value {
    json!({ "keys": keys.iter().map(|(key, id)| key.public(id)).collect::<Vec<_>>() })
}

pub(super) fn options(issuer: &str) -> ProviderOptions {
    ProviderOptions {
        issuer: issuer.to_owned(),
        audiences: vec!["another".to_owned(), AUDIENCE.to_owned()],
        keys_url: None,
        algorithms: vec![Algorithm::Rs256, Algorithm::Ps256, Algorithm::Es256, Algorithm::EdDsa],
        claims: ClaimNames {
            organization: "organization".to_owned(),
            role: "role".to_owned(),
            name: "name".to_owned(),
            email: "email".to_owned(),
        },
        roles: Roles::default(),
        trusts_email: false,
        client: ClientOptions {
            allow_private: PrivateAddresses::Listed(vec!["127.0.0.1".to_owned()]),
            max_body: 64 * 1024,
            ..ClientOptions::default()
        },
    }
}

pub(super) fn header(algorithm: &str, id: &str) -> Value {
    json!({ "alg": algorithm, "kid": id, "typ": "JWT" })
}

const RSA: &str = "MIIEvwIBADANBgkqhkiG9w0BAQEFAASCBKkwggSlAgEAAoIBAQDAXRp0F8LKPOB6gXIls8Xg2xg/8P3sSLmU/wTRdxbnkIp/jf7q \
    hoqqsBtGNvhr71V5UncKVL5cCcj1pgsMvOIwxgsuv+q9UVLbGRB6swSNcfDipflWmitpTk3GUi2hfiysoErhFqInUDeC0TBA8Awj \
    jn2y0n0BS/OoxXRiZoV0cOPpmLtiAins+zJrAznTqI4gyOJVgmpi6UOrP+H8sJIHK+88B+FfHlr2Gtbpy8TeYPk25eldTQHFsoLs \
    QvUilNE8jDZZHrrxTcHmj/4OT4LVRkte20NuOY81IQb2TQzTFqcZUfO0VhesmzHiMumSy/vsLiiqY+3DSYJJCH1rqAr3AgMBAAEC \
    ggEABesXZEOoN5FV6rmkKcAf3MIrkH65S+q/jZ5Rp0woWpQviVXKEQHLWbhfWR1Z2UryG0XL6c0fqjSW3Tqa6Re/8cuLY93TEA4P \
    eYmKNew0vfv9HaFeTCl5dRz2oZ0SUFSnH+HdS+g8Bu+d4EV6sZTGcCrzImxSx5Zu9wipgwQvzkbubu91YNVBAYamUr8W4GSYSQYi \
    uVGaDiwzeJpHdfa198hhNU8qpjdQ76znqjb65A0ceKwkOoP7O65SKLOHb6fJ/AKROBPFk6Jk/SNBNIewEDtahkb8hFfmz+2qP0IS \
    SgEUacFFmzShqRRYqXgwdM1OjihuXA6p99H9fv/CkgvGSQKBgQD+Jq6GiX/rFNkX9aydbEvrBthZ5XOmmAZWC7KqAYpz48+SeHjw \
    uMzRKUPbQZistL8qSpMt1XxGhQ54trSpri1mmEcq4opxdBZowmHCAZqqHaPNMJ0oUcEFCwNKNupPOa1DSL7lcjC0sm7xZ9mc7viH \
    zQq/DNaCD+/TFXTXcBhSjQKBgQDBw1oQPkuWTrfatwKxoUgm+tKPMZfAu1Jyc5ydkCO2z+bhWlfNDSm8tqQyZ79VOlk++XMUET9Z \
    JyKvTP+9cbWLbHZ9LsL4Awn8TlgBFNh9e71lzum+bbdotcy2aMGju0OWJ8u4VA9auBEHqgVtsZxDkA13hPX+J5G4N5tny5w0kwKB \
    gQDrpzRGHPJWKDOPisVuBj9yghtTZ3TPsMCXQit8hQc6o64Q8tG46rFG84sunukQoltqvFExu3SK8s7TUR29A3qnWWULt5iE0A4D \
    PtFkERa2y9rY5E2kWAGwSmDXjIm/wgwMikQu/a15rsU943wcjlw1lwJy2VWArYRC5e8733099QKBgQCVqcveMg/2aJUwdh25kIcH \
    vMN44WiC8O3NA6ncNmKvqUR/mmWpN9qeLkEDwgkSzr/ymYEe5feVaFotJ39+F9+PctbO+JiWMtq6rNTi+PQDcNmpUrpPYbXCRnJ6 \
    Ds5LJrEcwV5k4WD+xKA62EPbJ844jYMpZ2UOzAeNUD5UXPwpywKBgQCQVPavpkQVndn1lYMFnvHtDQPgcmS/rzSLB7jat4fkLBwy \
    FchLn8XvC8sPUoyoUdIOdWo5Acnz9Hq9+25jc/47ak1j7qy3GrSdfYhIcFBq52FE/t/hdRwUOlHHSFA5QnXcmPYBJcQXyJkSqGmR \
    jNsHAU4WcCgoDHF2m/Q87Y9Xxg==";
