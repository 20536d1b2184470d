//! One answer, before it is put on the wire.

use serde_json::Value;

const JSON: &str = "application/json; charset=utf-8";

/// An answer.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// None where there is no such header.
    pub content_type: Option<&'static str>,
    /// Further headers.
    pub headers: Vec<(&'static str, String)>,
    /// The bytes.
    pub body: Vec<u8>,
    /// Milliseconds of real time before it goes out: a vendor that slows callers down.
    pub delay_ms: u64,
}

impl Reply {
    /// A JSON body.
    pub fn json(status: u16, body: &Value) -> Self {
        Self::text(status, JSON, body.to_string())
    }

    /// 200 with a JSON body.
    pub fn ok(body: &Value) -> Self {
        Self::json(200, body)
    }

    /// No body at all.
    pub fn empty(status: u16) -> Self {
        Self { status, content_type: None, headers: Vec::new(), body: Vec::new(), delay_ms: 0 }
    }

    /// Any text.
    pub fn text(status: u16, content_type: &'static str, body: impl Into<String>) -> Self {
        Self { content_type: Some(content_type), body: body.into().into_bytes(), ..Self::empty(status) }
    }

    /// A page for people, as gateways in front of an API send.
    pub fn html(status: u16, title: &str) -> Self {
        let page = format!(
            "<!DOCTYPE html><html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>"
        );
        Self::text(status, "text/html; charset=utf-8", page)
    }

    /// With one more header.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}
