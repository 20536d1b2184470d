//! What a scanner says.

use serde_json::{Value, json};

use super::gateway::START;

/// An event in the making.
#[derive(Clone, Debug)]
pub struct Finding(Value);

/// A critical finding of that key at Northwind Dental, seen when the test begins.
pub fn finding(key: &str) -> Finding {
    Finding(json!({
        "kind": "finding.opened",
        "source": "scanner",
        "client_ref": "northwind",
        "finding_key": key,
        "severity": "critical",
        "title": format!("{key} on web-1"),
        "occurred_at": entity::Timestamp::from_secs(START).rfc3339(),
        "asset": { "uid": "host-17", "name": "web-1" },
    }))
}

impl Finding {
    /// With another field of the event.
    pub fn with(mut self, key: &str, value: Value) -> Self {
        self.0[key] = value;
        self
    }

    /// Said so many minutes after the test began.
    pub fn at(self, minutes: i64) -> Self {
        self.with("occurred_at", json!(entity::Timestamp::from_secs(START + minutes * 60).rfc3339()))
    }

    /// Said when it is received.
    pub fn now(mut self) -> Self {
        self.0.as_object_mut().expect("an object").remove("occurred_at");
        self
    }

    /// Of another customer.
    pub fn of(self, client_ref: &str) -> Self {
        self.with("client_ref", json!(client_ref))
    }

    /// Of another severity.
    pub fn severity(self, severity: &str) -> Self {
        self.with("severity", json!(severity))
    }

    /// Of another kind.
    pub fn kind(self, kind: &str) -> Self {
        self.with("kind", json!(kind))
    }

    /// With a known vulnerability behind it.
    pub fn vulnerability(self, vuln: &Value) -> Self {
        self.with("vulns", json!([vuln]))
    }

    /// Over.
    pub fn resolved(self) -> Self {
        self.kind("finding.resolved")
    }

    /// As it is sent.
    pub fn json(&self) -> Value {
        self.0.clone()
    }
}
