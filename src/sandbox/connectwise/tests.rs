//! The sandbox's manners, through real HTTP.

mod access;
mod callbacks;
mod conditions;
mod lists;
mod tickets;

use entity::Timestamp;
use serde_json::{Value, json};

use super::{ConnectWiseOptions, ConnectWiseSandbox};
use crate::{
    clock::{Chance, Clock},
    sandbox::frame::{Ground, Sandbox},
};

/// The integration's own id, as the vendor's developer site gives it out.
const CLIENT_ID: &str = "7d2f0a53-8f5e-4c0b-9a59-0d8a4c9e2b11";

/// A sandbox with a client that knows the keys.
struct Scene {
    clock: Clock,
    psa: ConnectWiseSandbox,
    http: reqwest::Client,
}

#[expect(clippy::disallowed_methods, reason = "the test is a client of its own")]
fn http() -> reqwest::Client {
    drop(rustls::crypto::ring::default_provider().install_default());
    reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build().unwrap()
}

impl Scene {
    async fn start(options: ConnectWiseOptions) -> Self {
        let clock = Clock::manual(Timestamp::from_secs(1_790_000_000));
        let ground = Ground { clock: clock.clone(), chance: Chance::seeded(7) };
        let psa = ConnectWiseSandbox::start(ground, "127.0.0.1:0", options).await.unwrap();
        Self { clock, psa, http: http() }
    }

    async fn usual() -> Self {
        Self::start(ConnectWiseOptions::default()).await
    }

    fn credential(&self, key: &str) -> String {
        self.psa.credentials().into_iter().find(|(known, _)| *known == key).unwrap().1
    }

    /// A request with everything a good one has, below any codebase.
    fn raw(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let user = format!("{}+{}", self.credential("company_id"), self.credential("public_key"));
        self.http
            .request(method, format!("{}{path}", self.psa.url()))
            .basic_auth(user, Some(self.credential("private_key")))
            .header("clientId", CLIENT_ID)
            .header("accept", "application/vnd.connectwise.com+json; version=2025.16")
    }

    fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        self.raw(method, &format!("/v4_6_release/apis/3.0{path}"))
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        read(self.request("GET", path).send().await.unwrap()).await
    }

    /// A list with a condition.
    async fn list(&self, path: &str, query: &[(&str, &str)]) -> (u16, Value) {
        read(self.request("GET", path).query(query).send().await.unwrap()).await
    }

    async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        read(self.request("POST", path).json(body).send().await.unwrap()).await
    }

    async fn patch(&self, path: &str, body: &Value) -> (u16, Value) {
        read(self.request("PATCH", path).json(body).send().await.unwrap()).await
    }

    async fn set_status(&self, ticket: i64, status: i64) -> (u16, Value) {
        let operation = json!([{ "op": "replace", "path": "status", "value": { "id": status } }]);
        self.patch(&format!("/service/tickets/{ticket}"), &operation).await
    }

    /// A ticket for the first customer.
    async fn ticket(&self, mark: &str) -> i64 {
        let body = json!({ "summary": "Disk full", "company": { "id": 19 }, "externalXRef": mark });
        let (status, answer) = self.post("/service/tickets", &body).await;
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

/// The ids of a list.
fn ids(list: &Value) -> Vec<i64> {
    list.as_array().unwrap().iter().map(|row| row["id"].as_i64().unwrap()).collect()
}
