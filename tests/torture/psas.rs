//! The sandboxes as one sees them from outside: their ledgers and their faults, over HTTP.

use psa_gateway::sandbox::{
    autotask::AutotaskWorld,
    connectwise::ConnectWiseWorld,
    frame::{Calls, Fault, World},
    halo::HaloWorld,
    nable::NableWorld,
    syncro::SyncroWorld,
};
use serde_json::Value;

/// A ticket in a sandbox's ledger: what the auditor looks at.
#[derive(Clone, Debug, Default)]
pub struct LedgerTicket {
    pub id: String,
    /// The gateway's mark on it.
    pub marker: String,
    /// The customer's name in the PSA.
    pub company: String,
    pub title: String,
    /// Closed or deleted.
    pub is_over: bool,
    pub notes: Vec<String>,
}

impl LedgerTicket {
    fn read(ticket: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let notes = ticket["notes"].as_array().into_iter().flatten();
        Self {
            id: ticket["id"].to_string(),
            marker: text(&ticket["marker"]),
            company: text(&ticket["company"]),
            title: text(&ticket["summary"]),
            is_over: ticket["closed"] == true || ticket["deleted"] == true,
            notes: notes.map(|note| text(&note["text"])).collect(),
        }
    }
}

/// A call that a sandbox was asked.
#[derive(Clone, Debug)]
pub struct LedgerCall {
    /// 0 where the connection was cut.
    pub status: u64,
    /// In microseconds.
    pub at: i64,
}

/// One sandbox.
#[derive(Clone, Debug)]
pub struct Psa {
    pub key: String,
    url: String,
    pub credentials: Vec<(String, String)>,
}

impl Psa {
    pub fn new(key: &str, url: &str) -> Self {
        Self { key: key.to_owned(), url: url.to_owned(), credentials: Vec::new() }
    }

    /// What to let fail.
    pub fn calls(&self) -> Calls {
        match self.key.as_str() {
            AutotaskWorld::KEY => AutotaskWorld::CALLS,
            ConnectWiseWorld::KEY => ConnectWiseWorld::CALLS,
            NableWorld::KEY => NableWorld::CALLS,
            SyncroWorld::KEY => SyncroWorld::CALLS,
            _ => HaloWorld::CALLS,
        }
    }

    /// Every ticket that was ever made there.
    pub async fn tickets(&self, http: &reqwest::Client) -> Vec<LedgerTicket> {
        let answer = http.get(format!("{}/_ledger/tickets", self.url)).send().await;
        let ledger: Vec<Value> = answer.expect("the sandbox answers").json().await.expect("a ledger");
        ledger.iter().map(LedgerTicket::read).collect()
    }

    /// The latest calls, ten thousand at the most.
    pub async fn asked(&self, http: &reqwest::Client) -> Vec<LedgerCall> {
        let answer = http.get(format!("{}/_ledger/calls", self.url)).send().await;
        let calls: Vec<Value> = answer.expect("the sandbox answers").json().await.expect("its calls");
        let call = |call: &Value| LedgerCall {
            status: call["status"].as_u64().unwrap_or(0),
            at: call["at"].as_i64().unwrap_or(0),
        };
        calls.iter().map(call).collect()
    }

    /// Lets more go wrong.
    pub async fn fault(&self, http: &reqwest::Client, faults: &[Fault]) {
        let answer = http.post(format!("{}/_faults", self.url)).json(faults).send().await;
        assert!(answer.expect("the sandbox answers").status().is_success(), "the sandbox takes the faults");
    }

    /// What is still to go wrong.
    pub async fn faults(&self, http: &reqwest::Client) -> Vec<Fault> {
        let answer = http.get(format!("{}/_faults", self.url)).send().await;
        answer.expect("the sandbox answers").json().await.expect("its faults")
    }

    /// Nothing goes wrong any more.
    pub async fn heal(&self, http: &reqwest::Client) {
        http.delete(format!("{}/_faults", self.url)).send().await.expect("the sandbox answers");
    }
}
