//! The sandbox's manners, through real HTTP.

mod access;
mod faults;
mod lists;
mod tickets;
mod webhooks;

use entity::Timestamp;
use serde_json::{Value, json};

use super::{HaloOptions, HaloSandbox};
use crate::{
    clock::{Chance, Clock},
    sandbox::frame::{Ground, Sandbox as _},
};

/// A sandbox with a client that has signed in.
struct Scene {
    clock: Clock,
    halo: HaloSandbox,
    http: reqwest::Client,
    token: String,
}

#[expect(clippy::disallowed_methods, reason = "the test is a client of its own")]
fn http() -> reqwest::Client {
    drop(rustls::crypto::ring::default_provider().install_default());
    reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build().unwrap()
}

impl Scene {
    async fn start(options: HaloOptions) -> Self {
        let clock = Clock::manual(Timestamp::from_secs(1_790_000_000));
        let ground = Ground { clock: clock.clone(), chance: Chance::seeded(7) };
        let halo = HaloSandbox::start(ground, "127.0.0.1:0", options).await.unwrap();
        let mut scene = Self { clock, halo, http: http(), token: String::new() };
        let (status, answer) = scene.sign_in(&scene.credential("client_secret"), "all", "").await;
        assert_eq!(status, 200);
        scene.token = answer["access_token"].as_str().unwrap().to_owned();
        scene
    }

    async fn usual() -> Self {
        Self::start(HaloOptions::default()).await
    }

    fn credential(&self, key: &str) -> String {
        let form = self.halo.credentials();
        form.into_iter().find(|(known, _)| *known == key).unwrap().1
    }

    async fn sign_in(&self, secret: &str, scope: &str, query: &str) -> (u16, Value) {
        let id = self.credential("client_id");
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", id.as_str()),
            ("client_secret", secret),
            ("scope", scope),
        ];
        let request = self.http.post(format!("{}/auth/token{query}", self.halo.url())).form(&form);
        read(request.send().await.unwrap()).await
    }

    fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        self.http.request(method, format!("{}{path}", self.halo.url())).bearer_auth(&self.token)
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        read(self.request("GET", path).send().await.unwrap()).await
    }

    async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        read(self.request("POST", path).json(body).send().await.unwrap()).await
    }

    async fn ticket(&self, marker: &str) -> i64 {
        let body = json!([{ "summary": "Disk full", "client_id": 12, "tickettype_id": 21, "supplier_reference": marker }]);
        let (status, answer) = self.post("/api/Tickets", &body).await;
        assert_eq!(status, 201, "{answer}");
        answer["id"].as_i64().unwrap()
    }
}

/// Status and body; text that is not JSON comes as a string, nothing as null.
async fn read(answer: reqwest::Response) -> (u16, Value) {
    let status = answer.status().as_u16();
    let text = answer.text().await.unwrap();
    if text.is_empty() {
        return (status, Value::Null);
    }
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}
