//! An identity provider in miniature: one key, discovery, and tokens that say what the test wants.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use actix_web::{App, HttpResponse, HttpServer, web};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use psa_gateway::clock::Clock;
use ring::{
    rand::SystemRandom,
    signature::{Ed25519KeyPair, KeyPair as _},
};
use serde_json::{Value, json};

/// The provider.
pub struct IdentityProvider {
    /// Its issuer.
    pub issuer: String,
    /// Whether it answers 503.
    pub is_down: Arc<AtomicBool>,
    key: Ed25519KeyPair,
    clock: Clock,
}

impl IdentityProvider {
    /// On a port of its own, by this clock.
    pub async fn start(clock: Clock) -> Self {
        let made = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).expect("a key");
        let key = Ed25519KeyPair::from_pkcs8(made.as_ref()).expect("the key");
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let issuer = format!("http://{}", listener.local_addr().expect("an address"));
        let is_down = Arc::new(AtomicBool::new(false));
        let public = json!({ "keys": [{
            "kty": "OKP", "crv": "Ed25519", "kid": "1", "x": URL_SAFE_NO_PAD.encode(key.public_key().as_ref()),
        }] });
        let document = json!({ "issuer": issuer, "jwks_uri": format!("{issuer}/keys") });
        let down = Arc::clone(&is_down);
        let answer = move |body: &Value| {
            if down.load(Ordering::SeqCst) {
                HttpResponse::ServiceUnavailable().finish()
            } else {
                HttpResponse::Ok().json(body)
            }
        };
        let server = HttpServer::new(move || {
            let (keys, about) = (answer.clone(), answer.clone());
            let (public, document) = (public.clone(), document.clone());
            App::new().route("/keys", web::get().to(move || std::future::ready(keys(&public)))).route(
                "/.well-known/openid-configuration",
                web::get().to(move || std::future::ready(about(&document))),
            )
        });
        tokio::spawn(server.workers(1).disable_signals().listen(listener).expect("it listens").run());
        Self { issuer, is_down, key, clock }
    }

    /// A token for a subject with these claims, good for an hour.
    pub fn token(&self, subject: &str, claims: &Value) -> String {
        let now = self.clock.now().as_secs();
        let mut payload = json!({
            "iss": self.issuer, "aud": "psa-gateway", "sub": subject, "iat": now, "exp": now + 3_600,
        });
        for (name, value) in claims.as_object().expect("claims") {
            payload[name] = value.clone();
        }
        let encode = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
        let message = format!("{}.{}", encode(&json!({ "alg": "EdDSA", "kid": "1" })), encode(&payload));
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(self.key.sign(message.as_bytes())))
    }
}
