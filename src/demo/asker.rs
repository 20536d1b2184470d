//! A client of our own public API.
#![expect(clippy::indexing_slicing, reason = "only JSON values are indexed: what is not there is null")]

use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use serde_json::{Value, json};

/// Asks GraphQL, and posts webhooks.
pub(super) struct Asker {
    http: reqwest::Client,
    base: String,
    token: String,
}

impl Asker {
    #[expect(clippy::disallowed_methods, reason = "calls this gateway itself, on this machine")]
    pub(super) fn new(base: &str, token: &str) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(20)).build()?;
        Ok(Self { http, base: base.to_owned(), token: token.to_owned() })
    }

    pub(super) fn graphql_url(&self) -> String {
        format!("{}/graphql", self.base)
    }

    pub(super) fn token(&self) -> &str {
        &self.token
    }

    pub(super) fn http(&self) -> &reqwest::Client {
        &self.http
    }

    /// The data of an answer; an error where anything went wrong, the user's own errors included.
    pub(super) async fn ask(&self, query: &str, variables: Value) -> anyhow::Result<Value> {
        let request = self.http.post(self.graphql_url()).bearer_auth(&self.token);
        let answer = request.json(&json!({ "query": query, "variables": variables })).send().await?;
        let mut answer: Value = answer.json().await.context("the gateway answered no JSON")?;
        ensure!(answer.get("errors").is_none(), "GraphQL answered {}", answer["errors"]);
        for (field, payload) in answer["data"].as_object().into_iter().flatten() {
            let problems = payload.get("userErrors").and_then(Value::as_array);
            if problems.is_some_and(|problems| !problems.is_empty()) {
                bail!("{field}: {}", payload["userErrors"]);
            }
        }
        Ok(answer["data"].take())
    }

    /// Asks until `is_so` holds, for 30 seconds at the most.
    pub(super) async fn until(
        &self,
        what: &str,
        query: &str,
        variables: Value,
        is_so: impl Fn(&Value) -> bool,
    ) -> anyhow::Result<Value> {
        let mut last = Value::Null;
        for _ in 0..300 {
            last = self.ask(query, variables.clone()).await?;
            if is_so(&last) {
                return Ok(last);
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        bail!("waited 30 s in vain for this: {what}; the last answer was {last}")
    }
}
