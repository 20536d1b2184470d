//! The sandbox's manners, through real HTTP.

mod access;
mod lists;
mod tickets;

use entity::Timestamp;
use serde_json::{Value, json};

use super::{NableOptions, NableSandbox};
use crate::{
    clock::{Chance, Clock},
    sandbox::frame::{Ground, Sandbox},
};

struct Scene {
    clock: Clock,
    sandbox: NableSandbox,
    http: reqwest::Client,
    key: String,
}

impl Scene {
    #[expect(clippy::disallowed_methods, reason = "the test is a client of its own")]
    async fn start(options: NableOptions) -> Self {
        drop(rustls::crypto::ring::default_provider().install_default());
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy();
        let clock = Clock::manual(Timestamp::from_secs(1_790_000_000));
        let ground = Ground { clock: clock.clone(), chance: Chance::seeded(7) };
        let sandbox = NableSandbox::start(ground, "127.0.0.1:0", options).await.unwrap();
        let key = sandbox.credentials().into_iter().find(|(key, _)| *key == "public_key").unwrap().1;
        Self { clock, sandbox, http: http.build().unwrap(), key }
    }

    async fn usual() -> Self {
        Self::start(NableOptions::default()).await
    }

    fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let url = format!("{}/odata{path}", self.sandbox.url());
        self.http.request(method, url).header("X-API-Key", &self.key)
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        read(self.request("GET", path)).await
    }

    async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        read(self.request("POST", path).json(body)).await
    }

    async fn put(&self, path: &str, body: &Value) -> (u16, Value) {
        read(self.request("PUT", path).json(body)).await
    }

    /// The service item of the customer of that name.
    async fn service_item(&self, customer: &str) -> Value {
        let (_, found) = self.get(&format!("/customers?$filter=CustomerName eq '{customer}'")).await;
        let id = found["value"][0]["CustomerId"].as_str().unwrap();
        let (_, items) = self.get(&format!("/ServiceItems?$filter=CustomerId eq {id}")).await;
        items["value"][0]["ServiceItemId"].clone()
    }

    /// A new ticket's id.
    async fn ticket(&self, title: &str) -> String {
        let item = self.service_item("Northwind Dental").await;
        let body = json!({ "Title": title, "ServiceItemId": item, "Description": "All of it" });
        let (status, made) = self.post("/Tickets", &body).await;
        assert_eq!(status, 201, "{made}");
        made["TicketId"].as_str().unwrap().to_owned()
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
