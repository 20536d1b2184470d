//! The sandbox's manners, through real HTTP.

mod access;
mod faults;
mod queries;
mod receiver;
mod tickets;
mod webhooks;

use std::collections::BTreeMap;

use entity::Timestamp;
use serde_json::{Value, json};

use super::{AutotaskOptions, AutotaskSandbox};
use crate::{
    clock::{Chance, Clock},
    sandbox::frame::{Ground, Instance, Sandbox as _},
};

/// A running sandbox and a client with its credentials.
struct Scene {
    clock: Clock,
    autotask: AutotaskSandbox,
    http: reqwest::Client,
    logins: BTreeMap<&'static str, String>,
}

#[expect(clippy::disallowed_methods, reason = "the test is a client of its own")]
fn http() -> reqwest::Client {
    drop(rustls::crypto::ring::default_provider().install_default());
    reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build().unwrap()
}

impl Scene {
    async fn start(options: AutotaskOptions) -> Self {
        let clock = Clock::manual(Timestamp::parse_rfc3339("2026-11-21T10:00:00Z").unwrap());
        let ground = Ground { clock: clock.clone(), chance: Chance::seeded(7) };
        let autotask: AutotaskSandbox = Instance::start(ground, "127.0.0.1:0", options).await.unwrap();
        let logins = autotask.credentials().into_iter().collect();
        Self { clock, autotask, http: http(), logins }
    }

    async fn usual() -> Self {
        Self::start(AutotaskOptions::default()).await
    }

    /// A request to a path below `V1.0/`, with the three headers.
    fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        self.request_at(method, &format!("/ATServicesRest/V1.0/{path}"))
    }

    /// A request to a whole path, with the three headers.
    fn request_at(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        self.bare(method, path)
            .header("ApiIntegrationCode", &self.logins["integration_code"])
            .header("UserName", &self.logins["username"])
            .header("Secret", &self.logins["secret"])
    }

    /// A request without credentials.
    fn bare(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        self.http.request(method, format!("{}{path}", self.autotask.url()))
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        read(self.request("GET", path)).await
    }

    async fn send(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        read(self.request(method, path).json(&body)).await
    }

    async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        self.send("POST", path, body).await
    }

    /// What a query finds, by one condition.
    async fn find(&self, entity: &str, op: &str, field: &str, value: Value) -> (u16, Value) {
        let filter = json!([{ "op": op, "field": field, "value": value }]);
        self.post(&format!("{entity}/query"), json!({ "filter": filter })).await
    }

    async fn ticket(&self, external_id: &str) -> i64 {
        let mut body = ticket();
        body["externalID"] = json!(external_id);
        let (status, answer) = self.post("Tickets", body).await;
        assert_eq!(status, 200, "{answer}");
        answer["itemId"].as_i64().unwrap()
    }

    async fn item(&self, path: &str) -> Value {
        self.get(path).await.1["item"].take()
    }
}

/// A ticket that is taken.
fn ticket() -> Value {
    json!({
        "companyID": 175, "title": "Disk full", "status": 1, "priority": 2, "queueID": 29_683_354,
        "dueDateTime": "2026-11-24T17:00:00Z",
    })
}

/// The reason of a refusal, where there is one alone.
fn reason(answer: &(u16, Value)) -> &str {
    assert_eq!((answer.0, answer.1["errors"].as_array().unwrap().len()), (500, 1), "{answer:?}");
    answer.1["errors"][0].as_str().unwrap()
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
