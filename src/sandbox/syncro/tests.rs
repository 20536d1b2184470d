//! The sandbox's manners, through real HTTP.

mod access;
mod lists;
mod tickets;
mod webhooks;

use entity::Timestamp;
use serde_json::{Value, json};

use super::{SyncroOptions, SyncroSandbox};
use crate::{
    clock::{Chance, Clock},
    sandbox::frame::{Ground, Sandbox},
};

struct Scene {
    clock: Clock,
    sandbox: SyncroSandbox,
    http: reqwest::Client,
    token: String,
}

impl Scene {
    #[expect(clippy::disallowed_methods, reason = "the test is a client of its own")]
    async fn start(options: SyncroOptions) -> Self {
        drop(rustls::crypto::ring::default_provider().install_default());
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy();
        let clock = Clock::manual(Timestamp::from_secs(1_790_000_000));
        let ground = Ground { clock: clock.clone(), chance: Chance::seeded(7) };
        let sandbox = SyncroSandbox::start(ground, "127.0.0.1:0", options).await.unwrap();
        let token = sandbox.credentials().into_iter().find(|(key, _)| *key == "api_key").unwrap().1;
        Self { clock, sandbox, http: http.build().unwrap(), token }
    }

    async fn usual() -> Self {
        Self::start(SyncroOptions::default()).await
    }

    fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        self.http.request(method, format!("{}{path}", self.sandbox.url())).bearer_auth(&self.token)
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        read(self.request("GET", &format!("/api/v1{path}"))).await
    }

    async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        read(self.request("POST", &format!("/api/v1{path}")).json(body)).await
    }

    async fn put(&self, path: &str, body: &Value) -> (u16, Value) {
        read(self.request("PUT", &format!("/api/v1{path}")).json(body)).await
    }

    /// The first customer's id.
    async fn northwind(&self) -> i64 {
        let (_, found) = self.get("/customers?business_name=northwind dental").await;
        found["customers"][0]["id"].as_i64().unwrap()
    }

    /// A new ticket's id.
    async fn ticket(&self, subject: &str) -> i64 {
        let body = json!({
            "customer_id": self.northwind().await, "subject": subject, "problem_type": "Virus",
            "comments_attributes": [
                { "subject": "Initial Issue", "body": "All of it", "hidden": false, "do_not_email": true },
            ],
        });
        let (status, made) = self.post("/tickets", &body).await;
        assert_eq!(status, 200, "{made}");
        made["ticket"]["id"].as_i64().unwrap()
    }
}

/// Status and body; text that is not JSON comes as a string, nothing as null.
async fn read(request: reqwest::RequestBuilder) -> (u16, Value) {
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    let text = answer.text().await.unwrap();
    if text.is_empty() {
        return (status, Value::Null);
    }
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}
