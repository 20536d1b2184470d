//! Asking the gateway over its public API, as its users do.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// A client of one or several nodes.
#[derive(Clone, Debug)]
pub struct Asker {
    pub http: reqwest::Client,
    pub token: String,
    pub bases: Vec<String>,
}

impl Asker {
    /// The data of an answer without errors. Asks the nodes in turn until one answers: they may be down.
    pub async fn ask(&self, query: &str, variables: Value) -> Value {
        let end = Instant::now() + Duration::from_mins(2);
        let body = json!({ "query": query, "variables": variables });
        let mut last = String::new();
        while Instant::now() < end {
            for base in &self.bases {
                let request = self.http.post(format!("{base}/graphql")).bearer_auth(&self.token).json(&body);
                match request.timeout(Duration::from_secs(30)).send().await {
                    Err(error) => last = error.to_string(),
                    Ok(answer) => match answer.json::<Value>().await {
                        Err(error) => last = error.to_string(),
                        Ok(answer) if is_fine(&answer) => return answer["data"].clone(),
                        Ok(answer) => last = answer.to_string(),
                    },
                }
            }
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
        panic!("asked in vain for two minutes: {query}\n{variables}\nthe last answer was {last}")
    }

    /// The text at a place of the data.
    pub async fn ask_for(&self, pointer: &str, query: &str, variables: Value) -> String {
        let data = self.ask(query, variables).await;
        let found = data.pointer(pointer).and_then(Value::as_str);
        found.unwrap_or_else(|| panic!("no {pointer} in {data}")).to_owned()
    }
}

/// Neither errors, nor the user's own.
fn is_fine(answer: &Value) -> bool {
    let problems = |payload: &Value| payload["userErrors"].as_array().map_or(0, Vec::len);
    answer.get("errors").is_none()
        && answer["data"].as_object().is_some_and(|data| data.values().all(|payload| problems(payload) == 0))
}
